"""The KLL quantile sketch that statistics.json carries."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import Iterable, Sequence

SIZE = 2048
SHRINKING_FACTOR = 0.64


class Sketch:
    """Quantiles of a stream in little space.

    Karnin, Lang, Liberty: Optimal Quantile Approximation in Streams (2016), in the form of deequ
    (``QuantileNonSample``, ``NonSampleCompactor``): a full level is sorted, every second item moves
    one level up with twice the weight, starting at the first and at the second in turns. Until a
    level is full, the only level holds all items in the order they came in.
    """

    def __init__(self, size: int = SIZE, shrinking_factor: float = SHRINKING_FACTOR) -> None:
        self.levels: list[list[float]] = [[]]
        self._size = size
        self._factor = shrinking_factor
        self._compactions = [0]
        self._offsets = [0]
        self._held = 0
        self._room = self._capacity(0)

    @classmethod
    def of(cls, items: Iterable[float]) -> Sketch:
        """The sketch of these items."""
        sketch = cls()
        for item in items:
            sketch.add(item)
        return sketch

    def add(self, item: float) -> None:
        """Take one item in."""
        self.levels[0].append(item)
        self._held += 1
        if self._held > self._room:
            self._compact_first_full_level()

    def _capacity(self, level: int) -> int:
        return int(2 * (math.ceil(self._size * self._factor**level / 2) + 1))

    def _compact_first_full_level(self) -> None:
        for level, items in enumerate(self.levels):
            if len(items) >= self._capacity(level):
                if level + 1 == len(self.levels):
                    self.levels.append([])
                    self._compactions.append(0)
                    self._offsets.append(0)
                    self._room += self._capacity(level + 1)
                self._compact(level)
                return

    def _compact(self, level: int) -> None:
        items = self.levels[level]
        even = len(items) - len(items) % 2
        if self._compactions[level] % 2:
            self._offsets[level] = 1 - self._offsets[level]
        self._compactions[level] += 1
        self.levels[level + 1].extend(sorted(items[:even])[self._offsets[level] :: 2])
        self.levels[level] = items[even:]
        self._held = sum(len(level) for level in self.levels)


class Ranks:
    """How many of a sketch's items lie at or below a value.

    Args:
        levels: a sketch's levels; an item of level i counts 2^i times.
    """

    def __init__(self, levels: Sequence[Sequence[float]]) -> None:
        weighted = sorted(
            (item, 1 << level) for level, items in enumerate(levels) for item in items
        )
        self.items = [item for item, _ in weighted]
        self._below = [0, *accumulate(weight for _, weight in weighted)]

    @property
    def total(self) -> int:
        """The weight of all items."""
        return self._below[-1]

    def at_most(self, value: float) -> int:
        """Weight of the items that are not above a value."""
        return self._below[bisect_right(self.items, value)]

    def below(self, value: float) -> int:
        """Weight of the items below a value."""
        return self._below[bisect_left(self.items, value)]
