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


def since_start(at: float, began: float, mode: TimeMode, zone: tzinfo | None = None) -> str:
    """When something in an execution happened, to tell its events apart whenever it was.

    ``+02:11.4`` from its start on; else the time of day, behind the day of the month where it is
    another than that of the start.
    """
    if mode is TimeMode.RELATIVE:
        tenths = max(0, round((at - began) * 10))
        seconds, hours = tenths // 10, tenths // 10 // HOUR
        short = f"{seconds % HOUR // MINUTE:02d}:{seconds % MINUTE:02d}"
        return f"+{hours}:{short}" if hours else f"+{short}.{tenths % 10}"
    there = UTC if mode is TimeMode.UTC else zone
    then, start = (datetime.fromtimestamp(one, there) for one in (at, began))
    day = "" if then.date() == start.date() else f"{then:%d} "
    return f"{day}{then:%H:%M:%S}" + ("Z" if mode is TimeMode.UTC else "")


def exact(at: float, now: float, mode: TimeMode, zone: tzinfo | None = None) -> str:
    """When something happened, to tell it from what happened shortly before: ``4m 12s ago``."""
    if mode is not TimeMode.RELATIVE:
        there = UTC if mode is TimeMode.UTC else zone
        then, today = (datetime.fromtimestamp(one, there) for one in (at, now))
        shown = f"{then:%m-%d %H:%M:%S}" if then.year == today.year else f"{then:%Y-%m-%d %H:%M}"
        return shown + ("Z" if mode is TimeMode.UTC else "")
    seconds = max(0, int(now - at))
    if seconds < MINUTE:
        return f"{seconds}s ago"
    if seconds < HOUR:
        return f"{seconds // MINUTE}m {seconds % MINUTE:02d}s ago"
    if seconds < DAY:
        return f"{seconds // HOUR}h {seconds % HOUR // MINUTE:02d}m ago"
    return f"{seconds // DAY}d {seconds % DAY // HOUR:02d}h ago"


def waiting(seconds: float) -> str:
    """How long somebody has been kept waiting, to the minute: ``12m``, ``1h 05m``, ``3d 04h``."""
    whole = max(0, int(seconds))
    if whole < MINUTE:
        return "now"
    if whole < HOUR:
        return f"{whole // MINUTE}m"
    if whole < DAY:
        return f"{whole // HOUR}h {whole % HOUR // MINUTE:02d}m"
    return f"{whole // DAY}d {whole % DAY // HOUR:02d}h"


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
