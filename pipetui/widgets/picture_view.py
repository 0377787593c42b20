"""A picture in a terminal: half blocks in its colours, shades of ink where there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from pipetui.viewmodel.halfblocks import UPPER, Colour, rows, shades
from pipetui.viewmodel.lines import BLANK, fit, words
from pipetui.widgets.ink import Inked

if TYPE_CHECKING:
    from engine.api import Picture
    from pipetui.ui import PipetuiApp


class PictureView(Inked):
    """Shows a picture that was made to fit, at its left upper corner."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._picture: Picture | None = None
        self._strips: list[Strip] = []

    @property
    def picture(self) -> Picture | None:
        """What is shown."""
        return self._picture

    def show(self, picture: Picture | None) -> None:
        """Another picture, or none."""
        if picture != self._picture:
            self._picture = picture
            self._strips = self._painted(picture) if picture else []
            self.refresh()

    def _painted(self, picture: Picture) -> list[Strip]:
        ui = cast("PipetuiApp", self.app)
        if ui.no_color or not ui.look.unicode:
            dark = ui.no_color or ui.current_theme.dark
            told = shades(picture, unicode=ui.look.unicode, dark=dark)
            return [self.strip(words(text)) for text in told]
        return [
            Strip([Segment(UPPER * count, _style(upper, lower)) for count, upper, lower in runs])
            for runs in rows(picture)
        ]

    def render_line(self, y: int) -> Strip:
        """A row of the picture."""
        blank = self.strip(fit(BLANK, self.size.width))
        if y >= len(self._strips):
            return blank
        strip = self._strips[y]
        rest = blank.crop(0, max(0, self.size.width - strip.cell_length))
        return Strip.join([strip, rest]).crop(0, self.size.width)


def _style(upper: Colour, lower: Colour | None) -> Style:
    below = f"#{lower[0]:02x}{lower[1]:02x}{lower[2]:02x}" if lower else None
    return Style(color=f"#{upper[0]:02x}{upper[1]:02x}{upper[2]:02x}", bgcolor=below)
