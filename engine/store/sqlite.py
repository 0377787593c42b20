"""The event store in SQLite, through aiosqlite: one writer connection, WAL, ``synchronous=FULL``.

A transaction is one hop to aiosqlite's thread (about 60 us), not one per statement.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

from engine.model.commands import Command, CommandRow
from engine.model.events import (
    Event,
    ExecutionCreated,
    Fact,
    ModelApprovalChanged,
    ModelPackageCreated,
)
from engine.model.fold import ExecutionState
from engine.model.pipelines import PipelineView
from engine.model.views import ExecutionView, ModelPackageView, StepView
from engine.store import queries
from engine.store.base import Alive, Holder, Lease, PipelineChange, Settlement
from engine.store.ledger import Ledger, store_error
from engine.store.thread import StoreThread

T = TypeVar("T")


class SqliteStore:
    """``EventStore`` on one SQLite file; made by ``SqliteStore.open``."""

    def __init__(self, connection: StoreThread, path: Path, alive: Alive) -> None:
        self._connection = connection
        self._path = path
        self._ledger = Ledger(connection.raw, alive)

    @classmethod
    async def open(cls, path: Path, alive: Alive) -> SqliteStore:
        """Open, and where needed create or migrate, the store at ``path``.

        Args:
            path: the database file; its folder exists.
            alive: tells whether the process behind a lease still runs.
        """
        return cls(await StoreThread.open(path), path, alive)

    async def _run(self, function: Callable[..., T], *arguments: object) -> T:
        try:
            return await self._connection.run(function, *arguments)
        except sqlite3.Error as problem:
            raise store_error(problem, str(self._path)) from problem

    async def create(
        self, execution_id: str, fact: ExecutionCreated, definition: str, *, at: float, actor: str
    ) -> str:
        return await self._run(self._ledger.create, execution_id, fact, definition, at, actor)

    async def acquire(self, execution_id: str, holder: Holder, *, at: float) -> Lease | None:
        return await self._run(self._ledger.acquire, execution_id, holder, at)

    async def release(self, lease: Lease) -> None:
        await self._run(self._ledger.release, lease)

    async def holder(self, execution_id: str) -> Holder | None:
        return await self._ask(queries.holder, execution_id)

    async def append(
        self,
        lease: Lease,
        facts: Sequence[Fact],
        *,
        at: float,
        actor: str,
        settled: Sequence[Settlement] = (),
    ) -> list[Event]:
        return await self._run(self._ledger.append, lease, facts, at, actor, settled)

    async def state(self, execution_id: str) -> ExecutionState:
        return await self._run(self._ledger.state, execution_id)

    async def cached(
        self, pipeline: str, step: str, digest: str = "", *, since: float = 0.0
    ) -> StepView | None:
        return await self._ask(queries.cached, pipeline, step, digest, since)

    async def unfinished(self) -> list[ExecutionView]:
        return await self._ask(queries.unfinished)

    async def definition(self, sha: str) -> str:
        return await self._ask(queries.definition, sha)

    async def events(self, execution_id: str, after: int = 0, limit: int = 1000) -> list[Event]:
        return await self._ask(queries.events, execution_id, after, limit)

    async def send(self, execution_id: str, command: Command, *, at: float, actor: str) -> int:
        return await self._run(self._ledger.send, execution_id, command, at, actor)

    async def commands(self, execution_id: str) -> list[CommandRow]:
        return await self._ask(queries.commands, execution_id)

    async def register(
        self, lease: Lease, fact: ModelPackageCreated, *, at: float, actor: str
    ) -> ModelPackageView:
        return await self._run(self._ledger.register, lease, fact, at, actor)

    async def decide(
        self, fact: ModelApprovalChanged, *, at: float, actor: str
    ) -> ModelPackageView:
        return await self._run(self._ledger.decide, fact, at, actor)

    async def packages(self, group: str = "") -> list[ModelPackageView]:
        return await self._ask(queries.packages, group)

    async def pipeline(self, name: str) -> PipelineView | None:
        return await self._ask(queries.pipeline, name)

    async def change_pipeline(
        self, name: str, change: PipelineChange, definition: str = "", *, at: float, actor: str
    ) -> PipelineView:
        return await self._run(self._ledger.change_pipeline, name, change, definition, at, actor)

    async def answered(self, token: str) -> tuple[str, bytes] | None:
        """The request that came with a ClientRequestToken, as its digest, and its answer."""
        return await self._ask(queries.answered, token)

    async def keep_answer(self, token: str, digest: str, answer: bytes) -> None:
        """Remember what a request with a ClientRequestToken was answered."""
        await self._run(self._ledger.keep_answer, token, digest, answer)

    async def rebuild(self) -> int:
        return await self._run(self._ledger.rebuild)

    async def close(self) -> None:
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _ask(self, question: Callable[..., T], *arguments: Any) -> T:
        return await self._run(question, self._connection.raw, *arguments)
