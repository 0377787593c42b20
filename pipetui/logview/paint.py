"""Rows of a log as coloured segments of exact width. Pure.

Log text becomes segments, never markup, and has been made harmless before it comes here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from pipetui.logview.frame import BADGE, GUTTER, Frame
from pipetui.logview.rows import Row

STYLES = ("error", "warning", "debug", "hit", "current", "track", "badge")
"""Names of the styles beside "text"; "hit" and "current" are laid over the others."""

_HIGHLIGHTED = 4_000
"""Characters of a row in which hits are highlighted: enough for any screen."""


@dataclass(frozen=True, slots=True)
class Signs:
    """The characters of the gutter, the track and the badge."""

    error: str
    warning: str
    block: str
    thumb: str
    down: str


UNICODE = Signs(error="✖", warning="!", block="│", thumb="┃", down="▼")
ASCII = Signs(error="x", warning="!", block="|", thumb="#", down="v")


@dataclass(frozen=True, slots=True)
class Painter:
    """Paints rows with a theme's styles, by their names in `STYLES`, and with signs."""

    styles: Mapping[str, Style]
    signs: Signs

    def row(self, frame: Frame, y: int) -> Strip:
        """A row: gutter, text and track, the badge over the end of the last one."""
        row = frame.row(y)
        if row is None:
            strip = Strip.blank(GUTTER + frame.width, self.styles["text"])
        else:
            strip = Strip([self._gutter(row)]) + self._text(row, frame)
        strip += Strip([self._track(frame.track_at(y))])
        return self._badge(strip, frame.new) if frame.new and y == frame.height - 1 else strip

    def _badge(self, strip: Strip, new: int) -> Strip:
        text = f" +{new:,} new {self.signs.down} "
        if len(text) > min(BADGE, strip.cell_length):
            return strip
        badge = Strip([Segment(text, self.styles["badge"])])
        return strip.crop(0, strip.cell_length - len(text)) + badge

    def _gutter(self, row: Row) -> Segment:
        signs = self.signs
        if row.level >= 40:
            return Segment(f"{signs.error if row.head else signs.block} ", self.styles["error"])
        if row.level >= 30:
            return Segment(f"{signs.warning if row.head else signs.block} ", self.styles["warning"])
        return Segment("  ", self.styles["text"])

    def _track(self, kind: str) -> Segment:
        if kind == "x":
            return Segment(self.signs.error, self.styles["error"])
        return Segment(self.signs.thumb if kind == "." else " ", self.styles["track"])

    def _text(self, row: Row, frame: Frame) -> Strip:
        style = self.styles[_STYLE_OF.get(row.level, "text")]
        if row.current:
            style += self.styles["current"]
        left, right = frame.left, frame.left + frame.width
        strip = Strip(self._segments(row.text, frame, style))
        return strip.crop(left, right).adjust_cell_length(frame.width, style)

    def _segments(self, text: str, frame: Frame, style: Style) -> list[Segment]:
        if text.isascii():
            text = text[: frame.left + frame.width]
        segments: list[Segment] = []
        end = 0
        if frame.pattern is not None:
            hit = style + self.styles["hit"]
            for match in frame.pattern.finditer(text, 0, _HIGHLIGHTED):
                if match.end() > match.start():
                    segments.append(Segment(text[end : match.start()], style))
                    segments.append(Segment(match[0], hit))
                    end = match.end()
        segments.append(Segment(text[end:], style))
        return segments


_STYLE_OF = {40: "error", 30: "warning", 10: "debug"}
