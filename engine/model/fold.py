"""State is the fold of events: one pure function per fact, applied in the store's order.

The store applies each event as it writes it and saves the touched views in the same transaction,
so that a reader gets them without replaying; ``fold`` over all events gives the same state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar

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
    return apply(None, *events)[0]


def apply(
    state: ExecutionState | None, *events: e.Event
) -> tuple[ExecutionState | None, tuple[str, ...]]:
    """Apply events in order: the state after them, and the names of the steps they touched.

    ``state`` is changed in place (its views are replaced, never mutated). A fact that does not
    fit the state, or that this version does not know, changes nothing but ``seq``.
    """
    touched: dict[str, None] = {}
    whole: _Changes = {}
    for event in events:
        fact, kind = event.fact, type(event.fact)
        if isinstance(fact, e.ExecutionCreated):
            state, whole = _created(event, fact), {}
            touched |= dict.fromkeys(state.steps)
        if state is None:
            continue
        if kind in _STEP:
            step = state.steps.get(event.step)
            if step is not None:
                _turn(state, step, event, _STEP[kind](step, event, fact), whole)
                touched[step.name] = None
                if isinstance(fact, e.StepsExpanded):
                    touched |= _expanded(state, event, fact, whole)
        elif kind in _EXECUTION:
            state.execution, whole = _evolved(state.execution, whole), {}
            whole |= _EXECUTION[kind](state.execution, event, fact)
            if isinstance(fact, e.ExecutionRetried):
                touched |= _run_again(state, event, fact, whole)
        whole["seq"] = event.seq
        whole["modified_at"] = event.at
    if state is not None and whole:
        state.execution = _evolved(state.execution, whole)
    return state, tuple(touched)


_Changes = dict[str, Any]
"""Field of a view -> its new value; those of the execution pile up over a batch of events."""
_View = TypeVar("_View", bound=AttemptView | StepView | ExecutionView | ModelPackageView)


_Shape = tuple[Callable[[object], tuple[Any, ...]], dict[str, int]]


def _shape(view: type[Any]) -> _Shape:
    """What reads all fields of a view's class at once, and where each of them stands."""
    names = [one.name for one in fields(view)]
    return attrgetter(*names), {name: position for position, name in enumerate(names)}


_SHAPES: dict[type, _Shape] = {
    view: _shape(view) for view in (AttemptView, StepView, ExecutionView, ModelPackageView)
}


def _evolved(view: _View, changes: _Changes) -> _View:
    """``dataclasses.replace`` at a third of its price: every event pays it."""
    read, positions = _SHAPES[type(view)]
    values = list(read(view))
    for name, value in changes.items():
        values[positions[name]] = value
    return type(view)(*values)


def _turn(
    state: ExecutionState, before: StepView, event: e.Event, turned: _Changes, whole: _Changes
) -> None:
    """Change a step, and add to ``whole`` what that means for the execution's counters."""
    turned["seq"] = event.seq
    after = state.steps[before.name] = _evolved(before, turned)
    if not _COUNTED.isdisjoint(turned):
        for name, holds in _COUNTERS.items():
            delta = holds(after) - holds(before)
            if delta:
                whole[name] = whole.get(name, getattr(state.execution, name)) + delta
        if after.status is StepStatus.FAILED and not whole.get(
            "first_failed", state.execution.first_failed
        ):
            whole["first_failed"] = after.name
            whole["first_failure"] = after.failure_reason
            whole["first_cause"] = after.failure_cause


def _created(event: e.Event, fact: e.ExecutionCreated) -> ExecutionState:
    steps = {step.name: _declared(event, index, step) for index, step in enumerate(fact.steps)}
    for name in fact.breakpoints:
        if name in steps:
            steps[name] = _evolved(steps[name], {"breakpoint": True})
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
        pipeline_version=fact.pipeline_version,
        pinned=fact.pinned,
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


def _declared(event: e.Event, index: int, step: e.StepDeclared) -> StepView:
    return StepView(
        execution_id=event.execution_id,
        index=index,
        name=step.name,
        type=step.type,
        display_name=step.display_name,
        action=step.action,
        reason=step.reason,
        stand_in=step.stand_in,
        seq=event.seq,
        iteration=step.iteration,
    )


