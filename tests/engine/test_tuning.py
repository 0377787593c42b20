"""Tuning steps: training jobs under limits, searches, early ends, warm starts, recovery, stop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.errors import PlanError
from engine.jobs.attempt import read_claim
from engine.model.commands import StopExecution
from engine.model.status import ExecutionStatus, StepStatus
from engine.model.views import StepView
from tests.engine.crash import Fifo
from tests.engine.embedded import HOST_IMAGE, Embedded, definition, processing

S = StepStatus
X = {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "-1", "MaxValue": "1"}]}
LETTERS = {"CategoricalParameterRanges": [{"Name": "letter", "Values": ["a", "b", "c", "d"]}]}
READ = 'hp() { sed -n "s/^ *\\"$1\\": \\"\\(.*\\)\\".*/\\1/p" $CONFIG/hyperparameters.json; }\n'
"""A shell function that prints a hyperparameter."""


def training(script: str, **more: Any) -> dict[str, Any]:
    """A training job definition that runs a shell script on the host's image."""
    return {
        "StaticHyperParameters": {},
        "RoleArn": "arn:aws:iam::123456789012:role/R",
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/tune"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        "HyperParameterTuningResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large"},
        "AlgorithmSpecification": {
            "TrainingInputMode": "File",
            "TrainingImage": HOST_IMAGE,
            "MetricDefinitions": [{"Name": "loss", "Regex": "loss=(.*)"}],
            "ContainerEntrypoint": ["/bin/sh", "-c", READ + script],
        },
        "Environment": {"CONFIG": "/opt/ml/input/config"},
        **more,
    }


def tuning(
    script: str,
    ranges: Mapping[str, Any] = X,
    *,
    strategy: str = "Random",
    most: int = 3,
    parallel: int = 2,
    job: Mapping[str, Any] | None = None,
    name: str = "Tune",
    arguments: Mapping[str, Any] | None = None,
    **config: Any,
) -> dict[str, Any]:
    """A Tuning step that minimizes ``loss``."""
    return {
        "Name": name,
        "Type": "Tuning",
        "Arguments": {
            "HyperParameterTuningJobConfig": {
                "Strategy": strategy,
                "ResourceLimits": {
                    "MaxNumberOfTrainingJobs": most,
                    "MaxParallelTrainingJobs": parallel,
                },
                "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
                "ParameterRanges": ranges,
                "RandomSeed": 7,
                **config,
            },
            "TrainingJobDefinition": training(script, **(job or {})),
            **(arguments or {}),
        },
    }


SQUARE = 'x=$(hp x); echo "$x" > /opt/ml/model/x; awk -v x="$x" "BEGIN { print \\"loss=\\" x * x }"'


def names(view: StepView) -> list[str]:
    return [job["TrainingJobName"] for job in view.properties["TrainingJobSummaries"]]


def text_of(view: StepView, file: str) -> str:
    """The text of a file in the folder of a step's attempt."""
    return Path(view.directory, file).read_text(encoding="utf-8")


def by_letter(view: StepView, key: str) -> dict[str, Any]:
    return {
        job["TunedHyperParameters"]["letter"]: job.get(key)
        for job in view.properties["TrainingJobSummaries"]
    }


async def tuned(embedded: Embedded, *steps: Mapping[str, Any], **request: Any) -> StepView:
    """Run steps; returns the Tuning step's view after checking that it succeeded."""
    state = await embedded.run(definition(*steps), **request)
    view = state.steps["Tune"]
    assert view.status is S.SUCCEEDED, view.failure_reason
    return view


