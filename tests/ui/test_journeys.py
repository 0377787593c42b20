"""What a person sets out to do, from the first key to the result, at both sizes."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.api import RerunRequest
from engine.model import events as e
from engine.model.status import ApprovalStatus, ExecutionStatus
from pipetui.screens.execution import ExecutionScreen
from tests.ui import stories
from tests.ui.journey import LARGE, SMALL, journey
from tests.ui.recorded import NOW

both_sizes = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "200x50"])


@both_sizes
async def test_home_says_of_each_execution_what_matters(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with journey(tmp_path, size) as trip:
        await trip.sees("▶ train", "evaluate: KeyE", "⏸ waits for you", "20 cached")
        assert "1 running · 2 waiting · 1 failed" in trip.text
        await trip.press("down")
        await trip.sees("failed in evaluate, attempt 1 after 4.0s", "Threshold")


@both_sizes
async def test_a_run_is_watched_live_to_its_end(tmp_path: Path, size: tuple[int, int]) -> None:
    async with journey(tmp_path, size, execution=stories.RUNNING, watch=True) as trip:
        await trip.sees("executing", "after train", "early stopping")
        add = trip.source.add
        add(stories.RUNNING, e.StepSucceeded("train"), NOW)
        place = stories.attempt_folder(tmp_path, stories.RUNNING, "evaluate", "evaluating now\n")
        add(stories.RUNNING, e.StepStarted("evaluate", 1, {}, place), NOW)
        add(stories.RUNNING, e.StepExecuting("evaluate", 1), NOW)
        await trip.sees("evaluating now", "4 of 9")
        add(stories.RUNNING, e.StepSucceeded("evaluate"), NOW)
        add(stories.RUNNING, e.ExecutionEnded(ExecutionStatus.SUCCEEDED), NOW)
        await trip.sees("✔ succeeded", "5 succeeded, 4 not run")


@both_sizes
async def test_a_failed_step_is_found_with_its_error_and_the_line_of_code(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with journey(tmp_path, size) as trip:
        await trip.press("down", "enter")
        await trip.sees("evaluate · attempt 1", "KeyError: 'tenure_months'")
        await trip.press("g", "right_square_bracket")
        await trip.until(lambda: trip.app.screen.query_one("#steps").key == "evaluate")  # type: ignore[attr-defined]
        await trip.press("w")
        await trip.sees("WHAT    KeyError: 'tenure_months'", "evaluate.py:7", ">     7")
        await trip.press("escape")
        await trip.sees("[Steps]")


async def test_the_log_of_a_failed_step_opens_from_home_at_the_error(tmp_path: Path) -> None:
    async with journey(tmp_path) as trip:
        await trip.press("down")
        await trip.sees("attempt 1 after")
        await trip.press("l")
        await trip.sees("[Log]", "Traceback (most recent call last)")
        await trip.press("slash")
        await trip.type("main")
        await trip.sees("hit")
        assert "n hit" in trip.footer


@both_sizes
async def test_a_rerun_with_an_edit_sends_exactly_that(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with journey(tmp_path, size) as trip:
        await trip.press("down", "enter")
        await trip.sees("evaluate · attempt 1")
        await trip.press("R")
        await trip.sees("Rerun evaluate of churn-train/9dk2", "4 reused", "(•) from here")
        await trip.press("enter", "ctrl+u")
        await trip.type("7.5")
        await trip.press("down", "enter")
        await trip.press("down", "down", "down", "down", "enter", "ctrl+u")
        await trip.type("s3://bucket/raw/churn-fixed.csv")
        await trip.sees("churn-fixed.csv", "-p Threshold=7.5", "InstanceType=ml.m5.large --set")
        await trip.press("R")
        await trip.until(lambda: trip.control.asked)
        path = 'ProcessingInputs["data"].S3Input.S3Uri'
        assert trip.control.asked == [
            (
                "rerun",
                RerunRequest(
                    stories.FAILED,
                    "from",
                    "evaluate",
                    {"Threshold": 7.5, "InstanceType": "ml.m5.large"},
                    {"evaluate": {path: "s3://bucket/raw/churn-fixed.csv"}},
                ),
            )
        ]
        await trip.sees("churn-train/new2", "preprocess")


async def test_failed_only_goes_on_in_the_same_execution(tmp_path: Path) -> None:
    async with journey(tmp_path) as trip:
        await trip.press("down", "R")
        await trip.sees("(•) whole")
        await trip.press("right")
        await trip.sees("(•) failed only", f"pipetui retry {stories.FAILED}")
        await trip.press("R")
        await trip.until(lambda: trip.control.asked)
        assert trip.control.asked == [("retry", stories.FAILED)]


async def test_a_value_of_the_wrong_type_is_refused_with_the_reason(tmp_path: Path) -> None:
    async with journey(tmp_path) as trip:
        await trip.press("R")
        await trip.sees("Threshold")
        await trip.press("enter", "ctrl+u")
        await trip.type("seven")
        await trip.sees("Threshold: 'seven' is not a number")


@both_sizes
async def test_a_model_is_approved_with_a_comment(tmp_path: Path, size: tuple[int, int]) -> None:
    async with journey(tmp_path, size) as trip:
        await trip.press("a", "down")
        await trip.sees("Waiting for you: 2", "rmse", "4.4")
        await trip.press("A")
        await trip.sees("Approve churn-model v7?")
        await trip.type("good enough")
        await trip.sees("Waiting for you: 1")
        decided = (stories.MODEL, ApprovalStatus.APPROVED, "good enough")
        assert trip.control.asked == [("decide", decided)]


@both_sizes
async def test_a_callback_is_answered_from_its_execution_with_its_outputs(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with journey(tmp_path, size) as trip:
        await trip.press("down", "down", "enter")
        await trip.sees("press A or X")
        await trip.press("A")
        await trip.sees("Approve step deploy-gate of churn-train/p0az?", "model: v7")
        await trip.sees("ticket *  a whole number", "comment   if you like")
        await trip.press("enter")
        await trip.sees("ticket: it is wanted, a whole number")
        await trip.type("much")
        await trip.sees("ticket: 'much' is not a whole number", "ticket *  much")
        await trip.press("ctrl+u")
        await trip.type("17")
        await trip.type("ship")
        await trip.until(lambda: trip.control.asked)
        answer = (stories.TOKEN, True, {"ticket": 17}, "ship")
        assert trip.control.asked == [("answer", answer)]
        await trip.sees("approved by ana")


async def test_a_stop_that_needs_an_answer_says_so_before_and_after(tmp_path: Path) -> None:
    async with journey(tmp_path, execution=stories.WAITING) as trip:
        await trip.sees("press A or X")
        await trip.press("S")
        await trip.sees("stops once it has one (A or X)")
        await trip.press("enter")
        await trip.sees("stopping: answer A or X to finish", "stopping: A or X")


async def test_a_callback_is_rejected_from_the_inbox(tmp_path: Path) -> None:
    async with journey(tmp_path) as trip:
        await trip.press("a")
        await trip.sees("deploy-gate of churn-train/p0az")
        await trip.press("X")
        await trip.sees("Reject step deploy-gate of churn-train/p0az?")
        await trip.type("not yet")
        await trip.until(lambda: trip.control.asked)
        assert trip.control.asked == [("answer", (stories.TOKEN, False, {}, "not yet"))]


@both_sizes
async def test_artifacts_are_browsed_down_to_a_file_and_into_an_archive(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with journey(tmp_path, size) as trip:
        await trip.press("down", "enter")
        await trip.sees("evaluate · attempt 1")
        await trip.press("5")
        await trip.sees("[Artifacts]", "not there", "report")
        await trip.press("G", "enter")
        await trip.sees("evaluation.json", "rows.csv")
        await trip.press("down", "enter")
        await trip.sees('"rmse": 4.4')
        await trip.press("down", "enter")
        await trip.sees("customer  score")
        await trip.press("left", "g", "enter")
        await trip.sees("notes/readme.txt", "archive")
        assert "evaluation.json" not in trip.text
        await trip.press("down", "enter")
        await trip.sees("all is well")


async def test_stopping_asks_first_and_takes_a_reason(tmp_path: Path) -> None:
    async with journey(tmp_path) as trip:
        await trip.press("S")
        await trip.sees("Stop churn-train/k3f9?")
        await trip.press("escape")
        await trip.until(lambda: not trip.app.screen.is_modal)
        assert not trip.control.asked
        await trip.press("S")
        await trip.sees("Stop churn-train/k3f9?")
        await trip.type("wrong data")
        await trip.until(lambda: trip.control.asked)
        assert trip.control.asked == [("stop", (stories.RUNNING, "wrong data"))]
        await trip.sees("stopping")


async def test_events_are_listed_with_their_json(tmp_path: Path) -> None:
    async with journey(tmp_path) as trip:
        await trip.press("down", "enter", "6")
        await trip.sees("StepFailed", "ExecutionEnded")
        await trip.press("enter")
        await trip.sees("status: Failed", "failure_reason")


async def test_a_definition_that_changed_since_is_offered_and_run(tmp_path: Path) -> None:
    source = stories.home(tmp_path / "home")
    file = tmp_path / "pipeline.json"
    file.write_text("{}")
    created = e.ExecutionCreated("new", "sha", {"A": 1}, stories.STEPS, file=str(file))
    source.add("chchch", created, file.stat().st_mtime - 10)
    async with journey(tmp_path, source=source, execution="chchch") as trip:
        await trip.sees("definition changed: R runs the new one")
        await trip.press("R")
        await trip.sees("(•) new definition", "pipetui run")
        await trip.press("R")
        await trip.until(lambda: trip.control.asked)
        name, request = trip.control.asked[0]
        assert (name, request.file, request.parameters) == ("start", str(file), {"A": 1})


async def test_another_execution_is_reached_from_within_one(tmp_path: Path) -> None:
    async with journey(tmp_path) as trip:
        await trip.press("enter")
        await trip.sees("churn-train/k3f9")
        await trip.press("colon")
        await trip.until(lambda: trip.app.screen.is_modal)
        await trip.type("fan-out")
        await trip.until(lambda: trip.app.feed.watched == stories.CACHED)
        screens = [one for one in trip.app.screen_stack if isinstance(one, ExecutionScreen)]
        assert len(screens) == 1


@both_sizes
async def test_a_run_is_shown_as_it_was_at_any_moment_of_its_past(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with journey(tmp_path, size, execution=stories.FAILED) as trip:
        await trip.sees("failed")
        screen = trip.app.screen
        assert isinstance(screen, ExecutionScreen)
        await trip.until(lambda: screen.moment is not None and screen.shown_steps)
        total = len(await trip.source.events(stories.FAILED))
        await trip.press("comma", "comma")
        await trip.sees(f"{total - 2} of {total}")
        moment = screen.moment
        assert moment is not None
        assert moment.past
        assert moment.execution.ended_at is None
        await trip.press("less_than_sign", *["comma"] * total)
        await trip.sees(f"1 of {total}")
        assert {step.status for step in screen.shown_steps.values()} == {"Waiting"}
        await trip.press("escape")
        await trip.until(lambda: screen.selected is not None and screen.selected.status == "Failed")


@both_sizes
async def test_why_tells_what_differs_since_the_last_green_run(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    source = stories.home(tmp_path)
    stories.green(source, tmp_path)
    async with journey(tmp_path, size, source=source) as trip:
        await trip.sees("churn-train")
        await trip.press("slash")
        await trip.type("9dk2")
        await trip.press("w")
        await trip.sees("KeyError: 'tenure_months'", "SINCE")
        await trip.press("ctrl+d")
        await trip.sees("columns -tenure_months +tenure", "1 → 2 rows", "same  code")
        await trip.press("slash", *"NEW")
        await trip.sees("NEW", "that run never logged")


@both_sizes
async def test_two_executions_are_compared_and_only_differences_shown(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    source = stories.home(tmp_path)
    stories.green(source, tmp_path)
    async with journey(tmp_path, size, source=source) as trip:
        await trip.sees("churn-train")
        await trip.press("slash")
        await trip.type("9dk2|gr33")
        await trip.press("space", "space", "equals_sign")
        await trip.sees(
            "what differs", "STATUS", "Succeeded", "Failed", "INPUT DATA", "data/churn.csv"
        )
        await trip.press("G")
        await trip.sees("same")


@both_sizes
async def test_a_model_version_is_judged_beside_the_approved_one(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    source = stories.home(tmp_path)
    stories.green(source, tmp_path)
    stories.approved_before(source)
    async with journey(tmp_path, size, source=source) as trip:
        await trip.sees("churn-train")
        await trip.press("a", "down")
        await trip.sees("approved v5", "4.61", "-4.6%", "CHANGED SINCE v5")
        await trip.press("equals_sign")
        await trip.sees("what differs")
