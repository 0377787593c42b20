"""Folding: what events make of an execution, its steps and its model packages."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model import events as e
from engine.model.fold import ExecutionState, apply, apply_package, fold, settled
from engine.model.status import STEP_RUNNING, ExecutionStatus, StepAction, StepStatus
from engine.model.views import StepView
from tests.unit.model.facts import CREATED, FACTS, STEPS, numbered


def after(*facts: e.Fact) -> ExecutionState:
    """The state after an execution was created and ``facts`` happened, a second apart."""
    state = fold(numbered([CREATED, *facts]))
    assert state is not None
    return state


def train(*facts: e.Fact) -> StepView:
    return after(*facts).steps["Train"]


START = e.StepStarted("Train", 1, {"depth": 5}, "/home/1")
RUN = e.StepExecuting("Train", 1, {"pid": 7}, {"Grade": "exact"}, {"TrainingJob": {"Arn": "a"}})


# Any events


@given(st.lists(FACTS, max_size=20))
def test_one_by_one_in_batches_and_all_at_once_come_to_the_same(facts: Sequence[e.Fact]) -> None:
    events = numbered([CREATED, *facts])
    whole = fold(events)
    single, _ = apply(None, events[0])
    for event in events[1:]:
        apply(single, event)
    batched, _ = apply(None, *events[: len(events) // 2])
    batched, _ = apply(batched, *events[len(events) // 2 :])
    assert whole == single == batched


@given(st.lists(FACTS, max_size=20))
def test_the_counters_of_an_execution_always_agree_with_its_steps(facts: Sequence[e.Fact]) -> None:
    state = after(*facts)
    steps = state.steps.values()
    view = state.execution
    done = {"Stopped", "Failed", "Succeeded", "Skipped"}
    assert view.steps_total == len(steps)
    assert view.steps_done == sum(one.status.value in done for one in steps)
    assert view.steps_running == sum(one.running for one in steps)
    assert view.steps_failed == sum(one.status is StepStatus.FAILED for one in steps)
    assert view.steps_stopped == sum(one.status is StepStatus.STOPPED for one in steps)
    assert view.steps_skipped == sum(one.status is StepStatus.SKIPPED for one in steps)
    assert view.steps_succeeded == sum(one.status is StepStatus.SUCCEEDED for one in steps)
    assert view.steps_waiting_for_answer == sum(one.waits_for_answer for one in steps)
    assert view.steps_reused == sum(
        one.status is StepStatus.SUCCEEDED and one.action is not StepAction.RUN for one in steps
    )


@given(st.lists(FACTS, max_size=12))
def test_exactly_the_steps_that_changed_are_told(facts: Sequence[e.Fact]) -> None:
    state, told = apply(None, *numbered([CREATED]))
    assert state is not None
    assert told == STEPS
    for event in numbered([CREATED, *facts])[1:]:
        before = dict(state.steps)
        _, touched = apply(state, event)
        changed = {name for name, one in state.steps.items() if one is not before.get(name)}
        assert set(touched) == changed
        assert all(state.steps[name].seq == event.seq for name in touched)
        assert state.execution.seq == event.seq


@given(st.lists(FACTS, max_size=12), st.lists(st.floats(0, 100), min_size=13, max_size=13))
def test_no_duration_is_negative_whatever_the_clock_does(
    facts: Sequence[e.Fact], times: Sequence[float]
) -> None:
    events = [
        e.Event(one.seq, one.execution_id, at, one.actor, one.fact)
        for one, at in zip(numbered([CREATED, *facts]), times, strict=False)
    ]
    state = fold(events)
    assert state is not None
    for step in state.steps.values():
        spans = [(step.started_at, step.ended_at)]
        spans += [(one.started_at, one.ended_at) for one in step.attempts]
        assert all(end is None or end >= (start or 0.0) for start, end in spans)
    ended = state.execution.ended_at
    assert ended is None or ended >= state.execution.created_at


@given(st.lists(FACTS, max_size=12))
def test_views_that_somebody_holds_never_change(facts: Sequence[e.Fact]) -> None:
    state = after()
    held = ExecutionState(state.execution, dict(state.steps))
    before = repr(held)
    for event in numbered([CREATED, *facts])[1:]:
        apply(state, event)
    assert repr(held) == before


def test_events_without_a_creation_make_nothing() -> None:
    assert fold([]) is None
    assert fold(numbered([START, RUN])) is None


def test_facts_about_unknown_steps_and_of_unknown_kinds_change_the_sequence_number_only() -> None:
    state = after(e.StepSucceeded("Nobody"), e.UnknownFact("FactOfTomorrow", {"step": "Train"}))
    assert state.steps == after().steps
    assert state.execution.seq == 3
    assert state.execution.steps_done == 0


# Steps


def test_an_attempt_goes_from_starting_to_its_end() -> None:
    assert train(START).status is StepStatus.STARTING
    running = train(START, RUN)
    assert running.status is StepStatus.EXECUTING
    assert (running.attempt, running.directory) == (1, "/home/1")
    assert running.attempts[0].handle == {"pid": 7}
    done = train(START, RUN, e.StepSucceeded("Train", {"P": 1}, {"More": 2}, "note"))
    assert (done.status, done.properties, done.note) == (StepStatus.SUCCEEDED, {"P": 1}, "note")
    assert done.metadata == {"TrainingJob": {"Arn": "a"}, "More": 2}
    assert (done.started_at, done.ended_at) == (2.0, 4.0)
    assert (done.attempts[0].status, done.attempts[0].ended_at) == (StepStatus.SUCCEEDED, 4.0)


def test_a_failure_is_told_on_step_attempt_and_execution() -> None:
    state = after(START, RUN, e.StepFailed("Train", "boom", "algorithm-error", {"P": 1}))
    step = state.steps["Train"]
    assert (step.failure_reason, step.failure_code) == ("boom", "algorithm-error")
    assert step.attempts[0].failure_reason == "boom"
    assert (state.execution.first_failed, state.execution.first_failure) == ("Train", "boom")


def test_the_first_failure_stays_the_first() -> None:
    state = after(
        START,
        e.StepStarted("Prepare", 1),
        e.StepFailed("Prepare", "one"),
        e.StepFailed("Train", "two"),
    )
    assert state.execution.first_failed == "Prepare"
    assert state.execution.steps_failed == 2


def test_a_lost_attempt_waits_for_the_next_one() -> None:
    lost = train(START, RUN, e.AttemptLost("Train", 1, "host restarted"))
    assert lost.status is StepStatus.WAITING
    assert lost.ended_at is None
    assert lost.attempts[0].status is StepStatus.FAILED
    again = train(START, RUN, e.AttemptLost("Train", 1, "x"), e.StepStarted("Train", 2))
    assert [one.number for one in again.attempts] == [1, 2]
    assert again.started_at == 2.0


LATE = [
    e.StepProgressed("Train", "still here"),
    e.StepExecuting("Train", 1),
    e.StepStopping("Train"),
    e.CallbackRequested("Train", "token"),
]


@pytest.mark.parametrize("late", LATE, ids=lambda fact: type(fact).__name__)
@pytest.mark.parametrize("end", [e.StepSucceeded("Train"), e.StepFailed("Train", "x")])
def test_what_a_running_attempt_says_too_late_does_not_wake_the_step(
    late: e.Fact, end: e.Fact
) -> None:
    before, now = train(START, end), train(START, end, late)
    assert (now.status, now.doing, now.attempts) == (before.status, before.doing, before.attempts)
    assert not now.waits_for_answer


def test_a_callback_waits_for_its_answer_and_keeps_who_gave_it() -> None:
    asked = after(START, e.CallbackRequested("Train", "tok", "queue", {"i": 1}))
    assert asked.steps["Train"].waits_for_answer
    assert asked.execution.steps_waiting_for_answer == 1
    answer = e.CallbackAnswered("Train", "tok", True, {"o": 1}, comment="looks good")
    answered = after(START, e.CallbackRequested("Train", "tok"), answer)
    assert answered.execution.steps_waiting_for_answer == 0
    assert answered.steps["Train"].note == "approved by ann@host: looks good"


@pytest.mark.parametrize(("cached", "action"), [(True, "cached"), (False, "reused")])
def test_a_reused_result_counts_as_success_and_names_its_source(cached: bool, action: str) -> None:
    state = after(e.StepReused("Train", "old", {"P": 1}, {"M": 1}, cached))
    step = state.steps["Train"]
    assert (step.status, step.action.value, step.source_execution) == (
        StepStatus.SUCCEEDED,
        action,
        "old",
    )
    assert state.execution.steps_reused == 1
    assert step.attempts == ()


def test_the_outcome_of_a_condition_is_read_from_its_metadata() -> None:
    for text, outcome in (("True", True), ("False", False)):
        step = train(START, e.StepSucceeded("Train", {}, {"Condition": {"Outcome": text}}))
        assert step.outcome is outcome
    assert train(START).outcome is None


# Executions


def test_a_stop_is_asked_for_once_and_not_of_what_has_ended() -> None:
    stopping = after(e.StopRequested())
    assert stopping.execution.status is ExecutionStatus.STOPPING
    assert stopping.execution.stop_requested
    ended = after(e.ExecutionEnded(ExecutionStatus.FAILED, "why"), e.StopRequested())
    assert ended.execution.status is ExecutionStatus.FAILED
    assert not ended.execution.stop_requested


def test_a_retry_goes_on_with_the_named_steps_and_forgets_the_failure() -> None:
    state = after(
        START,
        RUN,
        e.StepFailed("Train", "boom"),
        e.StopRequested(),
        e.ExecutionEnded(ExecutionStatus.FAILED, "why"),
        e.ExecutionRetried(("Train", "Evaluate", "Nobody"), 3),
    )
    view, step = state.execution, state.steps["Train"]
    assert (view.status, view.failure_reason, view.ended_at) == (
        ExecutionStatus.EXECUTING,
        "",
        None,
    )
    assert (view.first_failed, view.steps_failed, view.retries) == ("", 0, 1)
    assert (view.max_parallel, view.stop_requested) == (3, False)
    assert (step.status, step.failure_reason, step.started_at) == (StepStatus.WAITING, "", None)
    assert [one.number for one in step.attempts] == [1]


def test_an_execution_is_settled_when_no_step_will_change() -> None:
    assert not settled(after(START))
    ends: list[e.Fact] = [
        e.StepSucceeded("Train"),
        e.StepSkipped("Prepare", ""),
        e.StepBlocked("Evaluate", ""),
    ]
    assert settled(after(START, *ends))
    assert not settled(after(START, *ends[:2]))


def test_an_arn_has_the_services_form_with_the_pipeline_in_lower_case() -> None:
    created = e.ExecutionCreated("MyPipe", "0" * 64, {}, ())
    state = fold(numbered([created], "abc"))
    assert state is not None
    assert state.execution.arn == (
        "arn:aws:sagemaker:local:000000000000:pipeline/mypipe/execution/abc"
    )


def test_events_of_another_thing_leave_a_package_alone() -> None:
    (event,) = numbered([START])
    assert apply_package(None, event) is None


def test_running_is_what_the_status_table_says() -> None:
    assert {status.value for status in STEP_RUNNING} == {"Starting", "Executing", "Stopping"}
