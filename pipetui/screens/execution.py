"""One execution: steps, graph, log, artifacts and events, beside each other where there is room."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.binding import BindingType
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Input

from pipetui.actions import Action, Scope
from pipetui.definition_file import changed_since, changes
from pipetui.feed import PipetuiError, Update
from pipetui.keys import Performer, bindings
from pipetui.logview.widget import LogView
from pipetui.screens.confirm import ask_answer, ask_stop
from pipetui.screens.face import Face
from pipetui.screens.reading import StepScreen, WhyScreen
from pipetui.screens.rerun import RerunScreen
from pipetui.viewmodel import steps as view
from pipetui.viewmodel.detail import INPUTS, step_lines
from pipetui.viewmodel.lines import Line, Row, Span, Tone, text_of, words
from pipetui.widgets.artifact_pane import ArtifactPane
from pipetui.widgets.bar import Bar
from pipetui.widgets.dag_pane import DagPane
from pipetui.widgets.event_pane import EventPane
from pipetui.widgets.log_pane import LogPane
from pipetui.widgets.pane import TextPane
from pipetui.widgets.rows import RowList

if TYPE_CHECKING:
    from engine.api import ExecutionView, Graph, StepView

TABS = ("steps", "graph", "log", "artifacts", "events")
_RED = frozenset({"Failed", "Stopped", "Blocked", "Skipped"})


class ExecutionScreen(Face, inherit_bindings=False):
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
        super().__init__(f"tab-{tab or 'steps'}")
        self.execution_id = execution_id
        self.execution: ExecutionView | None = None
        self.tab = tab or "steps"
        self._wanted = step
        self._follow = follow
        self._graph: Graph | None = None
        self._shape = view.Shape()
        self._changed = False
        self._target = "steps"
        self._detailed = ""
        self._rows: dict[str, Row] = {}
        self._seen: tuple[object, ...] = ()

    def body(self) -> Iterator[Widget]:
        """All panes; which are in sight is a matter of classes."""
        yield Bar(id="tabs")
        with Container(id="body"):
            with Container(id="left"):
                yield RowList(view.COLUMNS, empty="Reading the steps", id="steps")
                yield Bar(id="detail-rule", fill="─" if self.look.unicode else "-")
                yield TextPane(id="detail")
            with Container(id="side"):
                yield DagPane(self.look, id="graph")
                yield ArtifactPane(self.feed, self.look, id="artifacts")
                yield EventPane(self.look, id="events")
                yield Bar(id="log-rule", fill="─" if self.look.unicode else "-")
                yield LogPane(self.feed, unicode=self.look.unicode, id="log")

    @property
    def steps(self) -> RowList:
        """The list of steps."""
        return self.query_one("#steps", RowList)

    @property
    def log_pane(self) -> LogPane:
        """The log."""
        return self.query_one("#log", LogPane)

    @property
    def graph_pane(self) -> DagPane:
        """The graph."""
        return self.query_one("#graph", DagPane)

    @property
    def _events(self) -> EventPane:
        return self.query_one("#events", EventPane)

    @property
    def selected(self) -> StepView | None:
        """The step under the cursor."""
        return self.feed.steps.get(self.steps.key)

    def on_mount(self) -> None:
        """Read the execution, then its graph, then everything else."""
        self.show_tab(self.tab)
        self.run_worker(self._open(), name="open")

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
        await self._read_graph()
        self._events.add(await self.feed.events(self.execution_id), self.ui.now())
        if self.execution.file:
            self.run_worker(self._watch_file(self.execution.file), group="file")

    async def _read_graph(self) -> None:
        try:
            self._graph = await self.feed.graph(self.execution_id)
        except PipetuiError as problem:
            self.ui.say(problem)
        else:
            self._shape = view.Shape(self._graph)
            self.graph_pane.show_graph(self._graph)
        self.renew()

    async def _watch_file(self, file: str) -> None:
        async with aclosing(changes(file)) as found:
            async for _ in found:
                self._check_file()
                self._show_head()

    def _check_file(self) -> None:
        if self.execution is not None and self.execution.file:
            self._changed = changed_since(self.execution.file, self.execution.created_at)

    def on_unmount(self) -> None:
        """Nobody looks at it any more."""
        if self.feed.watched == self.execution_id:
            self.feed.unwatch()

    def renew(self, update: Update | None = None) -> None:
        """See ``Shown``."""
        if self.execution is None:
            self.head(words(f" {self.execution_id}", Tone.DIM))
            return
        found = [one for one in self.feed.executions if one.id == self.execution_id]
        self.execution = found[0] if found else self.execution
        self._show_head()
        if update is None and self._events.look != self.look:
            self._events.show_times(self.look, self.ui.now())
        if update is None or update.steps:
            self._show_steps()
            changed = None if update is None else {step.name for step in update.steps}
            if self._graph and (changed or set()) - {node.name for node in self._graph.nodes}:
                # A ForEach has added its iterations.
                self.run_worker(self._read_graph(), name="graph", exclusive=True, group="graph")
            self.graph_pane.show_steps(self.feed.steps, self.ui.now(), changed)
            self._show_selected()
        if update is not None and update.events:
            self._events.add(update.events, self.ui.now())

    def tick(self) -> None:
        """What runs takes a second longer."""
        if self.execution is None:
            return
        if self.tab == "events":
            self._events.show_times(self.look, self.ui.now())
        if not self.execution.ended_at:
            self._show_head()
            running = {step.name for step in self.feed.steps.values() if step.running}
            self._show_steps(running)
            self.graph_pane.show_steps(self.feed.steps, self.ui.now(), running)

    def pulse(self) -> None:
        """The log may have grown."""
        if self.log_pane.display and self.log_pane.size.height:
            self.log_pane.poll()

    def _show_head(self) -> None:
        if self.execution is None:
            return
        changed = self._changed and not self.feed.refusal("start")
        self.head(
            *view.header(self.execution, now=self.ui.now(), display=self.look, changed=changed)
        )
        self.query_one("#tabs", Bar).show(_tabs(self.tab), words("1 to 5 ", Tone.FAINT))

    def _show_steps(self, changed: set[str] | None = None) -> None:
        steps, now = self.feed.steps, self.ui.now()
        stopping = self.execution is not None and self.execution.stop_requested
        seen = (self.feed.steps_seq, self._shape, self.look, stopping)
        if changed is None and seen != self._seen:
            changed, self._seen = set(steps), seen
        for name in changed or ():
            self._rows[name] = view.row(
                steps[name], steps, self._shape, now=now, display=self.look, stopping=stopping
            )
        rows = [self._rows[name] for name in steps]
        self.steps.show(self.filter.rows(rows) if self._target == "steps" else rows)
        self.steps.say_empty("Nothing matches; esc shows all again.")
        if self._follow:
            running = [step.name for step in steps.values() if step.running]
            if running and self.steps.key not in running:
                self.steps.select(running[0])

    def _show_selected(self) -> None:
        step = self.selected
        self.log_pane.show_step(step)
        self._show_log_rule()
        self._show_detail()
        if self.tab == "artifacts":
            self.query_one("#artifacts", ArtifactPane).show_step(step, self.ui.now())

    def _show_detail(self) -> None:
        pane, step = self.query_one("#detail", TextPane), self.selected
        if not self.wide or step is None:
            return
        width = pane.size.width or 80
        lines = step_lines(
            step, artifacts=[], raw=None, now=self.ui.now(), width=width, display=self.look
        )
        another = step.name != self._detailed
        self._detailed = step.name
        pane.show(lines, top=0 if another else None)

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
        self._show_selected()
        if step := self.selected:
            self.graph_pane.select(step.name)
        self.refresh_footer()

    @on(RowList.Chosen, "#steps")
    def _chosen(self) -> None:
        self.action_detail()

    @on(DagPane.Picked)
    def _picked(self, event: DagPane.Picked) -> None:
        self.steps.select(event.step)

    def on_key(self, event: events.Key) -> None:
        """A person who moves the cursor is not followed any more."""
        if event.key in ("up", "down", "j", "k", "pageup", "pagedown", "g", "G", "home", "end"):
            self._follow = False

    def show_tab(self, tab: str) -> None:
        """Bring a tab to the front, and the keys to it."""
        self.tab = tab
        for name in TABS:
            self.set_class(name == tab, f"tab-{name}")
        self._show_head()
        self._show_selected()
        self.call_after_refresh(self.focus_body)

    def focus_body(self) -> None:
        """The pane of the tab."""
        panes = {
            "graph": "#graph",
            "log": "#log",
            "artifacts": "#artifact-list",
            "events": "#event-list",
        }
        self.query_one(panes.get(self.tab, "#steps")).focus()

    def applies(self, action: Action) -> bool:
        """Most actions need a selected step in the right state."""
        if action.scope is not Scope.EXECUTION:
            return True
        step = self.selected
        match action.handler:
            case "tab":
                return True
            case "stop":
                return self.execution is not None and self.execution.ended_at is None
            case "rerun":
                return self.execution is not None
            case "failed":
                return any(one.status == "Failed" for one in self.feed.steps.values())
            case _ if step is None:
                return False
            case "answer":
                return step.waits_for_answer
        return True

    def go_back(self) -> None:
        """From another tab to the steps, from there to the list."""
        if self.tab != "steps":
            self.show_tab("steps")
        else:
            super().go_back()

    def action_tab(self, tab: str) -> None:
        """See the action table."""
        self.show_tab(tab)

    def action_detail(self, title: str = "") -> None:
        """All about the selected step."""
        if self.selected is not None:
            self.app.push_screen(StepScreen(self.selected, title))

    def action_data(self) -> None:
        """The selected step's inputs and outputs."""
        self.action_detail(INPUTS)

    def action_log(self) -> None:
        """The selected step's log."""
        self.show_tab("log")

    def action_why(self) -> None:
        """Why the selected step is red."""
        step = self.selected
        if step is not None and step.status in _RED:
            self.app.push_screen(WhyScreen(step))
        elif step is not None:
            self.ui.say(f"{step.name} did not fail")

    def keys_shown(self) -> list[tuple[Action, str, Performer]]:
        """See ``Shown``; why is offered where there is something to tell."""
        red = self.selected is not None and self.selected.status in _RED
        return [one for one in super().keys_shown() if red or one[0].handler != "why"]

    def action_failed(self, direction: int) -> None:
        """The next or previous failed step."""
        steps = list(self.feed.steps.values())
        self.steps.select(view.next_failed(steps, self.steps.key, direction))

    def action_rerun(self) -> None:
        """Run it again."""
        if self.execution is not None:
            self.app.push_screen(RerunScreen(self.execution, self.selected, changed=self._changed))

    def action_stop(self) -> None:
        """Stop it."""
        if self.execution is not None:
            ask_stop(self.ui, self.execution)

    def action_answer(self, success: int) -> None:
        """Answer the selected Callback step."""
        for waiting in self.feed.inbox.callbacks:
            if waiting.step.execution_id == self.execution_id and waiting.step == self.selected:
                ask_answer(self.ui, waiting, bool(success))

    def action_copy(self) -> None:
        """Copy what the focused pane has selected."""
        focused = self.focused
        if isinstance(focused, LogPane):
            self.ui.copy(focused.screen_text)
        elif isinstance(focused, TextPane) and focused.id == "detail":
            self.ui.copy("\n".join(text_of(line).rstrip() for line in focused.lines))
        elif self.tab == "artifacts":
            self.ui.copy(self.query_one("#artifacts", ArtifactPane).copied)
        elif self.tab == "events":
            self.ui.copy(self._events.copied)
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
        return self.tab if self.tab in ("artifacts", "events") else "steps"

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
            case "artifacts":
                self.query_one("#artifacts", ArtifactPane).narrow(self.filter)
            case "events":
                self._events.narrow(self.filter)
            case _:
                self._show_steps()


def _tabs(current: str) -> Line:
    spans: list[Span] = []
    for name in TABS:
        tone = Tone.ACCENT if name == current else Tone.DIM
        left, right = "[]" if name == current else "  "
        spans.append(Span(f" {left}{name.capitalize()}{right}", tone))
    return tuple(spans)
