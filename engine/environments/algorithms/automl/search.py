"""The search: candidates one after the other within a budget, and the ensemble of the best.

It knows no library: what a candidate is and how it is tried come from outside.
"""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Iterable, Iterator, Mapping, Sequence

from .candidates import Proposal
from .problem import AutoMLError

ROUNDS = 20
"""Of the ensemble's selection: weights are multiples of a twentieth."""


class TimeUp(BaseException):
    """A candidate's time is over; no ``except Exception`` of a library takes it for its own."""


@dataclass(frozen=True)
class Candidate:
    """A model that was tried.

    Attributes:
        score: the objective, cross-validated; not a number where it failed.
        predictions: cross-validated, of every training row.
        members: weights and fitted pipelines, as the served model has them.
        reason: why it failed; empty where it did not.
    """

    number: int
    family: str
    settings: Mapping[str, Any]
    score: float
    predictions: Any = None
    members: Sequence[tuple[float, Any]] = ()
    reason: str = ""
    seconds: float = 0.0


Try = Callable[[Proposal], Candidate]


@dataclass(frozen=True)
class Budget:
    """How long the whole and each candidate may take, in seconds; None for no limit."""

    job_s: float | None
    candidate_s: float | None
    clock: Callable[[], float] = time.monotonic
    began: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "began", self.clock())

    @property
    def left(self) -> float | None:
        """Seconds left for the whole; None where it has no limit."""
        return None if self.job_s is None else self.job_s - (self.clock() - self.began)

    @property
    def over(self) -> bool:
        """Whether nothing else may start."""
        return self.left is not None and self.left <= 0

    def next(self) -> float | None:
        """Seconds that the next candidate may take; None for no limit."""
        limits = [limit for limit in (self.left, self.candidate_s) if limit is not None]
        return min(limits) if limits else None


@contextmanager
def limited(seconds: float | None) -> Iterator[None]:
    """Raise ``TimeUp`` in the block when its time is over.

    It is raised between two steps of the interpreter: a library's own loop has to come back first.
    It repeats, for what is raised in a destructor or a callback may get lost.
    """
    if seconds is None:
        yield
        return

    def end(*_: object) -> None:
        raise TimeUp

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001), 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def search(
    proposals: Iterable[Proposal], budget: Budget, attempt: Try, say: Callable[[str], None]
) -> list[Candidate]:
    """Try candidates until there are no more, or no time.

    A candidate that fails is kept with its reason, and the search goes on.

    Errors: ``AutoMLError`` where not one of them succeeded.
    """
    found: list[Candidate] = []
    for proposal in proposals:
        if budget.over:
            say("MaxAutoMLJobRuntimeInSeconds is over: no other candidate starts")
            break
        began = budget.clock()
        candidate = _one(proposal, budget, attempt)
        seconds = budget.clock() - began
        found.append(replace(candidate, seconds=seconds))
        say(line(found[-1]))
    if not any(not one.reason for one in found):
        reason = found[0].reason if found else "there was no time for one"
        raise AutoMLError(f"None of {len(found)} candidates could be trained: {reason}")
    return found


def _one(proposal: Proposal, budget: Budget, attempt: Try) -> Candidate:
    try:
        with limited(budget.next()):
            return attempt(proposal)
    except TimeUp:
        reason = "its time was over"
    except Exception as problem:
        reason = f"{type(problem).__name__}: {problem}"[:500]
    return Candidate(
        proposal.number, proposal.family, proposal.settings, float("nan"), reason=reason
    )


def line(candidate: Candidate) -> str:
    """What the log says of a candidate."""
    result = f"failed: {candidate.reason}" if candidate.reason else f"{candidate.score:g}"
    settings = ", ".join(f"{name}={value}" for name, value in candidate.settings.items())
    return (
        f"candidate {candidate.number} {candidate.family} ({settings}): {result}"
        f" in {candidate.seconds:.1f} s"
    )


def weigh(
    predictions: Sequence[Any],
    score: Callable[[Any], float],
    better: Callable[[float, float], bool],
) -> list[int]:
    """How often each model's predictions count in the best average that greedy steps find.

    Ensemble selection with replacement (Caruana et al. 2004): each round adds the model that makes
    the average best, and the best of all rounds counts.

    Args:
        predictions: of each model, arrays of one shape.
        score: the objective of predictions.
        better: whether one score beats another.
    """
    counts = [0] * len(predictions)
    best, best_counts = float("nan"), counts
    total: Any = 0.0
    for size in range(1, ROUNDS + 1):
        scores = [score((total + one) / size) for one in predictions]
        chosen = 0
        for index, value in enumerate(scores):
            if better(value, scores[chosen]):
                chosen = index
        total = total + predictions[chosen]
        counts = [count + (index == chosen) for index, count in enumerate(counts)]
        if better(scores[chosen], best):
            best, best_counts = scores[chosen], counts
    return best_counts
