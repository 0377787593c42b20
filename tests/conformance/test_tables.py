"""The tables of the pipelines reference, row by row, and pipelines of many steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.definition.loader import load
from engine.model.status import ExecutionStatus, StepStatus
from tests.conformance.stage import OURS, Stage, arguments, check
from tests.engine.embedded import Embedded, definition, processing

OK, NO, OUT = StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.SKIPPED


def conditional(name: str, condition: Any, after: list[str]) -> dict[str, Any]:
    """A Condition step without branches; True stands for no condition at all."""
    conditions = [] if condition is True else [condition]
    return {
        "Name": name, "Type": "Condition", "DependsOn": after,
        "Arguments": {"Conditions": conditions, "IfSteps": [], "ElseSteps": []},
    }  # fmt: skip


N: dict[str, Any] = {"Get": "Parameters.N"}
ROWS: dict[str, tuple[Any, bool]] = {
    "empty list": (True, True),
    "Equals": ({"Type": "Equals", "LeftValue": N, "RightValue": 5}, True),
    "Equals, integer and float": ({"Type": "Equals", "LeftValue": N, "RightValue": 5.0}, True),
    "NotEquals": ({"Type": "NotEquals", "LeftValue": N, "RightValue": 5}, False),
    "GreaterThan": ({"Type": "GreaterThan", "LeftValue": N, "RightValue": 5}, False),
    "GreaterThanOrEqualTo": (
        {"Type": "GreaterThanOrEqualTo", "LeftValue": N, "RightValue": 5}, True),
    "LessThan": ({"Type": "LessThan", "LeftValue": N, "RightValue": 5.5}, True),
    "LessThanOrEqualTo": ({"Type": "LessThanOrEqualTo", "LeftValue": N, "RightValue": 4}, False),
    "In, the SDK's keys": ({"Type": "In", "QueryValue": N, "Values": [1, N]}, True),
    "In, the schema's keys": ({"Type": "In", "Value": N, "In": [1, 2]}, False),
    "NotIn": ({"Type": "NotIn", "Value": N, "In": [1, 2]}, True),
    "Not": (
        {"Type": "Not", "Condition": {"Type": "Equals", "LeftValue": N, "RightValue": 5}}, False),
    "Or": ({"Type": "Or", "Conditions": [
        {"Type": "Equals", "LeftValue": N, "RightValue": 1},
        {"Type": "Not", "Condition": {"Type": "Equals", "LeftValue": N, "RightValue": 2}}]}, True),
}  # fmt: skip
"""Table 2.2 of the pipelines reference: a condition, and what it comes to where N is 5."""
EXPRESSIONS: dict[str, tuple[Any, Any]] = {
    "Get Parameters keeps the type": (N, 5),
    "Get Steps property, by key in a list": (
        {"Get": "Steps.Source.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"},
        "s3://bucket/out"),
    "Get Steps property, by index": (
        {"Get": "Steps.Source.ProcessingOutputConfig.Outputs[0].OutputName"}, "out"),
    "Std:Join": ({"Std:Join": {"On": "-", "Values": ["a", N, 1.5, True]}}, "a-5-1.5-true"),
    "Std:Join, nested": ({"Std:Join": {"On": "", "Values": [
        {"Std:Join": {"On": "/", "Values": ["x", N]}}]}}, "x/5"),
    "Std:JsonGet of a property file": ({"Std:JsonGet": {
        "PropertyFile": {"Get": "Steps.Source.PropertyFiles.Report"},
        "Path": "a.b[1].c"}}, 0.25),
    "Std:JsonGet of an S3Uri": ({"Std:JsonGet": {
        "S3Uri": {"Std:Join": {"On": "/", "Values": [
            {"Get": "Steps.Source.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"},
            "report.json"]}},
        "Path": "Result['y'][1]"}}, "two"),
}  # fmt: skip
"""The forms of section 2, and what each comes to."""
NUMBER = {"Name": "N", "Type": "Integer", "DefaultValue": 5}


async def test_every_row_of_the_conditions_table(embedded: Embedded) -> None:
    steps = [conditional(f"C{n}", row[0], []) for n, row in enumerate(ROWS.values())]
    state = await embedded.run(definition(*steps, parameters=[NUMBER]))
    outcomes = {row: state.steps[f"C{n}"].outcome for n, row in enumerate(ROWS)}
    assert outcomes == {row: wanted for row, (_, wanted) in ROWS.items()}


async def test_a_text_beside_a_number_fails_the_condition(embedded: Embedded) -> None:
    step = conditional("C", {"Type": "GreaterThan", "LeftValue": N, "RightValue": "4"}, [])
    state = await embedded.run(definition(step, parameters=[NUMBER]))
    assert state.steps["C"].status is NO


async def test_every_form_of_expression(embedded: Embedded) -> None:
    report = json.dumps({"a": {"b": [0, {"c": 0.25}]}, "Result": {"y": ["one", "two"]}})
    source = processing(
        "Source", f"echo '{report}' > /opt/ml/processing/out/report.json",
        outputs={"out": "s3://bucket/out"},
        PropertyFiles=[
            {"PropertyFileName": "Report", "OutputName": "out", "FilePath": "report.json"}
        ],
    )  # fmt: skip
    given = {f"v{n}": row[0] for n, row in enumerate(EXPRESSIONS.values())}
    ask = {
        "Name": "Ask", "Type": "Callback", "Arguments": given, "OutputParameters": [],
        "SqsQueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/q",
    }  # fmt: skip
    stage = Stage(embedded, definition(source, ask, parameters=[NUMBER]))
    state = await stage.run({}, {"Ask": {}})
    check(state, stage, {"Source": OK, "Ask": OK})
    seen = {row: arguments(state, "Ask")[f"v{n}"] for n, row in enumerate(EXPRESSIONS)}
    assert seen == {row: wanted for row, (_, wanted) in EXPRESSIONS.items()}


@pytest.mark.parametrize("step_type", [
    "Processing", "Training", "Tuning", "AutoML", "Transform", "Model", "RegisterModel",
    "Condition", "Fail", "Callback", "Lambda", "QualityCheck", "ClarifyCheck", "EMR",
    "EMRServerless", "EndpointConfig", "Endpoint", "InferenceComponent", "Lineage", "Job",
    "Cleanup", "ForEach",
])  # fmt: skip
def test_every_step_type_is_in_a_definition_here(step_type: str) -> None:
    """Each row of table 1.4 that has a known format."""
    found = {
        step.type
        for file in OURS.glob("*.json")
        for step in load(file.read_text(encoding="utf-8")).steps.values()
    }
    assert step_type in found


@pytest.mark.parametrize("step_type", ["Athena", "HubContent", "BedrockModelImport"])
async def test_a_step_type_of_unknown_format_is_refused_by_name(
    embedded: Embedded, step_type: str
) -> None:
    stage = Stage(embedded, definition({"Name": "Odd", "Type": step_type, "Arguments": {}}))
    assert stage.impossible == {"Odd": "step-type-unsupported"}
    await stage.check_refusal()


async def test_2000_steps_complete(embedded: Embedded) -> None:
    width = 40
    steps = [
        conditional(f"C{n}", True, [f"C{n - width}"] if n >= width else []) for n in range(2000)
    ]
    state = await embedded.run(definition(*steps))
    assert len(state.steps) == 2000
    assert {view.status for view in state.steps.values()} == {OK}
    assert state.execution.status is ExecutionStatus.SUCCEEDED


async def test_the_sample_of_200_steps_completes(embedded: Embedded) -> None:
    folder = Path(__file__).parents[2] / "sample_pipelines" / "wide_and_deep"
    config = embedded.home.config
    config.write_text('[jobs]\nrunner = "auto"\n[run]\nmax_parallel = 16\n', encoding="utf-8")
    state = await embedded.run(str(folder / "pipeline.json"))
    assert len(state.steps) == 200
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    taken = {
        name: state.steps[name].outcome for name in ("CheckQuality", "CheckDrift", "CheckSize")
    }
    assert taken["CheckQuality"] is True
    assert {view.status for view in state.steps.values()} == {OK, OUT}
