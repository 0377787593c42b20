"""The training jobs of a tuning step: what was tried, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import PipetuiError
from engine.model.views import StepView


@dataclass(frozen=True, slots=True)
class Trial:
    """One training job of a tuning step.

    Args:
        number: from 1.
        values: the objective each time that the job told it.
        objective: the final one; None where there is none, or not yet.
        best: whether no other one is better.
    """

    number: int
    name: str
    status: str
    tuned: Mapping[str, str]
    metric: str
    created_at: float
    ended_at: float | None = None
    values: tuple[float, ...] = ()
    objective: float | None = None
    best: bool = False


def trials_of(step: StepView) -> list[Trial]:
    """The training jobs of a tuning step's current attempt, best first; none for another step."""
    if step.type != "Tuning" or not step.directory or not isinstance(step.arguments, Mapping):
        return []
    from engine.steps.tuning_files import TuningFiles
    from engine.tuning.leaderboard import best_of, ranked
    from engine.tuning.request import read_request

    arguments: Mapping[str, Any] = step.arguments
    try:
        objective = read_request(arguments).objective
        jobs = TuningFiles(Path(step.directory)).jobs()
    except (PipetuiError, OSError, ValueError):
        return []
    best = best_of(jobs, objective)
    return [
        Trial(
            job.number,
            job.name,
            job.status,
            job.tuned,
            objective.metric,
            job.created_at,
            job.ended_at,
            job.values,
            job.objective,
            best is not None and best.number == job.number,
        )
        for job in ranked(jobs, objective)
    ]
