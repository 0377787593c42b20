"""All that people did, newest first, and what was done in this session as commands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import BindingType
from textual.widget import Widget

from pipetui.actions import Action, Scope
from pipetui.feed import PipetuiError, facts
from pipetui.keys import bindings
from pipetui.pages import PAGE
from pipetui.screens.face import Face
from pipetui.viewmodel import audit as view
from pipetui.viewmodel.detail import json_lines
from pipetui.viewmodel.lines import Line, Span, Tone, text_of, words
from pipetui.widgets.bar import Bar
from pipetui.widgets.pane import TextPane
from pipetui.widgets.rows import RowList

if TYPE_CHECKING:
    from engine.api import Event
    from pipetui.feed import Update

_NEAR_THE_END = 5


class AuditScreen(Face, inherit_bindings=False):
    """Who did what, when, to which execution; older records are read as the cursor goes down."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.AUDIT, Scope.GLOBAL)

    def __init__(self) -> None:
        super().__init__()
        self._events: dict[str, Event] = {}
        self._complete = False
        self._json = False

    def body(self) -> Iterator[Widget]:
        """The list, and below it JSON or this session's commands."""
        yield RowList(view.COLUMNS, empty="Reading the records", id="audit-list")
        yield Bar(id="audit-rule", fill="─" if self.look.unicode else "-")
        yield TextPane(id="audit-json")

    @property
    def list(self) -> RowList:
        """The list."""
        return self.query_one("#audit-list", RowList)

    def on_mount(self) -> None:
        """The list has the keys; records are read beside it."""
        self.list.focus()
        self.instead(self._read, "audit")

    async def _read(self) -> None:
        """The newest records, then all older ones while a filter looks for some."""
        await self._read_page(0)
        if self.filter:
            await self._read_older()

    async def _read_older(self) -> None:
        """A page of older records, all of them while a filter looks for some."""
        while not self._complete:
            before = min((one.seq for one in self._events.values()), default=0)
            await self._read_page(before)
            if not self.filter:
                break

    async def _read_page(self, before: int) -> None:
        try:
            page = await self.feed.actions(before)
        except PipetuiError as problem:
            self.ui.say(problem)
            self._complete = True
            return
        self._complete = self._complete or len(page) < PAGE
        joined = {**self._events, **{str(one.seq): one for one in page}}
        self._events = dict(sorted(joined.items(), key=lambda pair: -pair[1].seq))
        self.list.say_empty("Nothing matches; esc shows all." if joined else "Nobody did anything.")
        self.renew()

    def filtered(self) -> None:
        """Another filter looks through everything."""
        self.renew()
        if self.filter and not self._complete:
            self.instead(self._read_older, "audit")

    def renew(self, update: Update | None = None) -> None:
        """See ``Shown``."""
        if update is not None and update.executions is not None:
            self.instead(self._read, "audit")
            return
        names = {one.id: one.pipeline for one in self.feed.executions}
        now = self.ui.now()
        rows = []
        for event in self._events.values():
            done = view.action(event, facts(event), names)
            rows.append(view.row(event, done, now=now, display=self.look))
        rows = self.filter.rows(rows)
        self.list.show(rows)
        loaded = "" if self._complete else " loaded"
        count = f"  {len(rows)} of {len(self._events):,}{loaded}"
        self.head((Span(" audit", Tone.STRONG), Span(count, Tone.DIM)))
        self._show_below()

    def _show_below(self) -> None:
        pane, rule = self.query_one("#audit-json", TextPane), self.query_one("#audit-rule", Bar)
        event = self._events.get(self.list.key)
        if self._json and event is not None:
            rule.show(words(f" {event.kind}  {self.look.clock(event.at)} ", Tone.DIM))
            lines: list[Line] = json_lines(facts(event), clear=self.clear)
        else:
            rule.show(())
            width = self.app.size.width - 2
            lines = view.deed_lines(self.feed.deeds, width, clear=self.clear)
        pane.show(lines, top=0)

    @on(RowList.Moved, "#audit-list")
    def _moved(self) -> None:
        self._show_below()
        close = self.list.cursor >= len(self.list.rows) - _NEAR_THE_END
        if close and self._events and not self._complete:
            self.instead(self._read_older, "audit")

    def focus_body(self) -> None:
        """The list."""
        self.list.focus()

    def applies(self, action: Action) -> bool:
        """One audit is enough."""
        if action.handler == "open":
            return bool(self.list.key)
        return action.id != "global.audit"

    @on(RowList.Chosen, "#audit-list")
    def action_open(self) -> None:
        """The record as JSON, or the session's commands again."""
        self._json = not self._json
        self._show_below()

    def action_copy(self) -> None:
        """Copy what stands below: the record, or the session's commands."""
        lines = self.query_one("#audit-json", TextPane).lines
        if not self._json:
            deeds = self.feed.deeds
            secret = any(deed.secret for deed in deeds)
            self.ui.copy("\n".join(deed.command for deed in deeds), secret=secret)
        else:
            self.ui.copy("\n".join(text_of(line) for line in lines))
