"""The end of a wait that is counted from a moment on record, whoever waits by then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from engine.clock import Clock

LONGEST_NAP_S = 600.0
"""A host that was asleep finds out by its wall clock; the loop's clock stands still meanwhile."""
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


class Expiry:
    """Calls back once, ``lifetime_s`` seconds after ``since``; at once where that is over.

    Args:
        since: seconds since the epoch.
        lifetime_s: 0 for a wait without an end.
    """

    def __init__(
        self, clock: Clock, since: float, lifetime_s: float, expired: Callable[[], object]
    ) -> None:
        self._clock = clock
        self._until = since + lifetime_s if lifetime_s else None
        self._expired = expired
        self._timer: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        """Wait from now on."""
        if self._until is None:
            return
        left = self._until - self._clock.now()
        if left <= 0:
            self._expired()
            return
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(min(left, LONGEST_NAP_S), self.watch)

    def cancel(self) -> None:
        """Wait no longer."""
        if self._timer is not None:
            self._timer.cancel()


def lasting(seconds: float) -> str:
    """A duration in its largest whole unit: ``7 days``, ``90 minutes``, ``0.5 seconds``."""
    for size, word in _UNITS:
        if seconds >= size and seconds % size == 0:
            count = int(seconds // size)
            return f"{count} {word}{'s' if count > 1 else ''}"
    return f"{seconds:g} seconds"
