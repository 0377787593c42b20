"""The steps of one execution: rows in the definition's order, notes, and the graph to draw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pipetui.dag.detail import NodeStatus
from pipetui.dag.graph import Dag, DagEdge, DagNode, EdgeKind
from pipetui.viewmodel.executions import (
    headline,
    progress,
    short_id,
    step_took,
    tally,
    time_taken,
    title,
)
from pipetui.viewmodel.lines import Column, Line, Row, Span, Tone, text_of, words
from pipetui.viewmodel.state import (
    STOPS_ON_ANSWER,
    Display,
    execution_state,
    step_state,
    stops_on_answer,
    tone,
)

if TYPE_CHECKING:
    from engine.api import ExecutionView, Graph, StepView

COLUMNS = (
    Column("", 1),
    Column("STEP", 12, grow=3, most=44),
    Column("TYPE", 13, keep=2),
    Column("STATUS", 13, keep=3),
    Column("TOOK", 7, keep=5, right=True),
    Column("", 12, grow=4, keep=1),
)


def columns(steps: Iterable[StepView], shape: Shape) -> tuple[Column, ...]:
    """The columns of the list, that of the names as wide as the longest where there is room."""
    wish = max((len(one.name) + 2 * shape.depth.get(one.name, 0) for one in steps), default=0)
    return tuple(replace(one, wish=wish) if one.title == "STEP" else one for one in COLUMNS)


_SETTLED = frozenset({"Succeeded", "Failed", "Stopped", "Skipped", "Blocked"})


class Shape:
    """What a definition's graph says about each step: how deep it stands and what it waits for."""

    def __init__(self, graph: Graph | None = None) -> None:
        self.depth: dict[str, int] = {}
        self.after: dict[str, list[str]] = {}
        self.branch: dict[str, str] = {}
        if graph is None:
            return
        parents = {node.name: node.parent for node in graph.nodes}
        for name in parents:
            self.depth[name] = _depth(name, parents)
        for edge in graph.edges:
            if edge.kind in ("if", "else"):
                self.branch[edge.target] = edge.kind
            self.after.setdefault(edge.target, []).append(edge.source)


def _depth(name: str, parents: Mapping[str, str]) -> int:
    seen: set[str] = set()
    while (name := parents.get(name, "")) and name not in seen:
        seen.add(name)
    return len(seen)


def row(
    step: StepView,
    steps: Mapping[str, StepView],
    shape: Shape,
    *,
    now: float,
    display: Display,
    stopping: bool = False,
    metric: str = "",
) -> Row:
    """One step as a row.

    Args:
        stopping: its execution is told to stop.
        metric: what it has achieved so far, to tell while it runs.
    """
    state = step_state(step)
    note = _note(step, steps, shape, stopping)
    if metric and step.running and not step.doing:
        note = words(metric)
    quiet = Tone.FAINT if step.status in ("Skipped", "Blocked") else Tone.PLAIN
    name = "  " * shape.depth.get(step.name, 0) + step.name
    return Row(
        key=step.name,
        cells=(
            (display.mark(state),),
            words(name, quiet),
            words(step.type, Tone.DIM),
            (display.word(state),),
            words(step_took(step, now), quiet),
            note,
        ),
        search=" ".join((step.name, step.type, state.word, *(span.text for span in note))),
    )


def _note(step: StepView, steps: Mapping[str, StepView], shape: Shape, stopping: bool) -> Line:
    if step.status == "Failed":
        return words(headline(step.failure))
    if step.waits_for_answer:
        return words("stopping: A or X" if stopping else "press A or X", Tone.WAIT)
    if step.running:
        return words(step.doing or runs_in(step), Tone.DIM)
    if step.source_execution:
        word = "cached" if step.action == "cached" else "reused"
        return words(f"{word} from {short_id(step.source_execution)}", Tone.DIM)
    if step.held:
        return words("held: B lets it go on", Tone.WAIT)
    if step.status == "Waiting":
        told = _waits_for(step, steps, shape)
        return words(f"{told}; breakpoint" if step.breakpoint else told, Tone.FAINT)
    if step.status in ("Skipped", "Blocked"):
        return words(step.reason, Tone.FAINT)
    if step.outcome is not None:
        return words("True: if" if step.outcome else "False: else", Tone.DIM)
    return words(step.note or step.stand_in, Tone.DIM)


