"""A log without the values that are known to be secret."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from engine.logs.base import LogLine, LogSource, Scan
from engine.logs.first_error import ErrorBlock
from engine.logs.severity import Level
from engine.logs.timestamps import Clock


class MaskedLog:
    """A `LogSource` over another that hides known values in what is read from it.

    Lines are masked as they are read and nothing is kept, so that a log costs what is looked at.
    Searches go through the log itself, at its speed: a text that is part of a secret is found.

    Args:
        secrets: the exact values, none of them with a line end.
        mask: what stands in the place of each.
    """

    def __init__(self, source: LogSource, secrets: Iterable[str], mask: str) -> None:
        self._source = source
        self._mask = mask.replace("\\", "\\\\")
        # The longest first: one may begin with another.
        known = sorted(set(secrets), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, known)))
        self._raw = re.compile(b"|".join(re.escape(one.encode()) for one in known))

    @property
    def count(self) -> int:
        """Lines known so far."""
        return self._source.count

    @property
    def settled(self) -> int:
        """Lines that stay as they are."""
        return self._source.settled

    @property
    def size(self) -> int:
        """Bytes of the log itself."""
        return self._source.size

    @property
    def complete(self) -> bool:
        """Whether every line has been counted."""
        return self._source.complete

    @property
    def generation(self) -> int:
        """The log's."""
        return self._source.generation

    @property
    def problem(self) -> str:
        """What is wrong with the log."""
        return self._source.problem

    @property
    def origins(self) -> tuple[str, ...]:
        """The log's."""
        return self._source.origins

    @property
    def clock(self) -> Clock:
        """The log's."""
        return self._source.clock

    def refresh(self, budget: int = 32 * 1024 * 1024) -> bool:
        """Picks up what has happened to the log."""
        return self._source.refresh(budget)

    def _without(self, text: str) -> str:
        return self._pattern.sub(self._mask, text)

    def _masked(self, lines: list[LogLine]) -> list[LogLine]:
        return [
            replace(line, text=line.text[: line.stamp] + self._without(line.text[line.stamp :]))
            if self._pattern.search(line.text)
            else line
            for line in lines
        ]

    def lines(self, start: int, count: int) -> list[LogLine]:
        """Lines ``start`` to ``start + count``, as many of them as there are."""
        return self._masked(self._source.lines(start, count))

    def texts(self, start: int, count: int) -> list[str]:
        """What ``lines`` gives, without looking into it."""
        return [self._without(text) for text in self._source.texts(start, count)]

    def raw(self, start: int, count: int) -> bytes:
        """The whole text of lines, line ends included."""
        return self._raw.sub(self._mask.encode(), self._source.raw(start, count))

    def offset(self, line: int) -> int | None:
        """The byte of the log itself at which a line begins."""
        return self._source.offset(line)

    def tail(self, count: int) -> list[LogLine]:
        """The last lines, at once."""
        return self._masked(self._source.tail(count))

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
        return self._source.scan(
            start,
            pattern=pattern,
            exclude=exclude,
            level=level,
            heads=heads,
            stop=stop,
            budget=budget,
        )

    def find(self, pattern: re.Pattern[str], start: int = 0, direction: int = 1) -> int | None:
        """The first line at or after ``start`` (before it for -1) that contains the pattern."""
        return self._source.find(pattern, start, direction)

    def first_error(self) -> ErrorBlock | None:
        """The log's, its words without secrets."""
        block = self._source.first_error()
        if block is None:
            return None
        return replace(block, summary=self._without(block.summary))
