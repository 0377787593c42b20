"""Time as a value that is handed in, so that tests can turn it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Gives the present."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards; for durations and deadlines only."""
        ...


class SystemClock:
    """The host's clock."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


def timestamp(at: float) -> str:
    """ISO-8601 with milliseconds and ``Z``, the form of the service's event details."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment.isoformat(timespec='milliseconds')[: -len('+00:00')]}Z"
