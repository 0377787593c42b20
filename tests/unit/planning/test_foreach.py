"""ForEach: items, iterations, the Selector, and their schedule against the scheduling rules."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.definition.document import Definition, Dependency, ForEach, Selector, Step, Trigger
from engine.definition.graph import Graph
from engine.errors import CommandRejected, ExpressionError, PlanError
from engine.model.events import Fact, IterationContext, StepBlocked, StepSkipped
from engine.model.status import STEP_ENDED, STEP_SETTLED, ExecutionStatus, StepStatus
from engine.model.views import StepView
from engine.planning import foreach
from engine.planning.plan import make_plan
from engine.planning.schedule import LoopEnd, Schedule
from tests.unit.planning.pipelines import pipeline, step, waiting
from tests.unit.planning.rules import GIVEN_UP, Rules

S = StepStatus


def loop(*body: Step, after: Sequence[str] = ()) -> tuple[Step, ...]:
    """A ForEach called Loop and the steps of its body."""
    each = ForEach(["x"], 2, tuple(one.name for one in body))
    inside = (replace(one, parent="Loop") for one in body)
    return (step("Loop", *after, type="ForEach", for_each=each), *inside)


def iterations(definition: Definition, items: Sequence[Any]) -> list[foreach.Iteration]:
    return foreach.iterations_of(definition, Graph.of(definition), "Loop", items)


# Items


@pytest.mark.parametrize("items", [["x"], '["x"]', list(range(100)), '[{"a": 1}, null, 2.5]'])
def test_items_are_a_list_or_one_as_text(items: Any) -> None:
    expected = json.loads(items) if isinstance(items, str) else items
    assert foreach.items_of("Loop", {"IterableItems": items}) == expected


@pytest.mark.parametrize(
    "items", [[], "[]", list(range(101)), "x", '"x"', "[" * 100_000, {"a": 1}, 3, None, True]
)
def test_anything_else_is_an_error_of_the_step(items: Any) -> None:
    with pytest.raises(ExpressionError, match="ClientError: Loop: IterableItems") as caught:
        foreach.items_of("Loop", {"IterableItems": items})
    assert caught.value.code == "foreach-items"
    assert len(caught.value.message) < 300


@pytest.mark.parametrize("limit", [0, 51, "2", None, True, 1.0])
def test_a_concurrency_out_of_range_is_an_error_of_the_step(limit: Any) -> None:
    with pytest.raises(ExpressionError, match="MaxConcurrency"):
        foreach.concurrency_of("Loop", {"MaxConcurrency": limit})


# Iterations and plan


OUTSIDE = pipeline(
    step("Before"),
    *loop(step("A", "Before"), step("B", Dependency("A", Trigger.ANY)), after=("Before",)),
    step("After", "Loop"),
)


def test_an_iteration_has_its_own_copy_of_the_body() -> None:
    one = iterations(OUTSIDE, ["x", "y"])[1]
    assert one.context == IterationContext("Loop", 1, "y")
    assert list(one.steps) == ["A-1", "B-1"]
    assert one.steps["A-1"].depends_on == (Dependency("Before"),)
    assert one.steps["B-1"].depends_on == (Dependency("A-1", Trigger.ANY),)
    edges = [(edge.source, edge.target, edge.trigger) for edge in one.graph.edges]
    assert edges == [("A-1", "B-1", Trigger.ANY)]
    assert one.graph.dependencies("B-1") == one.graph.dependents("A-1") == one.graph.edges


def test_outside_of_it_only_the_loop_is_seen() -> None:
    outer = foreach.outer_graph(OUTSIDE, Graph.of(OUTSIDE))
    assert outer.order == ("Before", "Loop", "After")
    assert {(edge.source, edge.target) for edge in outer.edges} == {
        ("Before", "Loop"),
        ("Loop", "After"),
    }


def plan(definition: Definition, *selection: str, refused: str = "") -> Any:
    def refuse(one: Step) -> PlanError | None:
        return PlanError("no", code="no", path=one.name) if one.name == refused else None

    graph = Graph.of(definition)
    return make_plan(definition, graph, refuse=refuse, stand_in=lambda _: "", selection=selection)


def test_the_plan_leaves_out_the_body() -> None:
    assert [one.name for one in plan(OUTSIDE).steps] == ["Before", "Loop", "After"]


def test_a_step_of_the_body_that_cannot_run_is_refused() -> None:
    assert [problem.path for problem in plan(OUTSIDE, refused="B").refused] == ["B"]
    assert plan(OUTSIDE, "Before", refused="B").refused == ()


def test_a_step_of_the_body_cannot_be_selected() -> None:
    with pytest.raises(CommandRejected, match="ForEach Loop") as caught:
        plan(OUTSIDE, "A")
    assert caught.value.code == "selection-inside-foreach"


# Selector


FIELD = {"Get": "IterationOutput.A.score"}
CONTEXTS = [IterationContext("Loop", index, None) for index in range(3)]


@given(st.lists(st.integers(-3, 3) | st.floats(-3, 3), min_size=3, max_size=3))
def test_the_selector_picks_the_first_of_the_best(scores: list[float]) -> None:
    for pick, best in (("MaxBy", max), ("MinBy", min)):
        selector = Selector(pick, FIELD)
        body, chosen = foreach.selected("Loop", selector, CONTEXTS, lambda one: scores[one.index])
        assert (body, chosen.index) == ("A", scores.index(best(scores)))


@pytest.mark.parametrize("value", ["1", True, None, [1], float("nan")])
def test_a_value_that_is_no_number_is_named(value: Any) -> None:
    values = [1.0, value, 2.0]
    with pytest.raises(ExpressionError) as caught:
        foreach.selected("Loop", Selector("MaxBy", FIELD), CONTEXTS, lambda o: values[o.index])
    assert "IterationOutput.A.score has no number in iteration 1" in caught.value.message
    assert caught.value.message.startswith("ClientError: ")


# Schedule


@st.composite
def any_loop(draw: st.DrawFn) -> Definition:
    """A loop over any body, with steps before, after and beside it."""
    body: list[Step] = []
    for number in range(draw(st.integers(1, 4))):
        names = [one.name for one in body]
        sources = draw(st.lists(st.sampled_from(names), max_size=2, unique=True)) if names else []
        waits = [Dependency(one, draw(st.sampled_from(Trigger))) for one in sources]
        body.append(step(f"B{number}", *waits))
    return pipeline(
        step("Before"),
        *loop(*draw(st.permutations(body)), after=("Before",)),
        step("After", "Loop"),
        step("Tell", Dependency("Loop", Trigger.ANY)),
        step("Beside"),
    )


@dataclass
class Simulation:
    """A loop whose steps end by chance; each iteration is held against rules of its own."""

    definition: Definition
    seed: int
    items: int
    concurrency: int
    limit: int
    stop_at: int | None = None
    resume_at: frozenset[int] = frozenset()
    end: LoopEnd | None = None
    over: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)
        self.graph = Graph.of(self.definition)
        self.all = iterations(self.definition, range(self.items))
        self.views: dict[str, StepView] = {
            name: view
            for name, view in waiting(self.definition).items()
            if not self.definition.steps[name].parent
        }
        self.rules: list[Rules] = []
        self.stopped = False

    def run(self) -> ExecutionStatus:
        schedule = self.take_over()
        turn = 0
        while True:
            if turn in self.resume_at:
                schedule = self.take_over()
            if turn == self.stop_at:
                self.stopped = True
                schedule.stop()
                for one in self.rules:
                    one.stopping = True
            self.advance(schedule)
            while "Loop" in self.start(schedule):
                self.advance(schedule)
            running = [n for n, v in self.views.items() if v.running and n not in schedule.loops]
            assert schedule.running == len(running)
            if not running:
                ending = schedule.ending()
                assert ending is not None, "nothing runs, nothing starts, and it has not ended"
                return ending.status
            for name in self.chance.sample(running, self.chance.randint(1, len(running))):
                self.settle(schedule, name)
            turn += 1

    def take_over(self) -> Schedule:
        schedule = Schedule(self.definition, self.graph, self.views)
        if self.stopped:
            schedule.stop()
        self.accept(schedule.begin())
        if self.views["Loop"].running:
            self.accept(schedule.expand("Loop", self.all, self.concurrency, self.views))
            self.lose_some(schedule)
        return schedule

    def lose_some(self, schedule: Schedule) -> None:
        """Attempts that are gone by the time another scheduler takes over."""
        for name, view in list(self.views.items()):
            if view.iteration and view.running and self.chance.random() < 0.3:
                self.reopen(schedule, name)

    def reopen(self, schedule: Schedule, name: str) -> None:
        """An attempt is gone, and another one will be made."""
        schedule.reopen(name)
        iteration = self.views[name].iteration
        if iteration:
            self.rules[iteration.index].begun.add(name)
        self.change(name, S.WAITING)

    def advance(self, schedule: Schedule) -> None:
        facts, ended = schedule.advance()
        self.accept(facts)
        for end in ended:
            assert self.end is None, "it ended twice"
            self.end = end
            self.check_end(end)
            status = foreach.ended_as(end.statuses.values())
            self.change("Loop", status)
            self.accept(schedule.settle("Loop", status))

    def check_end(self, end: LoopEnd) -> None:
        statuses = {name: view.status for name, view in self.views.items() if view.iteration}
        assert end.statuses == statuses
        assert set(statuses.values()) <= STEP_SETTLED

    def start(self, schedule: Schedule) -> list[str]:
        taken = schedule.take(self.limit)
        for name in taken:
            if self.views[name].iteration:
                assert name in self.rules[int(name.rpartition("-")[2])].startable()
            self.views[name] = replace(self.views[name], started_at=1.0)
            self.change(name, S.EXECUTING)
            if name == "Loop":
                self.expand()
                self.accept(schedule.expand("Loop", self.all, self.concurrency, self.views))
        jobs = [n for n, v in self.views.items() if v.running and n != "Loop"]
        assert len(jobs) <= self.limit
        assert len(self.under_way()) <= self.concurrency
        return taken

    def expand(self) -> None:
        for declared in foreach.declarations(self.all, lambda _: ""):
            self.views[declared.name] = StepView(
                "run", len(self.views), declared.name, "Lambda", iteration=declared.iteration
            )
        for one in self.all:
            alone = Definition(steps={n: replace(s, parent=None) for n, s in one.steps.items()})
            self.rules.append(Rules(alone, one.graph.order, {}, dict.fromkeys(alone.steps)))
        self.tell()

    def tell(self) -> None:
        for rules in self.rules:
            rules.status = {name: self.views[name].status for name in rules.steps}

    def under_way(self) -> set[int]:
        """Iterations that have begun and may go on."""
        begun = set()
        for index, rules in enumerate(self.rules):
            started = any(one in STEP_ENDED or one is S.EXECUTING for one in rules.status.values())
            runs = any(one is S.EXECUTING for one in rules.status.values())
            if runs or (started and rules.startable()):
                begun.add(index)
        return begun

    def settle(self, schedule: Schedule, name: str) -> None:
        if self.chance.random() < 0.1:
            self.reopen(schedule, name)
            return
        status = self.chance.choices([S.SUCCEEDED, S.FAILED, S.STOPPED], [8, 2, 1])[0]
        self.change(name, status)
        self.accept(schedule.settle(name, status))

    def accept(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            assert isinstance(fact, StepSkipped | StepBlocked)
            view = self.views[fact.step]
            assert view.status is S.WAITING
            if view.iteration:
                rules = self.rules[view.iteration.index]
                left = not rules.startable() and not any(
                    self.views[name].running for name in rules.steps
                )
                assert rules.allows(fact) or (isinstance(fact, StepBlocked) and left)
            self.change(fact.step, GIVEN_UP[type(fact)])

    def change(self, name: str, status: StepStatus) -> None:
        number = max(view.seq for view in self.views.values()) + 1
        self.views[name] = replace(self.views[name], status=status, seq=number)
        self.tell()


seeds = st.integers(0, 2**32)
few = st.integers(1, 4)
turns = st.none() | st.integers(0, 6)


takeovers = st.frozensets(st.integers(0, 9)) | st.just(frozenset(range(20)))


@given(any_loop(), seeds, few, few, few, turns, takeovers)
def test_any_loop_keeps_to_the_rules_until_every_iteration_is_over(
    definition: Definition,
    seed: int,
    items: int,
    concurrency: int,
    limit: int,
    stop_at: int | None,
    resume_at: frozenset[int],
) -> None:
    simulation = Simulation(definition, seed, items, concurrency, limit, stop_at, resume_at)
    simulation.run()
    assert simulation.views["Loop"].running is False
    begun = simulation.views["Loop"].status in STEP_ENDED and simulation.rules
    assert (simulation.end is not None) is bool(begun)


def begun(items: int, concurrency: int) -> tuple[Schedule, Definition]:
    """A loop over two steps, one after the other, that was taken; beside it a chain of three."""
    definition = pipeline(
        *loop(step("A"), step("B", "A")), step("X"), step("Y", "X"), step("Z", "Y")
    )
    views = {name: view for name, view in waiting(definition).items() if name not in "AB"}
    schedule = Schedule(definition, Graph.of(definition), views)
    schedule.begin()
    assert schedule.take(2) == ["X", "Loop"]
    found = iterations(definition, range(items))
    for declared in foreach.declarations(found, lambda _: ""):
        views[declared.name] = StepView("run", 9, declared.name, "", iteration=declared.iteration)
    assert schedule.expand("Loop", found, concurrency, views) == []
    assert schedule.advance() == ([], [])
    return schedule, definition


def test_iterations_begin_in_their_order_as_others_end() -> None:
    schedule, _ = begun(3, 2)
    assert schedule.take(9) == ["A-0", "A-1"]
    schedule.settle("A-1", S.SUCCEEDED)
    assert schedule.take(9) == ["B-1"]
    schedule.settle("B-1", S.SUCCEEDED)
    assert schedule.take(9) == []
    schedule.advance()
    assert schedule.take(9) == ["A-2"]


def test_the_waiting_loop_takes_no_slot() -> None:
    schedule, _ = begun(3, 3)
    assert schedule.running == 1
    assert schedule.take(1) == []
    assert schedule.take(2) == ["A-0"]
    assert schedule.ending() is None


def test_a_failed_iteration_ends_alone() -> None:
    schedule, _ = begun(2, 1)
    schedule.take(9)
    facts = schedule.settle("A-0", S.FAILED)
    assert facts == [StepBlocked("B-0", "A-0 failed")]
    assert schedule.advance() == ([], [])
    assert schedule.take(9) == ["A-1"]
    schedule.settle("A-1", S.SUCCEEDED)
    assert schedule.take(9) == ["B-1"]
    schedule.settle("B-1", S.SUCCEEDED)
    statuses = {"A-0": S.FAILED, "B-0": S.BLOCKED, "A-1": S.SUCCEEDED, "B-1": S.SUCCEEDED}
    assert schedule.advance() == ([], [LoopEnd("Loop", statuses)])
    assert foreach.ended_as(statuses.values()) is S.FAILED


def test_a_stop_begins_no_iteration_and_blocks_what_is_left() -> None:
    schedule, _ = begun(2, 1)
    schedule.take(9)
    schedule.stop()
    assert schedule.advance() == ([], [])
    schedule.settle("A-0", S.STOPPED)
    facts, ended = schedule.advance()
    assert {fact.step for fact in facts if isinstance(fact, StepBlocked)} <= {"B-0", "A-1", "B-1"}
    assert [end.step for end in ended] == ["Loop"]
    assert foreach.ended_as(ended[0].statuses.values()) is S.STOPPED
