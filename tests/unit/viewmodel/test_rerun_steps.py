"""A rerun may edit several steps, hides secrets, and says how many steps run at once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.api import PlannedStep, PlanView, StepView
from pipetui.viewmodel.lines import text_of
from pipetui.viewmodel.rerun import (
    Draft,
    Field,
    command_lines,
    document,
    fields,
    from_document,
    parse,
    plan_lines,
    reason_lines,
    rows,
)

TRAIN: dict[str, Any] = {"HyperParameters": {"eta": "0.3"}, "Environment": {"API_TOKEN": "hush"}}
EVALUATE: dict[str, Any] = {"ProcessingInputs": [{"InputName": "data", "S3Uri": "s3://b/x"}]}


def step(name: str, arguments: dict[str, Any]) -> StepView:
    return StepView("abcd", 0, name, "Training", arguments=arguments)


def draft() -> Draft:
    return Draft("abcd", "train", "whole", fields([], {}, TRAIN, 4))


def test_what_an_argument_is_stands_beside_it() -> None:
    found = {one.name: one.group for one in draft().with_step(step("evaluate", EVALUATE)).fields}
    assert found == {'ProcessingInputs["data"].S3Uri': "input", "max-parallel": "run"}
    assert [one.group for one in draft().fields] == ["hyper", "env", "run"]


def test_edits_of_a_step_stay_while_another_one_is_in_sight() -> None:
    edited = draft().with_value("argument HyperParameters.eta", "0.5")
    other = edited.with_step(step("evaluate", EVALUATE))
    assert [one.name for one in other.fields][-1] == "max-parallel"
    both = other.with_value('argument ProcessingInputs["data"].S3Uri', "s3://b/y")
    assert both.edits == {
        "evaluate": {'ProcessingInputs["data"].S3Uri': "s3://b/y"},
        "train": {"HyperParameters.eta": "0.5"},
    }
    told = " ".join(text_of(line) for line in command_lines(both, 200))
    assert "--set train:HyperParameters.eta=0.5" in told
    assert """'evaluate:ProcessingInputs["data"].S3Uri=s3://b/y'""" in told
    back = both.with_step(step("train", TRAIN))
    assert back.edits == both.edits
    assert back.changed == {"argument HyperParameters.eta": "0.5"}


def test_a_scope_that_needs_a_step_ends_with_it() -> None:
    assert Draft("abcd", "train", "from").with_step(None).scope == "whole"


def test_a_secret_is_in_no_text_that_is_shown_or_edited() -> None:
    key = "argument Environment.API_TOKEN"
    changed = draft().with_value(key, "louder")
    seen = document(changed) + "".join(text_of(line) for line in command_lines(changed, 200))
    seen += "".join(text_of(cell) for row in rows(changed) for cell in row.cells)
    assert "hush" not in seen
    assert "louder" not in seen
    assert from_document(changed, document(changed)).changed == changed.changed
    values = json.loads(document(changed))
    values["arguments"]["Environment.API_TOKEN"] = "loudest"
    assert from_document(changed, json.dumps(values)).changed[key] == "loudest"


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("12", 12)])
def test_steps_at_once_are_a_number(text: str, number: int) -> None:
    known = draft().fields[-1]
    assert parse(text, known) == number
    assert draft().with_value(known.key, number).max_parallel == number


@pytest.mark.parametrize("text", ["-1", "many", "1.5"])
def test_what_is_no_number_of_steps_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"0 or more|whole number"):
        parse(text, Field("run", "max-parallel", 4, "Integer"))
    with pytest.raises(ValueError, match=r"0 or more|whole number"):
        from_document(draft(), json.dumps({"run": {"max-parallel": text}}))


def test_every_step_of_a_plan_says_why() -> None:
    plan = PlanView(
        "p",
        {},
        (
            PlannedStep("load", "Processing", "cached", "nothing changed since 9dk2"),
            PlannedStep("train", "Training", "run", "HyperParameters changed"),
            PlannedStep("push", "Lambda", "run", "", refused="no handler"),
        ),
    )
    assert [text_of(line).rstrip() for line in reason_lines(plan, 60)] == [
        "",
        " refused  push   no handler",
        " run      train  HyperParameters changed",
        " cached   load   nothing changed since 9dk2",
    ]
    assert text_of(plan_lines(plan, "", 60)[0]) == " 1 refused · 1 run · 1 cached"


def test_a_plan_is_two_columns_within_80_cells_and_names_each_step_once() -> None:
    long = "a-step-with-a-name-that-is-longer-than-its-column"
    steps = [PlannedStep(f"step-{n}", "Processing", "reused", "succeeded there") for n in range(3)]
    steps.append(PlannedStep(long, "Training", "run", "after " + ", ".join("abcdefgh" * 9)))
    plan = PlanView("p", {}, tuple(steps))
    lines = [text_of(line) for line in (*plan_lines(plan, "", 78), *reason_lines(plan, 78))]
    assert max(map(len, lines)) <= 78
    page = "\n".join(lines)
    assert all(page.count(f"step-{n}") == 1 for n in range(3))
    assert page.count("reused  ") == 1 and "…" in page
    starts = {line.index("succeeded") for line in lines if "succeeded" in line}
    starts |= {line.index("after") for line in lines if "after" in line}
    assert len(starts) == 1
