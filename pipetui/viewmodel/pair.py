"""The pictures that two executions both made, and two of them as one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipetui.viewmodel.artifacts import Item
from pipetui.viewmodel.lines import BLANK, Line, Span, Tone, heading

if TYPE_CHECKING:
    from engine.api import Picture

_ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff")
_MADE = frozenset({"output", "model", "report"})
"""Roles of artifacts that a step makes."""
Place = tuple[str, str, str]
"""Of a picture in an execution: step, artifact, path inside of that."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The same picture of two executions."""

    step: str
    name: str
    before: Item
    now: Item


def may_hold_pictures(item: Item) -> bool:
    """Whether an artifact was made by its step and is there."""
    return item.there and item.role in _MADE


def is_picture(item: Item) -> bool:
    """Whether a file is an image, by its name."""
    return not item.folder and (item.inside or item.name or item.uri).lower().endswith(_ENDINGS)


def pairs(before: Mapping[Place, Item], now: Mapping[Place, Item]) -> list[Pair]:
    """What both have, in the order of the later execution."""
    return [
        Pair(place[0], "/".join(filter(None, place[1:])), before[place], item)
        for place, item in now.items()
        if place in before
    ]


def pair_lines(found: Sequence[Pair]) -> list[Line]:
    """The pictures that can be seen beside each other."""
    if not found:
        return []
    return [
        BLANK,
        heading("PICTURES OF BOTH, i shows them side by side"),
        *((Span(f"   {one.step}  ", Tone.DIM), Span(one.name)) for one in found),
    ]


def half(room: tuple[int, int]) -> tuple[int, int]:
    """The pixels that each of two pictures has, in a room for both."""
    return max(1, (room[0] - gap(room)) // 2), room[1]


def gap(room: tuple[int, int]) -> int:
    """The pixels between two pictures."""
    return max(2, room[0] // 40)


def beside(
    before: Picture, now: Picture, room: tuple[int, int], paper: tuple[int, int, int]
) -> Picture:
    """Two pictures as one.

    Args:
        room: pixels for both; each was made for ``half`` of it.
        paper: the colour around them.
    """
    between = bytes(paper) * gap(room)
    height = max(before.height, now.height)
    rows = []
    for y in range(height):
        left, right = _row(before, y, paper), _row(now, y, paper)
        rows.append(left + between + right)
    width = before.width + gap(room) + now.width
    return replace(before, width=width, height=height, pixels=b"".join(rows))


def _row(picture: Picture, y: int, paper: tuple[int, int, int]) -> bytes:
    if y >= picture.height:
        return bytes(paper) * picture.width
    return picture.pixels[3 * y * picture.width : 3 * (y + 1) * picture.width]
