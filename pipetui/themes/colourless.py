"""No colour at all, for ``NO_COLOR``: bold, underlined and reversed stay."""

from __future__ import annotations

from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter


class Colourless(LineFilter):
    """Takes every colour away; Textual's own filter makes greys of them."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Segments in their attributes alone."""
        return [Segment(text, _attributes(style), None) for text, style, _ in segments]


@lru_cache(1024)
def _attributes(style: Style | None) -> Style | None:
    return None if style is None else style.without_color
