"""One execution: steps, graph, log, artifacts and events, beside each other where there is room."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, ClassVar, cast

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
from pipetui.viewmodel.moment import Moment
from pipetui.widgets.artifact_pane import ArtifactPane
from pipetui.widgets.bar import Bar
from pipetui.widgets.dag_pane import DagPane
from pipetui.widgets.event_pane import EventPane
from pipetui.widgets.log_pane import LogPane
from pipetui.widgets.pane import TextPane
from pipetui.widgets.rows import RowList
from pipetui.widgets.tab import Tab

if TYPE_CHECKING:
    from engine.api import Event, ExecutionView, Graph, StepView

TABS = ("steps", "graph", "log", "artifacts", "events")
PANES: Mapping[str, Callable[[ExecutionScreen], Tab]] = {
    "graph": lambda screen: DagPane(screen.look, id="graph"),
    "artifacts": lambda screen: ArtifactPane(screen.feed, screen.look, id="artifacts"),
    "events": lambda screen: EventPane(screen.look, id="events"),
}
"""How the pane of each tab is made; the other tabs are always there."""
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
        super().__init__("tab-steps")
        self.execution_id = execution_id
        self.execution: ExecutionView | None = None
        self.tab = tab or "steps"
        self._wanted = step
        self._follow = follow
        self._graph: Graph | None = None
        self._events: list[Event] = []
        self._panes: dict[str, Tab] = {}
        self._behind: set[str] = set()
        self._shape = view.Shape()
        self._changed = False
        self._target = "steps"
        self._share = 0
        self._detailed = ""
        self._rows: dict[str, Row] = {}
        self._seen: tuple[object, ...] = ()

    def body(self) -> Iterator[Widget]:
        """Steps and log; a tab's pane is made when it first comes to the front."""
        yield Bar(id="tabs")
        with Container(id="body"):
            with Container(id="left"):
                yield RowList(view.COLUMNS, empty="Reading the steps", markable=True, id="steps")
                yield Bar(id="detail-rule", fill="─" if self.look.unicode else "-")
                yield TextPane(id="detail")
            with Container(id="side"):
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
    def selected(self) -> StepView | None:
        """The step under the cursor."""
        return self.feed.steps.get(self.steps.key)

    @property
    def front(self) -> str:
        """Name of the tab whose pane is in sight beside steps and log; empty where none is."""
        if self.tab in PANES:
            return self.tab
        return "graph" if self.wide else ""

    def pane(self, name: str) -> Tab | None:
        """A tab's pane, None before it first came to the front."""
        return self._panes.get(name)

    def on_mount(self) -> None:
        """Read the execution, then its graph, then everything else."""
        self._arrange()
        self.focus_body()
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
        await self._bring_front()
        self._events = await self.feed.events(self.execution_id)
        self.renew()
        if self.execution.file:
            self.run_worker(self._watch_file(self.execution.file), group="file")

    async def _read_graph(self) -> None:
        try:
            self._graph = await self.feed.graph(self.execution_id)
        except PipetuiError as problem:
            self.ui.say(problem)
        else:
            self._shape = view.Shape(self._graph)
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

    @property
    def moment(self) -> Moment | None:
        """What the panes show; None until the execution is read."""
        if self.execution is None:
            return None
        return Moment(
            self.execution,
            self.feed.steps,
            self.ui.now(),
            self.look,
            events=self._events,
            graph=self._graph,
            selected=self.steps.key,
            marked=frozenset(self.steps.marked),
        )

    def renew(self, update: Update | None = None) -> None:
        """See ``Shown``."""
        if self.execution is None:
            self.head(words(f" {self.execution_id}", Tone.DIM))
            return
        found = [one for one in self.feed.executions if one.id == self.execution_id]
        self.execution = found[0] if found else self.execution
        self._show_head()
        changed = None if update is None else {step.name for step in update.steps}
        if update is not None and update.events:
            known = self._events[-1].seq if self._events else 0
            self._events += [event for event in update.events if event.seq > known]
        if changed is None or changed:
            self._show_steps()
            if self._graph and (changed or set()) - {node.name for node in self._graph.nodes}:
                # A ForEach has added its iterations.
                self.run_worker(self._read_graph(), name="graph", exclusive=True, group="graph")
            self._show_selected()
        if update is None or update.steps or update.events:
            self._show_front(changed)

    def tick(self) -> None:
        """What runs takes a second longer."""
        if self.execution is None:
            return
        if self.execution.ended_at:
            self._show_front(set())
            return
        self._show_head()
        running = {step.name for step in self.feed.steps.values() if step.running}
        self._show_steps(running)
        self._show_front(running)

    def pulse(self) -> None:
        """The log may have grown."""
        if self.log_pane.display and self.log_pane.size.height:
            self.log_pane.poll()

    def _show_front(self, changed: set[str] | None = None) -> None:
        """Paint the pane in sight; what was out of sight is painted whole when it comes back."""
        pane, moment = self.pane(self.front), self.moment
        if pane is None or moment is None:
            return
        whole = self.front in self._behind
        self._behind = set(self._panes) - {self.front}
        pane.show(moment, None if whole else changed)

    def _show_head(self) -> None:
        if self.execution is None:
            return
        changed = self._changed and not self.feed.refusal("start")
        self.head(
            *view.header(self.execution, now=self.ui.now(), display=self.look, changed=changed)
        )
        hint = f"1 to {len(TABS)} "
        self.query_one("#tabs", Bar).show(_tabs(self.tab), words(hint, Tone.FAINT))

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
        self.log_pane.show_step(self.selected)
        self._show_log_rule()
        self._show_detail()

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
        self._show_front(set())
        self.refresh_footer()

    @on(RowList.Marked, "#steps")
    def _marked(self) -> None:
        self._show_front(set())

    @on(RowList.Chosen, "#steps")
    def _chosen(self) -> None:
        self.action_detail()

    @on(Tab.Picked)
    def _picked(self, event: Tab.Picked) -> None:
        self.steps.select(event.step)

    def on_key(self, event: events.Key) -> None:
        """A person who moves the cursor is not followed any more."""
        if event.key in ("up", "down", "j", "k", "pageup", "pagedown", "g", "G", "home", "end"):
            self._follow = False

    def _arrange(self) -> None:
        """Put what belongs to the tab in sight."""
        for name in ("steps", "log"):
            self.set_class(name == self.tab, f"tab-{name}")
        self.set_class(self.tab in PANES, "tab-other")
        for name, pane in self._panes.items():
            cast("Widget", pane).set_class(name == self.front, "-front")
        focused = self._place_of_focus()
        for place in ("left", "log", "pane"):
            for size, name in ((1, "half"), (2, "full")):
                self.set_class(place == focused and size == self._share, f"-{name}-{place}")

    def _place_of_focus(self) -> str:
        """The part of the screen whose size the keys change."""
        focused = self.focused
        if focused is None or focused is self.steps or focused.id == "detail":
            return "left"
        return "log" if focused is self.log_pane else "pane"

    async def _bring_front(self) -> None:
        """Make the pane of the tab where there is none yet, and paint it."""
        front = self.front
        if front and front not in self._panes:
            pane = PANES[front](self)
            self._panes[front] = pane
            self._behind.add(front)
            cast("Widget", pane).add_class("tab")
            await self.query_one("#side").mount(cast("Widget", pane), before="#log-rule")
        self._arrange()
        self._show_front(set())

    def on_resize(self, event: events.Resize) -> None:
        """Where there is room now, the graph stands beside the steps."""
        super().on_resize(event)
        if self.execution is not None:
            self.call_later(self._bring_front)

    async def show_tab(self, tab: str) -> None:
        """Bring a tab to the front, and the keys to it."""
        self.tab = tab
        self._show_head()
        self._arrange()
        await self._bring_front()
        self._show_selected()
        self.focus_body()
        self.refresh_footer()

    def focus_body(self) -> None:
        """The pane of the tab."""
        pane = self.pane(self.tab)
        if pane is not None:
            (pane.keys_to or cast("Widget", pane)).focus()
        elif self.tab == "log":
            self.log_pane.focus()
        else:
            self.steps.focus()

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

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A size belongs to the pane that has the keys."""
        super().on_descendant_focus(event)
        if self._share:
            self._arrange()

    def go_back(self) -> None:
        """All panes, no marks, the steps' tab; from there to the list."""
        if self._share:
            self._share = 0
            self._arrange()
        elif self.steps.marked:
            self.steps.mark(())
        elif self.tab != "steps":
            self.call_later(self.show_tab, "steps")
        else:
            super().go_back()

    def action_size(self, direction: int) -> None:
        """See the action table."""
        self._share = max(0, min(2, self._share + direction))
        self._arrange()

    def action_full(self) -> None:
        """See the action table."""
        self._share = 0 if self._share == 2 else 2
        self._arrange()

    async def action_tab(self, tab: str) -> None:
        """See the action table."""
        await self.show_tab(tab)

    def action_detail(self, title: str = "") -> None:
        """All about the selected step."""
        if self.selected is not None:
            self.app.push_screen(StepScreen(self.selected, title))

    def action_data(self) -> None:
        """The selected step's inputs and outputs."""
        self.action_detail(INPUTS)

    async def action_log(self) -> None:
        """The selected step's log."""
        await self.show_tab("log")

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


def _tabs(current: str) -> Line:
    spans: list[Span] = []
    for name in TABS:
        tone = Tone.ACCENT if name == current else Tone.DIM
        left, right = "[]" if name == current else "  "
        spans.append(Span(f" {left}{name.capitalize()}{right}", tone))
    return tuple(spans)
