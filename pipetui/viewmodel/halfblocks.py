"""A picture as characters: two pixels to a cell in colour, or one shade to a cell without. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.api import Picture

Colour = tuple[int, int, int]
Run = tuple[int, Colour, Colour | None]
"""Cells of one look: how many, the colour of their upper half, and that of the lower one."""

UPPER = "▀"
_ASCII = " .:-=+*#%@"
_SHADES = " ░▒▓█"


def rows(picture: Picture) -> list[list[Run]]:
    """The cells of each row, those of one look together; the last row may have no lower half.

    Colours are told to 5 bits: flat areas become long runs, which cost a terminal less.
    """
    return [_row(picture, y) for y in range(0, picture.height, 2)]


def _row(picture: Picture, y: int) -> list[Run]:
    runs: list[Run] = []
    for x in range(picture.width):
        upper = _coarse(picture.at(x, y))
        lower = _coarse(picture.at(x, y + 1)) if y + 1 < picture.height else None
        if runs and runs[-1][1:] == (upper, lower):
            runs[-1] = (runs[-1][0] + 1, upper, lower)
        else:
            runs.append((1, upper, lower))
    return runs


def _coarse(colour: Colour) -> Colour:
    red, green, blue = (value & 0xF8 | value >> 5 for value in colour)
    return red, green, blue


def shades(picture: Picture, *, unicode: bool, dark: bool) -> list[str]:
    """The picture as characters of more and less ink.

    Args:
        dark: whether ink is lighter than what it is written on.
    """
    ramp = _SHADES if unicode else _ASCII
    ramp = ramp if dark else ramp[::-1]
    return [
        "".join(_shade(picture, x, y, ramp) for x in range(picture.width))
        for y in range(0, picture.height, 2)
    ]


def _shade(picture: Picture, x: int, y: int, ramp: str) -> str:
    pixels = [picture.at(x, y)]
    if y + 1 < picture.height:
        pixels.append(picture.at(x, y + 1))
    light = sum(0.2126 * red + 0.7152 * green + 0.0722 * blue for red, green, blue in pixels)
    return ramp[round(light / len(pixels) / 255 * (len(ramp) - 1))]
