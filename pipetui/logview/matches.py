"""The lines of a log that answer a question, found a step at a time. Pure."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from pipetui.logview.source import Source


@dataclass(frozen=True, slots=True)
class Question:
    """Which lines: those with (or, excluded, without) a pattern that reach a severity.

    Args:
        heads: only the first line of each block.
    """

    pattern: re.Pattern[str] | None = None
    exclude: bool = False
    level: int = 0
    heads: bool = False


class Matches:
    """Ascending line numbers, complete up to `next`."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.restart()

    def __len__(self) -> int:
        return len(self.lines)

    def restart(self) -> None:
        """Forgets everything: the log is not what it was."""
        self.lines = array("I")
        self.next = 0
        self.done = False
        self._scanned = -1

    def advance(self, source: Source, budget: int) -> None:
        """Searches one bounded step further; the open last line is looked at again when it grew."""
        if self.done and self._scanned == source.size:
            return
        question = self.question
        step = source.scan(
            self.next,
            pattern=question.pattern,
            exclude=question.exclude,
            level=question.level,
            heads=question.heads,
            budget=budget,
        )
        while self.lines and self.lines[-1] >= self.next:
            self.lines.pop()
        self.lines.extend(step.hits)
        self.next, self.done = step.next, step.done and source.complete
        self._scanned = source.size

    def row_of(self, line: int) -> int | None:
        """The position of the first match at or after a line; None when it is not known yet."""
        row = bisect_left(self.lines, line)
        return row if self.done or row < len(self.lines) else None

    def neighbour(self, line: int, direction: int) -> int | None:
        """The next match after (1) or before (-1) a line, round the ends; None where unknown."""
        if direction > 0:
            row = bisect_right(self.lines, line)
            if row < len(self.lines):
                return self.lines[row]
        else:
            row = bisect_left(self.lines, line) - 1
            if row >= 0 and (self.done or self.next >= line):
                return self.lines[row]
        if not self.done or not self.lines:
            return None
        return self.lines[0 if direction > 0 else -1]

    def place_of(self, line: int) -> int:
        """The 1-based position of a line among the matches, 0 when it is none."""
        row = bisect_left(self.lines, line)
        return row + 1 if row < len(self.lines) and self.lines[row] == line else 0

    def within(self, start: int, stop: int) -> int:
        """How many matches lie in ``start <= line < stop``."""
        return max(0, bisect_left(self.lines, stop) - bisect_left(self.lines, start))