async def test_training_jobs_are_ranked_and_described_as_by_the_service(
    embedded: Embedded,
) -> None:
    view = await tuned(embedded, tuning(SQUARE, most=4))
    found = view.properties
    losses = [
        job["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
        for job in found["TrainingJobSummaries"]
    ]
    assert len(losses) == 4 and losses == sorted(losses)
    best = found["BestTrainingJob"]
    assert best == found["TrainingJobSummaries"][0]
    assert float(best["TunedHyperParameters"]["x"]) ** 2 == pytest.approx(losses[0], rel=1e-4)
    assert found["HyperParameterTuningJobStatus"] == "Completed"
    assert found["TrainingJobStatusCounters"]["Completed"] == 4
    assert found["ObjectiveStatusCounters"] == {"Succeeded": 4, "Pending": 0, "Failed": 0}
    tuning_job = found["HyperParameterTuningJobName"]
    assert len(tuning_job) <= 32
    assert sorted(name.removeprefix(tuning_job)[:5] for name in names(view)) == [
        "-001-", "-002-", "-003-", "-004-"
    ]  # fmt: skip
    assert view.metadata["TuningJob"]["Arn"] == found["HyperParameterTuningJobArn"]


async def test_later_steps_reach_the_models_of_the_best_jobs(embedded: Embedded) -> None:
    def model_of(place: int) -> dict[str, Any]:
        name = {"Get": f"Steps.Tune.TrainingJobSummaries[{place}].TrainingJobName"}
        parts = ["s3:/", "bucket", "tune", name, "output/model.tar.gz"]
        return {"Std:Join": {"On": "/", "Values": parts}}

    unpack = "tar xzOf /opt/ml/processing/best/model.tar.gz x > /opt/ml/processing/out/x"
    use = processing("Use", unpack, inputs={"best": "s3://x/y", "second": "s3://x/y"},
                     outputs={"out": "s3://bucket/use"})  # fmt: skip
    for place, entry in enumerate(use["Arguments"]["ProcessingInputs"]):
        entry["S3Input"]["S3Uri"] = model_of(place)
    best = {"Get": "Steps.Tune.BestTrainingJob.TunedHyperParameters['x']"}
    use["Arguments"]["Environment"] = {"X": {"Std:Join": {"On": "", "Values": [best]}}}
    state = await embedded.run(definition(tuning(SQUARE), use))
    assert state.steps["Use"].status is S.SUCCEEDED, state.steps["Use"].failure_reason
    used = state.steps["Use"].arguments["Environment"]["X"]
    assert embedded.get("s3://bucket/use/x").strip() == used


async def test_log_and_leaderboard_tell_of_each_training_job(embedded: Embedded) -> None:
    view = await tuned(embedded, tuning(SQUARE))
    lines = embedded.log(view).splitlines()
    assert len(lines) == 3
    assert all(" Completed  loss=" in line and " x=" in line for line in lines)
    assert lines[0].count("* best") == 1
    board = json.loads(text_of(view, "leaderboard.json"))
    assert [job["TrainingJobName"] for job in board["TrainingJobSummaries"]] == names(view)
    model = board["TrainingJobSummaries"][0]["ModelArtifacts"]["S3ModelArtifacts"]
    assert model == f"s3://bucket/tune/{names(view)[0]}/output/model.tar.gz"


async def test_jobs_get_static_and_tuned_hyperparameters_and_the_objective(
    embedded: Embedded,
) -> None:
    script = "cat $CONFIG/hyperparameters.json; echo; echo loss=1"
    job = {"StaticHyperParameters": {"rounds": "5"}}
    view = await tuned(embedded, tuning(script, LETTERS, most=1, job=job))
    log = text_of(view, "children/001/job.log")
    given = json.loads(log[: log.rindex("}") + 1])
    assert given.pop("letter") in "abcd"
    assert given == {"rounds": "5", "_tuning_objective_metric": "loss"}


async def test_the_same_seed_tries_the_same_points(embedded: Embedded) -> None:
    first = await tuned(embedded, tuning(SQUARE))
    again = await tuned(embedded, tuning(SQUARE, parallel=1))
    other = await tuned(embedded, tuning(SQUARE, RandomSeed=8))

    def points(view: StepView) -> list[Any]:
        return [job["TunedHyperParameters"] for job in view.properties["TrainingJobSummaries"]]

    assert points(first) == points(again) != points(other)


async def test_grid_tries_every_combination_whatever_the_limit(embedded: Embedded) -> None:
    ranges = {
        "CategoricalParameterRanges": [
            {"Name": "letter", "Values": ["a", "b", "c"]},
            {"Name": "flag", "Values": ["0", "1"]},
        ]
    }
    view = await tuned(embedded, tuning("echo loss=1", ranges, strategy="Grid", most=2))
    tried = {
        tuple(job["TunedHyperParameters"].values())
        for job in view.properties["TrainingJobSummaries"]
    }
    assert len(tried) == len(names(view)) == 6


@pytest.mark.parametrize(("parallel", "max_parallel"), [(2, 4), (4, 2)])
async def test_no_more_jobs_run_at_once_than_either_limit_allows(
    embedded: Embedded, parallel: int, max_parallel: int
) -> None:
    """Each job takes one of two slots; the first two wait until both of them have one."""
    slots, meet = embedded.folder / "slots", embedded.folder / "meet"
    slots.mkdir()
    meet.mkdir()
    script = (
        f"slot=; for n in 1 2; do [ $slot ] || ! mkdir {slots}/$n 2>/dev/null || slot=$n; done;"
        f" touch {meet}/$TRAINING_JOB_NAME;"
        f" while [ $(ls {meet} | wc -l) -lt 2 ]; do sleep 0.01; done;"
        f" [ $slot ] && rmdir {slots}/$slot || exit 1; echo loss=1"
    )
    view = await tuned(
        embedded, tuning(script, most=6, parallel=parallel), max_parallel=max_parallel
    )
    assert view.properties["TrainingJobStatusCounters"]["Completed"] == 6


async def test_failed_training_jobs_do_not_fail_a_tuning_job(embedded: Embedded) -> None:
    script = "case $(hp letter) in b) exit 3;; *) echo loss=1;; esac"
    view = await tuned(embedded, tuning(script, LETTERS, strategy="Grid"))
    assert by_letter(view, "TrainingJobStatus")["b"] == "Failed"
    assert by_letter(view, "FailureReason")["b"].endswith("exit code 3")
    assert view.properties["TrainingJobSummaries"][-1]["TunedHyperParameters"] == {"letter": "b"}
    assert view.properties["TrainingJobStatusCounters"]["NonRetryableError"] == 1


async def test_tuning_job_of_failed_training_jobs_fails_with_their_reason(
    embedded: Embedded,
) -> None:
    state = await embedded.run(definition(tuning("echo no > /opt/ml/output/failure; exit 1")))
    view = state.steps["Tune"]
    assert view.status is S.FAILED and view.failure_code == "tuning-all-failed"
    assert view.failure_reason.startswith("AlgorithmError: no, exit code 1")
    assert view.properties["HyperParameterTuningJobStatus"] == "Failed"


async def test_a_metric_that_is_never_said_fails_the_tuning_job(embedded: Embedded) -> None:
    state = await embedded.run(definition(tuning("echo accuracy=1")))
    view = state.steps["Tune"]
    assert view.failure_code == "tuning-no-objective"
    assert view.failure_reason.startswith("ClientError: No objective metrics found after running 3")


async def test_early_stopping_ends_a_job_that_is_behind_the_median(embedded: Embedded) -> None:
    """The last job of the grid never ends by itself."""
    script = (
        "case $(hp letter) in d) echo loss=9; exec sleep 600;; *) echo loss=2; echo loss=1;; esac"
    )
    step = tuning(script, LETTERS, strategy="Grid", parallel=1, TrainingJobEarlyStoppingType="Auto")
    view = await tuned(embedded, step)
    assert by_letter(view, "TrainingJobStatus") == {
        "a": "Completed", "b": "Completed", "c": "Completed", "d": "Stopped"
    }  # fmt: skip
    assert "early stopping after epoch 1" in embedded.log(view)


async def test_a_reached_target_stops_what_runs_and_starts_nothing_new(
    embedded: Embedded,
) -> None:
    script = "case $(hp letter) in b) echo loss=0.1;; *) echo loss=5; exec sleep 600;; esac"
    step = tuning(script, LETTERS, strategy="Grid", parallel=2,
                  TuningJobCompletionCriteria={"TargetObjectiveMetricValue": 0.5})  # fmt: skip
    view = await tuned(embedded, step)
    assert by_letter(view, "TrainingJobStatus") == {"b": "Completed", "a": "Stopped"}
    assert "reached the target 0.5" in view.note


async def test_jobs_that_do_not_improve_end_the_tuning_job(embedded: Embedded) -> None:
    criteria = {"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 2}}
    step = tuning("echo loss=1", most=9, parallel=1, TuningJobCompletionCriteria=criteria)
    assert len(names(await tuned(embedded, step))) == 3


async def test_time_over_ends_the_tuning_job_with_what_there_is(embedded: Embedded) -> None:
    script = "case $(hp letter) in a) echo loss=1;; *) exec sleep 600;; esac"
    step = tuning(script, LETTERS, strategy="Grid", parallel=1)
    limits = step["Arguments"]["HyperParameterTuningJobConfig"]["ResourceLimits"]
    limits["MaxRuntimeInSeconds"] = 1
    view = await tuned(embedded, step)
    assert by_letter(view, "TrainingJobStatus") == {"a": "Completed", "b": "Stopped"}
    assert "MaxRuntimeInSeconds is over" in view.note


async def test_several_algorithms_share_the_budget_and_one_leaderboard(
    embedded: Embedded,
) -> None:
    objective = {"Type": "Minimize", "MetricName": "loss"}
    definitions = [
        training(f"echo loss={loss}", DefinitionName=name, TuningObjective=objective,
                 HyperParameterRanges=X)
        for name, loss in (("far", 2), ("near", 1))
    ]  # fmt: skip
    step = tuning("", most=4, arguments={"TrainingJobDefinitions": definitions})
    del step["Arguments"]["TrainingJobDefinition"]
    view = await tuned(embedded, step)
    jobs = view.properties["TrainingJobSummaries"]
    assert [job["TrainingJobDefinitionName"] for job in jobs] == ["near", "near", "far", "far"]


async def test_a_warm_start_learns_from_a_parent_in_this_home(embedded: Embedded) -> None:
    pytest.importorskip("optuna")
    parent = await tuned(embedded, tuning("echo loss=1", most=6))
    name = parent.properties["HyperParameterTuningJobName"]
    warm = {
        "WarmStartConfig": {
            "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": name}],
            "WarmStartType": "IdenticalDataAndAlgorithm",
        }
    }
    cold = await tuned(embedded, tuning("echo loss=2", strategy="Bayesian", most=1))
    view = await tuned(embedded, tuning("echo loss=2", strategy="Bayesian", most=1, arguments=warm))
    best = view.properties["BestTrainingJob"]
    assert (
        best["TunedHyperParameters"] != cold.properties["BestTrainingJob"]["TunedHyperParameters"]
    )
    assert view.properties["OverallBestTrainingJob"]["TuningJobName"] == name
    changed = tuning(
        "echo loss=2", arguments=warm,
        job={"InputDataConfig": [], "AlgorithmSpecification": {
            **training("echo loss=2")["AlgorithmSpecification"], "TrainingImage": "other:1"}},
    )  # fmt: skip
    state = await embedded.run(definition(changed))
    assert state.steps["Tune"].failure_code == "tuning-parent-unusable"


