"""What a runner does before its first turn: settle the plan, and retry where somebody asked."""

from __future__ import annotations

from engine.definition.graph import Graph
from engine.model import commands as c
from engine.model import events as e
from engine.model.fold import ExecutionState
from engine.model.status import (
    EXECUTION_RETRYABLE,
    StepAction,
    StepStatus,
)
from engine.store.base import Settlement

KEPT = frozenset({StepStatus.SUCCEEDED})


def planned_facts(state: ExecutionState, source: ExecutionState | None) -> list[e.Fact]:
    """Reuse and skip what the plan says, where an earlier runner did not get to it."""
    facts: list[e.Fact] = []
    for step in state.steps.values():
        if step.status is not StepStatus.WAITING:
            continue
        if step.action is StepAction.REUSED and source is not None:
            found = source.steps[step.name]
            origin = found.source_execution or source.execution.id
            facts.append(e.StepReused(step.name, origin, found.properties, found.metadata))
        elif step.action is StepAction.SKIPPED:
            facts.append(e.StepSkipped(step.name, step.reason or "not selected"))
    return facts


def retry_facts(
    state: ExecutionState, graph: Graph, row: c.CommandRow
) -> tuple[list[e.Fact], Settlement]:
    """What a RetryExecution does to an execution that has ended, or why it is refused.

    Succeeded steps are kept; everything else runs again, except what a kept Condition's outcome
    or the selection had skipped. After a Fail step an execution cannot be retried.
    """
    refusal = retry_refusal(state)
    if refusal or not isinstance(row.command, c.RetryExecution):
        return [], Settlement(row.id, c.CommandState.REJECTED, refusal)
    again = tuple(
        name
        for name in graph.order
        if state.steps[name].status not in KEPT and state.steps[name].action is StepAction.RUN
    )
    fact = e.ExecutionRetried(again, row.command.max_parallel)
    return [fact], Settlement(row.id, c.CommandState.ACCEPTED)


def retry_refusal(state: ExecutionState) -> str:
    """Why an execution cannot be retried; empty where it can."""
    status = state.execution.status
    if status not in EXECUTION_RETRYABLE:
        return f"the execution is {status}; only Failed and Stopped ones can be retried"
    ended_by = next(
        (
            s.name
            for s in state.steps.values()
            if s.type == "Fail" and s.status is StepStatus.FAILED
        ),
        "",
    )
    if ended_by:
        return f"the Fail step {ended_by} ended it; start it anew with other inputs"
    return ""
