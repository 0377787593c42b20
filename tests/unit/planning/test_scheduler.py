"""The scheduler, against the rules written down naively and in examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.definition.document import Definition, Dependency, Trigger
from engine.definition.graph import Graph
from engine.model.events import Fact, StepBlocked, StepHeld, StepSkipped
from engine.model.status import ExecutionStatus, StepStatus
from engine.model.views import StepView
from engine.planning.scheduler import FAILURE_REASON, Ending, Scheduler
from tests.unit.planning.pipelines import any_pipeline, pipeline, step, waiting
from tests.unit.planning.rules import GIVEN_UP, Rules

SUCCEEDED, FAILED, STOPPED = StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.STOPPED


@dataclass
class Simulation:
    """An execution in which chance decides how steps end and in which order.

    Every answer of the scheduler is held against the rules at once.

    Args:
        resume_at: turns before which a new scheduler takes over from the views.
        breaks: how likely it is that a breakpoint of a step is set or cleared in a turn.
    """

    definition: Definition
    seed: int
    limit: int
    stop_at: int | None = None
    resume_at: frozenset[int] = frozenset()
    breaks: float = 0.0
    trace: list[object] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.graph = Graph.of(self.definition)
        self.views = waiting(self.definition)
        self.chance = Random(self.seed)
        self.events = 0
        self.rules = Rules(
            self.definition,
            self.graph.order,
            {name: view.status for name, view in self.views.items()},
            {name: None for name in self.views},
        )

    def run(self) -> Ending:
        self.choose_reused()
        self.scheduler = self.take_over()
        turn = 0
        while True:
            if turn in self.resume_at:
                self.scheduler = self.take_over()
            if turn == self.stop_at:
                self.scheduler.stop()
                self.rules.stopping = True
            self.change_breakpoints()
            self.start()
            running = [name for name, view in self.views.items() if view.running]
            assert self.scheduler.running == len(running)
            ending = self.scheduler.ending()
            held = [name for name in self.rules.could_start() if name in self.rules.held()]
            if not running and not held:
                assert ending is not None, "nothing runs, nothing starts, and it has not ended"
                return self.end(ending)
            assert ending is None
            if not running:
                self.set_breakpoint(self.chance.choice(held), False)
            for name in self.chance.sample(
                running, self.chance.randint(min(1, len(running)), len(running))
            ):
                self.settle(name)
            turn += 1

    def change_breakpoints(self) -> None:
        for name in self.rules.waiting():
            if name not in self.rules.begun and self.chance.random() < self.breaks:
                self.set_breakpoint(name, name not in self.rules.breakpoints)

    def set_breakpoint(self, name: str, hold: bool) -> None:
        held = hold and self.views[name].held
        self.views[name] = replace(self.views[name], breakpoint=hold, held=held)
        self.rules.breakpoints ^= {name}
        if hold:
            self.accept(self.scheduler.hold(name))
        else:
            self.scheduler.release(name)

    def choose_reused(self) -> None:
        """Selective execution: some steps have a result, some are left out."""
        for name in self.graph.order:
            status = self.chance.choices([None, SUCCEEDED, StepStatus.SKIPPED], [8, 1, 1])[0]
            if status is not None:
                self.change(name, status, self.outcome_of(name))

    def take_over(self) -> Scheduler:
        scheduler = Scheduler(self.definition.steps, self.graph, self.views)
        self.accept(scheduler.begin())
        if self.rules.stopping:
            scheduler.stop()
        return scheduler

    def start(self) -> None:
        running = self.scheduler.running
        expected = self.rules.startable()[: max(0, self.limit - running)]
        taken = self.scheduler.take(self.limit)
        assert taken == expected
        assert self.scheduler.running <= max(self.limit, running)
        for name in taken:
            self.views[name] = replace(self.views[name], started_at=1.0)
            self.change(name, StepStatus.EXECUTING)
        self.trace.append(taken)

    def settle(self, name: str) -> None:
        if self.chance.random() < 0.1:
            self.scheduler.reopen(name)
            self.rules.begun.add(name)
            self.change(name, StepStatus.WAITING)
            return
        status = self.chance.choices([SUCCEEDED, FAILED, STOPPED], [8, 2, 1])[0]
        outcome = self.outcome_of(name) if status is SUCCEEDED else None
        self.change(name, status, outcome)
        self.accept(self.scheduler.settle(name, status, outcome))

    def outcome_of(self, name: str) -> bool | None:
        condition = self.definition.steps[name].type == "Condition"
        return self.chance.random() < 0.5 if condition else None

    def accept(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            if isinstance(fact, StepHeld):
                assert not self.views[fact.step].held
                self.views[fact.step] = replace(self.views[fact.step], held=True)
                continue
            assert isinstance(fact, StepSkipped | StepBlocked)
            assert self.rules.allows(fact)
            self.change(fact.step, GIVEN_UP[type(fact)])
        assert self.rules.hopeless() == []
        told = {name for name, view in self.views.items() if view.held}
        assert told == set(self.rules.held())
        self.trace += facts

    def end(self, ending: Ending) -> Ending:
        assert ending.status is self.rules.end()
        assert [fact.step for fact in ending.facts if isinstance(fact, StepBlocked)] == (
            self.rules.waiting()
        )
        self.trace.append(ending)
        return ending

    def change(self, name: str, status: StepStatus, outcome: bool | None = None) -> None:
        self.events += 1
        metadata = {} if outcome is None else {"Condition": {"Outcome": str(outcome)}}
        view = replace(self.views[name], status=status, metadata=metadata, seq=self.events)
        self.views[name] = view
        self.rules.status = {**self.rules.status, name: status}
        self.rules.outcome = {**self.rules.outcome, name: outcome}


seeds = st.integers(0, 2**32)
limits = st.integers(1, 4)
stops = st.none() | st.integers(0, 5)
breaks = st.sampled_from([0.0, 0.0, 0.1, 0.3])


@given(any_pipeline(), seeds, limits, stops, breaks)
def test_any_execution_follows_the_rules_to_its_end(
    definition: Definition, seed: int, limit: int, stop_at: int | None, breaks: float
) -> None:
    Simulation(definition, seed, limit, stop_at, breaks=breaks).run()


@given(any_pipeline(), seeds, limits, stops, st.frozensets(st.integers(0, 8)), breaks)
def test_a_scheduler_that_takes_over_goes_on_as_the_old_one_would_have(
    definition: Definition,
    seed: int,
    limit: int,
    stop_at: int | None,
    resume_at: frozenset[int],
    breaks: float,
) -> None:
    through = Simulation(definition, seed, limit, stop_at, breaks=breaks)
    resumed = Simulation(definition, seed, limit, stop_at, resume_at, breaks)
    assert through.run() == resumed.run()
    assert [one for one in resumed.trace if one] == [one for one in through.trace if one]


@given(any_pipeline(), seeds, limits)
def test_the_same_events_in_the_same_order_make_the_same_decisions(
    definition: Definition, seed: int, limit: int
) -> None:
    once, again = Simulation(definition, seed, limit), Simulation(definition, seed, limit)
    once.run()
    again.run()
    assert once.trace == again.trace


# Examples


def schedule(definition: Definition, **statuses: StepStatus) -> tuple[Scheduler, list[Fact]]:
    """A scheduler that begins with some steps in the given state."""
    views = waiting(definition)
    for seq, (name, status) in enumerate(statuses.items(), start=1):
        views[name] = replace(views[name], status=status, seq=seq)
    scheduler = Scheduler(definition.steps, Graph.of(definition), views)
    return scheduler, scheduler.begin()


def test_the_step_with_the_longest_chain_behind_it_goes_first() -> None:
    chain = pipeline(step("Alone"), step("A"), step("B", "A"), step("C", "B"), step("Pair"))
    scheduler, _ = schedule(chain)
    assert scheduler.take(1) == ["A"]
    assert scheduler.take(3) == ["Alone", "Pair"]


def test_a_lower_limit_starts_nothing_until_enough_have_ended() -> None:
    scheduler, _ = schedule(pipeline(*(step(f"S{number}") for number in range(4))))
    scheduler.take(3)
    assert scheduler.take(1) == []
    scheduler.settle("S0", SUCCEEDED)
    scheduler.settle("S1", SUCCEEDED)
    assert scheduler.take(1) == []
    scheduler.settle("S2", SUCCEEDED)
    assert scheduler.take(1) == ["S3"]


BRANCHES = pipeline(
    step("Check", type="Condition", if_steps=("Good",), else_steps=("Bad",)),
    step("Good", parent="Check", branch=True),
    step("Bad", parent="Check", branch=False),
    step("AfterGood", "Good"),
    step("AfterBad", "Bad"),
    step("AfterCheck", "Check"),
)


@pytest.mark.parametrize(
    ("outcome", "taken", "left"), [(True, "Good", "Bad"), (False, "Bad", "Good")]
)
def test_the_branch_not_taken_is_skipped_with_all_that_needs_it(
    outcome: bool, taken: str, left: str
) -> None:
    scheduler, _ = schedule(BRANCHES)
    assert scheduler.take(9) == ["Check"]
    facts = scheduler.settle("Check", SUCCEEDED, outcome)
    assert facts == [
        StepSkipped(left, f"branch not taken: Check is {outcome}"),
        StepSkipped(f"After{left}", f"{left} was skipped"),
    ]
    assert set(scheduler.take(9)) == {taken, "AfterCheck"}


def test_a_branch_in_a_branch_not_taken_is_skipped_as_a_whole() -> None:
    scheduler, _ = schedule(
        pipeline(
            step("Outer", type="Condition"),
            step("Inner", type="Condition", parent="Outer", branch=True),
            step("Yes", parent="Inner", branch=True),
            step("No", parent="Inner", branch=False),
        )
    )
    scheduler.take(1)
    skipped = [
        f.step for f in scheduler.settle("Outer", SUCCEEDED, False) if isinstance(f, StepSkipped)
    ]
    assert skipped == ["Inner", "Yes", "No"]
    assert scheduler.take(9) == []
    ending = scheduler.ending()
    assert ending is not None
    assert ending.status is ExecutionStatus.SUCCEEDED


def test_a_failed_condition_blocks_both_branches() -> None:
    scheduler, _ = schedule(BRANCHES)
    scheduler.take(1)
    facts = scheduler.settle("Check", FAILED)
    assert {fact.step for fact in facts if isinstance(fact, StepBlocked)} == (
        BRANCHES.steps.keys() - {"Check"}
    )


def test_after_a_failure_what_runs_goes_on_and_nothing_new_starts() -> None:
    scheduler, _ = schedule(pipeline(step("A"), step("B"), step("C", "B"), step("D")))
    assert scheduler.take(2) == ["B", "A"]
    scheduler.settle("A", FAILED)
    assert scheduler.take(9) == []
    assert scheduler.ending() is None
    assert scheduler.settle("B", SUCCEEDED) == []
    assert scheduler.take(9) == []
    assert scheduler.ending() == Ending(
        ExecutionStatus.FAILED,
        FAILURE_REASON,
        (
            StepBlocked("C", "not started: A failed first"),
            StepBlocked("D", "not started: A failed first"),
        ),
    )


@pytest.mark.parametrize(
    ("trigger", "end", "runs"),
    [
        (Trigger.SUCCEEDED, SUCCEEDED, True),
        (Trigger.SUCCEEDED, FAILED, False),
        (Trigger.SUCCEEDED, STOPPED, False),
        (Trigger.FAILED, SUCCEEDED, False),
        (Trigger.FAILED, FAILED, True),
        (Trigger.FAILED, STOPPED, False),
        (Trigger.STOPPED, SUCCEEDED, False),
        (Trigger.STOPPED, FAILED, False),
        (Trigger.STOPPED, STOPPED, True),
        (Trigger.ANY, SUCCEEDED, True),
        (Trigger.ANY, FAILED, True),
        (Trigger.ANY, STOPPED, True),
    ],
)
def test_a_trigger_fires_on_the_end_it_asks_for(
    trigger: Trigger, end: StepStatus, runs: bool
) -> None:
    scheduler, _ = schedule(pipeline(step("A"), step("B", Dependency("A", trigger))))
    scheduler.take(1)
    facts = scheduler.settle("A", end)
    assert (scheduler.take(1) == ["B"]) is runs
    assert bool(facts) is not runs


def test_no_trigger_fires_on_a_step_that_never_started() -> None:
    never = pipeline(
        step("A"), step("B", "A"), *(step(f"On{t.value}", Dependency("B", t)) for t in Trigger)
    )
    scheduler, _ = schedule(never)
    scheduler.take(1)
    scheduler.settle("A", FAILED)
    assert scheduler.take(9) == []


def test_an_execution_that_cleaned_up_after_a_failure_completes_with_failures() -> None:
    scheduler, _ = schedule(
        pipeline(step("A"), step("Clean", Dependency("A", Trigger.FAILED)), step("Tell", "Clean"))
    )
    scheduler.take(1)
    scheduler.settle("A", FAILED)
    for name in ("Clean", "Tell"):
        assert scheduler.take(1) == [name]
        scheduler.settle(name, SUCCEEDED)
    ending = scheduler.ending()
    assert ending is not None
    assert ending.status is ExecutionStatus.COMPLETED_WITH_FAILURES


def test_a_step_that_is_tried_again_goes_on_after_the_failure_of_another() -> None:
    scheduler, _ = schedule(pipeline(step("A"), step("B"), step("C")))
    assert scheduler.take(2) == ["A", "B"]
    scheduler.settle("A", FAILED)
    scheduler.reopen("B")
    assert scheduler.take(2) == ["B"], "and not C, which would be new"


def test_a_stop_starts_nothing_and_ends_stopped() -> None:
    scheduler, _ = schedule(pipeline(step("A"), step("B")))
    scheduler.take(1)
    scheduler.stop()
    scheduler.settle("A", STOPPED)
    assert scheduler.take(9) == []
    assert scheduler.ending() == Ending(
        ExecutionStatus.STOPPED, "", (StepBlocked("B", "not started: the execution stopped"),)
    )


def test_the_first_failure_stays_the_first_when_another_scheduler_takes_over() -> None:
    definition = pipeline(step("A"), step("B"), step("C"))
    scheduler, _ = schedule(definition, B=FAILED, A=FAILED)
    ending = scheduler.ending()
    assert ending is not None
    assert ending.facts == (StepBlocked("C", "not started: B failed first"),)


def test_what_a_step_waits_for_may_be_settled_before_the_scheduler_begins() -> None:
    _, facts = schedule(pipeline(step("A"), step("B", "A"), step("C", "B")), A=StepStatus.SKIPPED)
    assert facts == [StepSkipped("B", "A was skipped"), StepSkipped("C", "B was skipped")]


def test_views_are_not_changed() -> None:
    definition = pipeline(step("A"))
    views: dict[str, StepView] = waiting(definition)
    scheduler = Scheduler(definition.steps, Graph.of(definition), views)
    scheduler.begin()
    scheduler.take(1)
    scheduler.settle("A", FAILED)
    assert views == waiting(definition)


# Breakpoints


def test_a_held_step_lets_all_others_go_on_and_starts_when_it_is_released() -> None:
    scheduler, _ = schedule(pipeline(step("A"), step("B", "A"), step("C", "A"), step("D", "B")))
    assert scheduler.hold("B") == []
    assert scheduler.take(9) == ["A"]
    assert scheduler.settle("A", SUCCEEDED) == [StepHeld("B")]
    assert scheduler.take(9) == ["C"]
    scheduler.settle("C", SUCCEEDED)
    assert scheduler.ending() is None, "it could start"
    scheduler.release("B")
    assert scheduler.take(9) == ["B"]


def test_a_step_that_waits_for_a_slot_is_held_at_once() -> None:
    scheduler, _ = schedule(pipeline(step("A"), step("B")))
    assert scheduler.take(1) == ["A"]
    assert scheduler.hold("B") == [StepHeld("B")]
    assert scheduler.take(9) == []


@pytest.mark.parametrize("end", ["stop", "failure"])
def test_a_held_step_does_not_keep_an_execution_from_its_end(end: str) -> None:
    scheduler, _ = schedule(pipeline(step("A"), step("B")))
    scheduler.hold("B")
    scheduler.take(9)
    if end == "stop":
        scheduler.stop()
    scheduler.settle("A", SUCCEEDED if end == "stop" else FAILED)
    ending = scheduler.ending()
    assert ending is not None
    assert [fact.step for fact in ending.facts if isinstance(fact, StepBlocked)] == ["B"]
