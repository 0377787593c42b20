"""A log with one line for all those that say the same: how often, and the first of them."""

from __future__ import annotations

import re

from engine.logs.base import LogLine, LogSource, Scan
from engine.logs.first_error import ErrorBlock
from engine.logs.severity import Level, passes
from engine.logs.templates import Folding, TemplateCount
from engine.logs.timestamps import Clock

_BYTES_A_LINE = 4096
"""Budget that folding one line costs."""
_AT_ONCE = 4096


class FoldedLog:
    """A `LogSource` over another; lines that are indented belong to the one above them.

    Args:
        source: the log to fold.
        rare_first: the rarest on top, else in the order of the first of each.
    """

    origins: tuple[str, ...] = ()

    def __init__(self, source: LogSource, *, rare_first: bool = True) -> None:
        self._source = source
        self._rare_first = rare_first
        self.generation = 0
        self._start_over()
        self.refresh()

    def _start_over(self) -> None:
        self._folding = Folding()
        self._taken = 0
        self._rows: list[TemplateCount] = []
        self._shown: list[LogLine] = []
        self._seen = self._source.generation

    @property
    def count(self) -> int:
        """Rows."""
        return len(self._rows)

    @property
    def settled(self) -> int:
        """A row that changes begins a new generation, so that all stay as they are."""
        return len(self._rows)

    @property
    def size(self) -> int:
        """Bytes of the log."""
        return self._source.size

    @property
    def complete(self) -> bool:
        """Whether every line has been counted."""
        return self._source.complete and self._taken >= self._source.settled

    @property
    def problem(self) -> str:
        """What is wrong with the log."""
        return self._source.problem

    @property
    def clock(self) -> Clock:
        """The log's."""
        return self._source.clock

    @property
    def folded(self) -> int:
        """Lines that have been folded so far."""
        return self._taken

    def line_of(self, row: int) -> int:
        """The number, in the log, of the first line that a row stands for."""
        return self._rows[row].first if 0 <= row < len(self._rows) else 0

    def refresh(self, budget: int = 32 * 1024 * 1024) -> bool:
        """Picks up what has happened to the log and folds some more lines."""
        changed = self._source.refresh(budget)
        if self._source.generation != self._seen:
            self._start_over()
        before, stop = self._taken, self._source.settled
        stop = min(stop, before + max(1, budget // _BYTES_A_LINE))
        while self._taken < stop:
            texts = self._source.texts(self._taken, min(_AT_ONCE, stop - self._taken))
            if not texts:
                break
            for number, text in enumerate(texts, self._taken):
                if text.strip() and text[0] not in " \t":
                    self._folding.add(number, text)
            self._taken += len(texts)
        if changed or self._taken != before:
            self._arrange()
        return changed or self._taken != before

    def _arrange(self) -> None:
        """Puts the rows in their order; other rows are another generation."""
        rows = self._folding.counts()
        if self.complete and self._source.count > self._source.settled:
            rows += self._open_row()
        rows.sort(key=lambda one: (one.count if self._rare_first else 0, one.first))
        if rows != self._rows:
            self._rows, self._shown = rows, []
            self.generation += 1

    def _open_row(self) -> list[TemplateCount]:
        number = self._source.count - 1
        return [
            TemplateCount(line.text, number, 1, number, line.level, line.text)
            for line in self._source.lines(number, 1)
        ]

    def _lines(self) -> list[LogLine]:
        if len(self._shown) != len(self._rows):
            width = max((len(f"{one.count:,}") for one in self._rows), default=1)
            self._shown = [
                LogLine(row, f"{one.count:>{width},}x {one.example}", one.severity, True)
                for row, one in enumerate(self._rows)
            ]
        return self._shown

    def lines(self, start: int, count: int) -> list[LogLine]:
        """Rows ``start`` to ``start + count``, as many of them as there are."""
        start = max(0, start)
        return self._lines()[start : max(0, start + count)]

    def texts(self, start: int, count: int) -> list[str]:
        """The rows' texts."""
        return [line.text for line in self.lines(start, count)]

    def raw(self, start: int, count: int) -> bytes:
        """The rows as text."""
        return "".join(f"{text}\n" for text in self.texts(start, count)).encode("utf-8", "replace")

    def offset(self, line: int) -> int | None:
        """Nowhere: a row stands for many lines."""
        return None

    def tail(self, count: int) -> list[LogLine]:
        """The last rows."""
        lines = self._lines()
        return lines[max(0, len(lines) - count) :]

    def scan(
        self,
        start: int,
        *,
        pattern: re.Pattern[str] | None = None,
        exclude: bool = False,
        level: int = Level.NONE,
        heads: bool = False,
        stop: int | None = None,
        budget: int = 0,
    ) -> Scan:
        """All matching rows at once: there are few."""
        stop = self.count if stop is None else min(stop, self.count)
        hits = [
            line.number
            for line in self._lines()[start:stop]
            if passes(line.level, level)
            and (pattern is None or (pattern.search(line.text) is None) is exclude)
        ]
        return Scan(hits, max(start, stop), True)

    def find(self, pattern: re.Pattern[str], start: int = 0, direction: int = 1) -> int | None:
        """The first row at or after ``start`` (before it for -1) that contains the pattern."""
        hits = self.scan(0, pattern=pattern).hits
        if direction > 0:
            return next((row for row in hits if row >= start), None)
        return next((row for row in reversed(hits) if row < start), None)

    def first_error(self) -> ErrorBlock | None:
        """The first row that is an error."""
        for line in self._lines():
            if line.level is Level.ERROR:
                return ErrorBlock("error", line.text.strip(), "", 0, line.number, line.number)
        return None
