"""Time as a person reads it: elapsed first, absolute on demand."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from enum import StrEnum

MINUTE, HOUR, DAY = 60, 3600, 86400


class TimeMode(StrEnum):
    """How points in time are shown; ``t`` goes to the next."""

    RELATIVE = "relative"
    LOCAL = "local"
    UTC = "utc"

    @property
    def next(self) -> TimeMode:
        """The mode after this one."""
        modes = list(TimeMode)
        return modes[(modes.index(self) + 1) % len(modes)]


def elapsed(seconds: float | None, *, ended: bool = False) -> str:
    """``02:11``, ``1:02:11`` or ``3d 04h``; empty for None.

    Args:
        ended: the time does not grow any more, so a short one is shown in full (``0.07s``).
    """
    if seconds is None:
        return ""
    if ended and 0 <= seconds < 10:
        return f"{seconds:.2f}s" if seconds < 1 else f"{seconds:.1f}s"
    whole = max(0, int(seconds))
    if whole < HOUR:
        return f"{whole // MINUTE:02d}:{whole % MINUTE:02d}"
    if whole < DAY:
        return f"{whole // HOUR}:{whole % HOUR // MINUTE:02d}:{whole % MINUTE:02d}"
    return f"{whole // DAY}d {whole % DAY // HOUR:02d}h"


def moment(at: float, now: float, mode: TimeMode, zone: tzinfo | None = None) -> str:
    """When something happened.

    Args:
        at, now: seconds since the epoch.
        zone: the person's time zone; None is the host's.
    """
    if mode is TimeMode.RELATIVE:
        return _ago(at, now)
    then = datetime.fromtimestamp(at, UTC if mode is TimeMode.UTC else zone)
    today = datetime.fromtimestamp(now, UTC if mode is TimeMode.UTC else zone).date()
    mark = "Z" if mode is TimeMode.UTC else ""
    if then.date() == today:
        return f"{then:%H:%M:%S}{mark}"
    return f"{then:%m-%d %H:%M}{mark}" if then.year == today.year else f"{then:%Y-%m-%d}"


def clock(at: float, mode: TimeMode, zone: tzinfo | None = None) -> str:
    """``2026-11-22 14:02:31``, with ``Z`` where it is UTC."""
    utc = mode is TimeMode.UTC
    then = datetime.fromtimestamp(at, UTC if utc else zone)
    return f"{then:%Y-%m-%d %H:%M:%S}" + ("Z" if utc else "")


def _ago(at: float, now: float) -> str:
    seconds = now - at
    if seconds < 5:
        return "now"
    if seconds < MINUTE:
        return f"{int(seconds)}s ago"
    if seconds < HOUR:
        return f"{int(seconds // MINUTE)}m ago"
    if seconds < DAY:
        return f"{int(seconds // HOUR)}h ago"
    days = int(seconds // DAY)
    return "yesterday" if days == 1 else f"{days}d ago"
