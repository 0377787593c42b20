"""Requests: what is read from a definition, and what a training job is given."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from engine.errors import DefinitionError
from engine.tuning.request import Resources, Strategy, read_request
from tests.shared import SHARED, needs_shared

Arguments = dict[str, Any]


def arguments(**config: Any) -> Arguments:
    """A request that can be read."""
    return {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "ResourceLimits": {"MaxNumberOfTrainingJobs": "4", "MaxParallelTrainingJobs": 2},
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
            "ParameterRanges": {"CategoricalParameterRanges": [{"Name": "c", "Values": ["a"]}]},
            **config,
        },
        "TrainingJobDefinition": {
            "StaticHyperParameters": {"epochs": "27"},
            "AlgorithmSpecification": {
                "MetricDefinitions": [{"Name": "loss", "Regex": "loss=(.*)"}]
            },
        },
    }


def shared(name: str) -> Arguments:
    steps = json.loads((SHARED / "definitions" / name).read_text(encoding="utf-8"))["Steps"]
    found: Arguments = steps[0]["Arguments"]
    return found


@needs_shared
def test_sdk_request_for_a_built_in_algorithm_is_read() -> None:
    request = read_request(shared("v2-tuning-topk.json"))
    assert request.strategy is Strategy.BAYESIAN and request.early_stopping
    assert (request.max_jobs, request.max_parallel) == (4, 2)
    (algorithm,) = request.algorithms
    assert [one.name for one in algorithm.ranges] == ["eta", "max_depth", "booster"]
    training = algorithm.training_request({"eta": "0.2"}, "job-001")
    assert training["HyperParameters"] == {
        "num_round": "50", "eta": "0.2", "_tuning_objective_metric": "validation:rmse"
    }  # fmt: skip
    (metric,) = training["AlgorithmSpecification"]["MetricDefinitions"]
    assert metric["Name"] == "validation:rmse" and "#011validation-rmse:" in metric["Regex"]
    assert training["ResourceConfig"]["InstanceType"] == "ml.m5.xlarge"


@needs_shared
def test_sdk_request_for_two_algorithms_is_read() -> None:
    request = read_request(shared("v2-tuning-multi-algo.json"))
    assert [one.name for one in request.algorithms] == ["img", "xgb"]
    assert [one.objective.metric for one in request.algorithms] == ["loss", "validation:rmse"]


def test_checkpoints_are_kept_apart_by_job() -> None:
    given = arguments()
    given["TrainingJobDefinition"]["CheckpointConfig"] = {"S3Uri": "s3://b/c/", "LocalPath": "/x"}
    (algorithm,) = read_request(given).algorithms
    training = algorithm.training_request({}, "job-001")
    assert training["CheckpointConfig"] == {"S3Uri": "s3://b/c/job-001", "LocalPath": "/x"}


def test_hyperband_takes_epochs_from_its_config_or_a_static_hyperparameter() -> None:
    config = {"HyperbandStrategyConfig": {"MinResource": 3, "MaxResource": 9}}
    request = read_request(arguments(Strategy="Hyperband", StrategyConfig=config))
    assert request.resources == Resources(3, 9)
    assert read_request(arguments(Strategy="Hyperband")).resources == Resources(1, 27)


def no_epochs(given: Arguments) -> None:
    given["HyperParameterTuningJobConfig"]["Strategy"] = "Hyperband"
    given["TrainingJobDefinition"]["StaticHyperParameters"] = {}


def numeric_grid(given: Arguments) -> None:
    given["HyperParameterTuningJobConfig"] |= {
        "Strategy": "Grid",
        "ParameterRanges": {
            "IntegerParameterRanges": [{"Name": "n", "MinValue": "1", "MaxValue": "2"}]
        },
    }


def opposite_objectives(given: Arguments) -> None:
    given["TrainingJobDefinitions"] = [
        {**given["TrainingJobDefinition"], "DefinitionName": kind,
         "TuningObjective": {"Type": kind, "MetricName": "loss"}}
        for kind in ("Minimize", "Maximize")
    ]  # fmt: skip


def setting(**config: Any) -> Callable[[Arguments], None]:
    return lambda given: given["HyperParameterTuningJobConfig"].update(config)


@pytest.mark.parametrize(
    "change",
    [
        no_epochs,
        numeric_grid,
        opposite_objectives,
        setting(Strategy="Genetic"),
        setting(ResourceLimits={"MaxParallelTrainingJobs": 2}),
        setting(ResourceLimits={"MaxNumberOfTrainingJobs": 0, "MaxParallelTrainingJobs": 2}),
        setting(HyperParameterTuningJobObjective={"Type": "Lower", "MetricName": "loss"}),
        setting(Strategy="Hyperband", TrainingJobEarlyStoppingType="Auto"),
        setting(TuningJobCompletionCriteria={"TargetObjectiveMetricValue": "low"}),
        lambda given: given.update(Autotune={"Mode": "Enabled"}),
        lambda given: given.update(WarmStartConfig={"WarmStartType": "TransferLearning"}),
        lambda given: given["TrainingJobDefinition"].update(StaticHyperParameters={"c": "a"}),
    ],
)
def test_requests_that_mean_nothing_are_errors(change: Callable[[Arguments], None]) -> None:
    given = arguments()
    read_request(given)
    change(given)
    with pytest.raises(DefinitionError) as caught:
        read_request(given)
    assert caught.value.code == "tuning-request-invalid" and caught.value.hint
