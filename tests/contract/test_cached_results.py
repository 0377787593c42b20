"""Results that can stand for each other, found again in every event store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.model.events import Fact, StepFailed, StepReused, StepStarted, StepSucceeded
from engine.store.base import EventStore
from tests.contract.event_stores import Processes, append, create, leased, opened


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EventStore]:
    async with opened(request.param, tmp_path, Processes()) as made:
        yield made


async def run(
    store: EventStore, execution_id: str, *facts: Fact, pipeline: str = "abalone"
) -> None:
    await create(store, execution_id, pipeline=pipeline)
    await append(store, await leased(store, execution_id), *facts)


def computed(digest: str, result: int) -> tuple[Fact, ...]:
    started = StepStarted("Train", 1, {}, cache_key={"eta": digest}, cache_digest=digest)
    return started, StepSucceeded("Train", {"n": result})


async def test_the_newest_result_with_the_same_digest_is_found(store: EventStore) -> None:
    await run(store, "one", *computed("a", 1))
    await run(store, "two", *computed("a", 2))
    await run(store, "three", *computed("b", 3))
    found = await store.cached("abalone", "Train", "a")
    assert found is not None
    assert (found.execution_id, found.properties, found.cache_key) == (
        "two",
        {"n": 2},
        {"eta": "a"},
    )
    last = await store.cached("abalone", "Train")
    assert last is not None and last.execution_id == "three"


async def test_results_of_other_steps_pipelines_and_digests_do_not_count(store: EventStore) -> None:
    await run(store, "one", *computed("a", 1), pipeline="other")
    assert await store.cached("abalone", "Train", "a") is None
    assert await store.cached("other", "Prepare", "a") is None
    assert await store.cached("other", "Train", "b") is None


async def test_a_result_older_than_allowed_does_not_count(store: EventStore) -> None:
    await run(store, "one", *computed("a", 1))
    assert await store.cached("abalone", "Train", "a", since=2.9) is not None
    assert await store.cached("abalone", "Train", "a", since=3.1) is None


async def test_only_what_a_step_computed_itself_and_finished_counts(store: EventStore) -> None:
    started = StepStarted("Train", 1, {}, cache_key={"eta": 1}, cache_digest="a")
    await run(store, "failed", started, StepFailed("Train", "no"))
    await run(store, "running", started)
    await run(store, "reused", StepReused("Train", "elsewhere", {"n": 1}, cached=True))
    assert await store.cached("abalone", "Train", "a") is None


async def test_rebuilding_keeps_results_findable(store: EventStore) -> None:
    await run(store, "one", *computed("a", 1))
    await store.rebuild()
    assert await store.cached("abalone", "Train", "a") is not None
