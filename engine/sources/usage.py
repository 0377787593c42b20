"""What an attempt's jobs took of the host, from ``usage.jsonl`` in its folder."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from threading import Lock

from engine.jobs.usage import FILE
from engine.sources.growing import GrowingFile

KEPT = 1200
"""Samples that are kept; beyond twice as many, neighbours are joined."""
_BUDGET = 8 << 20
_SIZE = 4


@dataclass(frozen=True, slots=True)
class Sample:
    """What was taken from the sample before until this one.

    Args:
        at: seconds since the epoch.
        cores: processors in use, on average.
        memory: resident bytes at the most.
    """

    at: float
    cores: float
    memory: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What an attempt took while it ran, as far as it was sampled; empty for a short one.

    Args:
        log_times: byte offset in the log and the time at which it was that long.
    """

    samples: tuple[Sample, ...] = ()
    peak_memory: int = 0
    cpu_s: float = 0.0
    log_times: tuple[tuple[int, float], ...] = ()

    @property
    def mean_cores(self) -> float:
        """Processors in use on average."""
        if not self.samples:
            return 0.0
        last, began = self.samples[-1].at, self.samples[0].at
        return self.cpu_s / (last - began) if last > began else 0.0

    def until(self, at: float) -> Usage:
        """The same as it was known at a moment."""
        count = bisect_right(self.samples, at, key=lambda one: one.at)
        if count == len(self.samples):
            return self
        kept = self.samples[:count]
        cpu_s = sum((b.at - a.at) * b.cores for a, b in pairwise(kept))
        peak = max((one.memory for one in kept), default=0)
        return Usage(kept, peak, cpu_s, self.log_times)

    def written_at(self, offset: int) -> float | None:
        """When the byte at an offset of the log was written; None where nobody knows."""
        times = self.log_times
        if not times:
            return None
        index = bisect_right(times, offset, key=lambda one: one[0])
        if index == 0 or index == len(times):
            return times[min(index, len(times) - 1)][1]
        (low, before), (high, after) = times[index - 1], times[index]
        return before + (after - before) * (offset - low) / (high - low)

    def offset_at(self, at: float) -> int | None:
        """Where the log ended at a moment; None where nobody knows."""
        times = self.log_times
        if not times:
            return None
        index = bisect_right(times, at, key=lambda one: one[1])
        if index == 0 or index == len(times):
            return times[-1][0] if index else 0
        (low, before), (high, after) = times[index - 1], times[index]
        return round(low + (high - low) * (at - before) / (after - before))


class UsageFile:
    """The samples of one attempt, read on as they are written; safe among threads."""

    def __init__(self, directory: str) -> None:
        self._file = GrowingFile(Path(directory or "/nonexistent") / FILE)
        self._rows: list[tuple[float, float, int, int]] = []
        self._generation = 0
        self._lock = Lock()

    def read(self) -> Usage:
        """What is known by now."""
        with self._lock:
            for _, line in self._file.lines(_BUDGET):
                if self._file.generation != self._generation:
                    self._generation = self._file.generation
                    self._rows.clear()
                if (row := _row(line)) is not None:
                    self._rows.append(row)
            if len(self._rows) > 2 * KEPT:
                self._rows = _joined(self._rows)
            return _usage(self._rows)


def _row(line: bytes) -> tuple[float, float, int, int] | None:
    """A sample; None for a line that was cut short or is none."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    if not isinstance(found, list) or len(found) != _SIZE:
        return None
    if not all(isinstance(one, int | float) for one in found):
        return None
    return float(found[0]), float(found[1]), int(found[2]), int(found[3])


def _joined(rows: list[tuple[float, float, int, int]]) -> list[tuple[float, float, int, int]]:
    """Half as many samples; the first stays, as all counts from it."""
    kept = rows[:1]
    for before, after in zip(rows[1::2], rows[2::2], strict=False):
        kept.append((after[0], after[1], max(before[2], after[2]), after[3]))
    return kept if len(rows) % 2 else [*kept, rows[-1]]


def _usage(rows: Sequence[tuple[float, float, int, int]]) -> Usage:
    if not rows:
        return Usage()
    samples = [Sample(rows[0][0], 0.0, rows[0][2])]
    cpu_s = 0.0
    times = [(rows[0][3], rows[0][0])]
    for before, row in pairwise(rows):
        # A runner that took over does not know what jobs that had ended used.
        used, passed = max(0.0, row[1] - before[1]), row[0] - before[0]
        if passed > 0:
            cpu_s += used
            samples.append(Sample(row[0], used / passed, row[2]))
            times.append((max(row[3], times[-1][0]), row[0]))
    return Usage(tuple(samples), max(row[2] for row in rows), cpu_s, tuple(times))
