"""The training jobs of a tuning job: their order, and what the service's API says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.model.views import local_arn
from engine.tuning.request import Algorithm, Objective

SUMMARIES = 50
"""TrainingJobSummaries that a step's properties keep: what ``get_top_model_s3_uri`` can ask for."""


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """One training job of a tuning job.

    Args:
        number: from 1.
        algorithm: which of the tuning job's algorithms it runs.
        tuned: the hyperparameters that were chosen for it.
        created_at: seconds since the epoch.
        status: ``InProgress``, ``Completed``, ``Stopped`` or ``Failed``.
        values: the objective each time that the job said it.
        ended_at: seconds since the epoch.
        stopped_because: empty where it came to its own end.
    """

    number: int
    name: str
    algorithm: int
    tuned: dict[str, str]
    created_at: float
    status: str = "InProgress"
    values: tuple[float, ...] = ()
    ended_at: float | None = None
    model: str = ""
    failure_reason: str = ""
    stopped_because: str = ""

    @property
    def ended(self) -> bool:
        """Whether it has come to an end."""
        return self.status != "InProgress"

    @property
    def objective(self) -> float | None:
        """The final objective: the last one said, unless the job failed."""
        return self.values[-1] if self.values and self.status in ("Completed", "Stopped") else None


def ranked(jobs: Iterable[TrainingJob], objective: Objective) -> list[TrainingJob]:
    """Jobs with the best objective first; those without one come last, in their own order."""

    def place(job: TrainingJob) -> tuple[bool, float, int]:
        value = job.objective
        return value is None, 0.0 if value is None else objective.cost(value), job.number

    return sorted(jobs, key=place)


def best_of(jobs: Iterable[TrainingJob], objective: Objective) -> TrainingJob | None:
    """The job with the best objective; None where none has one."""
    first = next(iter(ranked(jobs, objective)), None)
    return first if first is not None and first.objective is not None else None


def summary(job: TrainingJob, algorithm: Algorithm, tuning_job: str) -> dict[str, Any]:
    """HyperParameterTrainingJobSummary."""
    found: dict[str, Any] = {
        "TrainingJobName": job.name,
        "TrainingJobArn": local_arn("training-job", job.name),
        "TuningJobName": tuning_job,
        "CreationTime": job.created_at,
        "TrainingStartTime": job.created_at,
        "TrainingJobStatus": job.status,
        "TunedHyperParameters": dict(job.tuned),
        "ObjectiveStatus": _objective_status(job),
    }
    if algorithm.name:
        found["TrainingJobDefinitionName"] = algorithm.name
    if job.ended_at is not None:
        found["TrainingEndTime"] = job.ended_at
    if job.failure_reason:
        found["FailureReason"] = job.failure_reason
    if job.objective is not None:
        found["FinalHyperParameterTuningJobObjectiveMetric"] = {
            "Type": algorithm.objective.type,
            "MetricName": algorithm.objective.metric,
            "Value": job.objective,
        }
    return found


def _objective_status(job: TrainingJob) -> str:
    if not job.ended:
        return "Pending"
    return "Failed" if job.objective is None else "Succeeded"


def counters(jobs: Sequence[TrainingJob]) -> dict[str, dict[str, int]]:
    """TrainingJobStatusCounters and ObjectiveStatusCounters."""
    states = Counter(job.status for job in jobs)
    objectives = Counter(map(_objective_status, jobs))
    return {
        "TrainingJobStatusCounters": {
            "Completed": states["Completed"],
            "InProgress": states["InProgress"],
            "RetryableError": 0,
            "NonRetryableError": states["Failed"],
            "Stopped": states["Stopped"],
        },
        "ObjectiveStatusCounters": {
            name: objectives[name] for name in ("Succeeded", "Pending", "Failed")
        },
    }


def line(job: TrainingJob, algorithm: Algorithm, best: TrainingJob | None) -> str:
    """One line on a job's end, for the tuning job's log: short, its parts below each other."""
    metric = algorithm.objective.metric
    value = "no objective" if job.objective is None else f"{metric}={job.objective:g}"
    standing = "* best" if best is not None and best.number == job.number else ""
    about = " ".join(f"{name}={_short(text)}" for name, text in job.tuned.items())
    why = job.failure_reason or job.stopped_because
    width = len(metric) + _DIGITS
    told = f"{job.number:>4}  {job.status:<9}  {value:<{width}}  {standing:<6}  {about}".rstrip()
    return told + (f": {why}" if why else "")


_DIGITS = len("=-0.123456")


def _short(text: str) -> str:
    """A hyperparameter's value; of a real number the digits that tell it from another."""
    try:
        return text if text.lstrip("-").isdigit() else f"{float(text):.4g}"
    except ValueError:
        return text
