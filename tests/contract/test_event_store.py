"""What every event store keeps to."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import CommandRejected, NotFound, StaleLease, StoreError
from engine.model.commands import AnswerCallback, CommandState, StopExecution
from engine.model.events import (
    Event,
    Fact,
    IterationContext,
    ModelApprovalChanged,
    StepDeclared,
    StepExecuting,
    StepProgressed,
    StepsExpanded,
    StepStarted,
    StepSucceeded,
    UnknownFact,
)
from engine.model.fold import ExecutionState, fold
from engine.model.status import ApprovalStatus, StepStatus
from engine.store.base import EventStore, Lease, Settlement
from tests.contract.event_stores import (
    OTHER,
    RUNNER,
    Processes,
    append,
    create,
    leased,
    opened,
    package,
    same,
)
from tests.unit.model.facts import CREATED, FACTS


@pytest.fixture
def processes() -> Processes:
    return Processes()


@pytest.fixture(params=["sqlite", "memory"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, processes: Processes
) -> AsyncIterator[EventStore]:
    async with opened(request.param, tmp_path, processes) as made:
        yield made


# Events and state


@settings(max_examples=60, deadline=None)
@given(batches=st.lists(st.lists(FACTS, max_size=4), max_size=5))
def test_any_facts_give_every_store_the_state_that_folding_its_events_gives(
    batches: list[list[Fact]],
) -> None:
    async def states(kind: str, folder: Path) -> tuple[ExecutionState, list[Event]]:
        async with opened(kind, folder, Processes()) as store:
            lease = await leased(store)
            for batch in batches:
                await append(store, lease, *batch)
            live = await store.state("run")
            events = await store.events("run")
            assert same(live, fold(events))
            assert await store.rebuild() == len(events)
            assert same(await store.state("run"), live)
            return live, events

    with tempfile.TemporaryDirectory() as folder:
        kept, written = asyncio.run(states("sqlite", Path(folder)))
    held, told = asyncio.run(states("memory", Path()))
    assert same(kept, held)
    assert written == told


async def test_a_store_that_is_opened_again_has_the_state_it_was_left_with(
    tmp_path: Path, processes: Processes
) -> None:
    async with opened("sqlite", tmp_path, processes) as first:
        await append(first, await leased(first), StepStarted("Train", 1, {"a": [1, None, "é"]}))
        before = await first.state("run")
    async with opened("sqlite", tmp_path, processes) as second:
        assert same(await second.state("run"), before)


async def test_steps_of_iterations_are_kept_after_those_of_the_definition(
    store: EventStore, tmp_path: Path, processes: Processes
) -> None:
    children = tuple(
        StepDeclared(f"Body-{index}", "Processing", iteration=IterationContext("Train", index, one))
        for index, one in enumerate(("x", {"rate": 0.5}))
    )
    lease = await leased(store)
    await append(store, lease, StepStarted("Train", 1), StepsExpanded("Train", children))
    await append(store, lease, StepStarted("Body-1", 1))
    live = await store.state("run")
    assert list(live.steps) == [*(one.name for one in CREATED.steps), "Body-0", "Body-1"]
    assert live.steps["Body-1"].iteration == IterationContext("Train", 1, {"rate": 0.5})
    assert live.steps["Body-1"].status is StepStatus.STARTING
    assert live.execution.steps_total == 5
    if (tmp_path / "pipetui.db").exists():
        async with opened("sqlite", tmp_path, processes) as again:
            assert same(await again.state("run"), live)
    await store.rebuild()
    assert same(await store.state("run"), live)


async def test_events_are_numbered_in_one_order_over_all_executions(store: EventStore) -> None:
    one, two = await leased(store, "one"), await leased(store, "two")
    for lease in (one, two, one):
        await append(store, lease, StepStarted("Train", 1))
    everything = await store.events("")
    assert [event.seq for event in everything] == list(range(1, 8))
    assert await store.events("one") == [e for e in everything if e.execution_id == "one"]


async def test_events_are_paged_by_the_last_one_seen(store: EventStore) -> None:
    lease = await leased(store)
    await append(store, lease, *(StepProgressed("Train", str(number)) for number in range(8)))
    pages: list[Event] = []
    after = 0
    while page := await store.events("run", after, limit=3):
        assert len(page) <= 3
        pages += page
        after = page[-1].seq
    assert pages == await store.events("run")
    assert len(pages) == 10


async def test_an_empty_append_writes_no_event(store: EventStore) -> None:
    lease = await leased(store)
    before = await store.events("run")
    assert await append(store, lease) == []
    assert await store.events("run") == before


async def test_a_fact_of_a_newer_version_survives_and_changes_no_step(store: EventStore) -> None:
    lease = await leased(store)
    future = UnknownFact("StepTeleported", {"step": "Train", "where": ["far", 1]})
    await append(store, lease, StepStarted("Train", 1), future)
    steps = dict((await store.state("run")).steps)
    assert (await store.events("run"))[-1].fact == future
    await store.rebuild()
    after = await store.state("run")
    assert after.steps == steps
    assert after.execution.seq == 4


async def test_rebuilding_while_a_runner_works_loses_nothing_of_what_it_writes_next(
    store: EventStore,
) -> None:
    lease = await leased(store)
    await append(store, lease, StepStarted("Train", 1))
    await store.rebuild()
    await append(store, lease, StepSucceeded("Train"))
    assert (await store.state("run")).steps["Train"].status is StepStatus.SUCCEEDED


async def test_what_does_not_exist_is_not_found(store: EventStore) -> None:
    for question in (
        store.state("nobody"),
        store.acquire("nobody", RUNNER, at=1.0),
        store.definition("nobody"),
        store.decide(
            ModelApprovalChanged("no:arn", ApprovalStatus.PENDING, ApprovalStatus.APPROVED),
            at=1.0,
            actor="ann",
        ),
    ):
        with pytest.raises(NotFound):
            await question
    assert await store.holder("nobody") is None
    assert await store.events("nobody") == []
    assert await store.commands("nobody") == []


async def test_nothing_of_a_refused_acquisition_stays(store: EventStore) -> None:
    with pytest.raises(NotFound):
        await store.acquire("run", RUNNER, at=1.0)
    await create(store)
    assert await store.holder("run") is None
    assert await store.acquire("run", RUNNER, at=1.0) == Lease("run", 1)


async def test_unfinished_executions_are_listed_oldest_first(store: EventStore) -> None:
    for at, name in ((3.0, "late"), (1.0, "early"), (2.0, "between")):
        await store.create(name, CREATED, "{}", at=at, actor="ann")
    assert [view.id for view in await store.unfinished()] == ["early", "between", "late"]


async def test_the_text_of_a_definition_is_kept_by_its_hash(store: EventStore) -> None:
    await create(store)
    assert await store.definition(CREATED.definition) == "{}"


# Creating


async def test_a_token_never_makes_a_second_execution(store: EventStore) -> None:
    assert await create(store, "first", token="t" * 32) == "first"
    assert await create(store, "second", token="t" * 32) == "first"
    assert len(await store.events("")) == 1
    with pytest.raises(NotFound):
        await store.state("second")


@pytest.mark.parametrize(
    "changes",
    [
        {"parameters": {"depth": 6}},
        {"definition": "1" * 64},
        {"pipeline": "other"},
        {"selection": ("Train",)},
        {"edits": {"Train": {"a": 1}}},
        {"source_execution": "earlier"},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_a_token_with_other_content_is_a_conflict(
    store: EventStore, changes: dict[str, Any]
) -> None:
    await create(store, "first", token="t" * 32)
    with pytest.raises(CommandRejected) as refusal:
        await create(store, "second", token="t" * 32, **changes)
    assert refusal.value.code == "token-conflict"
    assert len(await store.events("")) == 1


async def test_executions_without_a_token_are_all_different(store: EventStore) -> None:
    assert [await create(store, name) for name in ("one", "two")] == ["one", "two"]


async def test_an_id_is_never_taken_twice(store: EventStore) -> None:
    await create(store)
    with pytest.raises(StoreError):
        await create(store)
    assert len(await store.events("")) == 1


# Leases


async def test_each_lease_has_the_next_epoch(store: EventStore) -> None:
    assert (await leased(store, holder=RUNNER)).epoch == 1
    assert (await leased(store, holder=OTHER)).epoch == 2
    assert await store.holder("run") == OTHER
    view = (await store.state("run")).execution
    assert (view.epoch, view.runner_pid) == (2, OTHER.pid)


async def test_a_lease_is_not_taken_from_a_living_holder(
    store: EventStore, processes: Processes
) -> None:
    lease = await leased(store)
    processes.living = frozenset({RUNNER})
    assert await store.acquire("run", OTHER, at=4.0) is None
    await append(store, lease, StepStarted("Train", 1))
    assert await store.holder("run") == RUNNER


async def test_a_released_lease_is_free_though_its_holder_lives(
    store: EventStore, processes: Processes
) -> None:
    processes.living = frozenset({RUNNER})
    await store.release(await leased(store))
    assert await store.holder("run") is None
    assert await store.acquire("run", OTHER, at=4.0) == Lease("run", 2)


async def test_a_stale_release_changes_nothing(store: EventStore) -> None:
    stale = await leased(store, holder=RUNNER)
    await leased(store, holder=OTHER)
    await store.release(stale)
    assert await store.holder("run") == OTHER


async def test_a_stale_lease_writes_nothing(store: EventStore) -> None:
    stale = await leased(store, holder=RUNNER)
    await leased(store, holder=OTHER)
    number = await store.send("run", StopExecution(), at=3.0, actor="ann")
    before = await store.events("")
    state = replace((await store.state("run")).execution)
    with pytest.raises(StaleLease):
        await store.append(
            stale,
            [StepStarted("Train", 1)],
            at=4.0,
            actor="runner",
            settled=[Settlement(number, CommandState.ACCEPTED)],
        )
    with pytest.raises(StaleLease):
        await store.register(stale, package("a"), at=4.0, actor="runner")
    assert await store.events("") == before
    assert (await store.state("run")).execution == state
    assert [row.id for row in await store.commands("run")] == [number]
    assert await store.packages() == []


async def test_a_released_lease_writes_nothing(store: EventStore) -> None:
    lease = await leased(store)
    await store.release(lease)
    with pytest.raises(StaleLease):
        await append(store, lease, StepStarted("Train", 1))


async def test_a_lease_fences_its_own_execution_only(store: EventStore) -> None:
    lease = await leased(store, "one")
    await leased(store, "two", OTHER)
    await append(store, lease, StepStarted("Train", 1))


# Commands


async def test_commands_wait_in_order_until_they_are_settled(store: EventStore) -> None:
    lease = await leased(store)
    answer = AnswerCallback("tok", True, {"o": 1}, comment="fine")
    first = await store.send("run", StopExecution("why"), at=3.0, actor="ann")
    second = await store.send("run", answer, at=3.5, actor="bob")
    waiting = await store.commands("run")
    assert [(row.id, row.command, row.actor) for row in waiting] == [
        (first, StopExecution("why"), "ann"),
        (second, answer, "bob"),
    ]
    await store.append(
        lease, [], at=4.0, actor="runner", settled=[Settlement(first, CommandState.REJECTED, "no")]
    )
    assert [row.id for row in await store.commands("run")] == [second]


async def test_a_command_waits_for_the_runner_of_its_execution_alone(store: EventStore) -> None:
    await leased(store, "one")
    await leased(store, "two")
    await store.send("one", StopExecution(), at=3.0, actor="ann")
    assert await store.commands("two") == []


async def test_facts_and_settlements_are_written_together_or_not_at_all(
    store: EventStore,
) -> None:
    lease = await leased(store)
    number = await store.send("run", StopExecution(), at=3.0, actor="ann")
    events, view = await store.events("run"), (await store.state("run")).execution
    broken = StepExecuting("Train", 1, {"handle": object()})
    with pytest.raises(TypeError):
        await store.append(
            lease,
            [StepStarted("Train", 1), broken],
            at=4.0,
            actor="runner",
            settled=[Settlement(number, CommandState.ACCEPTED)],
        )
    assert await store.events("run") == events
    state = await store.state("run")
    assert state.execution == view
    assert state.steps["Train"].status is StepStatus.WAITING
    assert [row.id for row in await store.commands("run")] == [number]
    await append(store, lease, StepStarted("Train", 1))
    assert same(await store.state("run"), fold(await store.events("run")))


# Model packages


async def test_versions_of_a_group_count_from_one(store: EventStore) -> None:
    lease = await leased(store)
    made = [await store.register(lease, package(key), at=3.0, actor="ann") for key in "abc"]
    other = await store.register(lease, package("d", "churn"), at=3.0, actor="ann")
    assert [one.version for one in made] == [1, 2, 3]
    assert other.version == 1
    assert made[2].arn.endswith("model-package/abalone/3")
    assert [one.arn for one in await store.packages()] == [
        one.arn for one in (other, *reversed(made))
    ]
    assert await store.packages("churn") == [other]


async def test_the_same_key_registers_one_version_however_often(store: EventStore) -> None:
    lease = await leased(store)
    first = await store.register(lease, package("a", x=1), at=3.0, actor="ann")
    events = await store.events("")
    assert await store.register(lease, package("a", x=2), at=9.0, actor="bob") == first
    assert await store.events("") == events


async def test_group_names_that_differ_in_case_are_one_group(store: EventStore) -> None:
    lease = await leased(store)
    first = await store.register(lease, package("a", "Abalone"), at=3.0, actor="ann")
    second = await store.register(lease, package("b", "ABALONE"), at=3.0, actor="ann")
    assert (first.group, second.group, second.version) == ("Abalone", "Abalone", 2)
    assert await store.packages("aBALONE") == [second, first]


async def test_a_package_without_a_group_stands_alone(store: EventStore) -> None:
    lease = await leased(store)
    alone = [
        await store.register(lease, package(key, ""), at=3.0, actor="ann") for key in ("k1", "k2")
    ]
    assert [one.version for one in alone] == [0, 0]
    assert len({one.arn for one in alone}) == 2
    assert await store.packages() == alone[::-1]


async def test_the_approval_record_only_grows(store: EventStore) -> None:
    lease = await leased(store)
    made = await store.register(lease, package("a"), at=3.0, actor="ann")
    decisions = [
        (ApprovalStatus.APPROVED, "ann", "good"),
        (ApprovalStatus.REJECTED, "bob", "not so good"),
        (ApprovalStatus.APPROVED, "cy", ""),
    ]
    for at, (approval, actor, comment) in enumerate(decisions, start=4):
        # Whoever decides may have seen an older state; the record says what was there.
        fact = ModelApprovalChanged(made.arn, ApprovalStatus.PENDING, approval, comment, "1.2.3.4")
        await store.decide(fact, at=float(at), actor=actor)
    (after,) = await store.packages()
    assert after.approval is ApprovalStatus.APPROVED
    assert [(one.at, one.actor, one.previous, one.approval) for one in after.approvals] == [
        (4.0, "ann", ApprovalStatus.PENDING, ApprovalStatus.APPROVED),
        (5.0, "bob", ApprovalStatus.APPROVED, ApprovalStatus.REJECTED),
        (6.0, "cy", ApprovalStatus.REJECTED, ApprovalStatus.APPROVED),
    ]
    stored = [e.fact for e in await store.events("") if isinstance(e.fact, ModelApprovalChanged)]
    assert [fact.previous for fact in stored] == [one.previous for one in after.approvals]
    await store.rebuild()
    assert await store.packages() == [after]
