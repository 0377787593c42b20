"""Two executions beside each other: only what differs."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from pipetui.actions import Action, Scope
from pipetui.feed import PipetuiError
from pipetui.keys import bindings
from pipetui.screens.reading import Reading
from pipetui.viewmodel.compare import execution_lines
from pipetui.viewmodel.executions import short_id
from pipetui.viewmodel.lines import Tone, words
from pipetui.viewmodel.pair import Pair, pair_lines, pairs

if TYPE_CHECKING:
    from engine.api import ExecutionDifference
    from pipetui.feed import Update


class CompareScreen(Reading, inherit_bindings=False):
    """What differs between two executions, and the pictures that both made.

    Args:
        before: the older execution's id.
        now: the other's.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.COMPARE, Scope.GLOBAL)

    def __init__(self, before: str, now: str) -> None:
        super().__init__(f"{short_id(before)} → {short_id(now)}  what differs")
        self.before, self.now = before, now
        self.lines = [words(" comparing", Tone.FAINT)]
        self._found: ExecutionDifference | None = None
        self._pairs: list[Pair] = []

    def on_mount(self) -> None:
        """Files are read beside the screen's loop."""
        self.run_worker(self._load())

    async def _load(self) -> None:
        try:
            self._found = await self.feed.compare(self.before, self.now)
        except PipetuiError as problem:
            self.ui.say(problem)
            return
        self.renew()
        from pipetui.screens.pair import pictures_of

        with suppress(PipetuiError):
            made = [await pictures_of(self.feed, one) for one in (self.before, self.now)]
            self._pairs = pairs(*made)
        self.renew()
        self.refresh_footer()

    def renew(self, update: Update | None = None) -> None:
        """See ``Shown``."""
        if self._found is not None:
            lines = execution_lines(self._found, self.app.size.width, clear=self.clear)
            self.lines = [*lines, *pair_lines(self._pairs)]
        super().renew(update)

    def applies(self, action: Action) -> bool:
        """Pictures can be seen where both made some."""
        return action.scope is not Scope.COMPARE or bool(self._pairs)

    def action_pictures(self) -> None:
        """See the action table."""
        from pipetui.screens.pair import PairScreen

        names = short_id(self.before), short_id(self.now)
        self.app.push_screen(PairScreen(self._pairs, names))
