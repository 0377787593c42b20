"""Secrets: masked wherever they stand, shown on one screen when a person asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.api import Artifact
from engine.model import events as e
from engine.model.status import ExecutionStatus
from tests.ui import stories
from tests.ui.journey import LARGE, SMALL, Journey, journey
from tests.ui.recorded import NOW, RecordedSource

SECRET = "hunter2-and-more"
TOLD = "s3cr3taaaaaa"
both_sizes = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "200x50"])


def telling(folder: Path) -> RecordedSource:
    """An execution whose step was given a secret, and told it in its log, a file and its error."""
    source = stories.home(folder)
    steps = (e.StepDeclared("tell", "Processing"),)
    source.add(TOLD, e.ExecutionCreated("telling", "sha", {"ApiKey": "k1"}, steps), NOW - 60)
    log = f"login with {SECRET}\nall is well\nValueError: {SECRET} is wrong\n"
    place = stories.attempt_folder(folder, TOLD, "tell", log)
    arguments = {"Environment": {"DB_PASSWORD": SECRET}}
    source.add(TOLD, e.StepStarted("tell", 1, arguments, place), NOW - 50)
    source.add(TOLD, e.StepExecuting("tell", 1), NOW - 50)
    source.add(TOLD, e.StepFailed("tell", f"AlgorithmError: {SECRET} is wrong"), NOW - 40)
    source.add(TOLD, e.ExecutionEnded(ExecutionStatus.FAILED), NOW - 40)
    config = Path(place) / "config.json"
    config.write_text(f'{{"auth": "{SECRET}"}}\n', "utf-8")
    source.files["tell"] = [
        Artifact("output", "config.json", "s3://bucket/config.json", str(config), True, 30)
    ]
    return source


async def shown(trip: Journey) -> None:
    """Ask to see them."""
    await trip.press("asterisk")
    await trip.sees(SECRET, "secrets shown")


@both_sizes
async def test_a_key_shows_those_of_a_screen_and_the_next_screen_has_masks(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with journey(tmp_path, size, source=telling(tmp_path), execution=TOLD) as trip:
        await trip.sees("login with ******", "2 masked")
        assert SECRET not in trip.text
        await shown(trip)
        await trip.until(lambda: "masked" not in trip.text)
        for key, page in (("d", "detail"), ("w", "why")):
            await trip.press(key)
            await trip.sees(page, "******" if key == "w" else "••••••")
            assert SECRET not in trip.text
            await shown(trip)
            await trip.press("escape")
            await trip.sees("Steps")
        await trip.press("asterisk")
        await trip.sees("login with ******")
        assert SECRET not in trip.text


async def test_the_session_keeps_that_they_were_shown(tmp_path: Path) -> None:
    async with journey(tmp_path, SMALL, source=telling(tmp_path), execution=TOLD) as trip:
        await trip.sees("2 masked")
        await shown(trip)
        await trip.press("at")
        await trip.sees("# secrets of telling/s3cr were shown", "MASKED", "PASSWORD")


async def test_read_only_keeps_the_masks_and_says_so(tmp_path: Path) -> None:
    source = telling(tmp_path)
    async with journey(tmp_path, SMALL, source=source, execution=TOLD, read_only=True) as trip:
        await trip.sees("2 masked")
        await trip.press("asterisk")
        await trip.sees("secrets stay masked: read-only keeps them")
        assert SECRET not in trip.text


async def test_parameters_and_the_form_of_a_rerun_show_them(tmp_path: Path) -> None:
    async with journey(tmp_path, SMALL, source=telling(tmp_path)) as trip:
        await trip.sees("ApiKey       ••••••")
        await trip.press("asterisk")
        await trip.sees("ApiKey       k1")
        await trip.press("enter")
        await trip.sees("2 masked")
        await trip.press("R")
        await trip.sees("Rerun tell", "••••••")
        await shown(trip)


async def test_a_saved_text_has_masks_unless_they_are_shown(tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    async with journey(tmp_path, SMALL, source=telling(tmp_path), execution=TOLD) as trip:
        await trip.sees("2 masked")
        await trip.press("5")
        await trip.sees("config.json", '"******"')
        await trip.press("s")
        await trip.sees("a copy of text has masks")
        await trip.type(str(first))
        await trip.sees("copied config.json, 1 masked")
        await shown(trip)
        await trip.press("s")
        await trip.sees("Copy config.json?")
        assert "masks" not in trip.text
        await trip.type(str(second))
        await trip.until(second.exists)
    assert first.read_text() == '{"auth": "******"}\n'
    assert first.stat().st_mode & 0o777 == 0o600
    assert second.read_text() == f'{{"auth": "{SECRET}"}}\n'


async def test_events_and_the_past_have_masks_unless_they_are_shown(tmp_path: Path) -> None:
    async with journey(tmp_path, LARGE, source=telling(tmp_path), execution=TOLD) as trip:
        await trip.sees("2 masked")
        await trip.press("6")
        await trip.sees("StepFailed", "AlgorithmError: ****** is wrong")
        assert SECRET not in trip.text
        await trip.press("comma")
        await trip.sees("of 5")
        assert SECRET not in trip.text
        await trip.press("escape", "asterisk")
        await trip.sees("secrets shown", f"AlgorithmError: {SECRET} is")


async def test_an_exported_log_has_masks_unless_they_are_shown(tmp_path: Path) -> None:
    async with journey(tmp_path, SMALL, source=telling(tmp_path), execution=TOLD) as trip:
        await trip.sees("2 masked")
        await trip.press("4")
        await shown(trip)
        await trip.press("ctrl+e")
        await trip.sees("Export the log?")
        assert "are written as" not in trip.text
        file = tmp_path / "out.log"
        await trip.type(str(file))
        await trip.until(file.exists)
    assert SECRET in file.read_text()
