"""A pipeline's steps in its last executions: what began to fail when, and what became slower."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import BindingType
from textual.widget import Widget

from pipetui.actions import Action, Scope
from pipetui.feed import PipetuiError
from pipetui.keys import bindings
from pipetui.screens.face import Face
from pipetui.viewmodel import grid as view
from pipetui.viewmodel.executions import short_id, time_taken
from pipetui.viewmodel.lines import Span, Tone
from pipetui.viewmodel.state import execution_state
from pipetui.widgets.bar import Bar
from pipetui.widgets.grid_pane import GridPane

if TYPE_CHECKING:
    from engine.api import ExecutionView, StepView
    from pipetui.feed import Update

LAST = 60
"""Executions that are shown at most."""


class HistoryScreen(Face, inherit_bindings=False):
    """Runs beside each other, steps below each other."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.HISTORY, Scope.GLOBAL)

    def __init__(self, pipeline: str) -> None:
        super().__init__()
        self.pipeline = pipeline
        self._steps: dict[str, tuple[int, list[StepView]]] = {}

    def body(self) -> Iterator[Widget]:
        """The execution under the cursor, the grid, the step under the cursor."""
        yield Bar(id="history-run")
        yield GridPane(self.look, id="grid")
        yield Bar(id="history-rule", fill="─" if self.look.unicode else "-")
        yield Bar(id="history-step")

    @property
    def grid(self) -> GridPane:
        """The grid."""
        return self.query_one("#grid", GridPane)

    @property
    def executions(self) -> list[ExecutionView]:
        """The pipeline's last executions, newest first."""
        found = [one for one in self.feed.executions if one.pipeline == self.pipeline]
        return sorted(found, key=lambda one: -one.created_at)[:LAST]

    @property
    def chosen(self) -> ExecutionView | None:
        """The execution under the cursor."""
        known = self.grid.grid.executions
        return known[self.grid.column] if known else None

    def on_mount(self) -> None:
        """The grid has the keys."""
        self.grid.focus()

    def renew(self, update: Update | None = None) -> None:
        """See ``Shown``."""
        if update is None or update.executions is not None or update.trouble is not None:
            self._show()
            self.instead(self._read, "steps")

    async def _read(self) -> None:
        """The steps of each execution that changed, the newest first."""
        try:
            for one in self.executions:
                if self._steps.get(one.id, (-1, []))[0] != one.seq:
                    self._steps[one.id] = (one.seq, await self.feed.steps_of(one.id))
        except PipetuiError as problem:
            self.ui.say(problem)
        self._show()

    def _show(self) -> None:
        steps = {key: found for key, (_, found) in self._steps.items()}
        shown = view.grid(self.executions, steps)
        if self.filter:
            kept = tuple(name for name in shown.steps if self.filter.matches(name))
            shown = view.Grid(shown.executions, kept, shown.cells)
        self.grid.show_grid(shown)
        count = len(shown.executions)
        several = "executions" if count != 1 else "execution"
        told = f"  {count} {several}, {len(shown.steps)} steps"
        self.head((Span(f" {self.pipeline}  history", Tone.STRONG), Span(told, Tone.DIM)))
        self.refresh_footer()

    @on(GridPane.Moved)
    def _moved(self) -> None:
        one = self.chosen
        if one is not None:
            state = execution_state(one)
            self.query_one("#history-run", Bar).show(
                (
                    Span(f"  {short_id(one.id)}  "),
                    self.look.mark(state),
                    Span(" "),
                    self.look.word(state),
                    Span(f"  {self.look.moment(one.created_at, self.ui.now())}", Tone.DIM),
                    Span(f"  {time_taken(one, self.ui.now())}", Tone.DIM),
                )
            )
        grid = self.grid
        told = view.cell_line(grid.grid, grid.column, grid.row, self.ui.now(), self.look)
        self.query_one("#history-step", Bar).show(told)

    def tick(self) -> None:
        """What runs takes a second longer."""
        self._moved()

    def focus_body(self) -> None:
        """The grid."""
        self.grid.focus()

    def applies(self, action: Action) -> bool:
        """Opening needs a step in that execution."""
        if action.handler in ("open", "log"):
            return self.grid.step is not None
        return True

    def action_sideways(self, columns: int) -> None:
        """To another execution."""
        self.grid.sideways(columns)

    @on(GridPane.Chosen)
    def action_open(self) -> None:
        """The step in that execution."""
        step = self.grid.step
        if step is not None:
            self.ui.open_execution(step.execution_id, step=step.name)

    def action_log(self) -> None:
        """The step's log in that execution."""
        step = self.grid.step
        if step is not None:
            self.ui.open_execution(step.execution_id, step=step.name, tab="log")

    def action_copy(self) -> None:
        """Copy the ARN of the execution under the cursor."""
        if self.chosen is not None:
            self.ui.copy(self.chosen.arn)
