"""One execution: steps, graph, log, artifacts and events, beside each other where there is room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.binding import BindingType
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Input

from pipetui.actions import Action, Scope
from pipetui.definition_file import changed_since
from pipetui.feed import PipetuiError, Update
from pipetui.keys import bindings
from pipetui.logview.widget import LogView
from pipetui.measures import Measure
from pipetui.screens.panes import TABS, PanesScreen, tab_at, tab_names
from pipetui.screens.past import Past
from pipetui.term.typeahead import OPENING
from pipetui.viewmodel import steps as view
from pipetui.viewmodel.detail import INPUTS
from pipetui.viewmodel.executions import title
from pipetui.viewmodel.lines import Line, Row, Span, Tone, text_of, words
from pipetui.viewmodel.metrics import note as metric_note
from pipetui.viewmodel.moment import Moment
from pipetui.viewmodel.query import STEP_KEYS, parse
from pipetui.widgets.bar import Bar
from pipetui.widgets.log_pane import LogPane
from pipetui.widgets.rows import RowList
from pipetui.widgets.step_pane import StepPane
from pipetui.widgets.tab import Tab

if TYPE_CHECKING:
    from engine.api import Event, ExecutionView, Graph, StepView
    from pipetui.widgets.timeline_pane import TimelineRows

_CURVES = 20
"""Training steps that run at once whose metrics the list of steps tells."""
_RED = frozenset({"Failed", "Stopped", "Blocked", "Skipped"})


class ExecutionScreen(PanesScreen, inherit_bindings=False):
    """One execution.

    Args:
        execution_id: its id.
        step: the step to select; empty selects what matters.
        tab: the tab to open.
        follow: keep the selection on the step that runs until a person moves it.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.EXECUTION, Scope.GLOBAL)

    def __init__(
        self, execution_id: str, *, step: str = "", tab: str = "", follow: bool = False
    ) -> None:
        super().__init__(tab or "steps")
        self.execution_id = execution_id
        self.execution: ExecutionView | None = None
        self._wanted = step
        self._follow = follow
        self._graph: Graph | None = None
        self._events: list[Event] = []
        self._events_read = False
        self._expected: list[StepView] = []
        self._shape = view.Shape()
        self._changed = False
        self._target = "steps"
        self._past: Past | None = None
        self._rows: dict[str, Row] = {}
        self._seen: tuple[object, ...] = ()

    def body(self) -> Iterator[Widget]:
        """Steps and log; a tab's pane is made when it first comes to the front."""
        yield Bar(id="tabs")
        with Container(id="body"):
            with Container(id="left"):
                yield RowList(view.COLUMNS, empty="Reading the steps", markable=True, id="steps")
                yield Bar(id="detail-rule", fill="─" if self.look.unicode else "-")
                yield StepPane(self.feed, id="detail")
            with Container(id="side"):
                yield Bar(id="log-rule", fill="─" if self.look.unicode else "-")
                yield LogPane(self.feed, unicode=self.look.unicode, id="log")

    @property
    def selected(self) -> StepView | None:
        """The step under the cursor."""
        return self.shown_steps.get(self.steps.key)

    @property
    def shown_steps(self) -> Mapping[str, StepView]:
        """The steps as they are, or as they were where a person went back in time."""
        return self._past.steps if self._past else self.feed.steps

    def on_mount(self) -> None:
        """Read the execution, then its graph, then everything else."""
        self.place_panes()
        self.focus_body()
        self.run_worker(self._open(), name="open", group=OPENING)

    async def _open(self) -> None:
        try:
            self.execution = await self.feed.watch(self.execution_id)
        except PipetuiError as problem:
            self.steps.say_empty(str(problem))
            self.ui.say(problem)
            return
        self._check_file()
        self.renew()
        steps = list(self.feed.steps.values())
        self.steps.select(self._wanted or view.first_to_look_at(steps))
        self.focus_body()
        self.run_worker(self._read_more(self.execution), name="more")

    async def _read_more(self, execution: ExecutionView) -> None:
        """What the keys can do without: they are not kept waiting for it."""
        await self._read_graph()
        await self._read_expected(execution)
        await self.bring_front()
        self.renew()
        if execution.file:
            self.run_worker(self._watch_file(execution.file), group="file")

    async def bring_front(self) -> None:
        """See ``PanesScreen``; only who shows events reads them: 5000 steps have 30 MB."""
        if self.front in ("events", "timeline") and not self._events_read:
            self._events_read = True
            read = await self.feed.events(self.execution_id)
            known = read[-1].seq if read else 0
            self._events = [*read, *(event for event in self._events if event.seq > known)]
        await super().bring_front()

    async def _read_graph(self) -> None:
        try:
            self._graph = await self.feed.graph(self.execution_id)
        except PipetuiError as problem:
            self.ui.say(problem)
        else:
            self._shape = view.Shape(self._graph)
        self.renew()

    async def _read_expected(self, execution: ExecutionView) -> None:
        earlier = self.feed.earlier_of(execution)
        green = next((one for one in earlier if one.status == "Succeeded"), None)
        if green is not None:
            with suppress(PipetuiError):
                self._expected = await self.feed.steps_of(green.id)

    async def _watch_file(self, file: str) -> None:
        async with aclosing(self.feed.file_written(file)) as found:
            async for _ in found:
                self._check_file()
                self.show_head()

    def _check_file(self) -> None:
        if self.execution is not None and self.execution.file:
            self._changed = changed_since(self.execution.file, self.execution.created_at)

    def on_unmount(self) -> None:
        """Nobody looks at it any more."""
        if self.feed.watched == self.execution_id:
            self.feed.unwatch()

    @property
    def moment(self) -> Moment | None:
        """See ``PanesScreen``."""
        if self.execution is None:
            return None
        return Moment(
            self._past.execution if self._past else self.execution,
            self.shown_steps,
            self._now,
            self.look,
            events=self._past.events if self._past else self._events,
            graph=self._graph,
            selected=self.steps.key,
            marked=frozenset(self.steps.marked),
            expected=self._expected,
            past=self._past is not None,
            measured=self.measures,
        )

    @property
    def place(self) -> str:
        """See ``Face``."""
        return title(self.execution) if self.execution else self.execution_id

    @property
    def _now(self) -> float:
        return self._past.at if self._past else self.ui.now()

    def renew(self, update: Update | None = None) -> None:
        """See ``Shown``."""
        if self.execution is None:
            self.head(words(f" {self.execution_id}", Tone.DIM))
            return
        found = [one for one in self.feed.executions if one.id == self.execution_id]
        self.execution = found[0] if found else self.execution
        self.show_head()
        changed = None if update is None else {step.name for step in update.steps}
        if update is not None and update.events and self._events_read:
            known = self._events[-1].seq if self._events else 0
            self._events += [event for event in update.events if event.seq > known]
        if self._past:
            return
        if changed is None or changed:
            self._show_steps()
            if self._graph and (changed or set()) - {node.name for node in self._graph.nodes}:
                # A ForEach has added its iterations.
                self.run_worker(self._read_graph(), name="graph", exclusive=True, group="graph")
            self.show_selected()
        if update is None or update.steps or update.events:
            self.show_front(changed)

    def tick(self) -> None:
        """What runs takes a second longer."""
        if self.execution is None or self._past:
            return
        if self.execution.ended_at:
            self._poll_log()
            self.show_front(set())
            return
        self.show_head()
        running = {step.name for step in self.feed.steps.values() if step.running}
        self._show_steps(running)
        self.show_front(running)
        training = [
            one for one in self.feed.steps.values() if one.running and one.type == "Training"
        ]

        async def look() -> None:
            await self.measures.look(training[:_CURVES], Measure.SERIES)

        if training:
            # A function, not its coroutine: one that is replaced before it starts is never awaited.
            self.run_worker(look, name="metrics", group="metrics", exclusive=True)  # type: ignore[arg-type]

    def pulse(self) -> None:
        """The log may have grown; that of an execution that has ended waits for the tick."""
        if self.execution is None or self.execution.ended_at is None:
            self._poll_log()

    def _poll_log(self) -> None:
        if self.log_pane.display and self.log_pane.size.height:
            self.log_pane.poll()

    def show_head(self) -> None:
        """See ``PanesScreen``."""
        if self.execution is None:
            return
        if self._past:
            self.head(*view.header(self._past.execution, now=self._now, display=self.look))
            self.query_one("#tabs", Bar).show(self._past.line(self.size.width, self.look))
            return
        changed = self._changed and not self.feed.refusal("start")
        self.head(
            *view.header(self.execution, now=self.ui.now(), display=self.look, changed=changed)
        )
        hint = f"1 to {len(TABS)} "
        self.query_one("#tabs", Bar).show(tab_names(self.tab), words(hint, Tone.FAINT))

    def _show_steps(self, changed: set[str] | None = None) -> None:
        steps, now = self.shown_steps, self._now
        stopping = self.execution is not None and self.execution.stop_requested
        at = self._past.count if self._past else self.feed.steps_seq
        seen = (at, self._past is None, self._shape, self.look, stopping)
        if changed is None and seen != self._seen:
            changed, self._seen = set(steps), seen
            self.steps.show_columns(view.columns(steps.values(), self._shape))
        for name in changed or ():
            self._rows[name] = view.row(
                steps[name],
                steps,
                self._shape,
                now=now,
                display=self.look,
                stopping=stopping,
                metric=metric_note(self.measures.series(steps[name]), self.look),
            )
        rows = [self._rows[name] for name in steps]
        if self._target == "steps" and self.filter:
            query = parse(self.filter.text, STEP_KEYS)
            rows = [row for row in rows if query.keeps_step(steps[row.key], row.search, now)]
            if query.problem:
                self.ui.say(query.problem)
        self.steps.show(rows)
        self.steps.say_empty(self.filter.no_match)
        if self._follow:
            running = [step.name for step in steps.values() if step.running]
            if running and self.steps.key not in running:
                self.steps.select(running[0])

    def show_selected(self) -> None:
        """See ``PanesScreen``."""
        steps = [step for key in self.steps.marked if (step := self.shown_steps.get(key))]
        chosen = [self.selected] if self.selected else []
        self.log_pane.show_steps(steps if len(steps) > 1 else chosen, clear=self.clear)
        self._show_log_rule()
        self._show_detail()

    def _show_detail(self) -> None:
        if self.wide and (step := self.selected) is not None:
            self.query_one("#detail", StepPane).show_step(step, self.look)

    def _show_log_rule(self) -> None:
        log = self.log_pane
        line = "──" if self.look.unicode else "--"
        left: Line = (Span(line, Tone.FAINT), Span(f" {log.title} ", Tone.DIM)) if log.title else ()
        right = words(f" {log.status} ", Tone.DIM) if log.status else ()
        self.query_one("#log-rule", Bar).show(left, right)

    @on(LogView.StatusChanged)
    def _log_told(self) -> None:
        self._show_log_rule()

    @on(RowList.Moved, "#steps")
    def _moved(self) -> None:
        self.show_selected()
        self.show_front(set())
        self.refresh_footer()

    @on(RowList.Marked, "#steps")
    def _marked(self) -> None:
        self.show_front(set())
        self.show_selected()

    @on(RowList.Chosen, "#steps")
    def _chosen(self) -> None:
        self.action_detail()

    @on(Tab.Picked)
    def _picked(self, event: Tab.Picked) -> None:
        self.steps.select(event.step)

    async def on_timeline_rows_opened(self, event: TimelineRows.Opened) -> None:
        """The step's log, at the marked time where the log or the samples tell when it was."""
        self.steps.select(event.step.name)
        await self.show_tab("log")
        self.show_selected()
        if event.at is not None:
            line = await self.feed.line_at(event.step, event.at)
            if line is not None:
                self.log_pane.go_to(line)

    def on_key(self, event: events.Key) -> None:
        """A person who moves the cursor is not followed any more."""
        if event.key in ("up", "down", "j", "k", "pageup", "pagedown", "g", "G", "home", "end"):
            self._follow = False

    def applies(self, action: Action) -> bool:
        """Most actions need a selected step in the right state."""
        if action.scope is not Scope.EXECUTION:
            return True
        step = self.selected
        match action.handler:
            case "tab":
                return True
            case "stop" | "parallelism":
                return self.execution is not None and self.execution.ended_at is None
            case "rerun":
                return self.execution is not None
            case "failed":
                return any(one.status == "Failed" for one in self.feed.steps.values())
            case _ if step is None:
                return False
            case "answer":
                return step.waits_for_answer
            case "breakpoint":
                return step.status == "Waiting" and step.started_at is None
        return True

    def go_back(self) -> None:
        """All panes, no marks, the steps' tab; from there to the list."""
        if self._past:
            self._go_in_time(None)
        elif self._share:
            self._share = 0
            self.place_panes()
        elif self.steps.marked:
            self.steps.mark(())
        elif self.tab != "steps":
            self.call_later(self.show_tab, "steps")
        else:
            super().go_back()

    async def action_scrub(self, by: int) -> None:
        """See the action table; ten stands for a tenth of all events."""
        if self._past is None:
            if by > 0 or self.execution is None:
                return
            history = await self.feed.history(self.execution_id)
            self._past = Past(history, self.feed.without_secrets)
        self._go_in_time(self._past.count + (by if abs(by) == 1 else self._past.tenth(by)))

    def _go_in_time(self, count: int | None) -> None:
        """Show another moment; now for None, or behind the last event of a running execution."""
        if self._past is not None:
            if count is None or (count > self._past.total and not self._past.execution.ended_at):
                self._past = None
            else:
                self._past.go(count)
        self.show_head()
        self._show_steps()
        self.show_selected()
        self.show_front()

    @on(events.Click, "#tabs")
    def _tabs_clicked(self, event: events.Click) -> None:
        if self._past is not None:
            self._go_in_time(self._past.clicked(event.x, self.size.width, self.look))
        else:
            self.call_later(self.show_tab, tab_at(self.tab, event.x))

    def action_detail(self, title: str = "") -> None:
        """All about the selected step."""
        if self.selected is not None:
            from pipetui.screens.reading import StepScreen

            self.app.push_screen(StepScreen(self.selected, title))

    def action_data(self) -> None:
        """The selected step's inputs and outputs."""
        self.action_detail(INPUTS)

    async def action_log(self) -> None:
        """The selected step's log."""
        await self.show_tab("log")

    def action_shell(self) -> None:
        """Ask, then open a shell where the selected step's job ran."""
        if self.selected is not None:
            from pipetui.screens.confirm import ask_shell

            ask_shell(self.ui, self.selected)

    def action_pager(self) -> None:
        """The selected step's log in the pager."""
        step = self.selected
        if step is None:
            return
        log = Path(step.directory) / "job.log" if step.directory else None
        if log is None or not log.is_file():
            self.ui.say(f"{step.name} has no log yet")
        elif self.feed.secrets(step) and not self.clear:
            from pipetui.screens.export_log import page_masked

            self.ui.lend(lambda: page_masked(self.feed.log(step)))
        else:
            self.ui.page(str(log))

    def action_why(self) -> None:
        """Why the selected step is red, was not run, or decided what it did."""
        step = self.selected
        if step is not None and _has_a_why(step):
            from pipetui.screens.reading import WhyScreen

            self.app.push_screen(WhyScreen(step))
        elif step is not None:
            self.ui.say(f"{step.name} did not fail")

    def idle(self, action: Action) -> bool:
        """See ``Shown``; why is offered where there is something to tell."""
        told = self.selected is not None and _has_a_why(self.selected)
        return action.handler == "why" and not told

    def action_failed(self, direction: int) -> None:
        """The next or previous failed step."""
        steps = list(self.feed.steps.values())
        self.steps.select(view.next_failed(steps, self.steps.key, direction))

    def action_rerun(self) -> None:
        """Run it again."""
        if self.execution is not None:
            from pipetui.screens.rerun import RerunScreen

            self.app.push_screen(RerunScreen(self.execution, self.selected, changed=self._changed))

    def action_compare(self) -> None:
        """See the action table."""
        if self.execution is not None:
            self.ui.compare_with_last(self.execution)

    def action_stop(self) -> None:
        """Stop it."""
        if self.execution is not None:
            from pipetui.screens.confirm import ask_stop

            ask_stop(self.ui, self.execution)

    def action_parallelism(self) -> None:
        """See the action table."""
        if self.execution is not None:
            from pipetui.screens.confirm import ask_parallelism

            ask_parallelism(self.ui, self.execution)

    def action_breakpoint(self) -> None:
        """See the action table."""
        step = self.selected
        if step is not None:
            deed = self.feed.change_breakpoint(
                step.execution_id, step.name, hold=not step.breakpoint
            )
            self.ui.attempt(deed, f"{step.name} {'goes on' if step.breakpoint else 'will be held'}")

    async def action_answer(self, success: int) -> None:
        """Answer the selected Callback step; the step may be known before the inbox is."""
        from pipetui.screens.confirm import ask_answer

        step = self.selected
        if step is None:
            return
        waiting = self.feed.question(step)
        if waiting is None:
            await self.feed.read_inbox()
            waiting = self.feed.question(step)
        if waiting is not None:
            ask_answer(self.ui, waiting, bool(success))
        else:
            self.ui.say("nothing waits here for an answer just now")

    def action_copy(self) -> None:
        """Copy what the focused pane has selected."""
        focused = self.focused
        if isinstance(focused, LogPane):
            self.ui.copy(focused.copied)
        elif isinstance(focused, StepPane):
            self.ui.copy("\n".join(text_of(line).rstrip() for line in focused.lines))
        elif (pane := self.pane(self.tab)) is not None and pane.copied:
            self.ui.copy(pane.copied)
        elif self.execution is not None:
            step = self.steps.key
            self.ui.copy(f"{self.execution.arn} {step}" if step else self.execution.arn)

    def action_filter(self) -> None:
        """Filter the focused list, or search the log."""
        self._aim("search" if isinstance(self.focused, LogPane) else self._list_in_front())

    @on(LogPane.Narrow)
    def _narrow(self) -> None:
        self._aim("only")

    def _list_in_front(self) -> str:
        pane = self.pane(self.tab)
        return self.tab if pane is not None and pane.filters else "steps"

    def _aim(self, target: str) -> None:
        box = self.query_one("#filter", Input)
        if target != self._target:
            box.value = ""
        self._target = target
        box.placeholder = {
            "search": "search the log: text or regular expression",
            "only": "only lines with: text  !not",
        }.get(target, f"filter the {target}: text  !not  ~fuzzy")
        super().action_filter()

    def filtered(self) -> None:
        """The filter of whatever it is aimed at."""
        match self._target:
            case "search":
                self.log_pane.search(self.filter.text)
            case "only":
                self.log_pane.filter(self.filter.text)
            case name if pane := self.pane(name):
                pane.narrow(self.filter)
            case _:
                self._show_steps()


def _has_a_why(step: StepView) -> bool:
    """Whether there is something to tell: it is red, or a Condition that decided."""
    return step.status in _RED or step.outcome is not None
