"""A picture as sequences for a terminal, within a number of bytes. Needs Pillow.

Pixels are all that comes from a picture's file; every byte that is sent is made here.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any

from pipetui.term import kitty, sixel
from pipetui.term.clipboard import tmux_passthrough
from pipetui.term.graphics import Means, Size

if TYPE_CHECKING:
    from engine.api import Picture

STRIPS = 12
"""Most sixel pictures that one is sent in; xterm keeps sixteen."""
_LEAST = 16
"""Pixels of the shorter side below which nothing is made smaller."""
_AIM = 0.9
"""Part of the bytes allowed that a smaller picture is to take."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """What draws a picture.

    Args:
        parts: sequences to be written whole, in order; each finds its own place.
        size: pixels that are sent.
        stop: ends what was begun, where not all parts are written.
        erase: takes away what cells that are painted do not.
    """

    parts: tuple[str, ...]
    size: Size
    stop: str = ""
    erase: str = ""

    @property
    def bytes(self) -> int:
        """How long it is."""
        return sum(map(len, self.parts))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a picture is drawn.

    Args:
        row: of the upper left cell, from 0.
        cell: pixels of a cell.
        room: pixels that the picture may have.
        budget: bytes that the drawing may take.
        colours: that a sixel picture may have.
        wrapped: whether tmux is to hand the sequences on.
    """

    row: int
    cell: Size
    room: Size
    budget: int
    colours: int = sixel.COLOURS
    wrapped: bool = False

    def at(self, row: int, sequence: str) -> str:
        """A sequence with the way to a row before it."""
        return f"\x1b[{self.row + row + 1};1H{sequence}"


def draw(picture: Picture, means: Means, place: Place) -> Drawing:
    """A picture by kitty's protocol or by sixel, made smaller until it is within the budget."""
    from PIL import Image

    make = _kitty if means is Means.KITTY else _sixel
    full = image = Image.frombytes("RGB", (picture.width, picture.height), picture.pixels)
    while (drawing := make(image, place, full.size)).bytes > place.budget:
        scale = sqrt(_AIM * place.budget / drawing.bytes)
        size = (round(image.width * scale), round(image.height * scale))
        if min(size) < _LEAST:
            break
        image = full.resize(size, Image.Resampling.LANCZOS)
    return _wrapped(drawing) if place.wrapped else drawing


def _kitty(image: Any, place: Place, shown: Size) -> Drawing:
    """The terminal stretches what was made smaller to the cells that it is to take."""
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    cells = None
    if image.size != shown:
        cells = (ceil(shown[0] / place.cell[0]), ceil(shown[1] / place.cell[1]))
    # It is placed where the cursor is at the last chunk, and cells are painted in between.
    parts = tuple(place.at(0, chunk) for chunk in kitty.show(file.getvalue(), cells))
    return Drawing(parts, image.size, kitty.END, kitty.DELETE)


def _sixel(image: Any, place: Place, shown: Size) -> Drawing:
    """In strips of whole cells, each a picture of its own, so that any of them can be the last."""
    from PIL import Image

    few = image.quantize(min(sixel.COLOURS, place.colours), dither=Image.Dither.NONE)
    flat = few.getpalette("RGB")
    palette = list(zip(flat[::3], flat[1::3], flat[2::3], strict=True))
    indexed = sixel.Indexed(image.width, image.height, few.tobytes(), palette)
    high = place.cell[1]
    rows = ceil(ceil(image.height / high) / STRIPS)
    parts = tuple(
        place.at(top // high, sixel.encode(indexed, top, min(top + rows * high, image.height)))
        for top in range(0, image.height, rows * high)
    )
    return Drawing(parts, image.size)


def _wrapped(drawing: Drawing) -> Drawing:
    """For tmux to hand on, which moves the terminal's cursor meanwhile as it likes."""
    wrap: Callable[[str], str] = tmux_passthrough
    return Drawing(
        tuple(wrap(f"\x1b7{part}\x1b8") for part in drawing.parts),
        drawing.size,
        drawing.stop and wrap(drawing.stop),
        drawing.erase and wrap(drawing.erase),
    )
