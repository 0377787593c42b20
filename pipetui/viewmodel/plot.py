"""Curves drawn with braille dots, or with ASCII signs: pure, themed by tones, told apart by dashes.

Curves differ by their dashes and by a letter at their end, so that nobody needs colours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipetui.viewmodel.lines import Line, Span, Tone, words

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of a braille cell's dots by row and column (Unicode, U+2800)."""
_SIGNS = "*o+x#@%&"
DASHES: tuple[tuple[int, int], ...] = ((1, 0), (4, 3), (1, 2), (7, 2), (2, 2), (6, 6))
"""Dots drawn and left out, in turns: one pair for each curve, then from the first again."""
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of one line, ``x`` ascending; those that are not finite are left out."""

    points: Sequence[tuple[float, float]]
    tone: Tone = Tone.ACCENT


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is in sight, both ends included."""

    left: float
    right: float
    low: float
    high: float


def bounds_of(curves: Sequence[Curve], *, floor: float | None = None) -> Bounds | None:
    """The least rectangle that holds all points; None where there is none.

    Args:
        floor: a value that is to be in sight.
    """
    points = [point for curve in curves for point in _finite(curve)]
    if not points:
        return None
    low = min(y for _, y in points)
    high = max(y for _, y in points)
    if floor is not None:
        low, high = min(low, floor), max(high, floor)
    return Bounds(min(x for x, _ in points), max(x for x, _ in points), low, high)


def _finite(curve: Curve) -> list[tuple[float, float]]:
    return [one for one in curve.points if math.isfinite(one[0]) and math.isfinite(one[1])]


