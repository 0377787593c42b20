"""The selected step beside the list that it is selected in."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from engine.errors import PipetuiError
from pipetui.viewmodel.detail import lines_beside
from pipetui.viewmodel.secrets import without
from pipetui.widgets.pane import TextPane

if TYPE_CHECKING:
    from textual.worker import WorkType

    from engine.api import StepView
    from pipetui.feed import Feed
    from pipetui.viewmodel.state import Display


class StepPane(TextPane):
    """What there is to know of a step; its arguments as written until they are resolved."""

    def __init__(self, feed: Feed, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._feed = feed
        self._shown: tuple[StepView, Display] | None = None
        self._written: dict[str, Any] = {}

    def show_step(self, step: StepView, display: Display) -> None:
        """Show a step; another one from its top."""
        another = self._shown is None or step.name != self._shown[0].name
        self._shown = step, display
        lines = lines_beside(
            step,
            written=self._written.get(step.name),
            width=self.size.width or 80,
            display=display,
        )
        if not display.clear:
            lines = without(lines, self._feed.secrets(step))
        self.show(lines, top=0 if another else None)
        if step.arguments is None and step.name not in self._written:
            work: WorkType[None] = partial(self._read, step)
            self.run_worker(work, group="written", exclusive=True)

    async def _read(self, step: StepView) -> None:
        try:
            self._written[step.name] = await self._feed.raw_arguments(step)
        except PipetuiError:
            # What a step ran with tells it then; an execution whose definition is gone has no more.
            self._written[step.name] = None
        if self._shown is not None and self._shown[0].name == step.name:
            self.show_step(*self._shown)
