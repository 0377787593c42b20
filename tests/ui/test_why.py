"""Why a step was reached, was not, or decided what it did: the conditions with their values."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.model import events as e
from engine.model.status import ExecutionStatus
from tests.ui import stories
from tests.ui.journey import LARGE, SMALL, journey
from tests.ui.recorded import NOW, RecordedSource

RUN = "deciddeddd"
READ = {
    "Std:JsonGet": {
        "PropertyFile": {"Get": "Steps.evaluate.PropertyFiles.Report"},
        "Path": "metrics.rmse.value",
    }
}
WRITTEN = {"Type": "LessThanOrEqualTo", "LeftValue": READ, "RightValue": {"Get": "Parameters.Most"}}
CAME = {"Left": 7.25, "Right": 6.0, "Result": False}


def decided(folder: Path) -> RecordedSource:
    """An execution whose condition did not hold: it ended in a Fail step."""
    source = stories.home(folder)
    source.graphs[RUN] = stories.GRAPH
    source.raw[RUN, "check-rmse"] = {"Conditions": [WRITTEN]}
    source.raw[RUN, "evaluate"] = {
        "PropertyFiles": [{"PropertyFileName": "Report", "FilePath": "evaluation.json"}]
    }
    outcome = {"Condition": {"Outcome": "False", "Compared": [CAME]}}
    for fact in (
        e.ExecutionCreated("decides", "sha", {"Most": 6.0}, stories.STEPS),
        e.StepStarted("check-rmse", 1),
        e.StepSucceeded("check-rmse", metadata=outcome),
        e.StepSkipped("register", "branch not taken: check-rmse is False"),
        e.StepSkipped("deploy-gate", "register was skipped"),
        e.StepStarted("fail", 1),
        e.StepFailed("fail", "the rmse is too high", "fail-step"),
        e.ExecutionEnded(ExecutionStatus.FAILED, "Step failure"),
    ):
        source.add(RUN, fact, NOW - 60)
    return source


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ("fail", "fail is in the else branch of check-rmse, which came out False."),
        ("register", "register is in the if branch of check-rmse, which came out False."),
        ("deploy-gate", "deploy-gate depends on check-rmse, which came out False."),
        ("check-rmse", "It came out False, so the else branch was taken."),
    ],
)
async def test_why_tells_the_condition_its_values_and_where_they_are_from(
    tmp_path: Path, size: tuple[int, int], step: str, sentence: str
) -> None:
    async with journey(tmp_path, size, source=decided(tmp_path / "home"), execution=RUN) as trip:
        await trip.sees("1 succeeded, 1 failed, 7 not run")
        trip.app.screen.query_one("#steps").select(step)  # type: ignore[attr-defined]
        await trip.until(lambda: "w why" in trip.footer)
        await trip.press("w")
        await trip.sees(
            "DECIDED BY check-rmse",
            sentence,
            "✖ evaluation.json rmse 7.25 <= Most 6.0 is False",
            "metrics.rmse.value in evaluation.json",
            "parameter Most",
        )
