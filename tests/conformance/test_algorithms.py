"""Definitions whose built-in algorithms run with the libraries of their images."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from engine.model.status import StepStatus
from tests.conformance import programs
from tests.conformance.stage import Stage, arguments, check, properties
from tests.engine.embedded import Embedded
from tests.environments import shared_environments

pytestmark = pytest.mark.environments

OK, NO, OUT = StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.SKIPPED
BUCKET = "s3://pipetui-test-bucket"

PUBLIC = {
    "pub-sm-pipelines-lambda-step": "CheckMSEAbaloneEvaluation",
    "pub-sm-pipelines-preprocess-train-evaluate-batch-transform": "AbaloneMSECond",
    "pub-sm-pipelines-selective-execution": "Abalone-MSECheck",
}
"""AWS's own examples, and the condition that each hangs on."""


def with_libraries(embedded: Embedded, name: str) -> Stage:
    """A definition whose algorithms run with XGBoost, and whose scripts run without libraries."""
    shared_environments(embedded.home)
    return Stage(embedded, name, images={"*scikit-learn*": sys.executable})


@pytest.mark.parametrize("name", PUBLIC)
async def test_public_example_trains_and_registers_or_deploys(
    embedded: Embedded, name: str
) -> None:
    stage = with_libraries(embedded, name)
    state = await stage.run()
    steps = stage.definition.steps.values()
    check(state, stage, {step.name: OUT if step.type == "Fail" else OK for step in steps})
    assert state.steps[PUBLIC[name]].outcome is True
    if "AbaloneTransform" in stage.definition.steps:
        output = properties(state, "AbaloneTransform")["TransformOutput"]["S3OutputPath"]
        assert len(stage.text(output).split()) == 2
    if "LambdaStep" in stage.definition.steps:
        model = properties(state, "CreateModel-CreateModel")["ModelName"]
        assert arguments(state, "LambdaStep")["model_name"] == model


async def test_public_example_fails_where_the_error_is_above_the_threshold(
    embedded: Embedded,
) -> None:
    name = "pub-sm-pipelines-preprocess-train-evaluate-batch-transform"
    stage = with_libraries(embedded, name)
    state = await stage.run({"MseThreshold": "4.25"})
    check(state, stage, {
        "AbaloneProcess": OK, "AbaloneTrain": OK, "AbaloneEval": OK, "AbaloneMSECond": OK,
        "AbaloneRegisterModel-RegisterModel": OUT, "AbaloneCreateModel-CreateModel": OUT,
        "AbaloneTransform": OUT, "AbaloneMSEFail": NO,
    })  # fmt: skip
    reason = "Execution failed due to MSE > 4.25"
    assert state.steps["AbaloneMSEFail"].failure_reason == reason


async def test_tuning_hands_its_two_best_models_on(embedded: Embedded) -> None:
    stage = with_libraries(embedded, "v2-tuning-topk")
    state = await stage.run()
    check(state, stage, dict.fromkeys(stage.definition.steps, OK))
    best, second = properties(state, "HPTune")["TrainingJobSummaries"][:2]
    container = arguments(state, "Second-CreateModel")["PrimaryContainer"]
    assert container["ModelDataUrl"] == (
        f"{BUCKET}/tune/{second['TrainingJobName']}/output/model.tar.gz"
    )
    assert "xgboost-model" in stage.names(container["ModelDataUrl"])
    assert arguments(state, "Report")["best"] == best["TrainingJobName"]
    assert isinstance(arguments(state, "Report")["obj"], float)


async def test_tuning_of_two_algorithms_compares_within_one_job(embedded: Embedded) -> None:
    stage = with_libraries(embedded, "v2-tuning-multi-algo")
    own, _ = stage.definition.steps["MultiTune"].arguments["TrainingJobDefinitions"]
    program = {**own["AlgorithmSpecification"], **programs.IMAGE_PROGRAM}
    validation = {
        "ChannelName": "validation", "ContentType": "text/csv",
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{BUCKET}/train"}},
    }  # fmt: skip
    channels = [{**validation, "ChannelName": "train"}, validation]
    edits = {
        "TrainingJobDefinitions[0].AlgorithmSpecification": program,
        "TrainingJobDefinitions[1].InputDataConfig": channels,
    }
    state = await stage.run(edits={"MultiTune": edits})
    check(state, stage, {"MultiTune": OK})
    summaries = properties(state, "MultiTune")["TrainingJobSummaries"]
    assert len(summaries) == 4
    assert {one["TrainingJobDefinitionName"] for one in summaries} <= {"img", "xgb"}


@pytest.mark.network
async def test_notebook_jobs_run_one_after_the_other(embedded: Embedded) -> None:
    stage = with_libraries(embedded, "v2-notebook-job")
    cell: dict[str, Any] = {
        "cell_type": "code", "id": "c0", "metadata": {}, "execution_count": None, "outputs": [],
        "source": "print(globals().get('a'), globals().get('up'))",
    }  # fmt: skip
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = {"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    for step in stage.document["Steps"]:
        (channel,) = step["Arguments"]["InputDataConfig"]
        uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
        embedded.put(f"{uri}/nb.ipynb", json.dumps(notebook))
    state = await stage.run()
    check(state, stage, {"NB1": OK, "NB2": OK})
    assert arguments(state, "NB1")["HyperParameters"]["exec"] == state.execution.id
    name = properties(state, "NB1")["TrainingJobName"]
    assert arguments(state, "NB2")["HyperParameters"] == {"up": name}
    for step in ("NB1", "NB2"):
        folder = properties(state, step)["OutputDataConfig"]["S3OutputPath"]
        assert folder == f"{BUCKET}/nb/Notebooks/{state.execution.id}/{step}"
        assert stage.names(folder)
