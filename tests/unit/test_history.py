"""The past of an execution is the fold of the events up to then, however one gets there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model import events as e
from engine.model.fold import fold
from engine.sources.history import History

_STEPS = tuple(e.StepDeclared(f"s{n}", "Processing") for n in range(60))


def _events() -> list[e.Event]:
    facts: list[e.Fact] = [e.ExecutionCreated("p", "sha", {}, _STEPS)]
    for step in _STEPS:
        facts += [
            e.StepStarted(step.name, 1),
            e.StepExecuting(step.name, 1),
            *(e.StepProgressed(step.name, f"part {n}") for n in range(6)),
            e.StepSucceeded(step.name),
        ]
    return [e.Event(n + 1, "e1", 100.0 + n, "runner", fact) for n, fact in enumerate(facts)]


EVENTS = _events()


@given(st.lists(st.integers(1, len(EVENTS)), min_size=1, max_size=8))
def test_every_moment_is_the_fold_up_to_it_in_any_order(counts: list[int]) -> None:
    history = History(EVENTS)
    for count in counts:
        wanted = fold(EVENTS[:count])
        assert wanted is not None
        state = history.at(count)
        assert state.execution == wanted.execution
        assert state.steps == wanted.steps


def test_a_moment_in_time_is_after_the_last_event_that_had_happened() -> None:
    history = History(EVENTS)
    assert history.index_at(0.0) == 1
    assert history.index_at(103.5) == 4
    assert history.index_at(1e9) == len(history)


def test_events_without_a_beginning_have_no_past() -> None:
    with pytest.raises(ValueError, match="begin"):
        History(EVENTS[1:]).at(1)
