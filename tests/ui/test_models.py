"""Model package versions: listed, decided upon, compared, and one of them whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.model import events as e
from engine.model.status import ApprovalStatus
from tests.ui import stories
from tests.ui.journey import LARGE, SMALL, Journey, journey
from tests.ui.recorded import NOW, RecordedSource

both_sizes = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "200x50"])
REQUEST = {
    "ModelPackageDescription": "the winter model",
    "ModelLifeCycle": {"Stage": "Staging", "StageStatus": "PendingApproval"},
    "InferenceSpecification": {
        "Containers": [{"Image": "registry/xgboost:1.7", "Environment": {"SERVED_BY": "xgb"}}],
        "SupportedContentTypes": ["text/csv"],
    },
    "CustomerMetadataProperties": {"team": "churn"},
}


def models(folder: Path) -> RecordedSource:
    """Versions 5 (approved) and 7 (waiting) of one group, and one of another, without a run."""
    source = stories.home(folder)
    stories.green(source, folder)
    stories.approved_before(source)
    arn = "arn:aws:sagemaker:local:000000000000:model-package/prices/1"
    evidence = {"regression_metrics": {"mae": {"value": 0.5}, "r2": {"value": 0.9}}}
    made = e.ModelPackageCreated(
        "key1", "prices", 1, arn, ApprovalStatus.REJECTED, REQUEST, evidence
    )
    source.add("", made, NOW - 99_000, "bea@host")
    return source


def under_cursor(trip: Journey) -> str:
    """The row of the list that the cursor is on."""
    return next(line for line in trip.text.split("\n") if line.startswith(">"))


@both_sizes
async def test_versions_are_listed_by_group_with_what_matters(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with journey(tmp_path, size, source=models(tmp_path)) as trip:
        await trip.press("M")
        await trip.sees("2 groups · 3 versions · 1 waiting", "rmse 4.4", "auc", "-4.6%")
        first, second = trip.text.split("\n")[2:4]
        assert "v7  waiting" in first
        assert "v5  approved" in second
        await trip.press("slash")
        await trip.type("rejected")
        await trip.until(lambda: "1 of 3" in trip.text and "churn-model " not in trip.text)
        await trip.press("escape", "o", "o")
        await trip.sees("waiting first", "churn-model")


@both_sizes
async def test_a_version_is_shown_whole(tmp_path: Path, size: tuple[int, int]) -> None:
    async with journey(tmp_path, size, source=models(tmp_path)) as trip:
        await trip.press("M")
        await trip.sees("prices")
        await trip.press("G", "enter")
        await trip.sees("prices v1", "the winter model", "Staging PendingApproval", "mae")
        await trip.sees("INFERENCE CONTAINER", "registry/xgboost:1.7", "SERVED_BY: xgb")
        await trip.press("G")
        await trip.sees("COMES FROM", "team: churn")


async def test_a_decision_is_asked_for_kept_and_seen_without_losing_the_place(
    tmp_path: Path,
) -> None:
    async with journey(tmp_path, source=models(tmp_path)) as trip:
        await trip.press("M")
        await trip.sees("prices", "4.61")
        await trip.press("down")
        await trip.until(lambda: "v5" in under_cursor(trip))
        await trip.press("X")
        await trip.sees("Reject churn-model v5?")
        await trip.type("too old")
        await trip.until(lambda: "rejected" in under_cursor(trip))
        assert "v5" in under_cursor(trip)
        asked = [what for what in trip.control.asked if what[0] == "decide"]
        arn = stories.MODEL.removesuffix("7") + "5"
        assert asked == [("decide", (arn, ApprovalStatus.REJECTED, "too old"))]
        await trip.press("enter")
        await trip.sees("DECISIONS", "Rejected by ana@host: too old")


async def test_two_marked_versions_are_compared_by_their_runs(tmp_path: Path) -> None:
    async with journey(tmp_path, source=models(tmp_path)) as trip:
        await trip.press("M")
        await trip.sees("prices")
        await trip.press("space", "space", "equals_sign")
        await trip.sees(f"{stories.GREEN[:4]} → {stories.WAITING[:4]}  what differs")
        await trip.press("escape", "escape", "G", "equals_sign")
        await trip.sees("no other version is approved")


async def test_a_version_leads_to_the_run_that_made_it(tmp_path: Path) -> None:
    async with journey(tmp_path, source=models(tmp_path)) as trip:
        await trip.press("M")
        await trip.sees("prices")
        assert "its run" in trip.footer
        await trip.press("r")
        await trip.sees(stories.WAITING[:4], "register")
        await trip.until(lambda: trip.app.screen.__class__.__name__ == "ExecutionScreen")
