"""Leaderboard and records: the order of training jobs, and what is said of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.tuning.leaderboard import TrainingJob, best_of, counters, line, ranked, summary
from engine.tuning.ranges import Numeric
from engine.tuning.request import Algorithm, Objective, WarmStart
from engine.tuning.warm_start import best_overall, observations

AUC = Objective("auc", maximize=True)
ALGORITHM = Algorithm("trees", AUC, (Numeric("x", 0.0, 1.0),), {})


def job(number: int, status: str = "Completed", *values: float) -> TrainingJob:
    return TrainingJob(number, f"t-{number:03d}", 0, {"x": "0.5"}, 1.0, status, values)


def test_best_objective_comes_first_and_jobs_without_one_last() -> None:
    jobs = [job(1, "Failed", 0.99), job(2, "Completed", 0.2, 0.7), job(3), job(4, "Stopped", 0.8)]
    assert [one.number for one in ranked(jobs, AUC)] == [4, 2, 1, 3]
    assert [one.number for one in ranked(jobs, Objective("auc", maximize=False))] == [2, 4, 1, 3]
    assert best_of(jobs[:1], AUC) is None


def test_summary_and_counters_have_the_shape_of_the_api() -> None:
    done = replace(job(1, "Completed", 0.7), ended_at=9.0)
    found = summary(done, ALGORITHM, "t")
    assert found["FinalHyperParameterTuningJobObjectiveMetric"] == {
        "Type": "Maximize", "MetricName": "auc", "Value": 0.7
    }  # fmt: skip
    assert found["TrainingJobDefinitionName"] == "trees" and found["TrainingEndTime"] == 9.0
    counted = counters([done, job(2, "Failed"), job(3, "InProgress"), job(4, "Stopped")])
    assert counted["TrainingJobStatusCounters"] == {
        "Completed": 1, "InProgress": 1, "RetryableError": 0, "NonRetryableError": 1, "Stopped": 1
    }  # fmt: skip
    assert counted["ObjectiveStatusCounters"] == {"Succeeded": 1, "Pending": 1, "Failed": 2}


def test_line_says_how_a_job_did_and_stands() -> None:
    best = job(1, "Completed", 0.7)
    assert line(best, ALGORITHM, best) == "   1  Completed  auc=0.7        * best  x=0.5"
    failed = replace(job(2, "Failed"), failure_reason="AlgorithmError: no")
    assert line(failed, ALGORITHM, best) == (
        "   2  Failed     no objective           x=0.5: AlgorithmError: no"
    )


def parent(name: str, *jobs: tuple[dict[str, str], float]) -> dict[str, Any]:
    return {
        "HyperParameterTuningJobName": name,
        "Objective": {"Type": "Maximize", "MetricName": "auc"},
        "Data": [],
        "TrainingJobs": [
            {
                "Summary": {"FinalHyperParameterTuningJobObjectiveMetric": {"Value": value}},
                "HyperParameters": point,
            }
            for point, value in jobs
        ],
    }


def test_a_static_hyperparameter_of_a_parent_may_be_tuned_now() -> None:
    records = [parent("p", ({"x": "0.1", "y": "2"}, 0.6), ({"y": "2"}, 0.9))]
    warm = WarmStart(("p",), identical=False)
    assert observations(records, warm, ALGORITHM) == [({"x": "0.1"}, 0.6)]


def test_overall_best_is_that_of_parents_and_the_job_itself() -> None:
    own = {"FinalHyperParameterTuningJobObjectiveMetric": {"Value": 0.7}}
    records = [parent("p", ({}, 0.6), ({}, 0.8))]
    assert best_overall(records, own, AUC) == records[0]["TrainingJobs"][1]["Summary"]
    assert best_overall([parent("p", ({}, 0.6))], own, AUC) == own
    assert best_overall([], None, AUC) is None
