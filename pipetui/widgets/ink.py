"""Tones to styles: what all painted widgets share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from pipetui.viewmodel.lines import Line, Span, Tone

if TYPE_CHECKING:
    from pipetui.ui import PipetuiApp


_ASCII = str.maketrans({"·": "-", "…": "~", "—": "-", "–": "-", "→": ">", "×": "x"})
"""What our own words use beside letters, for terminals without Unicode; all one cell wide."""


class Inked(Widget):
    """A widget that paints toned lines in the theme's colours."""

    def strip(self, line: Line, *, cursor: bool = False) -> Strip:
        """A fitted line as Textual paints it."""
        ui = cast("PipetuiApp", self.app)
        paper = self.rich_style + ui.inks.cursor if cursor else self.rich_style
        table: dict[int, str] = {} if ui.look.unicode else _ASCII
        tones = ui.inks.tones
        return Strip(
            [Segment(one.text.translate(table), paper + tones[one.tone]) for one in _joined(line)]
        )


class Inks:
    """The colours of a theme, as styles for each tone.

    Args:
        colors: the theme's, by the names of its variables.
        reverse: show the cursor's row reversed; a terminal with few colours or none needs that.
    """

    # Component classes would do the same, but each costs a pass over the stylesheet per widget.

    def __init__(self, colors: Mapping[str, str], *, reverse: bool = False) -> None:
        def ink(name: str, bold: bool = False) -> Style:
            return Style(color=colors[name].removeprefix("ansi_"), bold=bold or None)

        self.cursor = Style(reverse=True) if reverse else Style(bgcolor=colors["ink-cursor"])
        self.tones = {
            Tone.PLAIN: ink("foreground"),
            Tone.STRONG: ink("ink-strong", bold=True),
            Tone.DIM: ink("ink-dim"),
            Tone.FAINT: ink("ink-faint"),
            Tone.ACCENT: ink("accent"),
            Tone.GOOD: ink("success"),
            Tone.BAD: ink("error"),
            Tone.WAIT: ink("warning"),
        }


def _joined(line: Line) -> list[Span]:
    """The line with spaces joined to what stands before them: each style costs 40 bytes."""
    parts: list[Span] = []
    for span in line:
        if parts and (span.tone is parts[-1].tone or span.text.isspace()):
            parts[-1] = Span(parts[-1].text + span.text, parts[-1].tone)
        elif span.text:
            parts.append(span)
    return parts
