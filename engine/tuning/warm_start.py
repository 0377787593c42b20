"""What a tuning job leaves behind, and what a later one learns from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.errors import DefinitionError
from engine.tuning.leaderboard import TrainingJob, ranked, summary
from engine.tuning.request import Algorithm, Objective, TuningRequest, WarmStart
from engine.tuning.search import Observation

Record = Mapping[str, Any]
"""One tuning job, as JSON."""


def record_of(
    name: str, status: str, request: TuningRequest, jobs: Sequence[TrainingJob]
) -> dict[str, Any]:
    """The record of a tuning job; it holds the job's own training jobs, not its parents'."""
    objective = request.objective
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobStatus": status,
        "Objective": {"Type": objective.type, "MetricName": objective.metric},
        "Data": [_data(one) for one in request.algorithms],
        "TrainingJobs": [
            {
                "Summary": summary(job, request.algorithms[job.algorithm], name),
                "HyperParameters": {**_static(request.algorithms[job.algorithm]), **job.tuned},
            }
            for job in ranked(jobs, objective)
            if job.objective is not None
        ],
    }


def observations(
    records: Sequence[Record], warm_start: WarmStart, algorithm: Algorithm
) -> list[Observation]:
    """What parents found out about an algorithm's hyperparameters, static ones included.

    Errors: ``DefinitionError`` (``tuning-parent-unusable``) where a parent tuned something else.
    """
    found: list[Observation] = []
    objective = {"Type": algorithm.objective.type, "MetricName": algorithm.objective.metric}
    for record in records:
        name = record["HyperParameterTuningJobName"]
        if record["Objective"] != objective:
            raise _unusable(name, f"tuned {record['Objective']['MetricName']}", "the objective")
        if warm_start.identical and record["Data"] != [_data(algorithm)]:
            raise _unusable(name, "had another image or other input data", "both")
        for job in record["TrainingJobs"]:
            given = job["HyperParameters"]
            point = {one.name: given[one.name] for one in algorithm.ranges if one.name in given}
            if len(point) == len(algorithm.ranges):
                found.append((point, _value(job["Summary"])))
    return found


def best_overall(
    records: Sequence[Record], own: Mapping[str, Any] | None, objective: Objective
) -> Mapping[str, Any] | None:
    """The best of a tuning job's own best and its parents' (training job summaries)."""
    summaries = [job["Summary"] for record in records for job in record["TrainingJobs"]]

    candidates = [*([own] if own else []), *summaries]
    return min(candidates, key=lambda one: objective.cost(_value(one)), default=None)


def _data(algorithm: Algorithm) -> dict[str, Any]:
    specification = algorithm.definition.get("AlgorithmSpecification") or {}
    return {
        "TrainingImage": specification.get("TrainingImage"),
        "InputDataConfig": list(algorithm.definition.get("InputDataConfig") or ()),
    }


def _value(summary: Mapping[str, Any]) -> float:
    return float(summary["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])


def _static(algorithm: Algorithm) -> dict[str, str]:
    return {name: str(value) for name, value in algorithm.static.items()}


def _unusable(name: str, why: str, same: str) -> DefinitionError:
    return DefinitionError(
        f"the parent tuning job {name} {why}",
        code="tuning-parent-unusable",
        hint=f"A warm start of this type keeps {same} as it was.",
    )
