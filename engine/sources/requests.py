"""Requests that came with a ClientRequestToken, and what they were answered."""

from __future__ import annotations

from engine.home import Home
from engine.runner.process import alive
from engine.store.sqlite import SqliteStore


class AnsweredRequests:
    """What makes a request that is sent twice one request; kept with the home's events."""

    def __init__(self, home: Home) -> None:
        self._home = home

    async def find(self, token: str) -> tuple[str, bytes] | None:
        """Digest and answer of the request that came with a token; None where none did."""
        async with await self._store() as store:
            return await store.answered(token)

    async def keep(self, token: str, digest: str, answer: bytes) -> None:
        """Remember an answer; a token that is known keeps its own."""
        async with await self._store() as store:
            await store.keep_answer(token, digest, answer)

    async def _store(self) -> SqliteStore:
        return await SqliteStore.open(self._home.database, alive)