def without_job(step: StepView) -> str:
    """Why there is no job of a step to look at, as a sentence; empty where there is one."""
    if step.directory or step.source_execution:
        return ""
    if step.status == "Waiting":
        return f"{step.name} has not started."
    if step.status in ("Skipped", "Blocked"):
        return f"{step.name} has not run: {step.reason}."
    return f"{step.name} is a {step.type} step, which runs no job."


def runs_in(step: StepView) -> str:
    """What runs its job, and how close its environment comes to the image: ``namespace exact``."""
    environment = step.environment
    return " ".join(str(environment[key]) for key in ("Runner", "Grade") if environment.get(key))


def _waits_for(step: StepView, steps: Mapping[str, StepView], shape: Shape) -> str:
    open_ones = [
        name
        for name in shape.after.get(step.name, [])
        if name in steps and steps[name].status not in _SETTLED
    ]
    branch = shape.branch.get(step.name, "")
    if not open_ones:
        return step.reason or "waits for its turn (parallelism)"
    after = open_ones[0] + (f" +{len(open_ones) - 1}" if len(open_ones) > 1 else "")
    return f"{branch} of {after}" if branch else f"after {after}"


def next_failed(steps: Sequence[StepView], current: str, direction: int = 1) -> str:
    """The failed step after (or before) the current one, around the end; empty for none."""
    names = [step.name for step in steps]
    at = names.index(current) if current in names else -1 if direction > 0 else 0
    for offset in range(1, len(steps) + 1):
        step = steps[(at + direction * offset) % len(steps)]
        if step.status == "Failed":
            return step.name
    return ""


def first_to_look_at(steps: Sequence[StepView]) -> str:
    """The step to select when an execution is opened: failed, asking, running, else the first."""
    for wanted in ("error", "attention", "running"):
        for step in steps:
            if step_state(step).style == wanted:
                return step.name
    return steps[0].name if steps else ""


def header(
    execution: ExecutionView, *, now: float, display: Display, changed: bool = False
) -> tuple[Line, Line]:
    """The left and right part of an execution's header."""
    state = execution_state(execution)
    left = [Span(f" {title(execution)}", Tone.STRONG)]
    if execution.display_name:
        left.append(Span(f"  {execution.display_name}", Tone.DIM))
    if execution.retries:
        left.append(Span(f"  attempt {execution.retries + 1}", Tone.DIM))
    if execution.source_execution:
        left.append(Span(f"  rerun of {short_id(execution.source_execution)}", Tone.DIM))
    if changed:
        left.append(Span("  definition changed: R runs the new one", Tone.WAIT))
    runs = execution.ended_at is None
    failed = f"{execution.steps_failed} failed  " if runs and execution.steps_failed else ""
    right = (
        # Ahead of what stands at the right edge, which keeps its place then.
        Span(failed, Tone.DIM),
        display.mark(state),
        Span(" "),
        display.word(state),
        Span(f": {STOPS_ON_ANSWER}" if stops_on_answer(execution) else "", Tone.WAIT),
        Span(f"  {time_taken(execution, now)}", Tone.PLAIN),
        Span(f"  {progress(execution) if runs else tally(execution)} ", Tone.DIM),
    )
    return tuple(left), right


_KINDS = {
    "depends_on": EdgeKind.DEPENDS_ON,
    "if": EdgeKind.BRANCH_IF,
    "else": EdgeKind.BRANCH_ELSE,
}
_RANKS = {"error": 5, "attention": 4, "running": 3, "warning": 3, "success": 1, "cached": 1}


def dag(graph: Graph) -> Dag:
    """The graph to draw."""
    return Dag(
        tuple(DagNode(node.name, node.type, parent=node.parent) for node in graph.nodes),
        tuple(
            DagEdge(edge.source, edge.target, _KINDS.get(edge.kind, EdgeKind.REFERENCE))
            for edge in graph.edges
        ),
    )


def node_status(
    step: StepView, *, now: float, display: Display, styles: Mapping[Tone, str]
) -> NodeStatus:
    """How a step stands in the graph; ``styles`` are the theme's colours as Rich styles."""
    state = step_state(step)
    return NodeStatus(
        glyph=state.mark(display.unicode),
        word=state.word,
        style=styles.get(tone(state), ""),
        elapsed=step_took(step, now),
        detail=step.doing,
        rank=_RANKS.get(state.style, 2),
        failed=step.status == "Failed",
        untaken=step.status in ("Skipped", "Blocked"),
        waiting=step.status == "Waiting",
        ended=step.status in _SETTLED,
        note=text_of(_note(step, {}, Shape(), stopping=False)),
    )
