"""Keys that are pressed before there is anything to press them for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from textual import events

from engine.api import Inbox
from engine.errors import StoreError
from pipetui.config import Settings
from pipetui.feed import Feed
from pipetui.screens.execution import ExecutionScreen
from pipetui.screens.inbox import InboxScreen
from pipetui.ui import PipetuiApp
from tests.ui import stories
from tests.ui.journey import SMALL, Journey
from tests.ui.recorded import NOW, RecordedControl, RecordedSource


@dataclass
class SlowSource(RecordedSource):
    """One that does not answer until it may."""

    may: asyncio.Event = field(default_factory=asyncio.Event)

    fails: bool = False

    async def inbox(self) -> Inbox:
        await self.may.wait()
        if self.fails:
            raise StoreError("the store is locked")
        return await super().inbox()


@asynccontextmanager
async def before_the_first_answer(folder: Path) -> AsyncIterator[tuple[Journey, SlowSource]]:
    """The app while its source has not told anything."""
    told, source = stories.home(folder), SlowSource()
    for name, value in vars(told).items():
        setattr(source, name, value)
    control = RecordedControl(source)
    feed = Feed(source, control)
    app = PipetuiApp(feed, settings=Settings(ascii=False), now=lambda: NOW)
    async with app.run_test(size=SMALL) as pilot:
        yield Journey(app, pilot, source, control), source


def hit(trip: Journey, *keys: str) -> None:
    """Send keys in one go, as a terminal does, and wait for nothing."""
    for key in keys:
        trip.app.post_message(events.Key(key, _CHARACTERS.get(key, key)))


_CHARACTERS = {"space": " ", "question_mark": "?", "enter": "\r", "ctrl+c": "\x03"}


async def test_enter_opens_the_row_once_it_is_there(tmp_path: Path) -> None:
    async with before_the_first_answer(tmp_path) as (trip, source):
        hit(trip, "enter")
        await trip.pilot.pause()
        assert not trip.app.root.list.rows
        source.may.set()
        await trip.until(lambda: isinstance(trip.app.screen, ExecutionScreen))
        await trip.sees("[Steps]", "train")


async def test_an_answer_typed_before_the_inbox_is_read_is_one(tmp_path: Path) -> None:
    async with before_the_first_answer(tmp_path) as (trip, source):
        hit(trip, *"AX", *"quit", "space", *"now", "enter")
        source.may.set()
        await trip.until(lambda: trip.control.asked)
        (name, *given) = trip.control.asked[0]
        assert name == "answer" and "quit now" in str(given)
        assert isinstance(trip.app.screen, InboxScreen)


async def test_ctrl_c_leaves_at_once(tmp_path: Path) -> None:
    async with before_the_first_answer(tmp_path) as (trip, _):
        hit(trip, "q", "ctrl+c")
        await trip.until(lambda: not trip.app.is_running or trip.app._exit)


async def test_a_source_that_fails_keeps_no_key(tmp_path: Path) -> None:
    async with before_the_first_answer(tmp_path) as (trip, source):
        source.fails = True
        hit(trip, "question_mark")
        source.may.set()
        await trip.sees("LISTS AND TEXT", "Mark the line")


async def test_a_step_that_waits_before_the_inbox_tells_it_is_answered(tmp_path: Path) -> None:
    async with before_the_first_answer(tmp_path) as (trip, source):
        source.may.set()
        await trip.until(lambda: trip.app.feed.executions)
        trip.app.open_execution(stories.WAITING, step="deploy-gate")
        await trip.sees("[Steps]", "press A or X")
        # As it is between two looks at the source.
        trip.app.feed.inbox = Inbox()
        hit(trip, *"X", *"quit", "enter")
        await trip.until(lambda: trip.control.asked)
        assert "quit" in str(trip.control.asked[0])
