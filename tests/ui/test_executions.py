"""The list of executions: found, counted, marked, sorted, and acted on together."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import CommandRejected
from engine.model import events as e
from engine.model.status import ExecutionStatus
from pipetui.pages import PAGE, Pages
from tests.ui import stories
from tests.ui.journey import LARGE, SMALL, journey
from tests.ui.recorded import NOW, RecordedSource

both_sizes = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "200x50"])


def many(source: RecordedSource, count: int) -> None:
    """Executions that ended long ago, the oldest of another pipeline."""
    steps = (e.StepDeclared("load", "Processing"),)
    for n in range(count):
        at = NOW - 1_000_000 - n
        name = "ancient" if n == count - 1 else "nightly"
        source.add(f"n{n:05d}", e.ExecutionCreated(name, "", {"eta": n}, steps), at)
        source.add(f"n{n:05d}", e.ExecutionEnded(ExecutionStatus.SUCCEEDED), at + 60)


@both_sizes
async def test_executions_are_found_by_status_parameter_and_step(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with journey(tmp_path, size) as trip:
        await trip.press("slash")
        await trip.type("status:failed")
        await trip.sees("9dk2", "1 of")
        assert "k3f9" not in trip.text
        await trip.press("escape", "slash")
        await trip.type("step:train")
        await trip.until(lambda: "k3f9" in trip.text and "evaluate: KeyE" not in trip.text)
        await trip.press("escape", "slash")
        await trip.type("!status:failed step:evaluate")
        await trip.sees("Nothing matches")


async def test_a_broken_query_is_said_and_hides_nothing(tmp_path: Path) -> None:
    async with journey(tmp_path) as trip:
        await trip.press("slash", *"took", "greater_than_sign", *"soon")
        await trip.sees("took> needs a time", "9dk2", "k3f9")


async def test_a_query_looks_through_executions_that_were_not_read_yet(tmp_path: Path) -> None:
    source = stories.home(tmp_path)
    many(source, PAGE + 20)
    async with journey(tmp_path, source=source) as trip:
        await trip.sees(f"of {PAGE} loaded")
        await trip.press("slash")
        await trip.type("pipeline:ancient")
        await trip.sees("ancient", "1 of 52")
        assert "loaded" not in trip.text


async def test_going_to_the_end_reads_older_executions(tmp_path: Path) -> None:
    source = stories.home(tmp_path)
    many(source, PAGE + 20)
    async with journey(tmp_path, source=source) as trip:
        await trip.press("G")
        await trip.until(lambda: trip.app.feed.all_listed)
        await trip.press("G")
        await trip.sees("ancient")


async def test_pages_have_no_gap_when_newer_executions_push_others_off_the_first() -> None:
    source = RecordedSource()
    many(source, 7)
    pages = Pages(source, size=3)
    assert [one.id for one in await pages.look(())] == ["n00000", "n00001", "n00002"]
    source.add("new", e.ExecutionCreated("nightly", "", {}, ()), NOW)
    assert [one.id for one in await pages.look(())] == ["new", "n00000", "n00001", "n00002"]
    await pages.more()
    await pages.more()
    source.add("n00006", e.ExecutionRetried(()), NOW)
    found = await pages.look({"n00006"})
    assert [one.id for one in found] == ["new", *(f"n{n:05d}" for n in range(7))]
    assert found[-1].retries == 1
    assert not await pages.more()
    assert pages.complete


@both_sizes
async def test_marked_executions_are_run_again_after_a_dry_run_of_each(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with journey(tmp_path, size) as trip:
        await trip.press("down", "space", "space")
        await trip.sees("2 marked")
        await trip.press("R")
        await trip.sees("Rerun 2 executions", "(•) whole", "run 9", "churn-train/9dk2")
        await trip.press("R")
        await trip.until(lambda: len(trip.control.asked) == 2)
        asked = [(name, one.execution_id, one.scope) for name, one in trip.control.asked]
        assert asked == [("rerun", one, "whole") for one in (stories.FAILED, stories.WAITING)]
        await trip.sees("started new2", "2 started")


async def test_what_failed_in_marked_executions_goes_on_and_refusals_are_said(
    tmp_path: Path,
) -> None:
    async with journey(tmp_path) as trip:
        await trip.press("down", "space", "R")
        await trip.sees("Rerun 1 execution", "(•) failed only")
        trip.control.plan_problem = CommandRejected("the definition is gone")
        await trip.press("right")
        await trip.sees("the definition is gone")
        assert "R run" not in trip.footer
        trip.control.plan_problem = None
        await trip.press("right")
        await trip.sees("9 run", "R run")
        await trip.press("R")
        await trip.until(lambda: trip.control.asked == [("retry", stories.FAILED)])


async def test_all_marked_executions_that_run_are_stopped(tmp_path: Path) -> None:
    async with journey(tmp_path) as trip:
        await trip.press("space", "space", "space", "S")
        await trip.sees("Stop 2 executions?", "churn-train/k3f9", "churn-train/p0az")
        await trip.type("enough")
        await trip.until(lambda: len(trip.control.asked) == 2)
        stopped = [(name, what) for name, what in trip.control.asked]
        assert stopped == [("stop", (one, "enough")) for one in (stories.RUNNING, stories.WAITING)]
        await trip.sees("stopping churn-train/k3f9 · stopping churn-train/p0az")


@both_sizes
async def test_the_parallelism_of_a_running_execution_is_changed(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with journey(tmp_path, size) as trip:
        await trip.press("P")
        await trip.sees("How many steps of churn-train/k3f9 at once?")
        await trip.type("0")
        await trip.sees("at least 1")
        await trip.press("ctrl+u")
        await trip.type("3")
        await trip.until(lambda: trip.control.asked)
        assert trip.control.asked == [("change_parallelism", (stories.RUNNING, 3))]
        await trip.press("enter")
        await trip.sees("[Steps]")
        await trip.press("P")
        await trip.sees("at once?")


async def test_parallelism_is_refused_where_the_source_refuses_it(tmp_path: Path) -> None:
    async with journey(tmp_path, refused={"parallelism": "not there"}) as trip:
        await trip.press("P")
        await trip.sees("at once: not there")


async def test_parameters_that_vary_are_columns_where_there_is_room(tmp_path: Path) -> None:
    source = stories.home(tmp_path)
    for n, rate in enumerate((0.1, 0.2, 0.3)):
        made = e.ExecutionCreated("sweep", "", {"Rate": rate, "Same": 1, "DbPassword": f"x{n}"}, ())
        source.add(f"s{n}", made, NOW - 100_000 - n)
    async with journey(tmp_path, LARGE, source=source) as trip:
        await trip.press("slash")
        await trip.type("sweep")
        await trip.sees("Rate", "0.2", "••••")
        head = next(line for line in trip.text.split("\n") if "PIPELINE" in line)
        assert "Same" not in head
        await trip.press("c")
        await trip.until(lambda: "Rate  " not in trip.text.split("\n")[1])


@both_sizes
async def test_a_click_on_a_heading_sorts_and_another_turns_it_round(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with journey(tmp_path, size) as trip:
        head = next(line for line in trip.text.split("\n") if "PIPELINE" in line)
        for word in ("by pipeline", "backwards"):
            await trip.pilot.click("#list", offset=(head.index("PIPELINE"), 0))
            await trip.sees(word)
        names = [row.search for row in trip.app.screen.query_one("#list").rows]  # type: ignore[attr-defined]
        assert names[-1].startswith("churn-train")
        assert names[0].startswith("fan-out")


@both_sizes
async def test_the_history_of_a_pipeline_leads_to_a_step_of_a_run(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with journey(tmp_path, size) as trip:
        await trip.press("h")
        await trip.sees("churn-train  history", "TREND", "k3f9", "preprocess")
        await trip.press("down", "down", "down", "down", "left")
        await trip.sees("9dk2", "evaluate  failed", "KeyError")
        assert "[✖]" in trip.text
        await trip.press("enter")
        await trip.sees("churn-train/9dk2", "evaluate · attempt 1")


@both_sizes
async def test_the_audit_says_who_did_what_and_the_commands_of_this_session(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with journey(tmp_path, size) as trip:
        await trip.press("S")
        await trip.sees("Stop churn-train/k3f9?")
        await trip.type("too slow")
        await trip.until(lambda: trip.control.asked)
        await trip.press("at")
        await trip.sees("audit", "ana@host", "stopped", "too slow", "THIS SESSION, AS COMMANDS")
        assert f"pipetui stop {stories.RUNNING} --reason 'too slow'" in trip.text
        await trip.press("enter")
        await trip.sees("StopRequested", "reason: too slow")
        await trip.press("slash")
        await trip.type("started")
        await trip.sees("3 of 5")


async def test_every_steps_arguments_can_be_edited_and_the_command_says_what_it_leaves_out(
    tmp_path: Path,
) -> None:
    async with journey(tmp_path, LARGE) as trip:
        await trip.press("down", "R")
        await trip.sees("(•) whole", "max-parallel")
        while "Rerun evaluate of" not in trip.text:
            await trip.press("s")
            await trip.pilot.pause()
        await trip.press("slash")
        await trip.type("TOKEN")
        await trip.sees("env", "API_TOKEN", "••••")
        await trip.press("enter")
        assert "hush" not in trip.text
        await trip.type("louder")
        await trip.sees("was ••••", "Environment.API_TOKEN=••••")
        assert "louder" not in trip.text
        await trip.press("escape", "G", "enter", "ctrl+u")
        await trip.type("2")
        await trip.sees("--max-parallel 2")
        await trip.press("R")
        await trip.until(lambda: trip.control.asked)
        asked = trip.control.asked[0][1]
        assert asked.max_parallel == 2
        assert asked.edits == {"evaluate": {"Environment.API_TOKEN": "louder"}}


@both_sizes
async def test_the_reasons_of_a_dry_run_are_read_with_the_keys(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with journey(tmp_path, size) as trip:
        await trip.press("down", "R")
        await trip.sees("9 run")
        await trip.press("tab", "G")
        await trip.sees("         deploy-gate")
