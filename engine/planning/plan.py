"""What an execution would do with each step of a definition, and why (pure).

Selective execution follows the seven rules of section 3.5 of the pipelines reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from engine.definition.document import Definition, Step
from engine.definition.graph import Graph
from engine.errors import CommandRejected, PlanError
from engine.model.events import StepDeclared, StepReused
from engine.model.fold import ExecutionState
from engine.model.status import EXECUTION_ENDED, StepAction, StepStatus
from engine.planning.foreach import loop_of, outer_graph

Refuse = Callable[[Step], PlanError | None]
"""Says why a step cannot run here; None where it can."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps in the definition's order, and the results taken over from another execution.

    The body of a ForEach is not among them: what it repeats is known when the ForEach runs.
    """

    steps: tuple[StepDeclared, ...]
    reused: tuple[StepReused, ...] = ()
    refused: tuple[PlanError, ...] = ()


def make_plan(
    definition: Definition,
    graph: Graph,
    *,
    refuse: Refuse,
    stand_in: Callable[[Step], str],
    selection: tuple[str, ...] = (),
    source: ExecutionState | None = None,
    pipeline: str = "",
) -> Plan:
    """Plan an execution.

    Args:
        refuse: says why a step cannot run here.
        stand_in: says what stands in locally for a cloud service; empty for the real thing.
        selection: the steps to run; empty means all.
        source: the execution that steps outside the selection are reused from.
        pipeline: the name of the pipeline, which the source must have too; empty for any.

    Errors: ``CommandRejected`` for a selection that breaks a rule.
    """
    graph = outer_graph(definition, graph)
    if not selection:
        chosen = frozenset(graph.order)
        reused: dict[str, StepReused] = {}
    else:
        chosen = frozenset(selection)
        _check_selection(definition, graph, selection)
        _check_source(source, pipeline)
        reused = _reuse(graph, chosen, source)
    steps: list[StepDeclared] = []
    refused: list[PlanError] = []
    for step in definition.steps.values():
        if (loop := loop_of(definition, step.name)) is not None:
            if loop.name in chosen and (problem := refuse(step)):
                refused.append(problem)
            continue
        action, reason = _action(step, graph, chosen, reused)
        if action is StepAction.RUN and (problem := refuse(step)):
            refused.append(problem)
        steps.append(
            StepDeclared(step.name, step.type, action, reason, step.display_name, stand_in(step))
        )
    return Plan(tuple(steps), tuple(reused.values()), tuple(refused))


def check_breakpoints(plan: Plan, names: Iterable[str]) -> None:
    """Whether each of the steps can be held before it starts.

    Errors: ``CommandRejected`` for a step that is not in the plan, or does not run.
    """
    actions = {step.name: step.action for step in plan.steps}
    for name in names:
        if name not in actions:
            raise CommandRejected(
                f"there is no step {name} to hold",
                code="breakpoint-unknown-step",
                hint="Its steps are " + _few(actions, 8) + "; in the body of a ForEach a step can"
                " be held when its iterations have begun.",
            )
        if actions[name] is not StepAction.RUN:
            raise CommandRejected(
                f"{name} cannot be held: it does not run here, it is {actions[name]}",
                code="breakpoint-refused",
                hint="Set breakpoints on steps that run; `pipetui plan` shows which do.",
            )


def _action(
    step: Step, graph: Graph, chosen: frozenset[str], reused: Mapping[str, StepReused]
) -> tuple[StepAction, str]:
    if step.name in reused:
        return StepAction.REUSED, f"result of {reused[step.name].source_execution}"
    if step.name not in chosen:
        return StepAction.SKIPPED, "not selected"
    if step.parent and step.branch is not None:
        return StepAction.RUN, f"if {step.parent} is {step.branch}"
    sources = dict.fromkeys(edge.source for edge in graph.dependencies(step.name))
    return StepAction.RUN, "after " + _few(sources) if sources else "waits for nothing"


def _few(names: Iterable[str], most: int = 3) -> str:
    listed = list(names)
    rest = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {rest} more" if rest > 0 else "")


def _check_selection(definition: Definition, graph: Graph, selection: tuple[str, ...]) -> None:
    unknown = [name for name in selection if name not in graph.incoming]
    for name in unknown:
        if name in definition.steps and (loop := loop_of(definition, name)) is not None:
            raise CommandRejected(
                f"{name} repeats inside the ForEach {loop.name} and cannot be selected alone",
                code="selection-inside-foreach",
                hint=f"Select {loop.name}: it runs with its whole body.",
            )
    if unknown:
        raise CommandRejected(
            f"the definition has no step {_few(unknown)}",
            code="selection-unknown-step",
            hint="Its steps are " + _few(graph.order, 8) + ".",
        )
    between = (graph.downstream(selection) & graph.upstream(selection)) - frozenset(selection)
    if between:
        raise CommandRejected(
            f"the selection leaves out {_few(sorted(between))}, on a path between selected steps",
            code="selection-not-closed",
            hint="Select every step on each path between two selected steps.",
        )


def _check_source(source: ExecutionState | None, pipeline: str) -> None:
    if source is None:
        return
    view = source.execution
    if pipeline and view.pipeline != pipeline:
        raise CommandRejected(
            f"execution {view.id} ran pipeline {view.pipeline}, not {pipeline}",
            code="source-of-other-pipeline",
            hint="Results are reused within one pipeline; name one of its executions.",
        )
    if view.status not in EXECUTION_ENDED:
        raise CommandRejected(
            f"execution {view.id} is {view.status}: it has not ended",
            code="source-not-ended",
            hint="Wait for its end or stop it, then run again.",
        )


def _reuse(
    graph: Graph, chosen: frozenset[str], source: ExecutionState | None
) -> dict[str, StepReused]:
    needed = {
        edge.source: name
        for name in graph.order
        if name in chosen
        for edge in graph.dependencies(name)
        if edge.source not in chosen
    }
    if needed and source is None:
        upstream, name = next(iter(needed.items()))
        raise CommandRejected(
            f"{name} needs the result of {upstream}, which is not selected",
            code="source-missing",
            hint="Name an execution to take it from (--from), or select it too.",
        )
    reused: dict[str, StepReused] = {}
    if source is None:
        return reused
    outside = graph.upstream(chosen) - chosen
    for upstream in filter(outside.__contains__, graph.order):
        view = source.steps.get(upstream)
        if view and view.status is StepStatus.SUCCEEDED:
            origin = view.source_execution or source.execution.id
            reused[upstream] = StepReused(upstream, origin, view.properties, view.metadata)
        elif upstream in needed:
            state = view.status if view else "absent"
            raise CommandRejected(
                f"{needed[upstream]} needs the result of {upstream}, which is {state} in"
                f" {source.execution.id}",
                code="source-step-not-succeeded",
                hint=f"Run again from {upstream}, or take another execution as the source.",
            )
    return reused
