"""Rows of a log as coloured segments of exact width. Pure.

Log text becomes segments, never markup, and has been made harmless before it comes here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from pipetui.logview.edge import HEAT
from pipetui.logview.frame import BADGE, Frame
from pipetui.logview.rows import Row
from pipetui.logview.sgr import INKS, Ink

LEVELS = ("error", "warning", "debug")
OVERLAID = ("hit", "current", "picked", *INKS)
"""Names of the styles that are laid over others."""
STYLES = (*LEVELS, *OVERLAID, "track", "badge")
"""Names of the styles beside "text"."""

_ORIGINS = ("cyan", "yellow", "magenta", "green", "blue", "red")
"""Colours of the merged logs, one after another."""
_MANNERS = {name: Style.parse(name) for name in ("bold", "dim", "italic", "underline")}
_HIGHLIGHTED = 4_000
"""Characters of a row in which hits are highlighted: enough for any screen."""
_MARKED = 4
"""Cells of text from which a cut line is marked as one."""
_CHARACTERS = 4
"""Characters that a cell may hold."""


@dataclass(frozen=True, slots=True)
class Signs:
    """The characters of the gutter, the edge, the badge, and of lines cut before or behind."""

    error: str
    warning: str
    block: str
    bookmark: str
    thumb: str
    down: str
    hot: str
    warm: str
    before: str
    behind: str


UNICODE = Signs("✖", "!", "│", "◆", "┃", "▼", "█", "▒", "‹", "›")
ASCII = Signs("x", "!", "|", "*", "#", "v", "=", "-", "<", ">")


@dataclass(frozen=True, slots=True)
class Painter:
    """Paints rows with a theme's styles, by their names in `STYLES`, and with signs."""

    styles: Mapping[str, Style]
    signs: Signs

    def row(self, frame: Frame, y: int) -> Strip:
        """A row: gutter, text and edge, the badge over the end of the last one."""
        row = frame.row(y)
        if row is None:
            strip = Strip.blank(frame.gutter + frame.width, self.styles["text"])
        else:
            strip = Strip(self._gutter(row, frame)) + self._text(row, frame)
        strip = (strip + Strip(self._edge(frame, y))).simplify()
        return self._badge(strip, frame.new) if frame.new and y == frame.height - 1 else strip

    def note(self, frame: Frame, text: str) -> Strip:
        """The first row of a screen without any: a harmless text that says why."""
        told = set_cell_size(" " * frame.gutter + text, frame.gutter + frame.width)
        return Strip([Segment(told, self.styles["debug"]), *self._edge(frame, 0)])

    def _badge(self, strip: Strip, new: int) -> Strip:
        text = f" +{new:,} new {self.signs.down} "
        if len(text) > min(BADGE, strip.cell_length):
            return strip
        badge = Strip([Segment(text, self.styles["badge"])])
        return strip.crop(0, strip.cell_length - len(text)) + badge

    def _gutter(self, row: Row, frame: Frame) -> list[Segment]:
        signs, styles = self.signs, self.styles
        mark = signs.bookmark if row.marked else " "
        sign, style = " ", styles["text"]
        if row.level >= 40:
            sign, style = signs.error if row.head else signs.block, styles["error"]
        elif row.level >= 30:
            sign, style = signs.warning if row.head else signs.block, styles["warning"]
        segments = [Segment(sign + mark, style)]
        if frame.names:
            name = frame.names[row.origin] if row.origin < len(frame.names) else ""
            hue = styles["text"] + styles[_ORIGINS[row.origin % len(_ORIGINS)]]
            segments.append(Segment(set_cell_size(name, frame.gutter - 3) + " ", hue))
        return segments

    def _edge(self, frame: Frame, y: int) -> list[Segment]:
        kind = frame.track_at(y)
        if kind == "x":
            track = Segment(self.signs.error, self.styles["error"])
        else:
            track = Segment(self.signs.thumb if kind == "." else " ", self.styles["track"])
        if not frame.heat:
            return [track]
        errors, warnings = frame.heat_at(y)
        return [
            track,
            Segment(self.signs.hot * errors, self.styles["error"]),
            Segment(self.signs.warm * warnings, self.styles["warning"]),
            Segment(" " * (HEAT - errors - warnings), self.styles["text"]),
        ]

    def _text(self, row: Row, frame: Frame) -> Strip:
        style = self.styles[_STYLE_OF.get(row.level, "text")]
        if row.current:
            style += self.styles["current"]
        if row.picked:
            style += self.styles["picked"]
        left, right = frame.left, frame.left + frame.width
        strip = Strip(self._segments(row, frame, style))
        goes_on = (len(row.text) if row.text.isascii() else strip.cell_length) > right
        strip = strip.crop(left, right).adjust_cell_length(frame.width, style)
        if frame.width < _MARKED:
            return strip
        # In the colour of the track beside it: one run of cells for the terminal, not two.
        cut = style + self.styles["track"]
        if goes_on:
            strip = strip.crop(0, frame.width - 1) + Strip([Segment(self.signs.behind, cut)], 1)
        if left and row.text:
            strip = Strip([Segment(self.signs.before, cut)], 1) + strip.crop(1)
        return strip

    def _segments(self, row: Row, frame: Frame, style: Style) -> list[Segment]:
        reach = frame.left + frame.width
        text = row.text[: reach if row.text.isascii() else _CHARACTERS * reach]
        inks = [cut for ink in row.inks if (cut := ink.cut(0, len(text)))]
        segments: list[Segment] = []
        end = 0
        if frame.pattern is not None:
            hit = style + self.styles["hit"]
            for match in frame.pattern.finditer(text, 0, _HIGHLIGHTED):
                if match.end() > match.start():
                    segments += self._inked(text, end, match.start(), inks, style)
                    segments.append(Segment(match[0], hit))
                    end = match.end()
        return segments + self._inked(text, end, len(text), inks, style)

    def _inked(
        self, text: str, start: int, end: int, inks: list[Ink], style: Style
    ) -> list[Segment]:
        """A part of a row in its own colours."""
        segments: list[Segment] = []
        for ink in inks:
            low, high = max(start, ink.start), min(end, ink.end)
            if low < high:
                segments.append(Segment(text[start:low], style))
                segments.append(Segment(text[low:high], self._over(style, ink)))
                start = high
        segments.append(Segment(text[start:end], style))
        return segments

    def _over(self, style: Style, ink: Ink) -> Style:
        if ink.hue:
            style += self.styles[ink.hue]
        for manner in ink.manner.split():
            style += _MANNERS[manner]
        return style


_STYLE_OF = {40: "error", 30: "warning", 10: "debug"}