def _expanded(
    state: ExecutionState, event: e.Event, fact: e.StepsExpanded, whole: _Changes
) -> dict[str, None]:
    """Add the steps of iterations after those that are there; returns the names of the new."""
    new = {child.name: child for child in fact.children if child.name not in state.steps}
    for child in new.values():
        state.steps[child.name] = _declared(event, len(state.steps), child)
    whole["steps_total"] = len(state.steps)
    return dict.fromkeys(new)


def _attached(execution: ExecutionView, event: e.Event, fact: e.RunnerAttached) -> _Changes:
    return {"runner_pid": fact.pid, "epoch": fact.epoch}


def _stop_requested(execution: ExecutionView, event: e.Event, fact: e.StopRequested) -> _Changes:
    if execution.status is not ExecutionStatus.EXECUTING:
        return {}
    return {"status": ExecutionStatus.STOPPING, "stop_requested": True}


def _parallelism(execution: ExecutionView, event: e.Event, fact: e.ParallelismChanged) -> _Changes:
    return {"max_parallel": fact.max_parallel}


def _renamed(execution: ExecutionView, event: e.Event, fact: e.ExecutionRenamed) -> _Changes:
    given = {"display_name": fact.display_name, "description": fact.description}
    return {name: text for name, text in given.items() if text is not None}


def _ended(execution: ExecutionView, event: e.Event, fact: e.ExecutionEnded) -> _Changes:
    return {
        "status": fact.status,
        "failure_reason": fact.failure_reason,
        "ended_at": max(event.at, execution.created_at),
    }


def _retried(execution: ExecutionView, event: e.Event, fact: e.ExecutionRetried) -> _Changes:
    return {
        "status": ExecutionStatus.EXECUTING,
        "ended_at": None,
        "failure_reason": "",
        "first_failed": "",
        "first_failure": "",
        "first_cause": "",
        "stop_requested": False,
        "retries": execution.retries + 1,
        "max_parallel": fact.max_parallel or execution.max_parallel,
    }


_EXECUTION: dict[type, Callable[[ExecutionView, e.Event, Any], _Changes]] = {
    e.RunnerAttached: _attached,
    e.StopRequested: _stop_requested,
    e.ParallelismChanged: _parallelism,
    e.ExecutionRenamed: _renamed,
    e.ExecutionEnded: _ended,
    e.ExecutionRetried: _retried,
}


def _run_again(
    state: ExecutionState, event: e.Event, fact: e.ExecutionRetried, whole: _Changes
) -> dict[str, None]:
    """Let the steps of a retry wait again; returns their names."""
    known = {name: None for name in fact.steps if name in state.steps}
    for name in known:
        again: _Changes = {
            "status": StepStatus.WAITING,
            "reason": "runs again",
            "doing": "",
            "started_at": None,
            "ended_at": None,
            "failure_reason": "",
            "failure_code": "",
            "failure_cause": "",
            "note": "",
            "callback_token": "",
            "metadata": {},
        }
        _turn(state, state.steps[name], event, again, whole)
    return known


def _started(step: StepView, event: e.Event, fact: e.StepStarted) -> _Changes:
    attempt = AttemptView(fact.attempt, StepStatus.STARTING, event.at, directory=fact.directory)
    return {
        "status": StepStatus.STARTING,
        "attempts": (*step.attempts, attempt),
        "arguments": fact.arguments,
        "cache_key": fact.cache_key,
        "cache_digest": fact.cache_digest,
        "reason": fact.reason or step.reason,
        "started_at": event.at if step.started_at is None else step.started_at,
        "ended_at": None,
        "failure_reason": "",
        "failure_code": "",
        "failure_cause": "",
        "doing": "",
        "note": "",
        "properties": {},
        "metadata": {},
    }


def _has_children(step: StepView, event: e.Event, fact: e.StepsExpanded) -> _Changes:
    return {}


def _progressed(step: StepView, event: e.Event, fact: e.StepProgressed) -> _Changes:
    if not step.running:
        return {}
    changes: _Changes = {"doing": fact.doing, "metadata": {**step.metadata, **fact.metadata}}
    if fact.finalising and step.attempts and step.attempts[-1].finalising_at is None:
        changes["attempts"] = _last(
            step, {"finalising_at": max(event.at, step.attempts[-1].started_at)}
        )
    return changes


