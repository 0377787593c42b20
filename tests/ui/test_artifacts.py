"""Artifacts: what the cursor is on is shown, compared, copied out and opened."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from PIL import Image

from engine.api import Artifact
from engine.model import events as e
from pipetui.actions import BY_ID
from pipetui.config import Settings
from pipetui.widgets.picture_view import PictureView
from tests.ui import stories
from tests.ui.journey import LARGE, SMALL, Journey, journey
from tests.ui.recorded import NOW, RecordedSource

KEY = BY_ID["execution.artifacts"].keys
both_sizes = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "200x50"])


async def _browse(trip: Journey) -> None:
    """The artifacts of the failed step."""
    await trip.sees("evaluate · attempt 1")
    await trip.press(KEY)
    await trip.sees("[Artifacts]", "not there", "report")


def _source(folder: Path) -> RecordedSource:
    return stories.home(folder)


def _report(source: RecordedSource) -> Path:
    return Path(source.files["evaluate"][2].path)


@both_sizes
async def test_the_file_under_the_cursor_is_shown_without_a_key(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with journey(tmp_path, size, execution=stories.FAILED) as trip:
        await _browse(trip)
        await trip.sees("notes/readme.txt")
        await trip.press("G", "enter")
        await trip.sees("evaluation.json", "rows.csv")
        await trip.press("down")
        await trip.sees("rmse      4.4")
        await trip.press("down")
        await trip.sees("customer  score", "2 rows", "COLUMNS", "DOUBLE")


async def test_tree_and_preview_stand_beside_each_other_where_there_is_room(
    tmp_path: Path,
) -> None:
    for size, beside in ((LARGE, True), (SMALL, False)):
        async with journey(tmp_path / str(size[0]), size, execution=stories.FAILED) as trip:
            await _browse(trip)
            tree = trip.app.screen.query_one("#artifact-list").region
            text = trip.app.screen.query_one("#artifact-side").region
            assert (tree.y == text.y) is beside
            assert (tree.x == text.x) is not beside


@both_sizes
async def test_an_image_is_drawn_to_fit(tmp_path: Path, size: tuple[int, int]) -> None:
    source = _source(tmp_path)
    Image.new("RGB", (640, 480), (200, 30, 30)).save(_report(source) / "plot.png")
    async with journey(tmp_path, size, source=source, execution=stories.FAILED) as trip:
        await _browse(trip)
        await trip.press("G", "enter")
        await trip.sees("plot.png")
        await trip.press("down", "down")
        await trip.sees("PNG image, 640 x 480", "▀▀▀▀")
        view = trip.app.screen.query_one(PictureView)
        picture = view.picture
        assert picture is not None
        assert picture.width <= view.size.width and picture.height <= 2 * view.size.height
        await trip.press("up")
        await trip.until(lambda: "▀▀▀▀" not in trip.text)


@both_sizes
async def test_the_pictures_of_two_executions_stand_side_by_side(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    source = _source(tmp_path)
    stories.green(source, tmp_path)
    for name, colour in (("loss.png", (200, 30, 30)), ("roc.png", (30, 30, 200))):
        Image.new("RGB", (640, 480), colour).save(_report(source) / name)
    async with journey(tmp_path, size, source=source, execution=stories.FAILED) as trip:
        await trip.sees("evaluate")
        await trip.press("equals_sign")
        await trip.sees("what differs", "PICTURES OF BOTH", "i pictures")
        await trip.press("i")
        await trip.sees("report/loss.png  1 of 2  left gr33, right 9dk2  by half blocks", "▀▀▀▀")
        view = trip.app.screen.query_one(PictureView)
        picture = view.picture
        assert picture is not None and picture.width <= size[0]
        assert picture.at(0, 0) == picture.at(picture.width - 1, 0) == (200, 30, 30)
        assert picture.at(picture.width // 2, 0) != (200, 30, 30)
        await trip.press("right")
        await trip.sees("report/roc.png  2 of 2")
        await trip.press("x")
        await trip.sees("what differs", "PICTURES OF BOTH")


async def test_an_ascii_terminal_gets_an_image_in_shades(tmp_path: Path) -> None:
    source = _source(tmp_path)
    Image.new("RGB", (640, 480), (255, 255, 255)).save(_report(source) / "plot.png")
    settings = Settings(ascii=True)
    async with journey(
        tmp_path, source=source, execution=stories.FAILED, settings=settings
    ) as trip:
        await trip.sees("evaluate")
        await trip.press(KEY)
        await trip.sees("report")
        await trip.press("G", "enter", "down", "down")
        await trip.sees("@@@@@@")
        assert trip.text.isascii()


async def test_a_file_that_changes_while_its_step_runs_is_shown_anew(tmp_path: Path) -> None:
    source = _source(tmp_path)
    file = tmp_path / "progress.txt"
    file.write_text("epoch one")

    def listed() -> list[Artifact]:
        state = file.stat()
        return [
            Artifact(
                "output", "progress", "s3://b/p.txt", str(file), True, state.st_size,
                modified_at=state.st_mtime,
            )
        ]  # fmt: skip

    source.files["train"] = listed()
    async with journey(tmp_path, source=source, execution=stories.RUNNING) as trip:
        await trip.sees("train · attempt 1")
        await trip.press(KEY)
        await trip.sees("epoch one")
        file.write_text("the second epoch")
        source.files["train"] = listed()
        await trip.sees("the second epoch")


async def test_another_step_takes_the_preview_of_the_last_one_away(tmp_path: Path) -> None:
    async with journey(tmp_path, LARGE, execution=stories.FAILED) as trip:
        await _browse(trip)
        await trip.sees("notes/readme.txt")
        trip.app.screen.steps.focus()  # type: ignore[attr-defined]
        await trip.press("g")
        await trip.sees("reads and writes nothing")
        assert "notes/readme.txt" not in trip.text


async def test_a_wide_table_is_moved_sideways(tmp_path: Path) -> None:
    source = _source(tmp_path)
    with (_report(source) / "wide.csv").open("w") as file:
        csv.writer(file).writerows([[f"column-{n}" for n in range(30)], list(range(30))])
    async with journey(tmp_path, source=source, execution=stories.FAILED) as trip:
        await _browse(trip)
        await trip.press("G", "enter")
        await trip.sees("rows.csv")
        await trip.press("G")
        await trip.sees("column-0")
        assert "column-20" not in trip.text
        await trip.press(*["L"] * 26)
        await trip.sees("column-20")
        await trip.press(*["H"] * 26)
        await trip.sees("column-0 ")


async def test_a_click_opens_a_folder(tmp_path: Path) -> None:
    async with journey(tmp_path, execution=stories.FAILED) as trip:
        await _browse(trip)
        tree = trip.app.screen.query_one("#artifact-list").region
        await trip.pilot.click(offset=(tree.x + 12, tree.y + 3))
        await trip.sees("evaluation.json", "rows.csv")


async def test_a_file_is_copied_out_and_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    target = tmp_path / "mine.json"
    async with journey(tmp_path / "home", execution=stories.FAILED) as trip:
        await _browse(trip)
        await trip.press("G", "enter")
        await trip.sees("evaluation.json")
        await trip.press("down", "s")
        await trip.sees("Copy evaluation.json?")
        await trip.type(str(target))
        await trip.until(target.exists)
        assert "4.4" in target.read_text()
        target.write_text("mine")
        await trip.press("s")
        await trip.sees("Copy evaluation.json?")
        await trip.type(str(target))
        await trip.sees("Replace mine.json?")
        assert target.read_text() == "mine"
        await trip.press("enter")
        await trip.until(lambda: "4.4" in target.read_text())


async def test_an_artifact_is_compared_with_that_of_the_last_green_run(tmp_path: Path) -> None:
    source = _source(tmp_path)
    stories.green(source, tmp_path)
    async with journey(tmp_path, LARGE, source=source, execution=stories.FAILED) as trip:
        await _browse(trip)
        await trip.press("g", "down", "equals_sign")
        await trip.sees("what differs", "against gr33", "churn.csv", "+tenure")


async def test_without_an_earlier_run_a_comparison_says_so(tmp_path: Path) -> None:
    source = _source(tmp_path)
    declared = e.ExecutionCreated("alone", "", {}, (e.StepDeclared("evaluate", "Processing"),))
    source.add("alone1", declared, NOW - 10)
    source.add("alone1", e.StepStarted("evaluate", 1, {}, ""), NOW - 9)
    async with journey(tmp_path, source=source, execution="alone1") as trip:
        await trip.sees("evaluate")
        await trip.press(KEY)
        await trip.sees("report")
        await trip.press("equals_sign")
        await trip.sees("no earlier run of evaluate")
