"""Who comes back finds what they left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipetui.config import Settings, parse
from pipetui.feed import Feed
from pipetui.screens.execution import ExecutionScreen
from pipetui.session import Session, Sight
from pipetui.ui import PipetuiApp
from tests.ui import stories
from tests.ui.journey import LARGE, SMALL, Journey
from tests.ui.recorded import NOW, RecordedControl

both_sizes = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "200x50"])


def app_on(folder: Path, file: Path, **options: Any) -> tuple[PipetuiApp, RecordedControl]:
    source = stories.home(folder)
    control = RecordedControl(source)
    settings = Settings(ascii=False, restore=options.pop("restore", True))
    feed = Feed(source, control)
    session = Session(file)
    return PipetuiApp(feed, settings=settings, now=lambda: NOW, session=session, **options), control


@both_sizes
async def test_an_execution_its_tab_and_step_are_open_again(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    file = tmp_path / "ui" / "session.json"
    app, control = app_on(tmp_path / "one", file)
    async with app.run_test(size=size) as pilot:
        trip = Journey(app, pilot, control.source, control)
        await trip.sees("9dk2")
        await trip.press("slash")
        await trip.type("churn")
        await trip.press("o", "down", "enter")
        await trip.sees("[Steps]", "preprocess")
        await trip.press("g", "down", "2")
        await trip.sees("[Graph]")
        await trip.press("q")
        app.exit()
    app.session.write()
    assert file.stat().st_mode & 0o777 == 0o600
    kept = json.loads(file.read_text())
    assert kept["filter"] == "churn"
    assert kept["order"] == "longest first"


async def test_what_is_kept_is_restored_and_esc_leads_to_the_list_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "session.json"
    sight = Sight(stories.FAILED, "events", "baseline", stories.FAILED, "churn", "by pipeline")
    session = Session(file)
    await session.keep(sight)
    app, control = app_on(tmp_path / "one", file)
    async with app.run_test(size=SMALL) as pilot:
        trip = Journey(app, pilot, control.source, control)
        await trip.sees("churn-train/9dk2", "[Events]")
        await trip.until(lambda: app.sight == sight)
        await trip.press("q")
        await trip.sees("by pipeline", "3 of 4")
        assert app.root.selected is not None
        assert app.root.selected.id == stories.FAILED
        await trip.until(lambda: Session(file).read().execution == "")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"tab": 3, "other": "x"}', "\udc80", "[" * 100_000]
)
async def test_a_broken_file_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "session.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert Session(file).read() == Sight()


@pytest.mark.parametrize("options", [{"restore": False}, {"execution": stories.WAITING}], ids=str)
async def test_nothing_is_restored_where_that_is_not_wanted(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    file = tmp_path / "session.json"
    await Session(file).keep(Sight(execution=stories.FAILED, filter="churn"))
    app, control = app_on(tmp_path / "one", file, **options)
    async with app.run_test(size=SMALL) as pilot:
        trip = Journey(app, pilot, control.source, control)
        await trip.sees("p0az")
        assert app.root.filter.text == ""
        opened = [one for one in app.screen_stack if isinstance(one, ExecutionScreen)]
        assert [one.execution_id for one in opened] == list(
            options.get("execution", "") and [stories.WAITING]
        )


def test_the_setting_is_a_truth_value() -> None:
    assert not parse("[ui]\nrestore = false").restore
    assert parse("[ui]\nrestore = 3").problems == ("ui.restore is true or false",)


async def test_an_execution_that_is_gone_is_not_missed(tmp_path: Path) -> None:
    file = tmp_path / "session.json"
    await Session(file).keep(Sight(execution="nowhere"))
    app, control = app_on(tmp_path / "one", file)
    async with app.run_test(size=SMALL) as pilot:
        trip = Journey(app, pilot, control.source, control)
        await trip.sees("9dk2", "k3f9")


async def test_a_home_that_cannot_be_written_forgets(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    await Session(blocked / "session.json").keep(Sight(filter="x"))
    assert Session(blocked / "session.json").read() == Sight()
