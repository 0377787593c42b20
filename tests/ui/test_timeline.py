"""Journeys through the timeline and the metrics, in both sizes and through time."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.model import events as e
from pipetui.config import Settings
from pipetui.screens.execution import ExecutionScreen
from pipetui.viewmodel.lines import Line
from pipetui.widgets.timeline_pane import TimelineRows
from tests.ui import stories
from tests.ui.journey import LARGE, SMALL, Journey, journey
from tests.ui.recorded import NOW, RecordedSource

both_sizes = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "200x50"])
GREEN = "gr44eeeeeeee"


def rows(trip: Journey) -> TimelineRows:
    return trip.app.screen.query_one(TimelineRows)


def line_of(trip: Journey, name: str) -> str:
    """The line of a step in the timeline."""
    return next(
        "".join(span.text for span in rows(trip).painted(index)[0])
        for index, row in enumerate(rows(trip).rows)
        if row.key == name
    )


def measured(source: RecordedSource) -> None:
    """Samples of the training step that runs: a core and a half, the log written in 100 s."""
    place = Path(source.states[stories.RUNNING].steps["train"].directory)
    size = (place / "job.log").stat().st_size
    samples = [
        f"[{NOW - 117 + at},{at * 1.5},{200_000_000 + at},{size * at // 100}]" for at in range(101)
    ]
    (place / "usage.jsonl").write_text("\n".join(samples) + "\n")


def earlier(source: RecordedSource, folder: Path) -> None:
    """An execution before, whose training step did better."""
    log = "\n".join(f"[{n}] train-rmse:{8 - n / 8:.2f}" for n in range(45)) + "\n"
    place = stories.attempt_folder(folder, GREEN, "train", log)
    created = e.ExecutionCreated("churn-train", "sha", {}, stories.STEPS)
    source.add(GREEN, created, NOW - 9000)
    source.add(GREEN, e.StepStarted("train", 1, {}, place), NOW - 8900)
    source.add(GREEN, e.StepExecuting("train", 1), NOW - 8899)
    source.add(GREEN, e.StepSucceeded("train"), NOW - 8800)


@both_sizes
async def test_the_timeline_shows_what_ran_when(tmp_path: Path, size: tuple[int, int]) -> None:
    source = stories.home(tmp_path)
    measured(source)
    async with journey(tmp_path, size, source=source, execution=stories.RUNNING) as trip:
        await trip.sees("train · attempt 1")
        await trip.press("3")
        await trip.sees("[Timeline]", "00:00", "critical path")
        assert rows(trip).key == "train", "the step that is selected"
        await trip.until(lambda: "█" in line_of(trip, "train"))
        assert "↺" in line_of(trip, "baseline")
        assert "█" not in line_of(trip, "evaluate")
        if size == LARGE:
            await trip.sees("1.5 cpu", "200.0 MB")


async def test_a_marked_time_tells_what_ran_and_opens_the_log_there(tmp_path: Path) -> None:
    source = stories.home(tmp_path)
    measured(source)
    async with journey(tmp_path, source=source, execution=stories.RUNNING) as trip:
        await trip.sees("train · attempt 1")
        await trip.press("3", "left", "left")
        await trip.sees("running train")
        assert "│" in line_of(trip, "evaluate")
        pane = rows(trip)
        assert pane.marked_at is not None
        before = pane.marked_at
        await trip.press("right")
        assert pane.marked_at > before
        for _ in range(20):
            await trip.press("left")
        await trip.press("enter")
        await trip.sees("[Log]")
        await trip.until(lambda: "follow |" not in trip.text and "train-rmse" in trip.text)
        assert "early stopping" not in trip.text, "what was written later is further down"


async def test_walking_in_the_timeline_selects_the_step_everywhere(tmp_path: Path) -> None:
    async with journey(tmp_path, LARGE, execution=stories.FAILED) as trip:
        await trip.sees("evaluate · attempt 1")
        await trip.press("3", "up")
        screen = trip.app.screen
        assert isinstance(screen, ExecutionScreen)
        await trip.until(lambda: screen.steps.key == "train")
        await trip.press("end", "home")
        await trip.until(lambda: screen.steps.key == "preprocess")


async def test_the_timeline_zooms_around_the_step_and_back(tmp_path: Path) -> None:
    async with journey(tmp_path, execution=stories.FAILED) as trip:
        await trip.sees("evaluate · attempt 1")
        await trip.press("3")
        await trip.sees("[Timeline]", "✖")
        whole = line_of(trip, "preprocess")
        await trip.press("z", "z", "z", "z", "z", "z")
        assert line_of(trip, "preprocess").rstrip().endswith("<")
        await trip.press("0")
        assert line_of(trip, "preprocess") == whole


async def test_an_approval_is_drawn_as_waiting_for_a_person(tmp_path: Path) -> None:
    async with journey(tmp_path, execution=stories.WAITING) as trip:
        await trip.sees("deploy-gate")
        await trip.press("3")
        await trip.sees("[Timeline]")
        await trip.until(lambda: "??" in line_of(trip, "deploy-gate"))


async def test_back_in_time_bars_end_where_they_were(tmp_path: Path) -> None:
    async with journey(tmp_path, execution=stories.FAILED) as trip:
        await trip.sees("evaluate · attempt 1")
        await trip.press("3")
        await trip.sees("[Timeline]")
        now = line_of(trip, "train")
        await trip.press(*["comma"] * 9)
        await trip.sees("back to now")
        assert "✖" not in line_of(trip, "evaluate")
        assert line_of(trip, "train").count("█") < now.count("█")
        await trip.press("escape")
        await trip.until(lambda: line_of(trip, "train") == now)


async def test_the_timeline_is_filtered(tmp_path: Path) -> None:
    async with journey(tmp_path, execution=stories.RUNNING) as trip:
        await trip.sees("train · attempt 1")
        await trip.press("3", "slash")
        await trip.type("evaluate")
        await trip.until(lambda: [row.key for row in rows(trip).rows] == ["evaluate"])


async def test_many_steps_are_painted_as_far_as_they_are_in_sight(tmp_path: Path) -> None:
    source = stories.home(tmp_path)
    stories.large(source, 500)
    async with journey(tmp_path, source=source, execution="bigbig") as trip:
        await trip.sees("step-0000")
        await trip.press("3", "end")
        await trip.sees("[Timeline]", "step-0499")
        pane = rows(trip)
        asked: list[int] = []
        painted = pane.painted

        def counted(index: int) -> tuple[Line, bool]:
            asked.append(index)
            return painted(index)

        pane.painted = counted  # type: ignore[method-assign]
        pane.sync()
        assert 0 < len(asked) <= SMALL[1]


async def test_the_timeline_in_ascii_is_ascii(tmp_path: Path) -> None:
    settings = Settings(ascii=True)
    async with journey(tmp_path, execution=stories.RUNNING, settings=settings) as trip:
        await trip.sees("train - attempt 1")
        await trip.press("3")
        await trip.sees("[Timeline]", "# critical path")
        assert trip.text.isascii()
        await trip.press("m")
        await trip.sees("[Metrics]", "rmse")
        assert trip.text.isascii()


@both_sizes
async def test_metrics_are_curves_with_earlier_executions_laid_over(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    source = stories.home(tmp_path)
    earlier(source, tmp_path)
    async with journey(tmp_path, size, source=source, execution=stories.RUNNING) as trip:
        await trip.sees("train · attempt 1")
        await trip.press("m")
        await trip.sees("[Metrics]", "rmse", "found in the log", "last 4.6", "by round")
        await trip.press("o")
        await trip.sees("gr44", "2.5", "-45.7%")
        await trip.press("O")
        await trip.until(lambda: "gr44" not in trip.text)


async def test_curves_grow_while_the_step_runs(tmp_path: Path) -> None:
    source = stories.home(tmp_path)
    place = Path(source.states[stories.RUNNING].steps["train"].directory)
    async with journey(tmp_path, source=source, execution=stories.RUNNING) as trip:
        await trip.sees("train · attempt 1")
        await trip.press("7")
        await trip.sees("last 4.6")
        with (place / "job.log").open("a") as log:
            log.write("[45] train-rmse:0.125\n")
        await trip.sees("last 0.125")


async def test_back_in_time_a_curve_ends_where_it_had_come_to(tmp_path: Path) -> None:
    source = stories.home(tmp_path)
    measured(source)
    source.add(stories.RUNNING, e.StepProgressed("train", "half way"), NOW - 67, "runner")
    source.add(stories.RUNNING, e.StepProgressed("train", "further"), NOW - 20, "runner")
    async with journey(tmp_path, source=source, execution=stories.RUNNING) as trip:
        await trip.sees("train · attempt 1")
        await trip.press("m")
        await trip.sees("last 4.6")
        await trip.press("comma")
        await trip.sees("11 of 12", "last 6.")
        assert "last 4.6" not in trip.text
        await trip.press("escape")
        await trip.sees("last 4.6")


async def test_a_running_step_tells_its_declared_metric_in_the_list(tmp_path: Path) -> None:
    source = stories.home(tmp_path)
    log = "".join(f"validation-auc={0.5 + n / 100}\n" for n in range(30))
    place = stories.attempt_folder(tmp_path, "lives", "train", log)
    steps = (e.StepDeclared("train", "Training"),)
    definition = {"Name": "validation:auc", "Regex": "validation-auc=([0-9.]+)"}
    arguments = {"AlgorithmSpecification": {"MetricDefinitions": [definition]}}
    source.add("livesxxxx", e.ExecutionCreated("live", "sha", {}, steps), NOW - 10)
    source.add("livesxxxx", e.StepStarted("train", 1, arguments, place), NOW - 9)
    source.add("livesxxxx", e.StepExecuting("train", 1), NOW - 8)
    async with journey(tmp_path, source=source, execution="livesxxxx") as trip:
        await trip.sees("auc 0.79 ▁▂▃▄")


async def test_a_step_without_a_job_says_that_there_is_nothing(tmp_path: Path) -> None:
    async with journey(tmp_path, execution=stories.WAITING) as trip:
        await trip.sees("deploy-gate")
        await trip.press("m")
        await trip.sees("runs no job")
