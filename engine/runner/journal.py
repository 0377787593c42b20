"""Writes a runner's facts: many callers, one transaction at a time.

Facts that are recorded while a transaction is under way are committed together in the next one,
so that a burst costs one ``fsync``, not one each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from engine.clock import Clock
from engine.model.events import Event, Fact, StepProgressed
from engine.runner.faults import reach
from engine.store.base import EventStore, Lease, Settlement

NOTE_DELAY_S = 0.005
"""How long a fact that nobody waits for may wait for others to share its transaction."""


class Journal:
    """The one writer of a leased execution.

    Args:
        actor: stands in the events' envelopes.
        committed: called after each transaction.
    """

    def __init__(
        self,
        store: EventStore,
        lease: Lease,
        clock: Clock,
        actor: str,
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._lease = lease
        self._clock = clock
        self._actor = actor
        self._committed = committed
        self._notes: list[Fact] = []
        self._writing = asyncio.Lock()
        self._noted = asyncio.Event()

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
        self._noted.set()

    async def record(
        self, *facts: Fact, settled: Sequence[Settlement] = (), actor: str = ""
    ) -> list[Event]:
        """Record facts after all noted ones; they are durable when this returns.

        Errors: ``StaleLease`` when another runner took over, ``StoreError``.
        """
        async with self._writing:
            batch, self._notes = self._notes, []
            self._noted.clear()
            at = self._clock.now()
            if actor and batch:
                await self._append(batch, at, self._actor)
                batch = []
            batch.extend(facts)
            if not batch and not settled:
                return []
            return await self._append(batch, at, actor or self._actor, settled)

    async def _append(
        self, batch: Sequence[Fact], at: float, actor: str, settled: Sequence[Settlement] = ()
    ) -> list[Event]:
        reach("recording")
        events = await self._store.append(self._lease, batch, at=at, actor=actor, settled=settled)
        reach("recorded")
        self._committed()
        return events

    async def keep(self) -> None:
        """Write what is noted, soon after it is; goes on until it is cancelled.

        Errors: those of ``record``, so that whoever owns this learns of them at once.
        """
        while True:
            await self._noted.wait()
            await asyncio.sleep(NOTE_DELAY_S)
            await self.record()
