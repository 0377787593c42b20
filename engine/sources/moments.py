"""The log of an attempt on this disk, and which line of it was the last one at a moment."""

from __future__ import annotations

from pathlib import Path

from engine.jobs.attempt import LOG
from engine.logs.base import LogSource
from engine.logs.files import FileLog
from engine.model.views import StepView
from engine.sources.usage import Usage

_AROUND = 64
"""Lines that are looked at for one that says when it was written."""
_AT_ONCE = 1 << 20


def log_of(step: StepView, attempt: int = 0) -> LogSource:
    """The log of an attempt, or of the last one; an empty one before there is any."""
    chosen = next((one for one in step.attempts if one.number == attempt), None)
    directory = chosen.directory if chosen else step.directory
    return FileLog(Path(directory or "/nonexistent") / LOG)


def line_at(log: LogSource, usage: Usage, directory: str, at: float) -> int | None:
    """The last line written at a moment, by the times in the lines, else by the samples.

    Args:
        directory: the attempt's folder.
        at: seconds since the epoch.

    Returns:
        None where neither tells.
    """
    while log.refresh() and not log.complete:
        pass
    low, high = 0, log.count
    told = False
    while low < high:
        middle = (low + high) // 2
        lines = log.lines(middle, _AROUND)
        found = next((one for one in lines if one.at is not None), None)
        if found is None or found.at is None:
            high = middle
            continue
        told = True
        if found.at <= at:
            low = found.number + 1
        else:
            high = middle
    if told:
        return max(0, low - 1)
    offset = usage.offset_at(at)
    return None if offset is None else _line_of(Path(directory) / LOG, offset)


def _line_of(file: Path, offset: int) -> int:
    """The number of the line that ends at, or holds, the byte before an offset."""
    count, left = 0, max(0, offset - 1)
    try:
        with file.open("rb") as opened:
            while left > 0 and (piece := opened.read(min(left, _AT_ONCE))):
                count += piece.count(b"\n")
                left -= len(piece)
    except OSError:
        return 0
    return count
