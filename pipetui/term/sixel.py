"""Pictures as sixel, six rows of pixels to a band, as the VT340 draws them. Pure.

The format: VT330/VT340 Programmer Reference Manual, volume 2, chapter 14.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

COLOURS = 256
"""Most colours of a picture; a terminal may have fewer registers for them."""
_BAND = 6
_EMPTY = 63
"""The character of six pixels that are left as they are; each pixel to be set adds its bit."""
_RUN = re.compile(rb"(.)\1{3,}", re.DOTALL)
"""Four characters of one kind: from there on a count is shorter."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """Pixels, row after row, a byte each that tells the place of its colour in the palette."""

    width: int
    height: int
    pixels: bytes
    palette: Sequence[tuple[int, int, int]]


def encode(picture: Indexed, top: int = 0, bottom: int | None = None) -> str:
    """The sequence that draws some rows of a picture with its corner at the cursor.

    Args:
        top: the first row.
        bottom: the row behind the last; the height where it is None.
    """
    bottom = picture.height if bottom is None else bottom
    used = set(picture.pixels[top * picture.width : bottom * picture.width])
    colours = "".join(_register(number, picture.palette[number]) for number in sorted(used))
    bands = (
        _band(picture, start, min(start + _BAND, bottom)) for start in range(top, bottom, _BAND)
    )
    size = f'"1;1;{picture.width};{bottom - top}'
    return f"\x1bP0;1q{size}{colours}{'-'.join(bands)}\x1b\\"


def _register(number: int, colour: tuple[int, int, int]) -> str:
    red, green, blue = (round(value * 100 / 255) for value in colour)
    return f"#{number};2;{red};{green};{blue}"


def _band(picture: Indexed, top: int, bottom: int) -> str:
    """One pass over the band for each of its colours."""
    width = picture.width
    planes: dict[int, bytearray] = {}
    for y in range(top, bottom):
        bit = 1 << (y - top)
        for x, number in enumerate(picture.pixels[y * width : (y + 1) * width]):
            plane = planes.get(number)
            if plane is None:
                plane = planes[number] = bytearray([_EMPTY]) * width
            plane[x] += bit
    return "$".join(f"#{number}{_packed(plane)}" for number, plane in planes.items())


def _packed(plane: bytearray) -> str:
    """Characters with counts for runs; what is empty at the end is left out."""
    return _RUN.sub(_counted, bytes(plane).rstrip(b"?")).decode("ascii")


def _counted(run: re.Match[bytes]) -> bytes:
    return b"!%d%c" % (len(run[0]), run[0][0])
