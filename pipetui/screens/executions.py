"""Home: all executions, and what matters about the selected one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import BindingType
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Input

from pipetui.actions import Action, Scope
from pipetui.feed import PipetuiError
from pipetui.keys import bindings
from pipetui.screens.face import Face
from pipetui.session import Sight
from pipetui.viewmodel import executions as view
from pipetui.viewmodel.inbox import count
from pipetui.viewmodel.lines import Row, Span, Tone
from pipetui.viewmodel.query import parse
from pipetui.viewmodel.steps import first_to_look_at
from pipetui.widgets.bar import Bar
from pipetui.widgets.pane import TextPane
from pipetui.widgets.rows import RowList

if TYPE_CHECKING:
    from engine.api import ExecutionView, StepView
    from pipetui.feed import Update

_FRESH = Sight()
_NONE = "No executions yet: pipetui run FILE starts one."
_PARAMETERS_FROM = 120
"""Columns of the terminal from which parameters are columns of the list."""
_PARAMETERS_MOST = 3
_NEAR_THE_END = 5
_NO_MATCH = "Nothing matches; esc shows all again."


class ExecutionsScreen(Face, inherit_bindings=False):
    """The list of executions.

    Args:
        sight: how it was when a person left.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.EXECUTIONS, Scope.GLOBAL)
    filter_hint = "text  !not  ~fuzzy  status:failed  param:eta>0.1  took>5m  step:train"

    def __init__(self, sight: Sight = _FRESH) -> None:
        super().__init__()
        known = sight.order in list(view.Order)
        self._order = view.Order(sight.order) if known else view.Order.STARTED
        self._backwards = sight.backwards
        self._failures = sight.failures
        self._restored = sight
        self._parameters = True
        self._query = parse("")
        self._made: dict[str, tuple[object, Row]] = {}
        self._active: dict[str, tuple[int, tuple[str, ...]]] = {}
        self._steps: tuple[str, list[StepView]] = ("", [])
        self._read = ("", 0)

    def body(self) -> Iterator[Widget]:
        """The list and the preview."""
        with Container(id="home"):
            yield RowList(view.COLUMNS, empty="Reading the store", markable=True, id="list")
            yield Bar(id="preview-rule", fill="─" if self.look.unicode else "-")
            yield TextPane(id="preview")

    @property
    def list(self) -> RowList:
        """The list."""
        return self.query_one("#list", RowList)

    @property
    def selected(self) -> ExecutionView | None:
        """The execution under the cursor."""
        key = self.list.key
        return next((one for one in self.feed.executions if one.id == key), None)

    def on_mount(self) -> None:
        """The list has the keys, the preview none."""
        self.query_one("#preview", TextPane).can_focus = False
        if self._restored.filter:
            box = self.query_one("#filter", Input)
            box.remove_class("hidden")
            box.value = self._restored.filter
        self.list.focus()

    @property
    def sight(self) -> Sight:
        """How the list is, to come back to."""
        return Sight(
            selected=self.list.key,
            filter=self.filter.text,
            order=self._order.value,
            backwards=self._backwards,
            failures=self._failures,
        )

    def renew(self, update: Update | None = None) -> None:
        """See ``Shown``."""
        if update is not None and not (
            update.executions is not None or update.inbox or update.trouble is not None
        ):
            return
        self._show_rows()
        self._show_preview()
        self._read_for_query()

    def filtered(self) -> None:
        """Another query: what it asks about may have to be read."""
        self._query = parse(self.filter.text)
        self.renew()

    def _read_for_query(self) -> None:
        """Read older executions while a query looks through them, and steps it asks about."""
        if self._query.asks("step") or (self.filter and not self.feed.all_listed):
            self.instead(self._read_on, "query")

    async def _read_on(self) -> None:
        try:
            if self._query.asks("step"):
                await self._find_active()
            while self.filter and await self.feed.list_more():
                if self._query.asks("step"):
                    await self._find_active()
                self._show_rows()
        except PipetuiError as problem:
            self.ui.say(problem)
        self._show_rows()

    async def _find_active(self) -> None:
        """Know which steps run or failed, of the executions that have such."""
        for one in self.feed.executions:
            known = self._active.get(one.id, (-1, ()))[0]
            if known != one.seq and (one.steps_failed or one.steps_running):
                steps = await self.feed.steps_of(one.id)
                active = tuple(s.name for s in steps if s.running or s.status == "Failed")
                self._active[one.id] = (one.seq, active)

    def tick(self) -> None:
        """Running executions take a second longer, and their steps move on."""
        self._show_rows()
        self._load_preview()

    def _show_rows(self) -> None:
        now, feed = self.ui.now(), self.feed
        executions = list(view.ordered(feed.executions, self._order, now))
        if self._backwards:
            executions.reverse()
        if self._failures:
            executions = [one for one in executions if one.steps_failed or one.status == "Failed"]
        names = self._parameter_names(executions)
        rows = []
        for one in executions:
            row = self._row(one, names, now)
            active = (feed.running.get(one.id, ""), *self._active.get(one.id, (0, ()))[1])
            if self._query.keeps_execution(one, row.search, now, active):
                rows.append(row)
        self.list.show_columns(view.columns(names, {one.pipeline for one in executions}))
        self.list.show(rows)
        if rows and self._restored.selected:
            self.list.select(self._restored.selected)
            self._restored = _FRESH
        self.list.say_empty(_NO_MATCH if feed.executions else _NONE)
        self._show_head(len(rows))

    def _row(self, one: ExecutionView, names: Sequence[str], now: float) -> Row:
        """An execution's row; that of one that has ended is made again only when it differs."""
        if one.ended_at is None:
            running = self.feed.running.get(one.id, "")
            return view.row(one, now=now, display=self.look, running=running, parameters=names)
        when = self.look.moment(one.created_at, now)
        seen = (one.seq, one.first_failure, names, self.look, when)
        known = self._made.get(one.id)
        if known is None or known[0] != seen:
            row = view.row(one, now=now, display=self.look, parameters=names)
            known = self._made[one.id] = (seen, row)
        return known[1]

    def _parameter_names(self, executions: Sequence[ExecutionView]) -> tuple[str, ...]:
        if not self._parameters or self.app.size.width < _PARAMETERS_FROM:
            return ()
        return view.varying(executions, _PARAMETERS_MOST)

    def _show_head(self, shown: int) -> None:
        feed = self.feed
        left = [Span(" pipetui", Tone.STRONG), Span(f"  {feed.capabilities.name}", Tone.DIM)]
        if self._failures:
            left.append(Span("  failures only", Tone.WAIT))
        if self._order is not view.Order.STARTED:
            left.append(Span(f"  {self._order}", Tone.DIM))
        if self._backwards:
            left.append(Span("  backwards", Tone.DIM))
        loaded = "" if feed.all_listed or not feed.executions else " loaded"
        if shown != len(feed.executions) or loaded:
            left.append(Span(f"  {shown} of {len(feed.executions):,}{loaded}", Tone.DIM))
        if marked := len(self.list.marked):
            left.append(Span(f"  {marked} marked", Tone.ACCENT))
        if self._query.problem:
            left.append(Span(f"  {self._query.problem}", Tone.WAIT))
        totals = view.totals(feed.executions, len(feed.inbox.packages))
        self.head(tuple(left), (*totals, Span(" ")))

    def _load_preview(self) -> None:
        self._show_preview()
        chosen = self.selected
        if chosen is not None and (chosen.id, chosen.seq) != self._read:
            self._read = (chosen.id, chosen.seq)
            self.instead(partial(self._read_steps, chosen.id), "preview")

    async def _read_steps(self, execution_id: str) -> None:
        try:
            self._steps = (execution_id, await self.feed.steps_of(execution_id))
        except PipetuiError as problem:
            self.ui.say(problem)
            return
        self._show_preview()
        self.refresh_footer()

    def _show_preview(self) -> None:
        pane, chosen = self.query_one("#preview", TextPane), self.selected
        if chosen is None:
            pane.show([], top=0)
            return
        known, steps = self._steps
        width = max(20, (pane.size.width or 78) - 2)
        pane.show(
            view.preview(
                chosen,
                steps if known == chosen.id else [],
                now=self.ui.now(),
                display=self.look,
                width=width,
                tall=self.wide,
            ),
            top=0,
        )

    @on(RowList.Moved, "#list")
    def _moved(self) -> None:
        self._load_preview()
        self.refresh_footer()

    @on(RowList.Moved, "#list")
    def _near_the_end(self) -> None:
        """Older executions are read before the cursor meets the end of those that were."""
        close = self.list.cursor >= len(self.list.rows) - _NEAR_THE_END
        if close and not self.filter and not self.feed.all_listed:
            self.instead(self._read_more, "more")

    async def _read_more(self) -> None:
        try:
            await self.feed.list_more()
        except PipetuiError as problem:
            self.ui.say(problem)
        self._show_rows()

    @on(RowList.Marked, "#list")
    def _marked(self) -> None:
        self._show_head(len(self.list.rows))
        self.refresh_footer()

    @on(RowList.Headed, "#list")
    def _headed(self, event: RowList.Headed) -> None:
        """A click on a heading sorts by it, another one backwards."""
        order = view.ORDER_OF_COLUMN.get(event.title)
        if order is not None:
            self._backwards = order is self._order and not self._backwards
            self._order = order
            self.renew()

    @on(RowList.Chosen, "#list")
    def _chosen(self) -> None:
        self.action_open()

    def focus_body(self) -> None:
        """The list."""
        self.list.focus()

    def applies(self, action: Action) -> bool:
        """Most actions need an execution, in the right state."""
        if action.scope is not Scope.EXECUTIONS:
            return action.id != "global.back" or self.clearable
        chosen = self.selected
        match action.handler:
            case "failures" | "order" | "run":
                return True
            case "columns":
                return self.app.size.width >= _PARAMETERS_FROM
            case "inbox":
                return count(self.feed.inbox) > 0
            case _ if chosen is None:
                return False
            case "why":
                return bool(chosen.first_failed)
            case "stop":
                return any(one.ended_at is None for one in self._meant)
            case "parallelism":
                return chosen.ended_at is None
        return True

    @property
    def clearable(self) -> bool:
        """Whether esc has something to take away here."""
        return bool(self.filter or self._failures or self.list.marked) or not self.query_one(
            "#filter"
        ).has_class("hidden")

    def go_back(self) -> None:
        """Home is the top; only marks and the failures filter can be taken away."""
        if self.list.marked:
            self.list.mark(())
        elif self._failures:
            self.action_failures()

    @property
    def _meant(self) -> Sequence[ExecutionView]:
        """The marked executions, or the selected one."""
        marks = set(self.list.marked)
        found = [one for one in self.feed.executions if one.id in marks]
        return found or [one for one in (self.selected,) if one is not None]

    def action_open(self) -> None:
        """Open the selected execution."""
        if self.selected is not None:
            self.ui.open_execution(self.selected.id)

    def action_log(self) -> None:
        """Open the log of the step that matters in the selected execution."""
        if self.selected is not None:
            known, steps = self._steps
            step = first_to_look_at(steps) if known == self.selected.id else ""
            self.ui.open_execution(self.selected.id, step=step, tab="log")

    async def action_why(self) -> None:
        """Why the selected execution failed."""
        chosen = self.selected
        if chosen is not None:
            steps = await self.feed.steps_of(chosen.id)
            failed = [one for one in steps if one.name == chosen.first_failed]
            if failed:
                from pipetui.screens.reading import WhyScreen

                self.app.push_screen(WhyScreen(failed[0]))

    def action_rerun(self) -> None:
        """Run the selected execution again, or all marked ones."""
        if self.list.marked:
            from pipetui.screens.bulk import BulkScreen

            self.app.push_screen(BulkScreen(self._meant))
        elif self.selected is not None:
            from pipetui.screens.rerun import RerunScreen

            self.app.push_screen(RerunScreen(self.selected))

    def action_run(self) -> None:
        """See the action table."""
        from pipetui.screens.confirm import ask_file

        ask_file(self.ui, self.selected.file if self.selected else "")

    def action_stop(self) -> None:
        """Stop the selected execution, or all marked ones that run."""
        from pipetui.screens.confirm import ask_stop, ask_stop_all

        running = [one for one in self._meant if one.ended_at is None]
        if self.list.marked:
            ask_stop_all(self.ui, running)
        elif running:
            ask_stop(self.ui, running[0])

    def action_parallelism(self) -> None:
        """See the action table."""
        if self.selected is not None:
            from pipetui.screens.confirm import ask_parallelism

            ask_parallelism(self.ui, self.selected)

    def action_history(self) -> None:
        """See the action table."""
        if self.selected is not None:
            from pipetui.screens.history import HistoryScreen

            self.app.push_screen(HistoryScreen(self.selected.pipeline))

    def action_columns(self) -> None:
        """See the action table."""
        self._parameters = not self._parameters
        self.renew()

    def action_compare(self) -> None:
        """See the action table."""
        marked = [one for one in self.feed.executions if one.id in self.list.marked]
        if len(marked) > 2:
            self.ui.say("mark two executions to compare them")
        elif len(marked) == 2:
            now, before = sorted(marked, key=lambda one: -one.created_at)
            from pipetui.screens.compare import CompareScreen

            self.app.push_screen(CompareScreen(before.id, now.id))
        elif self.selected is not None:
            self.ui.compare_with_last(self.selected)

    def action_failures(self) -> None:
        """Only failures, or all."""
        self._failures = not self._failures
        self.renew()

    def action_order(self) -> None:
        """The next order."""
        self._order, self._backwards = self._order.next, False
        self.renew()

    def action_copy(self) -> None:
        """Copy the execution's ARN."""
        if self.selected is not None:
            self.ui.copy(self.selected.arn)