async def test_an_unknown_parent_is_told(embedded: Embedded) -> None:
    parents = [{"HyperParameterTuningJobName": "../../config"}]
    warm = {"ParentHyperParameterTuningJobs": parents, "WarmStartType": "TransferLearning"}
    state = await embedded.run(definition(tuning(SQUARE, arguments={"WarmStartConfig": warm})))
    assert state.steps["Tune"].failure_code == "tuning-parent-unknown"


async def test_hyperband_gives_good_jobs_all_epochs_and_stops_others(embedded: Embedded) -> None:
    """Each job goes on for ever; the better one of two must get to the last epoch."""
    pytest.importorskip("optuna")
    script = (
        "x=$(hp x); for e in 1 2 3 4 5 6 7 8 9; do"
        ' awk -v x="$x" "BEGIN { print \\"loss=\\" x * x }"; done; exec sleep 600'
    )
    resources = {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 9}}
    step = tuning(script, strategy="Hyperband", most=6, parallel=1, StrategyConfig=resources)
    view = await tuned(embedded, step)
    log = embedded.log(view)
    assert log.count("Hyperband gave it") == 6
    assert "Hyperband gave it 9 epochs" in log
    assert "Hyperband gave it 1 epochs" in log or "Hyperband gave it 3 epochs" in log