def plot(
    curves: Sequence[Curve],
    bounds: Bounds,
    width: int,
    height: int,
    *,
    unicode: bool = True,
    letters: bool = False,
) -> list[Line]:
    """The curves on ``height`` lines of exactly ``width`` cells.

    Args:
        letters: end each curve with its letter.
    """
    across, down = (2, 4) if unicode else (1, 1)
    canvas = _Canvas(width, height, unicode)
    ends: list[tuple[int, int, str, Tone]] = []
    for number, curve in enumerate(curves):
        scale_x = _scale(bounds.left, bounds.right, width * across)
        scale_y = _scale(bounds.low, bounds.high, height * down)
        dots = [(scale_x(x), height * down - 1 - scale_y(y)) for x, y in _finite(curve)]
        canvas.draw(dots, number, curve.tone)
        if dots:
            ends.append((dots[-1][0] // across, dots[-1][1] // down, _letter(number), curve.tone))
    if letters:
        for column, row, letter, tone in ends:
            canvas.write(column, row, letter, tone)
    return canvas.lines()


def _letter(number: int) -> str:
    return LETTERS[number % len(LETTERS)]


def _scale(low: float, high: float, count: int) -> Callable[[float], int]:
    """From a value to one of ``count`` places; the middle one where all values are the same."""
    # Halved, as the distance of two huge numbers may not be finite.
    span = high / 2 - low / 2
    if span <= 0:
        return lambda value: (count - 1) // 2

    def place(value: float) -> int:
        share = (value / 2 - low / 2) / span
        return min(count - 1, max(0, round(share * (count - 1))))

    return place


class _Canvas:
    """Cells, each with dots or a sign and the tone of what was drawn there last."""

    def __init__(self, width: int, height: int, unicode: bool) -> None:
        self._width, self._height, self._unicode = width, height, unicode
        self._dots = [[0] * width for _ in range(height)]
        self._signs = [[" "] * width for _ in range(height)]
        self._tones = [[Tone.PLAIN] * width for _ in range(height)]

    def draw(self, dots: Sequence[tuple[int, int]], number: int, tone: Tone) -> None:
        """A line through dots, with the dashes of its number."""
        on, off = DASHES[number % len(DASHES)] if self._unicode else (1, 0)
        step = 0
        for start, end in zip(dots, dots[1:] or dots[:1], strict=False):
            long = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
            for part in range(long):
                x = start[0] + round((end[0] - start[0]) * part / long)
                y = start[1] + round((end[1] - start[1]) * part / long)
                if step % (on + off) < on:
                    self._dot(x, y, number, tone)
                step += 1
        if dots:
            self._dot(*dots[-1], number, tone)

    def _dot(self, x: int, y: int, number: int, tone: Tone) -> None:
        column, row = (x // 2, y // 4) if self._unicode else (x, y)
        if self._unicode:
            self._dots[row][column] |= _DOTS[y % 4][x % 2]
            self._signs[row][column] = chr(0x2800 + self._dots[row][column])
        else:
            self._signs[row][column] = _SIGNS[number % len(_SIGNS)]
        self._tones[row][column] = tone

    def write(self, column: int, row: int, text: str, tone: Tone) -> None:
        """A sign over whatever is there."""
        self._signs[row][column], self._tones[row][column] = text, tone

    def lines(self) -> list[Line]:
        """What was drawn."""
        found: list[Line] = []
        for signs, tones in zip(self._signs, self._tones, strict=True):
            spans: list[Span] = []
            for sign, tone in zip(signs, tones, strict=True):
                if spans and (spans[-1].tone is tone or sign == " "):
                    spans[-1] = Span(spans[-1].text + sign, spans[-1].tone)
                else:
                    spans.append(Span(sign, tone))
            found.append(tuple(spans))
        return found


def swatch(number: int, unicode: bool = True) -> str:
    """Four cells drawn as the curve of a number is."""
    if not unicode:
        return _SIGNS[number % len(_SIGNS)] * 4
    on, off = DASHES[number % len(DASHES)]
    drawn = [step % (on + off) < on for step in range(8)]
    bits = [4 * left + 32 * right for left, right in zip(drawn[::2], drawn[1::2], strict=True)]
    return "".join(chr(0x2800 + one) if one else " " for one in bits)


def number(value: float) -> str:
    """A value in at most nine characters: ``2.14``, ``0.0031``, ``1.2e+08``."""
    if not math.isfinite(value):
        return str(value)
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"
    return f"{value:.2g}"


def framed(
    curves: Sequence[Curve],
    width: int,
    height: int,
    *,
    unicode: bool = True,
    floor: float | None = None,
    told: Callable[[float], str] = number,
    told_x: Callable[[float], str] = number,
    letters: bool = False,
) -> list[Line]:
    """The curves with an axis at the left and one below, ``height`` lines in all.

    Args:
        told: how a value is written at the left axis.
        told_x: how one is written at the axis below.
    """
    bounds = bounds_of(curves, floor=floor)
    if bounds is None or height < 3:
        return []
    rows = height - 2
    values = {
        0: bounds.high,
        rows // 2: bounds.high / 2
        + bounds.low / 2
        + (bounds.high / 2 - bounds.low / 2) * _off(rows),
        rows - 1: bounds.low,
    }
    if bounds.high <= bounds.low:
        values = {(rows * 4 - 1) // 2 // 4 if unicode else (rows - 1) // 2: bounds.low}
    margin = max(len(told(value)) for value in values.values()) + 2
    inner = max(1, width - margin - 1)
    corner, side, tick, bottom = ("└", "│", "┤", "─") if unicode else ("+", "|", "|", "-")
    drawn = plot(curves, bounds, inner, rows, unicode=unicode, letters=letters)
    lines: list[Line] = []
    for at, line in enumerate(drawn):
        text = f"{told(values[at]):>{margin - 1}} {tick}" if at in values else " " * margin + side
        lines.append((Span(text, Tone.FAINT), *line))
    lines.append(words(" " * margin + corner + bottom * inner, Tone.FAINT))
    left, right = told_x(bounds.left), told_x(bounds.right)
    below = left[:inner]
    if bounds.left < bounds.right and len(left) + len(right) < inner:
        below = f"{left}{right:>{inner - len(left)}}"
    lines.append(words(" " * (margin + 1) + below, Tone.FAINT))
    return lines


def _off(rows: int) -> float:
    """How far above the middle the row in the middle is, from -1 to 1."""
    return 1 - 2 * (rows // 2) / (rows - 1) if rows > 1 else 0.0
