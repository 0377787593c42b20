"""Which line was written when, by the times that lines state. Pure."""

from __future__ import annotations

from pipetui.logview.source import Line, Source

_AROUND = 64
"""Lines that are looked at for one that says when it was written."""


def time_near(source: Source, line: int) -> float | None:
    """When a line was written: its own time, else that of the next above it, else below.

    Returns:
        Seconds since the epoch; None where no line near it says so.
    """
    first = max(0, line - _AROUND + 1)
    above = _timed(source, first, line + 1 - first)
    below = () if above else _timed(source, line + 1, _AROUND)
    found = above[-1] if above else below[0] if below else None
    return None if found is None else found.at


def line_at(source: Source, at: float, direction: int) -> int:
    """The first line written at a moment or later (1), or the last one at it or earlier (-1).

    The ends of the log stand for what lies beyond them. Lines are taken to be in the order of
    their times, as far as they have some.

    Args:
        at: seconds since the epoch.
    """
    low, high = 0, source.count
    while low < high:
        middle = (low + high) // 2
        found = next(iter(_timed(source, middle, min(_AROUND, high - middle))), None)
        if found is None or found.at is None:
            high = middle
        elif found.at < at or (direction < 0 and found.at == at):
            low = found.number + 1
        else:
            high = middle
    if direction < 0:
        return max(0, low - 1)
    found = next(iter(_timed(source, low, _AROUND)), None)
    return max(0, source.count - 1) if found is None else found.number


def _timed(source: Source, start: int, count: int) -> list[Line]:
    return [line for line in source.lines(start, count) if line.at is not None]
