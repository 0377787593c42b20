"""Tones to styles: what all painted widgets share."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from pipetui.viewmodel.lines import Line, Tone


class Inked(Widget):
    """A widget that paints toned lines in the theme's colours."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"ink--{tone}" for tone in Tone} | {"ink--cursor"}

    def style_of(self, tone: Tone) -> Style:
        """The style of a tone on this widget's background."""
        return self.get_component_rich_style(f"ink--{tone}")

    def strip(self, line: Line, *, cursor: bool = False) -> Strip:
        """A fitted line as Textual paints it."""
        lifted = Style()
        if cursor:
            background = self.get_component_rich_style("ink--cursor")
            lifted = Style(bgcolor=background.bgcolor)
        return Strip([Segment(span.text, self.style_of(span.tone) + lifted) for span in line])
