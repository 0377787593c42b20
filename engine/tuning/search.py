"""Searches: which hyperparameters to try next."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import islice, product
from math import prod
from typing import Protocol

from engine.tuning.ranges import Categorical, Point
from engine.tuning.request import NEEDS_OPTUNA, Algorithm, Strategy, TuningRequest

Observation = tuple[Point, float]
"""Hyperparameters and what the objective was with them."""


class Search(Protocol):
    """Proposes points for one algorithm, and learns how they did.

    A training job is known by its number. What is proposed depends on the seed and on what the
    search was told before; a runner that takes over tells it the same again.
    """

    def propose(self, number: int) -> Point | None:
        """The point for the next job; None when there is no other one."""
        ...

    def recall(self, number: int, point: Point) -> None:
        """Take note of a point that an earlier runner was given."""
        ...

    def report(self, number: int, epoch: int, value: float) -> bool:
        """Take note of the objective after an epoch (from 1). Returns whether to stop the job."""
        ...

    def settle(self, number: int, value: float | None, *, stopped: bool = False) -> None:
        """Take note of a job's end; ``value`` is None where it has no objective."""
        ...


class RandomSearch:
    """Strategy Random: each range drawn from evenly on its scale."""

    def __init__(self, algorithm: Algorithm, seed: str) -> None:
        self._ranges = algorithm.ranges
        self._seed = seed

    def propose(self, number: int) -> Point | None:
        """See ``Search.propose``."""
        return {one.name: one.at(draw(self._seed, number, one.name)) for one in self._ranges}

    def recall(self, number: int, point: Point) -> None:
        """Nothing: a draw depends on the job's number alone."""

    def report(self, number: int, epoch: int, value: float) -> bool:
        """Never stops a job."""
        return False

    def settle(self, number: int, value: float | None, *, stopped: bool = False) -> None:
        """Nothing is learnt."""


class GridSearch:
    """Strategy Grid: every combination of categorical values, the last range fastest."""

    def __init__(self, algorithm: Algorithm) -> None:
        self._ranges = [one for one in algorithm.ranges if isinstance(one, Categorical)]
        self._given = 0
        self.size = prod(len(one.values) for one in self._ranges)

    def propose(self, number: int) -> Point | None:
        """See ``Search.propose``."""
        combinations = product(*(one.values for one in self._ranges))
        values = next(islice(combinations, self._given, None), None)
        if values is None:
            return None
        self._given += 1
        return dict(zip((one.name for one in self._ranges), values, strict=True))

    def recall(self, number: int, point: Point) -> None:
        """See ``Search.recall``."""
        self._given += 1

    def report(self, number: int, epoch: int, value: float) -> bool:
        """Never stops a job."""
        return False

    def settle(self, number: int, value: float | None, *, stopped: bool = False) -> None:
        """Nothing is learnt."""


def open_search(
    request: TuningRequest,
    algorithm: Algorithm,
    seed: str,
    observations: Sequence[Observation] = (),
) -> Search:
    """The search that a request asks for.

    Args:
        seed: any text; the same text gives the same search.
        observations: of earlier tuning jobs, best known first or not.

    Errors: ``PlanError`` (``optuna-missing``).
    """
    if request.strategy is Strategy.GRID:
        return GridSearch(algorithm)
    if request.strategy not in NEEDS_OPTUNA:
        return RandomSearch(algorithm, seed)
    from engine.tuning.study import StudySearch

    return StudySearch(algorithm, seed, observations, request.resources)


def spread(seed: str, count: int, number: int, name: str) -> float:
    """A share of a range for the ``number``-th (from 0) of ``count`` points.

    Each of ``count`` equal parts of a range gets one of the points (a Latin hypercube).
    """
    parts = sorted(range(count), key=lambda part: draw(seed, name, part))
    return (parts[number] + draw(seed, name, "within", number)) / count


def draw(seed: str, *what: object) -> float:
    """A number from 0 to just below 1 that depends on nothing but the arguments."""
    digest = hashlib.sha256("/".join(map(str, (seed, *what))).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 % 1.0
