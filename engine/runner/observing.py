"""Tells the observers of an execution what was committed, beside the run and never in its way."""

from __future__ import annotations

import asyncio
import logging

from engine.config import Config
from engine.home import Home
from engine.model.fold import ExecutionState
from engine.observers.base import Json, News, Subject
from engine.observers.discovery import asked_for, make
from engine.runner.faults import reach
from engine.sources.aws_shapes import StatusChanges, describe_execution, list_steps
from engine.store.base import EventStore

log = logging.getLogger("pipetui.observers")

GATHER_S = 0.1
"""How long committed events wait for others to be read with them."""
BATCH = 25
"""Events read in one go; a step that has ended waits no longer than these take."""
DRAIN_S = 10.0
"""How long the end of a run waits for observers that are behind."""


class Observing:
    """The reader of an execution's committed events, and a feed for each of its observers.

    Made where a loop runs; ``close`` it.
    """

    def __init__(self, store: EventStore, execution_id: str, home: Home, config: Config) -> None:
        self._store = store
        self._execution_id = execution_id
        self._changes = StatusChanges()
        self._read_up_to = 0
        self._committed = asyncio.Event()
        self._committed.set()
        folder = home.execution(execution_id)
        subject = Subject(home.root, folder, config, self._describe)
        names = () if home.scratch else asked_for(config)
        self._feeds = [_Feed(name, subject) for name in names]
        self._tasks = [asyncio.create_task(self._follow())]
        self._tasks += [asyncio.create_task(feed.deliver()) for feed in self._feeds]

    def wake(self) -> None:
        """Something was committed."""
        self._committed.set()

    async def close(self, *, drain: bool) -> None:
        """End; with ``drain``, once all was told, or not in ``DRAIN_S``."""
        reader, *deliveries = self._tasks
        reader.cancel()
        await asyncio.wait([reader])
        if drain:
            try:
                await self._read()
            except Exception:
                log.exception("the last events cannot be read for the observers")
            for feed in self._feeds:
                feed.finish()
            await asyncio.wait([reader, *deliveries], timeout=DRAIN_S)
        for delivery in deliveries:
            delivery.cancel()
        await asyncio.wait(self._tasks)

    async def _follow(self) -> None:
        try:
            while True:
                await self._committed.wait()
                await asyncio.sleep(GATHER_S)
                self._committed.clear()
                await self._read()
        except Exception:
            # The journal meets the same store: it decides what that means for the run.
            log.exception("events cannot be read for the observers")

    async def _read(self) -> None:
        """Fold what was committed since the last time, and hand the changes to the feeds."""
        while events := await self._store.events(self._execution_id, self._read_up_to, BATCH):
            for event in events:
                changes = self._changes.take(event)
                self._read_up_to = event.seq
                for feed in self._feeds if changes else ():
                    feed.offer(changes)

    def _describe(self) -> Json:
        state: ExecutionState | None = self._changes.state
        assert state is not None, "an event was told, so the execution is known"
        view = state.execution
        return {**describe_execution(view), **list_steps(view, state.steps.values())}


class _Feed:
    """What one observer has still to be told."""

    def __init__(self, name: str, subject: Subject) -> None:
        self._name = name
        self._subject = subject
        self._waiting: list[Json] = []
        self._more = asyncio.Event()
        self._finished = False
        self._broken = False

    def offer(self, events: list[Json]) -> None:
        """Add the next events."""
        if not self._broken:
            self._waiting.extend(events)
            self._more.set()

    def finish(self) -> None:
        """Say that these were all."""
        self._finished = True
        self._more.set()

    async def deliver(self) -> None:
        """Tell the observer, until these were all or it breaks."""
        try:
            observer = make(self._name, self._subject)
            news = News(observer.position())
            while not self._finished or self._waiting:
                await self._more.wait()
                self._more.clear()
                events = [event for event in self._waiting if news(event)]
                self._waiting.clear()
                if events:
                    reach("observing")
                    await observer.observe(events)
                    reach("observed")
        except asyncio.CancelledError:
            if self._finished:
                log.warning(
                    "observer %s was not done in %g s: the rest waits for a retry of the execution",
                    self._name,
                    DRAIN_S,
                )
            raise
        except Exception as problem:
            self._broken = True
            self._waiting.clear()
            log.error("observer %s ends: %s", self._name, problem)
