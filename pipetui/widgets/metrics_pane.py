"""The selected step's metrics as curves, with those of earlier executions laid over them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widget import Widget

from pipetui.actions import Action, Scope
from pipetui.feed import Feed, PipetuiError
from pipetui.keys import Performer, bindings
from pipetui.measures import Measure, Measures
from pipetui.viewmodel import metrics as view
from pipetui.viewmodel.executions import short_id
from pipetui.viewmodel.lines import text_of
from pipetui.viewmodel.moment import Moment
from pipetui.widgets.pane import TextPane
from pipetui.widgets.tab import Tab

if TYPE_CHECKING:
    from engine.api import StepView
    from pipetui.ui import PipetuiApp


class MetricsPane(Performer, Tab, Vertical, inherit_bindings=False):
    """Figures, legends and final values of one step; live while it runs.

    Args:
        measures: tells the curves.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.METRICS)

    def __init__(self, feed: Feed, measures: Measures, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._feed = feed
        self._measures = measures
        self._moment: Moment | None = None
        self._chosen = 0
        self._overlays: dict[str, Mapping[str, StepView]] = {}
        """Executions laid over, newest first, with their steps."""
        self._origins: dict[str, Mapping[str, StepView]] = {}
        """Executions that results of steps were taken from."""
        self._shown = ""

    def compose(self) -> ComposeResult:
        """The text."""
        yield TextPane(id="metrics-text")

    @property
    def text(self) -> TextPane:
        """The text."""
        return self.query_one("#metrics-text", TextPane)

    @property
    def keys_to(self) -> Widget:
        """The text."""
        return self.text

    def show(self, moment: Moment, changed: set[str] | None = None) -> None:
        """See ``Tab``."""
        self._moment = moment
        self._paint()
        # A function, not its coroutine: one that is replaced before it starts is never awaited.
        self.run_worker(self._look, group="metrics", exclusive=True)  # type: ignore[arg-type]

    def on_resize(self, event: events.Resize) -> None:
        """Figures fill the room there is."""
        self._paint()

    async def _look(self) -> None:
        """Ask for what may have changed, and paint it."""
        step = self._moment.step if self._moment else None
        if step is None:
            return
        origin = step.source_execution
        if origin and not step.directory and origin not in self._origins:
            self._origins[origin] = await self._steps_of(origin)
        asked = [one.step for one in self._runs()]
        if await self._measures.look(asked, Measure.USAGE, Measure.SERIES):
            self._paint()
        tuned = [one for one in asked if one.type == "Tuning"]
        if await self._measures.look(tuned, Measure.TRIALS):
            self._paint()

    async def _steps_of(self, execution_id: str) -> Mapping[str, StepView]:
        with suppress(PipetuiError, OSError):
            return {one.name: one for one in await self._feed.steps_of(execution_id)}
        return {}

    def _runs(self) -> list[view.Run]:
        """The selected step, and the same step of the executions laid over it."""
        moment, step = self._moment, self._moment.step if self._moment else None
        if moment is None or step is None:
            return []
        origin = self._origins.get(step.source_execution, {}).get(step.name)
        if origin is not None and not step.directory:
            told = f"{step.action} from {short_id(origin.execution_id)}"
            found = [view.run_of(moment, origin, short_id(step.execution_id), told)]
        else:
            found = [view.run_of(moment, step)]
        for steps in self._overlays.values():
            if step.name in steps:
                found.append(view.run_of(moment, steps[step.name]))
        return found

    def _paint(self) -> None:
        if self._moment is None or not self.size.width:
            return
        runs = self._runs()
        lines = view.lines(runs, self._chosen, self.size.width, self.size.height, self._moment.look)
        shown = self._moment.selected
        self.text.show(lines, top=0 if shown != self._shown else None)
        self._shown = shown

    @property
    def _earlier(self) -> list[str]:
        """Executions of the pipeline before this one, newest first."""
        if self._moment is None:
            return []
        this = self._moment.execution
        return [
            one.id
            for one in self._feed.executions
            if one.pipeline == this.pipeline and one.created_at < this.created_at
        ]

    def applies(self, action: Action) -> bool:
        """Only what is there can be laid over, or taken away."""
        if action.handler == "overlay":
            return bool(self._overlays) if action.arguments == (-1,) else bool(self._earlier)
        return True

    def action_chart(self, direction: int) -> None:
        """See the action table."""
        self._chosen += direction
        self._paint()

    async def action_overlay(self, direction: int) -> None:
        """See the action table; executions in which the step told nothing are passed over."""
        ui = cast("PipetuiApp", self.app)
        step = self._moment.step if self._moment else None
        if direction < 0:
            if self._overlays:
                self._overlays.popitem()
            self._paint()
            return
        for one in self._earlier:
            if one in self._overlays or step is None:
                continue
            steps = await self._steps_of(one)
            if step.name not in steps or not steps[step.name].directory:
                continue
            await self._measures.look([steps[step.name]], Measure.USAGE, Measure.SERIES)
            self._overlays[one] = steps
            self._paint()
            return
        ui.say("no earlier execution has run this step")

    @property
    def copied(self) -> str:
        """What ``y`` copies: all of it as text."""
        return "\n".join(text_of(line).rstrip() for line in self.text.lines)
