"""The events of an execution, and one of them as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widget import Widget

from pipetui.actions import Scope
from pipetui.feed import facts
from pipetui.keys import Performer, bindings
from pipetui.viewmodel import events as view
from pipetui.viewmodel.detail import json_lines
from pipetui.viewmodel.filters import Filter
from pipetui.viewmodel.lines import Line, Row, Tone, text_of, words
from pipetui.viewmodel.moment import Moment
from pipetui.viewmodel.secrets import without
from pipetui.viewmodel.state import Display
from pipetui.widgets.bar import Bar
from pipetui.widgets.pane import TextPane
from pipetui.widgets.rows import RowList
from pipetui.widgets.tab import Tab

if TYPE_CHECKING:
    from engine.api import Event, StepView
    from pipetui.ui import PipetuiApp

_FAILED = frozenset({"StepFailed", "AttemptFailed", "AttemptLost"})
"""Events that tell what a job said."""


class EventPane(Performer, Tab, Vertical, inherit_bindings=False):
    """A flat list, oldest first, that stays at its end while the cursor is there."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.EVENTS)
    filters = True

    def __init__(self, look: Display, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.look = look
        self._events: dict[str, Event] = {}
        self._rows: dict[str, Row] = {}
        self._filter = Filter()
        self._steps: Mapping[str, StepView] = {}

    def compose(self) -> ComposeResult:
        """The list, and the JSON once it is asked for."""
        yield RowList(view.COLUMNS, empty="No events", id="event-list")
        yield Bar(id="event-rule", fill="─" if self.look.unicode else "-")
        yield TextPane(id="event-json")

    def on_mount(self) -> None:
        """No JSON yet."""
        self._json(False)

    def _json(self, shown: bool) -> None:
        self.query_one("#event-rule").display = shown
        self.query_one("#event-json").display = shown

    @property
    def list(self) -> RowList:
        """The list."""
        return self.query_one("#event-list", RowList)

    @property
    def keys_to(self) -> Widget:
        """The list."""
        return self.list

    def show(self, moment: Moment, changed: set[str] | None = None) -> None:
        """See ``Tab``; another way to tell times writes all of them again."""
        at_end = self.list.cursor >= len(self.list.rows) - 1
        if moment.look != self.look or len(moment.events) < len(self._events):
            self._events, self._rows = {}, {}
        self.look, began = moment.look, moment.execution.created_at
        self._steps = moment.steps
        fresh = moment.events[len(self._events) :]
        if not fresh:
            return
        for event in fresh:
            key = str(event.seq)
            self._events[key] = event
            row = view.row(event, facts(event), began=began, display=self.look)
            if event.kind in _FAILED:
                row = replace(row, cells=tuple(self._masked(event, row.cells)))
            self._rows[key] = row
        self._show()
        self._show_json()
        if at_end:
            self.list.action_bottom()

    def narrow(self, filter: Filter) -> None:
        """Show only what matches."""
        self._filter = filter
        self._show()

    def _show(self) -> None:
        self.list.say_empty(self._filter.no_match if self._filter else "No events")
        self.list.show(self._filter.rows(self._rows.values()))

    @on(RowList.Chosen, "#event-list")
    def action_open(self) -> None:
        """The event as JSON, or the list alone again."""
        shown = self.query_one("#event-json").display
        self._json(not shown)
        self._show_json()

    @on(RowList.Moved, "#event-list")
    def _show_json(self) -> None:
        pane = self.query_one("#event-json", TextPane)
        event = self._events.get(self.list.key)
        if event is None or not pane.display:
            return
        head = words(f" {event.kind}  seq {event.seq}  {self.look.clock(event.at)}", Tone.STRONG)
        pane.show([head, *self._lines(event)], top=0)

    def _lines(self, event: Event) -> Iterable[Line]:
        """The event as JSON."""
        return self._masked(event, json_lines(facts(event), clear=self.look.clear))

    def _masked(self, event: Event, lines: Iterable[Line]) -> Iterable[Line]:
        """Lines without the secrets that the event's step was given."""
        step = self._steps.get(event.step or "")
        if step is None or self.look.clear:
            return lines
        return without(lines, cast("PipetuiApp", self.app).feed.secrets(step))

    @property
    def copied(self) -> str:
        """What ``y`` copies: the event's JSON."""
        event = self._events.get(self.list.key)
        lines = self._lines(event) if event else []
        return "\n".join(text_of(line) for line in lines)
