"""Event stores to test, and short words for what the tests do to them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.errors import NotFound
from engine.model.events import Event, Fact, ModelPackageCreated
from engine.model.fold import ExecutionState
from engine.model.status import ApprovalStatus
from engine.store.base import EventStore, Holder, Lease
from engine.store.memory import MemoryStore
from engine.store.sqlite import SqliteStore
from tests.unit.model.facts import CREATED

RUNNER = Holder(11, 1, "boot", "host")
OTHER = Holder(12, 1, "boot", "host")


@dataclass
class Processes:
    """Which lease holders live."""

    living: frozenset[Holder] = frozenset()

    def __call__(self, holder: Holder) -> bool:
        return holder in self.living


@asynccontextmanager
async def opened(kind: str, folder: Path, alive: Processes) -> AsyncIterator[EventStore]:
    store: EventStore
    if kind == "memory":
        store = MemoryStore(alive)
    else:
        store = await SqliteStore.open(folder / "pipetui.db", alive)
    try:
        yield store
    finally:
        await store.close()


async def create(store: EventStore, execution_id: str = "run", **changes: Any) -> str:
    fact = replace(CREATED, **changes)
    return await store.create(execution_id, fact, "{}", at=1.0, actor="ann@host")


async def leased(store: EventStore, execution_id: str = "run", holder: Holder = RUNNER) -> Lease:
    """A lease of an execution that is made where it is not there."""
    try:
        await store.state(execution_id)
    except NotFound:
        await create(store, execution_id)
    lease = await store.acquire(execution_id, holder, at=2.0)
    assert lease is not None
    return lease


async def append(store: EventStore, lease: Lease, *facts: Fact) -> list[Event]:
    return await store.append(lease, facts, at=3.0, actor="runner")


def same(one: ExecutionState | None, other: ExecutionState | None) -> bool:
    assert one is not None
    assert other is not None
    return (one.execution, one.steps) == (other.execution, other.steps)


def package(key: str, group: str = "abalone", **request: Any) -> ModelPackageCreated:
    return ModelPackageCreated(key, group, 0, "", ApprovalStatus.PENDING, request)
