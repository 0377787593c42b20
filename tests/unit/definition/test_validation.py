from __future__ import annotations

from typing import Any

import pytest

from engine.definition.expire_after import seconds
from tests.unit.definition.samples import codes, condition, document, fn, look, loop, out

FAIL = {"Name": "F", "Type": "Fail", "Arguments": {"ErrorMessage": ""}}
ITEM = {"Get": "ForEach.CurrentItem"}
SELECTOR = {"Pick": "MaxBy", "Field": {"Get": "IterationOutput.B.OutputParameters['o']"}}


def retry(**policy: Any) -> dict[str, Any]:
    return fn("A", RetryPolicies=[{"ExceptionType": ["Step.THROTTLING"]} | policy])


def get(text: str) -> dict[str, Any]:
    return fn("User", {"x": {"Get": text}})


VALID: list[list[Any]] = [
    [fn("x" * 64)],
    [fn("A"), fn("B", DependsOn=["A", "A"])],
    [fn("A"), fn("B", DependsOn=[{"Step": "A", "Trigger": "Completed"}, "A"])],
    [condition("C", [fn("A")], []), get("Steps.C.Outcome"), fn("B", DependsOn=["A", "C"])],
    [condition("C", [fn("A"), fn("B", {"x": out("A")})], [FAIL])],
    [retry(MaxAttempts=0)],
    [retry(ExpireAfterMin=0, IntervalSeconds=43_200, BackoffRate=0.0)],
    [retry()],
    [fn("A", CacheConfig={"Enabled": True})],
    [fn("A", CacheConfig={"Enabled": True, "ExpireAfter": "30dT5h"})],
    [loop("L", [fn("B", {"x": ITEM})], Selector=SELECTOR), get("Steps.L.Selected.X")],
    [loop("L", [fn("B")]), get("Steps.L.IterationOutputs[1].B.OutputParameters['o']")],
    [loop("L", [fn("B")], IterableItems={"Get": "Execution.PipelineName"}), get("Steps.L.Status")],
    [{"Name": "X", "Type": "Unknown", "Arguments": {}}, get("Steps.X.Any.Thing[0]")],
    [
        get("Execution.TrainingJobName"),
        fn("B", {"x": {"Get": "PipelineExperimentConfig.TrialName"}}),
    ],
]


@pytest.mark.parametrize("steps", VALID)
def test_what_the_rules_allow(steps: list[Any]) -> None:
    assert codes(*steps) == []


