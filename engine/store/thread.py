"""A store's connection in aiosqlite's thread, which is sent whole functions.

A hop to that thread costs as much as five statements (about 60 us), so a transaction is one hop.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import aiosqlite

from engine.store.connection import connect

T = TypeVar("T")


class StoreThread(aiosqlite.Connection):
    """One connection and its thread; made by ``StoreThread.open``."""

    @classmethod
    async def open(cls, path: Path, *, read_only: bool = False) -> StoreThread:
        """Open the store at ``path``; see ``connect``, also for errors."""
        problems: list[Exception] = []

        def connector() -> sqlite3.Connection:
            # A connector that raises leaves aiosqlite's thread to answer a loop that may be gone.
            try:
                return connect(path, read_only=read_only)
            except Exception as problem:
                problems.append(problem)
                return sqlite3.connect(":memory:", check_same_thread=False)

        thread = cls(connector, iter_chunk_size=64)
        await thread
        if problems:
            await thread.close()
            raise problems[0]
        return thread

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """Run a function in the thread."""
        result: T = await self._execute(function, *arguments)  # type: ignore[no-untyped-call]
        return result

    async def ask(self, question: Callable[..., T], *arguments: object) -> T:
        """Run a function of the connection in the thread."""
        return await self.run(question, self._conn, *arguments)

    @property
    def raw(self) -> sqlite3.Connection:
        """The connection itself; to be used in its thread only."""
        return self._conn
