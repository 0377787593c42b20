"""A grid of runs and steps with a cursor that goes in both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events
from textual.message import Message

from pipetui.viewmodel import grid as view
from pipetui.viewmodel.lines import Line, Span, Tone, fit, words
from pipetui.viewmodel.state import Display
from pipetui.widgets.pane import Pane

if TYPE_CHECKING:
    from engine.api import StepView


class GridPane(Pane):
    """Steps below each other, executions beside each other; the newest ones are in sight."""

    heading = 1

    class Moved(Message):
        """The cursor is on another cell."""

    class Chosen(Message):
        """The cell under the cursor was clicked again."""

    def __init__(self, look: Display, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.look = look
        self.grid = view.Grid()
        self.row = 0
        self.column = 0
        self._first = 0

    @property
    def count(self) -> int:
        """Steps."""
        return len(self.grid.steps)

    @property
    def step(self) -> StepView | None:
        """The step under the cursor."""
        return self.grid.cell(self.column, self.row)

    def show_grid(self, grid: view.Grid) -> None:
        """Another grid; the cursor stays on its execution and step, at first on the newest."""
        before = self.grid
        step = before.steps[self.row] if before.steps else ""
        chosen = before.executions[self.column].id if before.executions else ""
        ids = [one.id for one in grid.executions]
        self.grid = grid
        self.row = grid.steps.index(step) if step in grid.steps else 0
        self.column = ids.index(chosen) if chosen in ids else max(0, len(ids) - 1)
        self._go()

    def move(self, lines: int) -> None:
        """To another step."""
        self.row += lines
        self._go()

    def sideways(self, columns: int) -> None:
        """To another execution."""
        self.column += columns
        self._go()

    def _go(self) -> None:
        self.row = max(0, min(self.row, len(self.grid.steps) - 1))
        self.column = max(0, min(self.column, len(self.grid.executions) - 1))
        if self.room:
            self.top = max(self.row - self.room + 1, min(self.top, self.row))
        shown = self._shown
        latest = max(0, len(self.grid.executions) - shown)
        self._first = min(latest, max(self.column - shown + 1, min(self._first, self.column)))
        self.sync()
        self.post_message(self.Moved())

    @property
    def _names(self) -> int:
        return view.name_width(self.grid, self.size.width)

    @property
    def _shown(self) -> int:
        """Executions that fit, no more than there are."""
        fit_in = view.columns_that_fit(self.size.width, self._names)
        return min(fit_in, len(self.grid.executions))

    def measured(self, width: int) -> None:
        """The newest executions in sight, as far as the cursor allows."""
        self._first = max(0, len(self.grid.executions) - self._shown)
        self._first = min(self._first, self.column)

    def on_focus(self) -> None:
        """The cursor shows where the keys go."""
        self.sync()

    def on_click(self, event: events.Click) -> None:
        """A click selects, a click on the selected cell opens it."""
        row = self.top + event.y - self.heading
        column = self._first + (event.x - 2 - self._names) // view.CELL
        if event.y < self.heading or row >= self.count or event.x < 2 + self._names:
            return
        if (row, column) == (self.row, self.column):
            self.post_message(self.Chosen())
        elif column < self._first + self._shown:
            self.row, self.column = row, column
            self._go()

    def head(self) -> list[Line]:
        """What stands at the sides, and how many executions are out of sight."""
        shown = self._shown
        before, after = self._first, len(self.grid.executions) - self._first - shown
        older = f"< {before} older" if before else "oldest"
        newer = f"{after} newer >" if after else "newest"
        room = shown * view.CELL + 1
        middle = f"{older}{newer:>{room - len(older)}}" if room > len(older) + len(newer) else newer
        titles = f"  {'STEP':<{self._names}}{middle:<{room}} {'TREND':<{view.TREND}}   OK"
        return [fit(words(titles, Tone.FAINT), self.size.width)]

    def painted(self, index: int) -> tuple[Line, bool]:
        """A step."""
        line = view.step_line(
            self.grid,
            index,
            first=self._first,
            count=self._shown,
            names=self._names,
            display=self.look,
            column=self.column if index == self.row else None,
            focused=self.has_focus,
        )
        return fit((*line, Span(" ")), self.size.width), False
