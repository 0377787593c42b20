"""The demo: recorded runs that play as time passes, and stay in memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from engine.api import RerunRequest, open_replay
from engine.errors import CommandRejected
from pipetui.config import Settings
from pipetui.demo import RECORDING
from pipetui.feed import Feed
from pipetui.ui import PipetuiApp
from tests.ui.journey import LARGE, NOW, SMALL, Journey


class Hand:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> float:
        return self.time


@asynccontextmanager
async def demo(size: tuple[int, int]) -> AsyncIterator[tuple[Journey, Hand]]:
    hand = Hand()
    source, control = await open_replay(RECORDING, hand)
    feed = Feed(source, control)
    app = PipetuiApp(feed, settings=Settings(ascii=False), now=hand)
    try:
        async with app.run_test(size=size) as pilot:
            trip = Journey(app, pilot, cast(Any, source), cast(Any, control))
            await trip.until(lambda: feed.executions)
            await pilot.pause()
            yield trip, hand
    finally:
        await feed.close()


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_newcomer_sees_a_run_a_failure_a_question_and_green_ones(
    size: tuple[int, int],
) -> None:
    async with demo(size) as (trip, _):
        await trip.sees("demo: recorded runs", "breast-cancer", "running", "failed", "approval")
        running, failed = trip.app.feed.executions[:2]
        assert (running.status, failed.status) == ("Executing", "Failed")
        await trip.press("j", "w")
        await trip.sees("KeyError: 'monthly_charges'", "features_of")
        await trip.press("escape", "h")
        await trip.sees("BuildFeatures", "ProfileData")
        await trip.press("escape", "equals_sign")
        await trip.sees("InputData")


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_all_tabs_of_the_run_open_and_it_goes_on_to_its_end_and_begins_again(
    size: tuple[int, int],
) -> None:
    async with demo(size) as (trip, hand):
        first = trip.app.feed.executions[0].id
        await trip.press("enter")
        await trip.sees("Train", "Preprocess")
        for key in "234567":
            await trip.press(key)
            await trip.pilot.pause()
        await trip.press("4")
        hand.time += 5
        await trip.sees("epoch")
        hand.time += 120
        await trip.until(lambda: trip.app.feed.executions[0].id != first)
        ended = next(one for one in trip.app.feed.executions if one.id == first)
        assert ended.status == "Succeeded"


async def test_an_approval_lets_the_recording_go_on_in_memory() -> None:
    async with demo(LARGE) as (trip, hand):
        feed = trip.app.feed
        waiting = feed.inbox.callbacks[0]
        values = {one.name: "1" for one in waiting.outputs}
        assert list(values) == ["ApprovedBy", "TrafficPercent", "Canary", "MaxErrorRate"]
        await feed.answer(waiting.step.callback_token, success=True, comment="fine", outputs=values)
        hand.time += 30
        await trip.until(lambda: not feed.inbox.callbacks)
        assert (await feed.execution(waiting.execution.id)).status == "Succeeded"


async def test_a_rejection_fails_the_run_and_blocks_what_follows() -> None:
    async with demo(SMALL) as (trip, _):
        feed = trip.app.feed
        waiting = feed.inbox.callbacks[0]
        await feed.answer(waiting.step.callback_token, success=False, comment="not yet")
        steps = {one.name: one for one in await feed.steps_of(waiting.execution.id)}
        assert (await feed.execution(waiting.execution.id)).status == "Failed"
        assert "not yet" in steps["Approve"].failure_reason


async def test_a_stop_ends_the_run_and_a_rerun_plays_it_again() -> None:
    async with demo(SMALL) as (trip, hand):
        feed = trip.app.feed
        running = feed.executions[0]
        await feed.stop(running.id, "enough")
        assert (await feed.execution(running.id)).status == "Stopped"
        again = await feed.rerun(running.id, "whole")
        hand.time += 10
        await trip.until(lambda: feed.running.get(again))
        assert feed.deeds[-1].command == f"pipetui rerun {running.id} --scope whole"


async def test_what_a_recording_cannot_do_is_refused_with_a_sentence() -> None:
    async with demo(SMALL) as (trip, _):
        feed = trip.app.feed
        for needs in ("start", "retry", "parallelism", "shell"):
            assert "recorded runs are played" in feed.refusal(needs)
        with pytest.raises(CommandRejected, match="played again whole"):
            await feed.plan_rerun(feed.executions[0].id, "from", "Train")
        with pytest.raises(CommandRejected, match="played again whole"):
            await feed.rerun(feed.executions[0].id, "whole", parameters={"Penalty": "l1"})


async def test_all_that_was_unpacked_is_removed() -> None:
    source, control = await open_replay(RECORDING, Hand())
    home = cast(Any, source).home
    await control.rerun(RerunRequest((await source.executions())[0].id, "whole"))
    assert home.is_dir()
    await source.close()
    assert not home.exists()


def test_the_recording_is_small_and_says_nothing_of_the_host_it_was_made_on() -> None:
    import tarfile

    assert RECORDING.stat().st_size < 300_000
    with tarfile.open(RECORDING) as archive:
        files = [archive.extractfile(one) for one in archive.getmembers()]
        whole = b"".join(file.read() for file in files if file is not None)
    assert b"/root/" not in whole and b"/tmp/" not in whole
    assert b"SECRET_ACCESS_KEY" not in whole


def test_the_demo_loads_no_runner_and_leaves_the_home_alone(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from pipetui.feed import Feed\n"
        "import pipetui.ui\n"
        "async def main():\n"
        "    feed = await Feed.demo(lambda: 1.79e9)\n"
        "    await feed.poll()\n"
        "    await feed.graph(feed.executions[0].id)\n"
        "    await feed.close()\n"
        "asyncio.run(main())\n"
        "print([one for one in sys.modules if one.startswith('engine.runner')])\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    environment = {**os.environ, "HOME": str(home), "PIPETUI_HOME": "", "XDG_STATE_HOME": ""}
    told = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "[]"
    assert not list(home.iterdir())
