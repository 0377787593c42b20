"""Several logs as one, their lines in the order of their times.

A line without a time stays behind the one before it, and each log keeps its own order. What comes
while the logs grow is appended as it comes, sorted among what came together with it: lines that
were there do not move. Lines without a line end yet stand at the end until they have one.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

from engine.logs.base import UNKNOWN, LogLine, LogSource, Scan
from engine.logs.first_error import ErrorBlock
from engine.logs.severity import Level
from engine.logs.timestamps import Clock

MOST = 200
"""Logs that can be merged: a row remembers its log in one byte."""

_PAGE = 4096
_AHEAD = 2048
_BYTES_A_LINE = 4096
"""Budget that merging one line costs."""
_WINDOW = 64 * 1024
_NEVER = float("-inf")


class MergedLog:
    """A `LogSource` over others.

    Args:
        parts: a short name and a source for each log; at most ``MOST``.
    """

    def __init__(self, parts: Sequence[tuple[str, LogSource]]) -> None:
        if not 0 < len(parts) <= MOST:
            raise ValueError(f"between 1 and {MOST} logs can be merged, not {len(parts)}")
        self.origins = tuple(name for name, _ in parts)
        self._parts = [source for _, source in parts]
        self.generation = 0
        self._start_over()
        self.refresh()

    def _start_over(self) -> None:
        count = len(self._parts)
        self._order = bytearray()
        self._pages = [array("I", [0]) for _ in range(count)]
        """For each log, how many of its lines stand before each page of the order."""
        self._taken = [0] * count
        self._ahead: list[list[float]] = [[] for _ in range(count)]
        """For each log, the times of its next lines, the next one last."""
        self._time = [_NEVER] * count
        self._generations = [source.generation for source in self._parts]

    @property
    def settled(self) -> int:
        """Lines that have found their place."""
        return len(self._order)

    @property
    def count(self) -> int:
        """Lines known so far."""
        return len(self._order) + (len(self._open()) if self._drained() else 0)

    @property
    def size(self) -> int:
        """Bytes of all logs."""
        return sum(source.size for source in self._parts)

    @property
    def complete(self) -> bool:
        """Whether every line has found its place."""
        return self._drained() and all(source.complete for source in self._parts)

    @property
    def problem(self) -> str:
        """What is wrong with one of the logs."""
        told = zip(self.origins, self._parts, strict=True)
        return next((f"{name}: {one.problem}" for name, one in told if one.problem), "")

    @property
    def clock(self) -> Clock:
        """The first log's."""
        return self._parts[0].clock

    def _drained(self) -> bool:
        taken = zip(self._parts, self._taken, strict=True)
        return all(count >= source.settled for source, count in taken)

    def _open(self) -> list[int]:
        """The logs whose last line has no line end."""
        return [at for at, source in enumerate(self._parts) if source.count > source.settled]

    def refresh(self, budget: int = 32 * 1024 * 1024) -> bool:
        """Picks up what has happened to the logs and merges some more lines."""
        before = self._state()
        for source in self._parts:
            source.refresh(budget)
        if [source.generation for source in self._parts] != self._generations:
            self._start_over()
            self.generation += 1
        self._merge(max(1, budget // _BYTES_A_LINE))
        return self._state() != before

    def _state(self) -> tuple[object, ...]:
        known = tuple(source.count for source in self._parts)
        return self.size, self.count, known, self.generation, self.problem

    def _merge(self, budget: int) -> None:
        """Places up to ``budget`` lines; an unread log may still bring an earlier line."""
        while budget > 0:
            heads: list[tuple[float, int]] = []
            for at, source in enumerate(self._parts):
                if self._ahead[at] or self._look_ahead(at):
                    heads.append((self._ahead[at][-1], at))
                elif not source.complete:
                    return
            if not heads:
                return
            heads.sort()
            at = heads[0][1]
            limit = heads[1] if len(heads) > 1 else (float("inf"), at)
            budget -= self._place(at, limit, budget)

    def _look_ahead(self, at: int) -> bool:
        """Reads the times of a log's next lines; whether there are any."""
        source, start = self._parts[at], self._taken[at]
        texts = source.texts(start, min(_AHEAD, source.settled - start))
        times: list[float] = []
        time, read = self._time[at], source.clock.read
        for text in texts:
            stamp = read(text)
            time = time if stamp is None else stamp.at
            times.append(time)
        self._time[at] = time
        times.reverse()
        self._ahead[at] = times
        return bool(times)

    def _place(self, at: int, limit: tuple[float, int], budget: int) -> int:
        """Takes the lines of one log that come before the next of the others."""
        ahead = self._ahead[at]
        taken = 0
        while ahead and taken < budget and (ahead[-1], at) <= limit:
            ahead.pop()
            taken += 1
        left = taken
        while left:
            step = min(left, _PAGE - len(self._order) % _PAGE)
            self._order += bytes([at]) * step
            self._taken[at] += step
            left -= step
            if len(self._order) % _PAGE == 0:
                for pages, count in zip(self._pages, self._taken, strict=True):
                    pages.append(count)
        return taken

    def _before(self, at: int, row: int) -> int:
        """How many lines of a log stand before a row."""
        page = min(row // _PAGE, len(self._pages[at]) - 1)
        return self._pages[at][page] + self._order.count(at, page * _PAGE, row)

    def _row_of(self, at: int, number: int) -> int:
        """Where a log's line stands."""
        if number >= self._taken[at]:
            return self.settled + self._open().index(at)
        page = bisect_left(self._pages[at], number + 1) - 1
        row = page * _PAGE - 1
        for _ in range(number + 1 - self._pages[at][page]):
            row = self._order.index(at, row + 1)
        return row

    def _rows(self, start: int, stop: int) -> list[tuple[int, int, int]]:
        """For each log with lines among settled rows: the log, its first line, how many."""
        found = []
        for at in range(len(self._parts)):
            if count := self._order.count(at, start, stop):
                found.append((at, self._before(at, start), count))
        return found

    def _clipped(self, start: int, count: int) -> tuple[int, int]:
        return max(0, start), min(self.count, start + count)

    def lines(self, start: int, count: int) -> list[LogLine]:
        """Lines ``start`` to ``start + count``, as many of them as there are."""
        start, stop = self._clipped(start, count)
        end = min(stop, self.settled)
        runs = {
            at: iter(self._parts[at].lines(first, n)) for at, first, n in self._rows(start, end)
        }
        found = [
            replace(line, number=row, origin=self._order[row])
            for row in range(start, end)
            if (line := next(runs[self._order[row]], None)) is not None
        ]
        for row in range(max(start, self.settled), stop):
            at = self._open()[row - self.settled]
            last = self._parts[at].lines(self._parts[at].count - 1, 1)
            found += [replace(line, number=row, origin=at) for line in last]
        return found

    def texts(self, start: int, count: int) -> list[str]:
        """The lines' texts."""
        start, stop = self._clipped(start, count)
        end = min(stop, self.settled)
        runs = {
            at: iter(self._parts[at].texts(first, n)) for at, first, n in self._rows(start, end)
        }
        found = [next(runs[self._order[row]], "") for row in range(start, end)]
        return found + [line.text for line in self.lines(max(start, end), stop - max(start, end))]

    def raw(self, start: int, count: int) -> bytes:
        """The whole text of lines, each behind the name of its log."""
        start, stop = self._clipped(start, count)
        end = min(stop, self.settled)
        runs = {
            at: iter(self._parts[at].raw(first, n).removesuffix(b"\n").split(b"\n"))
            for at, first, n in self._rows(start, end)
        }
        names = [f"{name} | ".encode() for name in self.origins]
        rows = [(at, next(runs[at], b"")) for at in self._order[start:end]]
        for row in range(max(start, self.settled), stop):
            at = self._open()[row - self.settled]
            rows.append((at, self._parts[at].raw(self._parts[at].count - 1, 1)))
        return b"".join(names[at] + text + b"\n" for at, text in rows)

    def offset(self, line: int) -> int | None:
        """Nowhere: the lines are from several files."""
        return None

    def tail(self, count: int) -> list[LogLine]:
        """The last lines, at once, whether they have found their place or not."""
        if self.complete:
            return self.lines(max(0, self.count - count), min(count, self.count))
        found: list[tuple[float, int, int, LogLine]] = []
        for at, source in enumerate(self._parts):
            time = _NEVER
            for order, line in enumerate(source.tail(count)):
                time = time if line.at is None else line.at
                found.append((time, at, order, replace(line, number=UNKNOWN, origin=at)))
        found.sort(key=lambda one: one[:3])
        return [one[3] for one in found[max(0, len(found) - count) :]]

    def scan(
        self,
        start: int,
        *,
        pattern: re.Pattern[str] | None = None,
        exclude: bool = False,
        level: int = Level.NONE,
        heads: bool = False,
        stop: int | None = None,
        budget: int = 64 * 1024 * 1024,
    ) -> Scan:
        """One bounded step of a search from line ``start``; see `LogSource.scan`."""
        last = self.count if stop is None else min(stop, self.count)
        hits: list[int] = []
        row = min(start, last)
        while row < min(last, self.settled) and budget > 0:
            end = min(row + _WINDOW, last, self.settled)
            found: list[int] = []
            for at, first, count in self._rows(row, end):
                numbers = self._scan_part(at, first, count, pattern, exclude, level, heads)
                found += self._rows_of(at, first, numbers, row, end)
                budget -= self._cost(count)
            hits += sorted(found)
            row = end
        next_row = row
        if row >= self.settled:
            for open_row in range(row, last):
                at = self._open()[open_row - self.settled]
                number = self._parts[at].count - 1
                if self._scan_part(at, number, 1, pattern, exclude, level, heads):
                    hits.append(open_row)
            row = last
        return Scan(hits, next_row, row >= last)

    def _cost(self, lines: int) -> int:
        return lines * max(1, self.size // max(1, self.count))

    def _scan_part(
        self,
        at: int,
        first: int,
        count: int,
        pattern: re.Pattern[str] | None,
        exclude: bool,
        level: int,
        heads: bool,
    ) -> list[int]:
        """The lines that match among some of one log."""
        hits: list[int] = []
        source, line, done = self._parts[at], first, False
        while not done and line < first + count:
            step = source.scan(
                line,
                pattern=pattern,
                exclude=exclude,
                level=level,
                heads=heads,
                stop=first + count,
            )
            hits += step.hits
            done = step.done or step.next <= line
            line = step.next
        return hits

    def _rows_of(self, at: int, first: int, numbers: list[int], row: int, end: int) -> list[int]:
        """Where lines of a log stand, whose line ``first`` is its first one from ``row`` on."""
        if not numbers:
            return []
        if end - row == self._order.count(at, row, end):
            return [row + number - first for number in numbers]
        places = [place for place in range(row, end) if self._order[place] == at]
        return [places[number - first] for number in numbers]

    def find(self, pattern: re.Pattern[str], start: int = 0, direction: int = 1) -> int | None:
        """The first line at or after ``start`` (before it for -1) that contains the pattern."""
        if direction > 0:
            step = Scan([], max(0, start), False)
            while not step.done:
                step = self.scan(step.next, pattern=pattern, budget=1)
                if step.hits:
                    return step.hits[0]
            return None
        stop = min(start, self.count)
        while stop > 0:
            low = max(0, stop - _WINDOW)
            step = self.scan(low, pattern=pattern, stop=stop)
            if step.hits:
                return step.hits[-1]
            stop = low
        return None

    def first_error(self) -> ErrorBlock | None:
        """The first of the logs' own errors in the order of the rows."""
        while not self.complete:
            self.refresh(1 << 40)
        blocks = []
        for at, source in enumerate(self._parts):
            if (block := source.first_error()) is not None:
                first, last = (self._row_of(at, n) for n in (block.first_line, block.last_line))
                blocks.append(replace(block, first_line=first, last_line=last))
        return min(blocks, key=lambda block: block.first_line, default=None)