def _executing(step: StepView, event: e.Event, fact: e.StepExecuting) -> _Changes:
    if not step.running:
        return {}
    return {
        "status": StepStatus.EXECUTING,
        "attempts": _last(
            step,
            {
                "status": StepStatus.EXECUTING,
                "handle": fact.handle,
                "executing_at": max(event.at, step.attempts[-1].started_at),
            },
        ),
        "doing": "",
        "environment": fact.environment,
        "metadata": {**step.metadata, **fact.metadata},
    }


def _stopping(step: StepView, event: e.Event, fact: e.StepStopping) -> _Changes:
    return {"status": StepStatus.STOPPING} if step.running else {}


def _last(step: StepView, changes: _Changes) -> tuple[AttemptView, ...]:
    """The attempts of a step with changes to the one that runs."""
    *earlier, last = step.attempts
    return (*earlier, _evolved(last, changes))


_JOB_ENDS = ("ProcessingEndTime", "TrainingEndTime", "TransformEndTime")


def _close(
    step: StepView,
    event: e.Event,
    status: StepStatus,
    reason: str = "",
    properties: Mapping[str, Any] | None = None,
    cause: str = "",
) -> _Changes:
    """The end of an attempt; a clock that was set back makes no negative duration.

    Args:
        properties: of its job, which may say more exactly when that ended.
    """
    attempts = step.attempts
    if attempts and attempts[-1].status in STEP_RUNNING:
        last = attempts[-1]
        ended_at = max(event.at, last.started_at)
        changes: _Changes = {
            "status": status,
            "ended_at": ended_at,
            "failure_reason": reason,
            "failure_cause": cause,
        }
        job_ended = next(filter(None, map((properties or {}).get, _JOB_ENDS)), None)
        if isinstance(job_ended, float) and last.started_at <= job_ended <= ended_at:
            changes["finalising_at"] = max(job_ended, last.executing_at or 0.0)
        attempts = _last(step, changes)
    started_at = event.at if step.started_at is None else step.started_at
    return {
        "status": status,
        "attempts": attempts,
        "doing": "",
        "started_at": started_at,
        "ended_at": max(event.at, started_at),
        "callback_token": "",
    }


def _succeeded(step: StepView, event: e.Event, fact: e.StepSucceeded) -> _Changes:
    return _close(step, event, StepStatus.SUCCEEDED, properties=fact.properties) | {
        "properties": fact.properties,
        "metadata": {**step.metadata, **fact.metadata},
        "note": fact.note,
    }


def _failed(step: StepView, event: e.Event, fact: e.StepFailed) -> _Changes:
    return _close(step, event, StepStatus.FAILED, fact.reason, fact.properties, fact.cause) | {
        "failure_reason": fact.reason,
        "failure_code": fact.code,
        "failure_cause": fact.cause,
        "properties": fact.properties,
        "metadata": {**step.metadata, **fact.metadata},
        "note": fact.note,
    }


def _stopped(step: StepView, event: e.Event, fact: e.StepStopped) -> _Changes:
    return _close(step, event, StepStatus.STOPPED, fact.reason, fact.properties) | {
        "failure_reason": fact.reason,
        "properties": fact.properties,
        "metadata": {**step.metadata, **fact.metadata},
    }


def _skipped(step: StepView, event: e.Event, fact: e.StepSkipped) -> _Changes:
    return {"status": StepStatus.SKIPPED, "reason": fact.reason, "held": False}


def _blocked(step: StepView, event: e.Event, fact: e.StepBlocked) -> _Changes:
    return {"status": StepStatus.BLOCKED, "reason": fact.reason, "held": False}


def _reused(step: StepView, event: e.Event, fact: e.StepReused) -> _Changes:
    return {
        "status": StepStatus.SUCCEEDED,
        "action": StepAction.CACHED if fact.cached else StepAction.REUSED,
        "source_execution": fact.source_execution,
        "properties": fact.properties,
        "metadata": fact.metadata,
        "started_at": event.at,
        "ended_at": event.at,
    }


def _lost(step: StepView, event: e.Event, fact: e.AttemptLost) -> _Changes:
    closed = _close(step, event, StepStatus.FAILED, fact.reason)
    attempts: tuple[AttemptView, ...] = closed["attempts"]
    return closed | {
        "status": StepStatus.WAITING,
        "attempts": (*attempts[:-1], *(_evolved(one, {"lost": True}) for one in attempts[-1:])),
        "ended_at": None,
        "reason": f"attempt {fact.attempt} was lost: {fact.reason}",
    }


