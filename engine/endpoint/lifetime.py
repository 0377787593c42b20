"""When the endpoint's process ends: on a signal, or when its owner is gone and nobody calls."""

from __future__ import annotations

import asyncio
import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_START_TIME_FIELD = 22


class Activity:
    """How many requests run, and when the last one ended (seconds of the loop's clock)."""

    def __init__(self) -> None:
        self.running = 0
        self.last = 0.0

    @contextmanager
    def request(self) -> Iterator[None]:
        """Mark a request as running."""
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self.last = asyncio.get_running_loop().time()


def start_time(pid: int) -> int:
    """When a process started, in clock ticks since boot; 0 where there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The command's name, in parentheses, may itself hold spaces and parentheses.
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return 0
    return int(fields[_START_TIME_FIELD - 3])


def open_process(pid: int, started: int) -> int | None:
    """A pidfd of the process that has this pid and start time; None where it is gone."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return None
    # The start time is read once the descriptor pins the process, so that no other can be meant.
    if started and start_time(pid) == started:
        return descriptor
    os.close(descriptor)
    return None


def wait_for_exit(descriptor: int, seconds: float) -> bool:
    """Block until the process of a pidfd has ended, for at most so long; whether it has."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


async def until_unneeded(activity: Activity, owner: int, started: int, idle: float) -> None:
    """Return on SIGTERM or SIGINT, or once the owner is gone and no request came for ``idle`` s."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def finish() -> None:
        if not done.done():
            done.set_result(None)

    def look_again() -> None:
        rest = activity.last + idle - loop.time()
        if activity.running == 0 and rest <= 0:
            finish()
        else:
            loop.call_later(max(rest, idle / 4), look_again)

    def owner_gone() -> None:
        loop.remove_reader(descriptor)
        look_again()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, finish)
    activity.last = loop.time()
    found = open_process(owner, started)
    if found is None:
        look_again()
        await done
        return
    descriptor = found
    loop.add_reader(descriptor, owner_gone)
    try:
        await done
    finally:
        loop.remove_reader(descriptor)
        with suppress(OSError):
            os.close(descriptor)