INVALID: list[tuple[str, list[Any]]] = [
    ("step-name-invalid", [fn("")]),
    ("step-name-invalid", [fn("x" * 65)]),
    ("step-name-invalid", [fn("naïve")]),
    ("key-missing", [{"Type": "Lambda"}]),
    ("key-missing", [{"Name": "A"}]),
    ("value-type", ["A"]),
    ("value-type", [fn("A", Arguments=[])]),
    ("value-type", [fn("A", DependsOn="B")]),
    ("value-type", [fn("A", DependsOn=[3])]),
    ("value-type", [fn("A", CacheConfig={"Enabled": "yes"})]),
    ("text-too-long", [fn("A", DisplayName="x" * 257)]),
    ("text-too-long", [fn("A", Description="x" * 3073)]),
    ("step-name-duplicate", [condition("C", [fn("A")], [fn("A")])]),
    ("step-unknown", [fn("A", DependsOn=["B"])]),
    ("step-unknown", [get("Steps.Nope.X")]),
    ("step-unknown", [{"Name": "U", "Type": "Cleanup",
                       "Arguments": {"Resources": {"S3": [{"StepName": "Nope"}]}}}]),
    ("fail-referenced", [FAIL, get("Steps.F.ErrorMessage")]),
    ("fail-depended-upon", [FAIL, fn("A", DependsOn=["F"])]),
    ("trigger-unknown", [fn("B"), fn("A", DependsOn=[{"Step": "B", "Trigger": "Never"}])]),
    ("trigger-conflict", [fn("B"), fn("A", DependsOn=["B", {"Step": "B", "Trigger": "Any"}])]),
    ("parameter-unknown", [get("Parameters.P")]),
    ("execution-variable-unknown", [get("Execution.Nope")]),
    ("experiment-key-unknown", [get("PipelineExperimentConfig.Nope")]),
    ("expression-malformed", [get("Nope")]),
    ("output-parameter-unknown", [fn("A"), get("Steps.A.OutputParameters['p']")]),
    ("property-unknown", [fn("A"), get("Steps.A.Arn")]),
    ("property-unknown", [condition("C", [], []), get("Steps.C.Result")]),
    ("condition-type-unknown", [condition("C", [], [], Conditions=[{"Type": "Xor"}])]),
    ("condition-malformed", [condition("C", [], [], Conditions=[{"Type": "Not"}])]),
    ("condition-reads-own-branch", [condition("C", [fn("A")], [], DependsOn=["A"])]),
    ("condition-reads-own-branch", [
        condition("C", [condition("D", [fn("A")], [])], [], Conditions=[
            {"Type": "Equals", "LeftValue": out("A"), "RightValue": "x"}])]),
    ("retry-limits-conflict", [retry(MaxAttempts=1, ExpireAfterMin=1)]),
    ("retry-exception-missing", [retry(ExceptionType=[])]),
    ("retry-out-of-range", [retry(MaxAttempts=21)]),
    ("retry-out-of-range", [retry(ExpireAfterMin=14_401)]),
    ("retry-out-of-range", [retry(IntervalSeconds=-1)]),
    ("expire-after-invalid", [fn("A", CacheConfig={"Enabled": True, "ExpireAfter": "soon"})]),
    ("foreach-body-type", [loop("L", [FAIL])]),
    ("foreach-body-type", [loop("L", [loop("M", [fn("B")])])]),
    ("foreach-body-empty", [loop("L", [])]),
    ("foreach-concurrency", [loop("L", [fn("B")], MaxConcurrency=51)]),
    ("key-missing", [loop("L", [fn("B")], MaxConcurrency=None)]),
    ("foreach-items", [loop("L", [fn("B")], IterableItems=[])]),
    ("foreach-items", [loop("L", [fn("B")], IterableItems=["x"] * 101)]),
    ("foreach-items", [loop("L", [fn("B")], IterableItems=3)]),
    ("foreach-selector-invalid", [loop("L", [fn("B")], Selector={"Pick": "Best", "Field": ITEM})]),
    ("foreach-selector-invalid", [get("IterationOutput.B.X")]),
    ("foreach-item-outside-body", [get("ForEach.CurrentItem")]),
    ("foreach-body-referenced", [loop("L", [fn("B")]), fn("A", {"x": out("B")})]),
    ("foreach-body-referenced", [loop("L", [fn("B")]), fn("A", DependsOn=["B"])]),
    ("property-unknown", [loop("L", [fn("B")]), get("Steps.L.IterationOutputs[0].X.Y")]),
    ("property-unknown", [loop("L", [fn("B")]), get("Steps.L.Selected.X")]),
    ("foreach-name-clash", [loop("L", [fn("B")]), fn("B-0")]),
]  # fmt: skip


@pytest.mark.parametrize(("code", "steps"), INVALID)
def test_each_rule_has_a_code_a_place_and_a_way_out(code: str, steps: list[Any]) -> None:
    errors = look(*steps).errors
    assert code in [error.code for error in errors]
    for error in errors:
        assert error.path.startswith("$.Steps") and error.line == 1
        assert error.message.endswith(".") and error.hint


