"""State is the fold of events: one pure function per fact, applied in the store's order.

The store applies each event as it writes it and saves the touched views in the same transaction,
so that a reader gets them without replaying; ``fold`` over all events gives the same state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from engine.model import events as e
from engine.model.status import (
    STEP_ENDED,
    STEP_RUNNING,
    STEP_SETTLED,
    ExecutionStatus,
    StepAction,
    StepStatus,
)
from engine.model.views import Approval, AttemptView, ExecutionView, ModelPackageView, StepView


@dataclass(slots=True)
class ExecutionState:
    """An execution with its steps, in the order of the definition."""

    execution: ExecutionView
    steps: dict[str, StepView] = field(default_factory=dict)


def fold(events: Iterable[e.Event]) -> ExecutionState | None:
    """The state after ``events`` of one execution; None where none of them created it."""
    state: ExecutionState | None = None
    for event in events:
        state, _ = apply(state, event)
    return state


def apply(
    state: ExecutionState | None, event: e.Event
) -> tuple[ExecutionState | None, tuple[str, ...]]:
    """Apply one event: the state after it, and the names of the steps it touched.

    ``state`` is changed in place (its views are replaced, never mutated). A fact that does not
    fit the state, or that this version does not know, changes nothing but ``seq``.
    """
    fact = event.fact
    if isinstance(fact, e.ExecutionCreated):
        return _created(event, fact), tuple(step.name for step in fact.steps)
    if state is None:
        return None, ()
    touched: tuple[str, ...] = ()
    whole = _EXECUTION.get(type(fact))
    if whole is not None:
        state.execution, touched = whole(state, event, fact)
    else:
        change = _STEP.get(type(fact))
        before = state.steps.get(event.step)
        if change is not None and before is not None:
            after = replace(change(before, event, fact), seq=event.seq)
            state.steps[before.name] = after
            state.execution = _count(state.execution, before, after)
            touched = (before.name,)
    state.execution = replace(state.execution, seq=event.seq, modified_at=event.at)
    return state, touched


def _created(event: e.Event, fact: e.ExecutionCreated) -> ExecutionState:
    steps = {
        step.name: StepView(
            execution_id=event.execution_id,
            index=index,
            name=step.name,
            type=step.type,
            display_name=step.display_name,
            action=step.action,
            reason=step.reason,
            stand_in=step.stand_in,
            seq=event.seq,
        )
        for index, step in enumerate(fact.steps)
    }
    execution = ExecutionView(
        id=event.execution_id,
        pipeline=fact.pipeline,
        status=ExecutionStatus.EXECUTING,
        created_at=event.at,
        modified_at=event.at,
        definition=fact.definition,
        file=fact.file,
        display_name=fact.display_name,
        description=fact.description,
        parameters=fact.parameters,
        max_parallel=fact.max_parallel,
        source_execution=fact.source_execution,
        selection=fact.selection,
        edits=fact.edits,
        created_by=event.actor,
        steps_total=len(steps),
        seq=event.seq,
    )
    return ExecutionState(execution, steps)


_Whole = Callable[[ExecutionState, e.Event, Any], tuple[ExecutionView, tuple[str, ...]]]
_Change = Callable[[StepView, e.Event, Any], StepView]


def _attached(
    state: ExecutionState, event: e.Event, fact: e.RunnerAttached
) -> tuple[ExecutionView, tuple[str, ...]]:
    return replace(state.execution, runner_pid=fact.pid, epoch=fact.epoch), ()


def _stop_requested(
    state: ExecutionState, event: e.Event, fact: e.StopRequested
) -> tuple[ExecutionView, tuple[str, ...]]:
    if state.execution.status is not ExecutionStatus.EXECUTING:
        return state.execution, ()
    return replace(state.execution, status=ExecutionStatus.STOPPING, stop_requested=True), ()


def _retried(
    state: ExecutionState, event: e.Event, fact: e.ExecutionRetried
) -> tuple[ExecutionView, tuple[str, ...]]:
    execution = replace(
        state.execution,
        status=ExecutionStatus.EXECUTING,
        ended_at=None,
        failure_reason="",
        first_failed="",
        first_failure="",
        stop_requested=False,
        retries=state.execution.retries + 1,
        max_parallel=fact.max_parallel or state.execution.max_parallel,
    )
    known = tuple(name for name in fact.steps if name in state.steps)
    for name in known:
        before = state.steps[name]
        after = replace(
            before,
            status=StepStatus.WAITING,
            reason="runs again",
            doing="",
            started_at=None,
            ended_at=None,
            failure_reason="",
            failure_code="",
            note="",
            callback_token="",
            metadata={},
            seq=event.seq,
        )
        state.steps[name] = after
        execution = _count(execution, before, after)
    return execution, known


def _parallelism(
    state: ExecutionState, event: e.Event, fact: e.ParallelismChanged
) -> tuple[ExecutionView, tuple[str, ...]]:
    return replace(state.execution, max_parallel=fact.max_parallel), ()


def _ended(
    state: ExecutionState, event: e.Event, fact: e.ExecutionEnded
) -> tuple[ExecutionView, tuple[str, ...]]:
    ended = replace(
        state.execution,
        status=fact.status,
        failure_reason=fact.failure_reason,
        ended_at=event.at,
    )
    return ended, ()


_EXECUTION: dict[type, _Whole] = {
    e.RunnerAttached: _attached,
    e.StopRequested: _stop_requested,
    e.ExecutionRetried: _retried,
    e.ParallelismChanged: _parallelism,
    e.ExecutionEnded: _ended,
}


def _started(step: StepView, event: e.Event, fact: e.StepStarted) -> StepView:
    attempt = AttemptView(fact.attempt, StepStatus.STARTING, event.at, directory=fact.directory)
    return replace(
        step,
        status=StepStatus.STARTING,
        attempts=(*step.attempts, attempt),
        arguments=fact.arguments,
        started_at=event.at if step.started_at is None else step.started_at,
        ended_at=None,
        failure_reason="",
        failure_code="",
        doing="",
        note="",
        properties={},
        metadata={},
    )


def _progressed(step: StepView, event: e.Event, fact: e.StepProgressed) -> StepView:
    return replace(step, doing=fact.doing, metadata={**step.metadata, **fact.metadata})


def _executing(step: StepView, event: e.Event, fact: e.StepExecuting) -> StepView:
    attempts = step.attempts
    if attempts:
        last = replace(attempts[-1], status=StepStatus.EXECUTING, handle=fact.handle)
        attempts = (*attempts[:-1], last)
    return replace(
        step,
        status=StepStatus.EXECUTING,
        attempts=attempts,
        doing="",
        environment=fact.environment,
        metadata={**step.metadata, **fact.metadata},
    )


def _stopping(step: StepView, event: e.Event, fact: e.StepStopping) -> StepView:
    return replace(step, status=StepStatus.STOPPING)


def _close(step: StepView, event: e.Event, status: StepStatus, reason: str = "") -> StepView:
    attempts = step.attempts
    if attempts and attempts[-1].status in STEP_RUNNING:
        last = replace(attempts[-1], status=status, ended_at=event.at, failure_reason=reason)
        attempts = (*attempts[:-1], last)
    return replace(
        step,
        status=status,
        attempts=attempts,
        doing="",
        started_at=event.at if step.started_at is None else step.started_at,
        ended_at=event.at,
        callback_token="",
    )


def _succeeded(step: StepView, event: e.Event, fact: e.StepSucceeded) -> StepView:
    return replace(
        _close(step, event, StepStatus.SUCCEEDED),
        properties=fact.properties,
        metadata={**step.metadata, **fact.metadata},
        note=fact.note,
    )


def _failed(step: StepView, event: e.Event, fact: e.StepFailed) -> StepView:
    return replace(
        _close(step, event, StepStatus.FAILED, fact.reason),
        failure_reason=fact.reason,
        failure_code=fact.code,
        properties=fact.properties,
        metadata={**step.metadata, **fact.metadata},
        note=fact.note,
    )


def _stopped(step: StepView, event: e.Event, fact: e.StepStopped) -> StepView:
    return replace(
        _close(step, event, StepStatus.STOPPED, fact.reason),
        failure_reason=fact.reason,
        properties=fact.properties,
        metadata={**step.metadata, **fact.metadata},
    )


def _skipped(step: StepView, event: e.Event, fact: e.StepSkipped) -> StepView:
    return replace(step, status=StepStatus.SKIPPED, reason=fact.reason)


def _blocked(step: StepView, event: e.Event, fact: e.StepBlocked) -> StepView:
    return replace(step, status=StepStatus.BLOCKED, reason=fact.reason)


def _reused(step: StepView, event: e.Event, fact: e.StepReused) -> StepView:
    return replace(
        step,
        status=StepStatus.SUCCEEDED,
        action=StepAction.CACHED if fact.cached else StepAction.REUSED,
        source_execution=fact.source_execution,
        properties=fact.properties,
        metadata=fact.metadata,
        started_at=event.at,
        ended_at=event.at,
    )


def _lost(step: StepView, event: e.Event, fact: e.AttemptLost) -> StepView:
    return replace(
        _close(step, event, StepStatus.FAILED, fact.reason),
        status=StepStatus.WAITING,
        ended_at=None,
        reason=f"attempt {fact.attempt} was lost: {fact.reason}",
    )


def _callback_requested(step: StepView, event: e.Event, fact: e.CallbackRequested) -> StepView:
    return replace(
        step,
        callback_token=fact.token,
        callback_inputs=fact.inputs,
        doing="waits for an answer",
        metadata={
            **step.metadata,
            "Callback": {"CallbackToken": fact.token, "SqsQueueUrl": fact.queue},
        },
    )


def _callback_answered(step: StepView, event: e.Event, fact: e.CallbackAnswered) -> StepView:
    verb = "approved" if fact.success else "rejected"
    words = fact.comment or fact.reason
    return replace(
        step,
        callback_token="",
        doing="",
        note=f"{verb} by {event.actor}" + (f": {words}" if words else ""),
    )


_STEP: dict[type, _Change] = {
    e.StepStarted: _started,
    e.StepProgressed: _progressed,
    e.StepExecuting: _executing,
    e.StepStopping: _stopping,
    e.StepSucceeded: _succeeded,
    e.StepFailed: _failed,
    e.StepStopped: _stopped,
    e.StepSkipped: _skipped,
    e.StepBlocked: _blocked,
    e.StepReused: _reused,
    e.AttemptLost: _lost,
    e.CallbackRequested: _callback_requested,
    e.CallbackAnswered: _callback_answered,
}

_DONE = STEP_ENDED | {StepStatus.SKIPPED}


def _count(execution: ExecutionView, before: StepView, after: StepView) -> ExecutionView:
    """The execution's counters after one of its steps changed."""
    changes: dict[str, Any] = {}
    for name, holds in _COUNTERS.items():
        delta = holds(after) - holds(before)
        if delta:
            changes[name] = getattr(execution, name) + delta
    if after.status is StepStatus.FAILED and not execution.first_failed:
        changes["first_failed"] = after.name
        changes["first_failure"] = after.failure_reason
    return replace(execution, **changes) if changes else execution


