"""Which process is meant, beyond a number that the kernel hands out again."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

DEAD = "ZX"
_SIGNAL_GROUP = 4


@cache
def boot_id() -> str:
    """The kernel's name for the present boot; empty where there is none to read."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class Stat:
    """The fields of ``/proc/PID/stat`` that say who a process is (proc(5))."""

    pid: int
    state: str
    parent: int
    group: int
    session: int
    start_ticks: int


def parse_stat(line: str) -> Stat:
    """Read a ``/proc/PID/stat`` line; the program's name may hold spaces and brackets.

    Raises:
        ValueError: the line is cut short or is none.
    """
    head, _, tail = line.rpartition(")")
    fields = tail.split()
    if len(fields) < 20:
        raise ValueError("not a complete /proc/PID/stat line")
    parent, group, session = (int(field) for field in fields[1:4])
    return Stat(int(head.split(" ", 1)[0]), fields[0], parent, group, session, int(fields[19]))


def stat_of(pid: int) -> Stat | None:
    """What the kernel says about ``pid`` now; None where there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return parse_stat(file.read())
    except (OSError, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process for all time: its number, its start in clock ticks since boot, and the boot."""

    pid: int
    start_ticks: int
    boot_id: str

    def alive(self) -> bool:
        """Whether this very process still runs; a zombie does not."""
        if self.boot_id != boot_id():
            return False
        stat = stat_of(self.pid)
        return stat is not None and stat.start_ticks == self.start_ticks and stat.state not in DEAD

    def exists(self) -> bool:
        """Whether this very process is still in the process table, be it as a zombie."""
        stat = stat_of(self.pid) if self.boot_id == boot_id() else None
        return stat is not None and stat.start_ticks == self.start_ticks

    def open(self) -> int | None:
        """A pidfd of this very process, for the caller to close; None when it is gone.

        Raises:
            OSError: the kernel has no pidfds, or the process has no file descriptors left.
        """
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return None
        # Checked after the pidfd pinned the process: a number handed out again fails here.
        if self.exists():
            return descriptor
        os.close(descriptor)
        return None

    def signal(self, number: int, *, group: bool = False) -> bool:
        """Send a signal to this very process (or the group it leads); False when it is gone."""
        try:
            descriptor = self.open()
        except OSError:
            return self._signal_by_number(number, group)
        if descriptor is None:
            return False
        try:
            signal.pidfd_send_signal(descriptor, number, None, _SIGNAL_GROUP if group else 0)
        except ProcessLookupError:
            return False
        except OSError:
            return self._signal_by_number(number, group)
        finally:
            os.close(descriptor)
        return True

    def _signal_by_number(self, number: int, group: bool) -> bool:
        if not self.exists():
            return False
        try:
            (os.killpg if group else os.kill)(self.pid, number)
        except ProcessLookupError:
            return False
        return True

    def as_dict(self) -> dict[str, Any]:
        """The identity as plain JSON."""
        return {"pid": self.pid, "start_ticks": self.start_ticks, "boot_id": self.boot_id}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ProcessIdentity:
        """The identity out of plain JSON; other keys are ignored."""
        return cls(int(data["pid"]), int(data["start_ticks"]), str(data["boot_id"]))


def of(pid: int) -> ProcessIdentity | None:
    """The identity of the process that has this number now; None where there is none."""
    stat = stat_of(pid)
    return ProcessIdentity(pid, stat.start_ticks, boot_id()) if stat else None


def current() -> ProcessIdentity:
    """The identity of the calling process."""
    identity = of(os.getpid())
    if identity is None:
        raise OSError("/proc/self/stat cannot be read: is /proc mounted?")
    return identity