@pytest.mark.parametrize(
    ("code", "parameter"),
    [
        ("parameter-name-invalid", {"Name": "a b"}),
        ("parameter-type-unknown", {"Name": "P", "Type": "Number"}),
        ("default-type-mismatch", {"Name": "P", "DefaultValue": 3}),
        ("default-type-mismatch", {"Name": "P", "Type": "Integer", "DefaultValue": True}),
        ("default-type-mismatch", {"Name": "P", "Type": "Integer", "DefaultValue": 3.0}),
        ("default-type-mismatch", {"Name": "P", "Type": "Boolean", "DefaultValue": "true"}),
        ("default-not-in-enum", {"Name": "P", "DefaultValue": "c", "EnumValues": ["a", "b"]}),
        ("key-missing", {"Type": "String"}),
    ],
)
def test_each_parameter_rule(code: str, parameter: dict[str, Any]) -> None:
    assert codes(Parameters=[parameter]) == [code]


def test_parameter_names_are_unique() -> None:
    assert codes(Parameters=[{"Name": "P"}, {"Name": "P"}]) == ["parameter-duplicate"]


def test_the_experiment_configuration_reads_no_steps() -> None:
    config = {"ExperimentName": out("A"), "TrialName": {"Get": "Parameters.Nope"}}
    errors = codes(fn("A"), PipelineExperimentConfig=config)
    assert sorted(errors) == ["parameter-unknown", "reference-too-early"]


def test_an_unknown_name_brings_the_closest_known_one() -> None:
    (error,) = look(fn("Preprocess"), fn("B", DependsOn=["PreProces"])).errors
    assert error.hint == "Did you mean 'Preprocess'?"


def test_the_number_of_errors_is_bounded() -> None:
    assert len(codes(*(fn(f"S{i}", DependsOn=["Nope"]) for i in range(1000)))) == 200


def processing(uri: Any, **keys: Any) -> dict[str, Any]:
    output = {"OutputName": "o", "S3Output": {"S3Uri": uri}} | keys.pop("Output", {})
    config = {"ProcessingOutputConfig": {"Outputs": [output]}}
    return {"Name": "P", "Type": "Processing", "Arguments": config} | keys


VARYING = {"Std:Join": {"On": "/", "Values": ["s3://b", {"Get": "Execution.PipelineExecutionId"}]}}


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (processing("s3://b/fixed"), ["output-uri-fixed"]),
        (processing(VARYING), []),
        (processing("s3://b/fixed", Output={"AppManaged": True}), []),
        (
            processing(
                VARYING,
                PropertyFiles=[{"PropertyFileName": "F", "OutputName": "x", "FilePath": "f.json"}],
            ),
            ["property-file-output-unknown"],
        ),
    ],
)
def test_suspicious_outputs_are_warnings(step: Any, expected: list[str]) -> None:
    found = look(step)
    assert found.valid
    assert [warning.code for warning in found.warnings] == expected
    assert all(warning.hint and warning.path for warning in found.warnings)


def test_a_missing_version_no_steps_and_too_many_parameters_are_warnings() -> None:
    found = look(Version=None, Parameters=[{"Name": f"P{i}"} for i in range(201)])
    assert found.valid
    assert {warning.code for warning in found.warnings} == {
        "version-missing",
        "steps-empty",
        "parameters-too-many",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30d", 30 * 86_400),
        ("P30D", 30 * 86_400),
        ("p30d", 30 * 86_400),
        ("5y", 5 * 365 * 86_400),
        ("P1Y2M", (365 + 60) * 86_400),
        ("2w", 14 * 86_400),
        ("T16m", 960),
        ("PT1H", 3600),
        ("30dT5h", 30 * 86_400 + 5 * 3600),
        ("P4DT12H", 4 * 86_400 + 12 * 3600),
        ("", None),
        ("P", None),
        ("PT", None),
        ("1dT", None),
        ("5h", None),
        ("30", None),
        ("1d1y", None),
        ("-1d", None),
        (" 1d", None),
        ("1d\n", None),
        ("1.5d", None),
    ],
)
def test_a_lenient_duration(text: str, expected: int | None) -> None:
    assert seconds(text) == expected


def test_samples_are_valid_on_their_own() -> None:
    assert codes(*document(fn("A"), condition("C", [fn("B")], []))["Steps"]) == []
