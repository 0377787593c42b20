"""The events of an execution, and one of them as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from pipetui.actions import Scope
from pipetui.feed import facts
from pipetui.keys import Performer, bindings
from pipetui.viewmodel import events as view
from pipetui.viewmodel.detail import json_lines
from pipetui.viewmodel.filters import Filter
from pipetui.viewmodel.lines import Row, Tone, text_of, words
from pipetui.viewmodel.state import Display
from pipetui.widgets.bar import Bar
from pipetui.widgets.pane import TextPane
from pipetui.widgets.rows import RowList

if TYPE_CHECKING:
    from engine.api import Event


class EventPane(Performer, Vertical, inherit_bindings=False):
    """A flat list, oldest first, that stays at its end while the cursor is there."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.EVENTS)

    def __init__(self, look: Display, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.look = look
        self._events: dict[str, Event] = {}
        self._rows: dict[str, Row] = {}
        self._filter = Filter()

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

    def add(self, events: Iterable[Event], now: float) -> None:
        """More events; those that are known already change nothing."""
        at_end = self.list.cursor >= len(self.list.rows) - 1
        for event in events:
            key = str(event.seq)
            if key not in self._events:
                self._events[key] = event
                self._rows[key] = self._row(event, now)
        self._show()
        if at_end:
            self.list.action_bottom()

    def _row(self, event: Event, now: float) -> Row:
        return view.row(event, facts(event), now=now, display=self.look)

    def show_times(self, look: Display, now: float) -> None:
        """Show the same events as of another moment, or with times shown another way."""
        self.look = look
        self._rows = {key: self._row(event, now) for key, event in self._events.items()}
        self._show()
        self._show_json()

    def narrow(self, filter: Filter) -> None:
        """Show only what matches."""
        self._filter = filter
        self._show()

    def _show(self) -> None:
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
        pane.show([head, *json_lines(facts(event))], top=0)

    @property
    def copied(self) -> str:
        """What ``y`` copies: the event's JSON."""
        event = self._events.get(self.list.key)
        lines = json_lines(facts(event)) if event else []
        return "\n".join(text_of(line) for line in lines)