def _attempt_failed(step: StepView, event: e.Event, fact: e.AttemptFailed) -> _Changes:
    closed = _close(step, event, StepStatus.FAILED, fact.reason, cause=fact.cause)
    attempts: tuple[AttemptView, ...] = closed["attempts"]
    marked = (_evolved(one, {"retried_as": fact.exception}) for one in attempts[-1:])
    by = f" by {fact.exception}" if fact.exception else ""
    return closed | {
        "status": StepStatus.WAITING,
        "attempts": (*attempts[:-1], *marked),
        "ended_at": None,
        "reason": f"attempt {fact.attempt} failed, runs again after {fact.delay_s:g} s{by}:"
        f" {fact.cause or fact.reason}",
    }


def _breakpoint_set(step: StepView, event: e.Event, fact: e.BreakpointSet) -> _Changes:
    return {"breakpoint": True}


def _breakpoint_cleared(step: StepView, event: e.Event, fact: e.BreakpointCleared) -> _Changes:
    return {"breakpoint": False, "held": False}


def _held(step: StepView, event: e.Event, fact: e.StepHeld) -> _Changes:
    return {"held": step.status is StepStatus.WAITING}


def _callback_requested(step: StepView, event: e.Event, fact: e.CallbackRequested) -> _Changes:
    if not step.running:
        return {}
    callback = {"CallbackToken": fact.token, "SqsQueueUrl": fact.queue}
    return {
        "callback_token": fact.token,
        "callback_inputs": fact.inputs,
        "doing": "waits for an answer",
        "metadata": {**step.metadata, "Callback": callback},
    }


def _callback_told(step: StepView, event: e.Event, fact: e.CallbackMessageSent) -> _Changes:
    if not fact.reason or step.callback_token != fact.token:
        return {}
    return {"doing": f"waits for an answer; {fact.reason}"}


def _callback_answered(step: StepView, event: e.Event, fact: e.CallbackAnswered) -> _Changes:
    verb = "approved" if fact.success else "rejected"
    words = fact.comment or fact.reason
    return {
        "callback_token": "",
        "doing": "",
        "note": f"{verb} by {event.actor}" + (f": {words}" if words else ""),
    }


_STEP: dict[type, Callable[[StepView, e.Event, Any], _Changes]] = {
    e.StepStarted: _started,
    e.StepsExpanded: _has_children,
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
    e.AttemptFailed: _attempt_failed,
    e.BreakpointSet: _breakpoint_set,
    e.BreakpointCleared: _breakpoint_cleared,
    e.StepHeld: _held,
    e.CallbackRequested: _callback_requested,
    e.CallbackMessageSent: _callback_told,
    e.CallbackAnswered: _callback_answered,
}

_DONE = STEP_ENDED | {StepStatus.SKIPPED}
_COUNTED = frozenset({"status", "action", "callback_token", "held"})
"""The fields of a step that the counters look at."""
_COUNTERS: dict[str, Callable[[StepView], bool]] = {
    "steps_done": lambda step: step.status in _DONE,
    "steps_running": lambda step: step.status in STEP_RUNNING,
    "steps_failed": lambda step: step.status is StepStatus.FAILED,
    "steps_stopped": lambda step: step.status is StepStatus.STOPPED,
    "steps_skipped": lambda step: step.status is StepStatus.SKIPPED,
    "steps_reused": lambda step: (
        step.status is StepStatus.SUCCEEDED and step.action is not StepAction.RUN
    ),
    "steps_cached": lambda step: (
        step.status is StepStatus.SUCCEEDED and step.action is StepAction.CACHED
    ),
    "steps_waiting_for_answer": lambda step: step.waits_for_answer,
    "steps_held": lambda step: step.held,
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
    return _evolved(
        package,
        {
            "approval": fact.approval,
            "approvals": (*package.approvals, entry),
            "seq": event.seq,
        },
    )


def settled(state: ExecutionState) -> bool:
    """Whether no step of the execution will change without a retry."""
    return all(step.status in STEP_SETTLED for step in state.steps.values())
