"""Writes a runner's facts: many callers, one transaction at a time.

Facts that are recorded while a transaction is under way are committed together in the next one,
so that a burst costs one ``fsync``, not one each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from engine.clock import Clock
from engine.model.events import Event, Fact, StepProgressed
from engine.store.base import EventStore, Lease, Settlement

NOTE_DELAY_S = 0.005
"""How long a fact that nobody waits for may wait for others to share its transaction."""


class Journal:
    """The one writer of a leased execution.

    Args:
        actor: stands in the events' envelopes.
    """

    def __init__(self, store: EventStore, lease: Lease, clock: Clock, actor: str) -> None:
        self._store = store
        self._lease = lease
        self._clock = clock
        self._actor = actor
        self._notes: list[Fact] = []
        self._writing = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._flush: asyncio.Task[None] | None = None
        self._broken: BaseException | None = None

    def note(self, *facts: Fact) -> None:
        """Record facts soon, in order, without waiting for them.

        Of what a step says it is doing, only the last word before a transaction is kept.
        """
        for fact in facts:
            last = self._notes[-1] if self._notes else None
            superseded = (
                isinstance(fact, StepProgressed)
                and isinstance(last, StepProgressed)
                and fact.step == last.step
                and not last.metadata
            )
            if superseded:
                self._notes.pop()
            self._notes.append(fact)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(NOTE_DELAY_S, self._start_flush)

    async def record(
        self, *facts: Fact, settled: Sequence[Settlement] = (), actor: str = ""
    ) -> list[Event]:
        """Record facts after all noted ones; they are durable when this returns.

        Errors: ``StaleLease`` when another runner took over, ``StoreError``.
        """
        async with self._writing:
            batch, self._notes = self._notes, []
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            at = self._clock.now()
            if actor and batch:
                await self._store.append(self._lease, batch, at=at, actor=self._actor)
                batch = []
            batch.extend(facts)
            if not batch and not settled:
                return []
            return await self._store.append(
                self._lease, batch, at=at, actor=actor or self._actor, settled=settled
            )

    def _start_flush(self) -> None:
        self._timer = None
        self._flush = asyncio.get_running_loop().create_task(self._write_notes())

    async def _write_notes(self) -> None:
        try:
            await self.record()
        except BaseException as problem:
            self._broken = problem
            raise

    async def close(self) -> None:
        """Write what is still noted.

        Errors: what a write of noted facts ran into, if one did.
        """
        if self._flush is not None:
            await asyncio.gather(self._flush, return_exceptions=True)
        if self._broken is not None:
            raise self._broken
        await self.record()
