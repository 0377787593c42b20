"""Tables 1.1 and 2.1: the keys of the document, and the variables of an execution."""

from __future__ import annotations

import re
from typing import Any

import pytest

from engine.model.status import ExecutionStatus, StepStatus
from tests.conformance.stage import Stage, arguments
from tests.engine.embedded import Embedded, definition, processing
from tests.engine.test_training import training
from tests.unit.definition.samples import codes, fn, look

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
ARN = r"arn:aws:sagemaker:[a-z0-9-]+:\d{12}:pipeline/abalone"


@pytest.mark.parametrize(
    ("given", "problems"),
    [
        pytest.param({"Version": "2019-01-01"}, ["version-unknown"], id="Version"),
        pytest.param({"Metadata": []}, ["value-type"], id="Metadata"),
        pytest.param({"Parameters": {}}, ["value-type"], id="Parameters"),
        pytest.param({"PipelineExperimentConfig": "x"}, ["value-type"],
                     id="PipelineExperimentConfig"),
        pytest.param({"MlflowConfig": "x"}, ["value-type"], id="MlflowConfig"),
        pytest.param({"Steps": None}, ["key-missing"], id="Steps"),
    ],
)  # fmt: skip
def test_a_key_of_the_document_with_another_shape_is_refused(
    given: dict[str, Any], problems: list[str]
) -> None:
    assert codes(fn("A"), **given) == problems


@pytest.mark.parametrize("given", [
    pytest.param({"Metadata": {"owner": "ana"}}, id="Metadata"),
    pytest.param({"Parameters": None}, id="Parameters"),
    pytest.param({"PipelineExperimentConfig": None}, id="PipelineExperimentConfig"),
    pytest.param({"MlflowConfig": {"MlflowResourceArn": "arn:m", "MlflowExperimentName": {
        "Get": "Execution.PipelineName"}}}, id="MlflowConfig"),
])  # fmt: skip
def test_a_key_of_the_document_may_be_null_or_hold_expressions(given: dict[str, Any]) -> None:
    found = look(fn("A"), **given)
    assert found.valid and not found.warnings


async def test_the_experiment_has_names_that_expressions_give_and_steps_read(
    embedded: Embedded,
) -> None:
    trial = {"Std:Join": {"On": "-", "Values": ["t", {"Get": "Parameters.N"}]}}
    names = {"ExperimentName": {"Get": "Execution.PipelineName"}, "TrialName": trial}
    ask = fn("Ask", {name: {"Get": f"PipelineExperimentConfig.{name}"} for name in names})
    number = {"Name": "N", "Type": "Integer", "DefaultValue": 5}
    document = definition(ask, parameters=[number])
    state = await Stage(embedded, {**document, "PipelineExperimentConfig": names}).run(
        pipeline="Abalone"
    )
    assert arguments(state, "Ask") == {"ExperimentName": "Abalone", "TrialName": "t-5"}


async def test_a_step_that_reads_names_of_no_experiment_fails(embedded: Embedded) -> None:
    ask = fn("Ask", {"x": {"Get": "PipelineExperimentConfig.TrialName"}})
    stage = Stage(embedded, {**definition(ask), "PipelineExperimentConfig": None})
    state = await stage.run()
    assert state.steps["Ask"].status is StepStatus.FAILED
    assert state.steps["Ask"].failure_reason.startswith("ClientError: ")


VARIABLES = {
    "PipelineName": "Abalone",
    "PipelineArn": ARN,
    "PipelineExecutionId": r"[a-z0-9]{12}",
    "PipelineExecutionArn": rf"{ARN}/execution/[a-z0-9]{{12}}",
    "StartDateTime": TIME,
    "CurrentDateTime": TIME,
}
"""Variables of every step, and what they look like."""


@pytest.mark.parametrize("variable", VARIABLES)
async def test_a_variable_of_the_execution(embedded: Embedded, variable: str) -> None:
    ask = fn("Ask", {"v": {"Get": f"Execution.{variable}"}})
    state = await Stage(embedded, definition(ask)).run(pipeline="Abalone")
    assert re.fullmatch(VARIABLES[variable], arguments(state, "Ask")["v"])


@pytest.mark.parametrize("variable", ["TrainingJobName", "ProcessingJobName"])
async def test_a_variable_names_the_job_of_the_step_that_holds_it(
    embedded: Embedded, variable: str
) -> None:
    held = {"Environment": {"NAME": {"Get": f"Execution.{variable}"}}}
    make = training if variable.startswith("Training") else processing
    state = await embedded.run(definition(make("Work", 'echo "$NAME"', arguments=held)))
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    view = state.steps["Work"]
    assert embedded.log(view).strip() == view.properties[variable]