_COUNTERS: dict[str, Callable[[StepView], bool]] = {
    "steps_done": lambda step: step.status in _DONE,
    "steps_running": lambda step: step.status in STEP_RUNNING,
    "steps_failed": lambda step: step.status is StepStatus.FAILED,
    "steps_reused": lambda step: (
        step.status is StepStatus.SUCCEEDED and step.action is not StepAction.RUN
    ),
    "steps_waiting_for_answer": lambda step: step.waits_for_answer,
}


def apply_package(package: ModelPackageView | None, event: e.Event) -> ModelPackageView | None:
    """A model package after one event about it; None before it was created."""
    fact = event.fact
    if isinstance(fact, e.ModelPackageCreated):
        return ModelPackageView(
            arn=fact.arn,
            group=fact.group,
            version=fact.version,
            approval=fact.approval,
            created_at=event.at,
            created_by=event.actor,
            execution_id=fact.execution_id,
            step=fact.step,
            key=fact.key,
            request=fact.request,
            evidence=fact.evidence,
            seq=event.seq,
        )
    if package is None or not isinstance(fact, e.ModelApprovalChanged):
        return package
    entry = Approval(
        event.at, event.actor, package.approval, fact.approval, fact.comment, fact.client
    )
    return replace(
        package, approval=fact.approval, approvals=(*package.approvals, entry), seq=event.seq
    )


def settled(state: ExecutionState) -> bool:
    """Whether no step of the execution will change without a retry."""
    return all(step.status in STEP_SETTLED for step in state.steps.values())