async def finished_jobs(fifo: Fifo, count: int) -> None:
    """Wait until so many jobs have said that they begin."""
    for _ in range(count):
        await asyncio.to_thread(fifo.hear)


async def test_stop_ends_running_training_jobs_and_starts_no_more(embedded: Embedded) -> None:
    fifo = Fifo(embedded.folder / "fifo")
    step = tuning(f"echo loss=1; echo begun > {fifo.path}; exec sleep 600", most=9)
    execution_id = await embedded.create(definition(step), max_parallel=1)
    running = asyncio.create_task(embedded.go_on(execution_id))
    await finished_jobs(fifo, 1)
    await embedded.send(execution_id, StopExecution("enough"))
    state = await running
    fifo.close()
    view = state.steps["Tune"]
    assert state.execution.status is ExecutionStatus.STOPPED
    assert view.status is S.STOPPED
    assert view.properties["HyperParameterTuningJobStatus"] == "Stopped"
    assert view.properties["TrainingJobStatusCounters"]["Stopped"] == len(names(view)) == 1


async def left_by_its_runner(embedded: Embedded, lost: bool) -> tuple[StepView, list[str]]:
    """A grid of four, whose second job runs when the runner goes away, after a takeover.

    Args:
        lost: the second job's supervisor dies, too.

    Returns:
        The step's view, and the name of each job each time that it began.
    """
    begun = embedded.folder / "begun"
    fifo, gate = Fifo(embedded.folder / "fifo"), Fifo(embedded.folder / "gate")
    script = (
        f"echo $TRAINING_JOB_NAME >> {begun}; case $(hp letter) in b)"
        f" echo waiting > {fifo.path}; read word < {gate.path};; esac; echo loss=1"
    )
    step = tuning(script, LETTERS, strategy="Grid", parallel=1)
    execution_id = await embedded.create(definition(step))
    running = asyncio.create_task(embedded.go_on(execution_id))
    await finished_jobs(fifo, 1)
    running.cancel()
    await asyncio.wait([running])
    if lost:
        folder = embedded.home.attempt(execution_id, "Tune", 1) / "children" / "002"
        claim = read_claim(str(folder))
        assert claim is not None
        os.kill(claim.pid, signal.SIGKILL)
    going_on = asyncio.create_task(embedded.go_on(execution_id))
    if lost:
        await finished_jobs(fifo, 1)
    gate.say()
    state = await going_on
    fifo.close()
    gate.close()
    view = state.steps["Tune"]
    assert view.status is S.SUCCEEDED, view.failure_reason
    assert [attempt.number for attempt in view.attempts] == [1]
    assert by_letter(view, "TrainingJobStatus") == dict.fromkeys("abcd", "Completed")
    return view, begun.read_text().split()


