"""Two executions beside each other: only what differs."""

from __future__ import annotations

from pipetui.feed import PipetuiError
from pipetui.screens.reading import Reading
from pipetui.viewmodel.compare import execution_lines
from pipetui.viewmodel.lines import Tone, words


class CompareScreen(Reading):
    """What differs between two executions.

    Args:
        before: the older execution's id.
        now: the other's.
    """

    def __init__(self, before: str, now: str) -> None:
        super().__init__(f"{before[:4]} → {now[:4]}  what differs")
        self.before, self.now = before, now
        self.lines = [words(" comparing", Tone.FAINT)]

    def on_mount(self) -> None:
        """Files are read beside the screen's loop."""
        self.run_worker(self._load())

    async def _load(self) -> None:
        try:
            found = await self.feed.compare(self.before, self.now)
        except PipetuiError as problem:
            self.ui.say(problem)
            return
        self.lines = execution_lines(found, self.app.size.width)
        self.renew()
