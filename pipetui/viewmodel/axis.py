"""Time along a line of cells: scale, ticks and their labels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pipetui.viewmodel.state import Display
from pipetui.viewmodel.times import DAY, HOUR, MINUTE, TimeMode, elapsed

_MANTISSAS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)
FINEST = 0.001
"""Seconds of a cell at least."""
_NOISE = 1e-3
"""Parts of a cell below which a time counts as on its edge: times of today are not exact."""
_STEPS = (
    *(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
    *(MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(HOUR * n for n in (1, 2, 3, 6, 12)),
    *(DAY * n for n in (1, 2, 7, 14, 28, 91, 364)),
)


@dataclass(frozen=True, slots=True)
class Axis:
    """A stretch of time on some cells.

    Args:
        zero: what elapsed times count from; seconds since the epoch, as ``origin`` is.
        origin: the left edge.
        per_cell: seconds of a cell.
        width: cells.
    """

    zero: float
    origin: float
    per_cell: float
    width: int

    @property
    def end(self) -> float:
        """The right edge."""
        return self.origin + self.per_cell * self.width

    def column(self, at: float) -> int:
        """The cell that a time falls on, which may be outside."""
        return math.floor((at - self.origin) / self.per_cell + _NOISE)

    def columns(self, start: float, end: float) -> tuple[int, int]:
        """The first and the last cell that a stretch of time touches; both may be outside."""
        first = self.column(start)
        return first, max(first, math.ceil((end - self.origin) / self.per_cell - _NOISE) - 1)

    def time(self, column: int) -> float:
        """The middle of a cell."""
        return self.origin + (column + 0.5) * self.per_cell

    def zoomed(self, direction: int, focus: float) -> Axis:
        """A finer (1) or coarser (-1) scale, with ``focus`` where it was, or in the middle."""
        scale = next_scale(self.per_cell, -direction)
        column = self.column(focus)
        if not 0 <= column < self.width:
            column = self.width // 2
        return replace(self, per_cell=scale, origin=focus - (column + 0.5) * scale)

    def showing(self, at: float) -> Axis:
        """Moved as little as it takes to have a time in sight."""
        column = self.column(at)
        if column < 0:
            return replace(self, origin=self.origin + column * self.per_cell)
        if column >= self.width:
            return replace(self, origin=self.origin + (column - self.width + 1) * self.per_cell)
        return self


def fitting(begin: float, end: float, width: int) -> Axis:
    """All from ``begin`` to ``end`` on a round scale, which stays the same while that grows."""
    width = max(1, width)
    scale = next_scale(max(FINEST, (end - begin) / width * 0.9999), 0)
    return Axis(begin, begin, scale, width)


def next_scale(per_cell: float, direction: int) -> float:
    """The next round scale above (1) or below (-1), or the one that is not finer (0)."""
    power = math.floor(math.log10(per_cell))
    scales = [m * 10.0**p for p in range(power - 1, power + 2) for m in _MANTISSAS]
    if direction < 0:
        return max(FINEST, max(one for one in scales if one < per_cell * 0.999))
    least = per_cell * (1.001 if direction else 0.999)
    return min(one for one in scales if one >= least)


def label(at: float, zero: float, step: float, display: Display) -> str:
    """A time as a tick tells it: elapsed, or by the clock."""
    if display.times is TimeMode.RELATIVE:
        passed = at - zero
        if step < 1:
            return f"{passed:.{2 if step < 0.1 else 1}f}s"
        return elapsed(passed)
    then = datetime.fromtimestamp(at, UTC if display.times is TimeMode.UTC else display.zone)
    if step >= DAY:
        return f"{then:%m-%d}"
    return f"{then:%H:%M}" if step >= MINUTE else f"{then:%H:%M:%S}"


def ticks(axis: Axis, display: Display) -> Iterator[tuple[int, str]]:
    """Cells and labels of the ticks, which do not touch each other."""
    room = 10 if axis.end - axis.zero < HOUR and display.times is TimeMode.RELATIVE else 12
    step = next((one for one in _STEPS if one >= axis.per_cell * room), _STEPS[-1] * 4.0)
    zero = axis.zero if display.times is TimeMode.RELATIVE else 0.0
    number = max(0, math.ceil((axis.origin - zero) / step - 1e-9))
    while (column := axis.column(at := zero + number * step)) < axis.width:
        text = label(at, axis.zero, step, display)
        if column >= 0 and column + len(text) <= axis.width:
            yield column, text
        number += 1