async def test_who_takes_over_adopts_running_jobs_and_repeats_no_finished_one(
    embedded: Embedded,
) -> None:
    view, begun = await left_by_its_runner(embedded, lost=False)
    assert begun == sorted(names(view))


async def test_who_takes_over_starts_a_lost_training_job_again(embedded: Embedded) -> None:
    view, begun = await left_by_its_runner(embedded, lost=True)
    first, second, third, fourth = sorted(names(view))
    assert begun == [first, second, second, third, fourth]


def refusal(problems: Sequence[BaseException]) -> PlanError:
    assert len(problems) == 1 and isinstance(problems[0], PlanError)
    return problems[0]


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (tuning(SQUARE, strategy="Grid"), "tuning-request-invalid"),
        (tuning(SQUARE, {}), "tuning-range-invalid"),
        (tuning(SQUARE, HyperParameterTuningJobObjective={"Type": "Minimize", "MetricName": "f1"}),
         "tuning-objective-undeclared"),
        (tuning(SQUARE, job={"AlgorithmSpecification": {"TrainingImage": HOST_IMAGE,
         "MetricDefinitions": [{"Name": "loss", "Regex": "x"}]}}), "image-program-missing"),
    ],
)  # fmt: skip
async def test_what_cannot_run_is_refused_before_anything_starts(
    embedded: Embedded, step: Mapping[str, Any], code: str
) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await embedded.run(definition(step))
    assert refusal(caught.value.exceptions).code == code
