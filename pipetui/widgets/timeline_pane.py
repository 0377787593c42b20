"""When each step waited, started, ran and finished."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget

from pipetui.actions import Action, Scope
from pipetui.keys import bindings
from pipetui.measures import Measure, Measures
from pipetui.viewmodel import timeline as view
from pipetui.viewmodel.axis import Axis, fitting
from pipetui.viewmodel.bars import Chart
from pipetui.viewmodel.filters import Filter
from pipetui.viewmodel.lines import BLANK, Line, Row, Span, Tone, fit
from pipetui.viewmodel.moment import Moment
from pipetui.widgets.rows import RowList
from pipetui.widgets.tab import Tab

if TYPE_CHECKING:
    from engine.api import StepView


class TimelineRows(RowList, inherit_bindings=False):
    """One row a step, painted when it is in sight; a time can be marked.

    Args:
        measures: tells what steps took of the host, where there is room to show it.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.TIMELINE, Scope.LIST)

    class Opened(Message):
        """A person wants a step's log, at a time where one is marked."""

        def __init__(self, step: StepView, at: float | None) -> None:
            super().__init__()
            self.step = step
            self.at = at

    def __init__(self, measures: Measures, *, id: str | None = None) -> None:
        super().__init__((), empty="No steps", id=id)
        self.heading = 2
        self.marked_at: float | None = None
        """The marked time, in seconds since the epoch."""
        self._measures = measures
        self._chart: Chart | None = None
        self._axis: Axis | None = None
        self._layout = view.Layout(80, ())
        self._fits = True
        self._filter = Filter()
        self._names: Mapping[str, object] = {}
        self._until = 0.0

    def draw(self, moment: Moment) -> None:
        """Show a moment."""
        another = self._chart is None or self._chart.moment.execution.id != moment.execution.id
        self._chart = Chart(moment)
        # Going back in time the scale stays, so that bars grow and shrink where they are.
        self._until = self._chart.end if another else max(self._until, self._chart.end)
        self._layout = view.Layout(self.size.width, list(moment.steps))
        self._scale()
        self._list()
        if not self.has_focus and moment.selected:
            self.select(moment.selected)
        self.look()

    def _list(self) -> None:
        if self._chart is None:
            return
        rows = [
            Row(name, (), f"{name} {step.type}") for name, step in self._chart.moment.steps.items()
        ]
        self.show(self._filter.rows(rows))

    def _scale(self) -> None:
        if self._chart is None:
            return
        if self._fits or self._axis is None or self._axis.width != self._layout.bars:
            self._fits = True
            self._axis = fitting(self._chart.begin, self._until, self._layout.bars)

    def narrow(self, filter: Filter) -> None:
        """Show only the steps that match."""
        self._filter = filter
        self._list()

    def measured(self, width: int) -> None:
        """Other widths, the cursor still in sight."""
        super().measured(width)
        names = list(self._chart.moment.steps) if self._chart else []
        self._layout = view.Layout(width, names)
        self._scale()

    def look(self) -> None:
        """Ask what the steps in sight took of the host, where that is shown."""
        if self._chart is None or not self._layout.measured or not self.is_mounted:
            return
        steps = self._chart.moment.steps
        names = [row.key for row in self.rows[self.top : self.top + self.room]]
        wanted = [steps[name] for name in names if name in steps and steps[name].directory]

        async def ask() -> None:
            if await self._measures.look(wanted, Measure.USAGE):
                self.sync()

        if wanted:
            # A function, not its coroutine: one that is replaced before it starts is never awaited.
            self.run_worker(ask, group="usage", exclusive=True)  # type: ignore[arg-type]

    def head(self) -> list[Line]:
        """What the marked time tells, or the legend; then the axis."""
        if self._chart is None or self._axis is None:
            return [fit(BLANK, self.size.width)] * self.heading
        display = self._chart.moment.look
        first = view.legend(display)
        if self.marked_at is not None:
            first = view.at_cursor(self._chart, self._axis, self.marked_at)
        second = view.axis_line(self._axis, self._layout, display)
        return [fit(line, self.size.width) for line in (first, second)]

    def painted(self, index: int) -> tuple[Line, bool]:
        """A row."""
        if self._chart is None or self._axis is None or index >= len(self.rows):
            return super().painted(index)
        step = self._chart.moment.steps[self.rows[index].key]
        here = index == self.cursor
        mark = Span("> " if here else "  ", Tone.ACCENT if self.has_focus else Tone.DIM)
        usage = self._chart.moment.usage(step) if self._layout.measured else None
        line = view.row(
            self._chart,
            step,
            self._axis,
            self._layout,
            mark=mark,
            cursor=self.marked_at,
            usage=usage,
        )
        return fit(line, self.size.width), here and self.has_focus

    def applies(self, action: Action) -> bool:
        """Steps are marked in their list."""
        return action.handler not in ("mark", "mark_range")

    @on(RowList.Moved)
    def _walked(self, event: RowList.Moved) -> None:
        event.stop()
        if self.has_focus and event.key:
            self.post_message(Tab.Picked(event.key))
        self.look()

    @on(RowList.Chosen)
    def _clicked(self, event: RowList.Chosen) -> None:
        event.stop()

    def on_click(self, event: events.Click) -> None:
        """A click among the bars marks the time as well."""
        super().on_click(event)
        column = event.x - self._layout.left
        if self._axis is not None and 0 <= column < self._axis.width:
            self.marked_at = self._axis.time(column)
            self.sync()

    def action_open(self) -> None:
        """See the action table."""
        if self._chart is not None and self.key in self._chart.moment.steps:
            self.post_message(self.Opened(self._chart.moment.steps[self.key], self.marked_at))

    def action_move_time(self, direction: int) -> None:
        """See the action table; the first time it starts at the end of the selected step."""
        if self._axis is None or self._chart is None:
            return
        if self.marked_at is None:
            if direction > 0:
                return
            bars = self._chart.bars(self.key) if self.key else ()
            self.marked_at = bars[-1].end if bars else self._chart.end
            direction = -1 if self.marked_at >= self._chart.end else 0
        column = self._axis.column(self.marked_at) + direction
        at = self._axis.time(column)
        if at > max(self._until, self._axis.origin + self._axis.per_cell):
            self.marked_at = None
        else:
            self.marked_at = max(at, self._axis.zero)
            moved = self._axis.showing(self.marked_at)
            self._fits = self._fits and moved == self._axis
            self._axis = moved
        self.sync()

    def action_zoom(self, direction: int) -> None:
        """See the action table; around the marked time, else the selected step's start."""
        if self._axis is None or self._chart is None:
            return
        bars = self._chart.bars(self.key) if self.key else ()
        focus = self.marked_at or (bars[0].start if bars else self._chart.end)
        zoomed = self._axis.zoomed(direction, focus)
        whole = fitting(self._chart.begin, self._until, self._layout.bars)
        self._fits = zoomed.per_cell >= whole.per_cell
        self._axis = whole if self._fits else zoomed
        self.sync()

    def action_fit(self) -> None:
        """See the action table."""
        self._fits, self.marked_at = True, None
        self._scale()
        self.sync()


class TimelinePane(Tab, Vertical):
    """The timeline of one execution.

    Args:
        measures: see ``TimelineRows``.
    """

    filters = True

    def __init__(self, measures: Measures, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._measures = measures

    def compose(self) -> ComposeResult:
        """The rows."""
        yield TimelineRows(self._measures, id="timeline-rows")

    @property
    def rows(self) -> TimelineRows:
        """The rows."""
        return self.query_one(TimelineRows)

    @property
    def keys_to(self) -> Widget:
        """The rows."""
        return self.rows

    def show(self, moment: Moment, changed: set[str] | None = None) -> None:
        """See ``Tab``."""
        self.rows.draw(moment)

    def narrow(self, filter: Filter) -> None:
        """See ``Tab``."""
        self.rows.narrow(filter)
