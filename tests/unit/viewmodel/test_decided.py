"""Which conditions led to a step: the values that were compared, and where each is from."""

from __future__ import annotations

from typing import Any

import pytest

from engine.api import Graph, GraphEdge, GraphNode, StepView
from engine.model.status import StepStatus
from pipetui.viewmodel.decided import (
    Decision,
    Origin,
    deciders,
    decision_lines,
    origin,
    property_files,
    spoken,
)
from pipetui.viewmodel.lines import length, text_of
from pipetui.viewmodel.state import Display

REPORT = {
    "Std:JsonGet": {
        "PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"},
        "Path": "binary.auc.value",
    }
}
FILES = {("Evaluate", "Report"): "out/evaluation.json"}
AUC = {"Type": "GreaterThanOrEqualTo", "LeftValue": REPORT, "RightValue": {"Get": "Parameters.T"}}
CAME = {"Left": 0.71, "Right": 0.8, "Result": False}


def step(name: str, kind: str = "Processing", status: str = "Succeeded", **more: Any) -> StepView:
    return StepView("run1", 0, name, kind, StepStatus(status), **more)


def condition(outcome: bool, compared: list[Any], **more: Any) -> StepView:
    about = {"Outcome": str(outcome), **({"Compared": compared} if compared else {})}
    return step("Check", "Condition", metadata={"Condition": about}, **more)


def told(decision: Decision, width: int = 80) -> list[str]:
    fail = step("Bad", "Fail", "Failed")
    lines = decision_lines(fail, [decision], {"Bad": "else"}, width, Display(unicode=False))
    assert all(length(line) <= width for line in lines)
    return [text_of(line).rstrip() for line in lines]


def test_a_comparison_is_told_with_its_values_and_where_they_are_from() -> None:
    said = told(Decision(condition(False, [CAME]), [AUC], FILES))
    assert said[1:4] == [
        " DECIDED BY Check",
        "   Bad is in the else branch of Check, which came out False.",
        "   x evaluation.json auc 0.71 >= T 0.8 is False",
    ]
    assert " ".join(" ".join(said[4:]).split()) == (
        "0.71 binary.auc.value in out/evaluation.json of step Evaluate (property file Report)"
        " 0.8 parameter T"
    )


def test_a_run_that_kept_no_values_is_told_by_its_arguments() -> None:
    resolved = {"Conditions": [{**AUC, "LeftValue": 0.71, "RightValue": 0.8}]}
    said = told(Decision(condition(False, [], arguments=resolved), [AUC], FILES))
    assert "   x evaluation.json auc 0.71 >= T 0.8 is False" in said


def test_conditions_inside_of_others_are_told_below_them() -> None:
    either = {"Type": "Or", "Conditions": [AUC, {"Type": "Not", "Condition": AUC}]}
    came = {"Result": True, "Parts": [CAME, {"Result": True, "Parts": [CAME]}]}
    said = [line[3:] for line in told(Decision(condition(True, [came]), [either], FILES))]
    marked = [line for line in said if line[:2] in ("x ", "+ ")]
    assert marked == [
        "+ any of the next is True",
        "x evaluation.json auc 0.71 >= T 0.8 is False",
        "+ that the next holds not is True",
        "x evaluation.json auc 0.71 >= T 0.8 is False",
    ]


def test_a_voice_hears_sentences() -> None:
    decision = Decision(condition(False, [CAME]), [AUC], FILES)
    assert spoken(decision.step, decision, {}) == [
        "It came out False, so the else branch was taken.",
        "evaluation.json auc 0.71 >= T 0.8 is False.",
    ]


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        (0.8, Origin()),
        ({"Get": "Parameters.T"}, Origin("T", "parameter T")),
        ({"Get": "Steps.Train.FinalMetricDataList['auc'].Value"},
         Origin("auc", "FinalMetricDataList['auc'].Value of step Train")),
        ({"Std:JsonGet": {"S3Uri": {"Get": "Parameters.Uri"}, "Path": "a.b"}},
         Origin("b", "a.b in the file at parameter Uri")),
        ({"Get": "Execution.PipelineName"},
         Origin("PipelineName", "execution variable PipelineName")),
        (REPORT, Origin(
            "Report auc", "binary.auc.value in Report of step Evaluate (property file Report)"
        )),
    ],
)  # fmt: skip
def test_the_origin_of_a_value_is_told_in_words(expression: Any, wanted: Origin) -> None:
    assert origin(expression, {}) == wanted


def test_the_property_files_that_conditions_read_are_found_at_any_depth() -> None:
    assert property_files([{"Type": "Not", "Condition": AUC}]) == {("Evaluate", "Report")}


def test_a_skipped_step_is_decided_by_the_condition_of_the_one_it_waited_for() -> None:
    graph = Graph(
        (
            GraphNode("Check", "Condition"),
            GraphNode("Register", "RegisterModel", parent="Check"),
            GraphNode("Gate", "Callback"),
        ),
        (GraphEdge("Check", "Register", "if"), GraphEdge("Register", "Gate", "reference")),
    )
    steps = {
        one.name: one
        for one in (
            condition(False, [CAME]),
            step("Register", "RegisterModel", "Skipped"),
            step("Gate", "Callback", "Skipped"),
        )
    }
    assert [deciders(steps[name], steps, graph) for name in steps] == [["Check"]] * 3
