"""The DAGs every engine runs: the same seed, so the same edges everywhere."""

from __future__ import annotations

import random

Dependencies = list[list[int]]
"""Item ``i`` lists the earlier steps that step ``i`` waits for."""


def chain(count: int = 200) -> Dependencies:
    """One step after the other."""
    return [[] if number == 0 else [number - 1] for number in range(count)]


def fan(count: int = 500) -> Dependencies:
    """All at once."""
    return [[] for _ in range(count)]


def layered(count: int = 1000, width: int = 50, seed: int = 20260101) -> Dependencies:
    """Layers of ``width``; each step waits for one to three of the layer before."""
    source = random.Random(seed)
    steps: Dependencies = []
    for number in range(count):
        layer = number // width
        if layer == 0:
            steps.append([])
            continue
        before = range((layer - 1) * width, layer * width)
        steps.append(sorted(source.sample(before, source.choice((1, 2, 2, 3)))))
    return steps


SHAPES = {"chain": chain, "fan": fan, "layered": layered}
