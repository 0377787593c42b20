"""Tells a home's observers what became of its model packages, whoever caused it.

A package outlives the execution that made it, and whoever decides upon it is no runner: these
events are the home's. ``events.jsonl`` in the home is written at once. A program and a URL are
told by a process of its own (``python -m engine.runner.announcing HOME``), which nobody waits for.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.clock import SystemClock
from engine.config import Config, load_config
from engine.home import Home
from engine.observers.base import Json, News, Subject
from engine.observers.discovery import make
from engine.runner.process import alive
from engine.runner.spawn import environment
from engine.sources.package_shapes import PackageChanges
from engine.store.base import EventStore
from engine.store.sqlite import SqliteStore

log = logging.getLogger("pipetui.observers")

STALE_S = 3600.0
"""How old an event may be when a program or a URL is told: one that is configured anew, or again,
must not take the decisions of last year for today's."""
_LOCKS = "observers"
_BATCH = 1000


async def announce(store: EventStore, home: Home) -> None:
    """Tell of the model packages what was not told yet; raises nothing.

    Errors are logged: what was decided is decided, and the next announcement tells of it too.
    """
    if home.scratch:
        return
    try:
        config = await asyncio.to_thread(load_config, home.config)
        await _tell("jsonl", store, home, config)
        if _others(config):
            await asyncio.to_thread(_launch, home)
    except Exception as problem:
        log.error("the observers cannot be told of a model package: %s", problem)


def _others(config: Config) -> list[str]:
    """The observers that may take long."""
    asked = {"command": config.observers_command, "webhook": config.observers_webhook}
    return [name for name, target in asked.items() if target]


async def _tell(
    name: str, store: EventStore, home: Home, config: Config, since: float = 0.0
) -> None:
    """Tell one observer the events after its position; one process at a time does.

    Args:
        since: what happened before, in seconds since the epoch, is not told any more.
    """
    async with _turn(home, name):
        observer = make(name, Subject(home.root, home.root, config, dict))
        news, changes, untold = News(observer.position()), PackageChanges(), list[Json]()
        read_up_to = 0
        while events := await store.events("", read_up_to, _BATCH):
            read_up_to = events[-1].seq
            told = ((event, changes.take(event)) for event in events)
            untold += [
                change for event, change in told if change and news(change) and event.at >= since
            ]
        if untold:
            await observer.observe(untold)


@asynccontextmanager
async def _turn(home: Home, name: str) -> AsyncIterator[None]:
    folder = home.root / _LOCKS
    folder.mkdir(mode=0o700, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    lock = os.open(folder / f"{name}.lock", flags, 0o600)
    try:
        # In a thread: the one who holds it may be another step of this very process.
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _launch(home: Home) -> None:
    """Start the process that tells the others; the shell between makes it nobody's child."""
    program = [sys.executable, "-P", "-m", "engine.runner.announcing", str(home.root)]
    subprocess.run(
        ["/bin/sh", "-c", '"$@" &', "sh", *program],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
        env=environment(),
        check=True,
    )


async def _tell_others(home: Home) -> None:
    config = load_config(home.config)
    async with await SqliteStore.open(home.database, alive) as store:
        since = SystemClock().now() - STALE_S
        await asyncio.gather(*(_tell(name, store, home, config, since) for name in _others(config)))


if __name__ == "__main__":
    asyncio.run(_tell_others(Home.locate(sys.argv[1])))
