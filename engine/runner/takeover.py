"""What a runner works out before its first turn: the plan's rest, waiting commands, the past."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from engine.model import commands as c
from engine.model import events as e
from engine.model.fold import ExecutionState
from engine.model.status import (
    EXECUTION_ENDED,
    EXECUTION_RETRYABLE,
    StepAction,
    StepStatus,
)
from engine.model.views import StepView
from engine.steps.base import Answer
from engine.store.base import Settlement

KEPT = frozenset({StepStatus.SUCCEEDED})


@dataclass(frozen=True, slots=True)
class Past:
    """What earlier runners put on record about an attempt.

    Args:
        started_at: when the attempt began, seconds since the epoch.
        executing_since: when its job started; None where that is not on record.
        asked_at: when its question was asked, seconds since the epoch; None where it was not.
        told: the messages that were sent about it, by their status.
        answer: what was said to it.
    """

    started_at: float | None = None
    executing_since: float | None = None
    asked_at: float | None = None
    told: frozenset[str] = frozenset()
    answer: Answer | None = None


def past_of(step: StepView, events: Iterable[e.Event]) -> Past:
    """The past of a step's present attempt, out of its execution's events."""
    past = Past()
    for event in events:
        match event.fact:
            case e.StepStarted(name, attempt) if (name, attempt) == (step.name, step.attempt):
                past = Past(started_at=event.at)
            case e.StepExecuting(name, attempt) if (name, attempt) == (step.name, step.attempt):
                past = replace(past, executing_since=past.executing_since or event.at)
            case e.CallbackRequested(name) if name == step.name:
                past = replace(past, asked_at=event.at)
            case e.CallbackMessageSent(name, _, message) if name == step.name:
                past = replace(past, told=past.told | {message})
            case e.CallbackAnswered(name) as fact if name == step.name:
                past = replace(past, answer=answer_of(fact, event.actor))
    return past


def answer_of(fact: e.CallbackAnswered, actor: str) -> Answer:
    """A recorded answer, as the step's handler takes it."""
    verb = "approved" if fact.success else "rejected"
    words = fact.comment or fact.reason
    note = f"{verb} by {actor}" + (f": {words}" if words else "")
    return Answer(fact.success, fact.outputs, fact.reason or fact.comment, note)


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


def settle_waiting(
    state: ExecutionState, rows: Sequence[c.CommandRow]
) -> tuple[list[e.Fact], list[Settlement]]:
    """What the commands that wait do to an execution that has ended.

    Retries that waited together are one. Succeeded steps are kept; everything else runs again,
    except what a kept Condition's outcome or the selection had skipped, and what a kept ForEach
    did without. After a Fail step a retry is refused. A new name is taken; all else is refused.
    """
    facts: list[e.Fact] = []
    renamed: list[e.Fact] = []
    settled: list[Settlement] = []
    for row in rows:
        refusal = ""
        match row.command:
            case c.RetryExecution() as command:
                refusal = retry_refusal(state)
                if not refusal:
                    facts = [_retried(state, command)]
            case c.RenameExecution(display_name, description):
                renamed.append(e.ExecutionRenamed(display_name, description))
            case _:
                refusal = f"the execution is {state.execution.status}"
        verdict = c.CommandState.REJECTED if refusal else c.CommandState.ACCEPTED
        settled.append(Settlement(row.id, verdict, refusal))
    return [*renamed, *facts], settled


def _retried(state: ExecutionState, command: c.RetryExecution) -> e.ExecutionRetried:
    steps = state.steps
    again = tuple(
        step.name
        for step in steps.values()
        if step.status not in KEPT
        and step.action is StepAction.RUN
        and not (step.parent and steps[step.parent].status in KEPT)
    )
    return e.ExecutionRetried(again, command.max_parallel)


def breakpoint_refusal(state: ExecutionState, name: str) -> str:
    """Why a step cannot be held before it starts; empty where it can."""
    step = state.steps.get(name)
    if step is None:
        return f"the execution has no step {name}"
    if state.execution.status in EXECUTION_ENDED:
        return f"the execution is {state.execution.status}: no step of it starts any more"
    if step.action is not StepAction.RUN:
        return f"{name} does not run here: it is {step.action}"
    if step.status is not StepStatus.WAITING or step.started_at is not None:
        return f"{name} has started: it is {step.status}"
    return ""


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
