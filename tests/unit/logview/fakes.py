"""A log in memory for the view's tests: a list of lines, searched a few at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class MemoryLine:
    number: int
    text: str
    level: int
    head: bool = True
    at: float | None = None
    stamp: int = 0
    origin: int = 0


@dataclass
class MemoryStep:
    hits: list[int]
    next: int
    done: bool


@dataclass
class MemoryBlock:
    first_line: int


@dataclass
class MemoryLog:
    """Lines that begin with ``E`` are errors, ``W`` warnings, a space continues the line above.

    Args:
        at_once: lines a search goes through in one step.
        hidden: lines at the front of which it is not known yet how many they are.
    """

    texts: list[str] = field(default_factory=list)
    at_once: int = 1 << 30
    hidden: bool = False
    generation: int = 0
    problem: str = ""
    reads: int = 0
    origins: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        return 0 if self.hidden else len(self.texts)

    @property
    def size(self) -> int:
        return sum(map(len, self.texts))

    @property
    def complete(self) -> bool:
        return not self.hidden

    @property
    def settled(self) -> int:
        return max(0, self.count - 1)

    def refresh(self, budget: int) -> bool:
        return False

    def raw(self, start: int, count: int) -> bytes:
        return "".join(f"{text}\n" for text in self.texts[start : start + count]).encode()

    def _line(self, number: int) -> MemoryLine:
        head = number
        while head and self.texts[head].startswith(" "):
            head -= 1
        level = {"E": 40, "W": 30}.get(self.texts[head][:1], 0)
        return MemoryLine(number, self.texts[number], level, head == number)

    def lines(self, start: int, count: int) -> Sequence[MemoryLine]:
        self.reads += 1
        return [self._line(n) for n in range(max(0, start), min(self.count, start + count))]

    def tail(self, count: int) -> Sequence[MemoryLine]:
        numbers = range(max(0, len(self.texts) - count), len(self.texts))
        return [MemoryLine(-1, self.texts[n], 0) for n in numbers]

    def first_error(self) -> MemoryBlock | None:
        errors = [n for n in range(self.count) if self._line(n).level == 40]
        return MemoryBlock(errors[0]) if errors else None

    def scan(
        self,
        start: int,
        *,
        pattern: re.Pattern[str] | None,
        exclude: bool,
        level: int,
        heads: bool,
        budget: int,
    ) -> MemoryStep:
        stop = min(self.count, start + self.at_once)
        hits = []
        for number in range(start, stop):
            line = self._line(number)
            fits = pattern is None or (pattern.search(line.text) is None) is exclude
            if fits and line.level >= level and (line.head or not heads):
                hits.append(number)
        return MemoryStep(hits, stop, stop == self.count)
