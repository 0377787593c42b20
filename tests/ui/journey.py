"""What the journeys share: the app on a recorded source, keys, and waiting for what is seen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input

from pipetui.config import Settings
from pipetui.feed import Feed
from pipetui.ui import PipetuiApp
from tests.ui import stories
from tests.ui.recorded import NOW, RecordedControl, RecordedSource

SMALL, LARGE = (80, 24), (200, 50)
PATIENCE = 10.0


@dataclass
class Journey:
    """A running app with its source and control."""

    app: PipetuiApp
    pilot: Pilot[None]
    source: RecordedSource
    control: RecordedControl

    @property
    def text(self) -> str:
        """The characters on the screen."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text for strip in strips)

    @property
    def footer(self) -> str:
        """The last line of the screen."""
        return self.text.rsplit("\n", 1)[-1]

    async def until(self, happened: Callable[[], object]) -> None:
        """Let the app work until something happened."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not happened():
                    await self.pilot.pause(0.01)
        except TimeoutError:
            raise AssertionError(f"it never happened; the screen is\n{self.text}") from None

    async def sees(self, *texts: str) -> None:
        """Wait until the texts are on the screen."""
        await self.until(lambda: all(text in self.text for text in texts))

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Type a text into the input that has the keys, all at once, then enter."""
        box = self.app.focused
        assert isinstance(box, Input), box
        box.insert_text_at_cursor(text)
        await self.pilot.press("enter")


@asynccontextmanager
async def journey(
    folder: Path,
    size: tuple[int, int] = SMALL,
    *,
    source: RecordedSource | None = None,
    refused: Mapping[str, str] | None = None,
    read_only: bool = False,
    settings: Settings | None = None,
    execution: str = "",
    watch: bool = False,
) -> AsyncIterator[Journey]:
    """The app on the stories' executions, or on another source."""
    source = source or stories.home(folder)
    if refused:
        source.refuse(refused)
    control = RecordedControl(source)
    feed = Feed(source, control, read_only=read_only)
    app = PipetuiApp(
        feed,
        settings=settings or Settings(ascii=False),
        execution=execution,
        watch=watch,
        now=lambda: NOW,
    )
    async with app.run_test(size=size) as pilot:
        trip = Journey(app, pilot, source, control)
        await trip.until(lambda: feed.executions or not source.all)
        await pilot.pause()
        yield trip
