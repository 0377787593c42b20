"""What running jobs take of the host: CPU time and memory of their processes, about once a second.

``usage.jsonl`` in an attempt's folder has one line for each sample:
``[at, cpu_seconds, resident_bytes, log_bytes]``. Times are seconds since the epoch; CPU time is
what the job has used since its start, so that a runner that takes over just goes on; the size of
the log tells later when a line of it was written.

One pass over ``/proc`` serves all jobs. It reads the kernel's own counters rather than through
psutil, which would read several files for each process on the host.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.jobs.attempt import LOG
from engine.jobs.base import Handle

FILE = "usage.jsonl"
FIRST_S = 0.5
"""Seconds to an attempt's first sample: one that ends before leaves no file."""
_FASTEST_S, _SLOWEST_S, _PART = 1.0, 10.0, 60.0
"""A sample is due after a 60th of the attempt's age, within these bounds."""
_ASK_S = 10.0


@dataclass(frozen=True, slots=True)
class Process:
    """The fields of ``/proc/PID/stat`` that count (proc(5)).

    ``cpu_s`` includes the children that it has waited for.
    """

    pid: int
    parent: int
    session: int
    start_ticks: int
    cpu_s: float
    memory: int


@dataclass(slots=True)
class _Job:
    """A job that runs.

    Its processes are below its shim; those of a container belong to the engine's own supervisor,
    and are below ``root`` once the tool has told its number.
    """

    start_ticks: int
    tool: str = ""
    container: str = ""
    root: int = 0


@dataclass(slots=True)
class _Watched:
    """An attempt with the jobs it runs now, by the number of their shim."""

    due: float
    began: float
    jobs: dict[int, _Job] = field(default_factory=dict)
    cpu_s: dict[int, float] = field(default_factory=dict)
    ended_cpu_s: float = 0.0


class Sampler:
    """Samples the jobs of all attempts of an execution; costs a timer while some run.

    Must be used in one event loop; the work is done in a thread.
    """

    def __init__(self) -> None:
        self._attempts: dict[Path, _Watched] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._work: asyncio.Task[None] | None = None

    def watch(self, directory: Path, handle: Handle) -> None:
        """Sample a job from now on, as part of the attempt whose folder this is."""
        names = handle.get("tool", ""), handle.get("container", "")
        if "pid" not in handle or (handle.get("runner") == "container" and not all(names)):
            return
        now = time.monotonic()
        watched = self._attempts.setdefault(directory, _Watched(now + FIRST_S, now))
        watched.jobs[handle["pid"]] = _Job(handle["start_ticks"], *names)
        if self._timer is None and self._work is None:
            self._set_timer(FIRST_S)

    def forget(self, directory: Path, handle: Handle) -> None:
        """A job has ended."""
        watched = self._attempts.get(directory)
        if watched is None:
            return
        watched.jobs.pop(handle.get("pid", 0), None)
        watched.ended_cpu_s += watched.cpu_s.pop(handle.get("pid", 0), 0.0)
        if not watched.jobs and watched.ended_cpu_s == 0.0:
            del self._attempts[directory]

    @property
    def watching(self) -> bool:
        """Whether there are jobs to sample."""
        return any(one.jobs for one in self._attempts.values())

    def close(self) -> None:
        """Sample no more."""
        self._attempts.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _set_timer(self, delay: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(delay, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._work = asyncio.get_running_loop().create_task(self._sample())

    async def _sample(self) -> None:
        now = time.monotonic()
        due = {
            directory: one
            for directory, one in self._attempts.items()
            if one.jobs and one.due <= now
        }
        try:
            if due:
                shims = {directory: dict(one.jobs) for directory, one in due.items()}
                found = await asyncio.to_thread(_take, shims)
                lines = [_total(place, due[place], jobs) for place, jobs in found.items() if jobs]
                await asyncio.to_thread(_write_all, lines)
        finally:
            self._work = None
        for one in due.values():
            one.due = now + min(_SLOWEST_S, max(_FASTEST_S, (now - one.began) / _PART))
        running = [one.due for one in self._attempts.values() if one.jobs]
        if running:
            self._set_timer(max(0.05, min(running) - time.monotonic()))


@dataclass(frozen=True, slots=True)
class Taken:
    """What a job takes at one moment; ``began`` in seconds since the epoch."""

    cpu_s: float
    memory: int
    began: float


_Line = tuple[Path, float, float, int, float]


def _total(directory: Path, watched: _Watched, found: Mapping[int, Taken]) -> _Line:
    """What an attempt has used, with its jobs that have ended: the arguments of ``write``."""
    for pid, one in found.items():
        watched.cpu_s[pid] = max(one.cpu_s, watched.cpu_s.get(pid, 0.0))
    cpu_s = watched.ended_cpu_s + sum(watched.cpu_s.values())
    memory = sum(one.memory for one in found.values())
    began = min(one.began for one in found.values())
    return directory, time.time(), cpu_s, memory, began


def _write_all(lines: Iterable[_Line]) -> None:
    for line in lines:
        # The attempt's folder may be gone by now, or the disk full; the job goes on all the same.
        with contextlib.suppress(OSError):
            write(*line)


def write(directory: Path, at: float, cpu_s: float, memory: int, began: float) -> None:
    """Append a sample; the first one is preceded by the start, when nothing was used yet."""
    log = 0
    with contextlib.suppress(OSError):
        log = os.stat(directory / LOG).st_size
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(directory / FILE, flags, 0o600)
    try:
        start = "" if os.fstat(file).st_size else f"[{began:.2f},0,0,0]\n"
        os.write(file, f"{start}[{at:.2f},{cpu_s:.2f},{memory},{log}]\n".encode())
    finally:
        os.close(file)


def _first_process(tool: str, container: str) -> int:
    """The number of a container's first process on this host; 0 where it cannot be told."""
    words = [tool, "container", "inspect", "--format", "{{.State.Pid}}", container]
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        said = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_ASK_S, check=False
        ).stdout.strip()
        return int(said) if said.isdigit() else 0
    return 0


def _take(shims: Mapping[Path, Mapping[int, _Job]]) -> dict[Path, dict[int, Taken]]:
    """What each job takes now; jobs whose shim is gone are left out."""
    for job in (job for jobs in shims.values() for job in jobs.values()):
        if job.container and not job.root:
            job.root = _first_process(job.tool, job.container)
    table = {one.pid: one for one in processes()}
    children: dict[int, list[int]] = {}
    sessions: dict[int, list[int]] = {}
    for one in table.values():
        children.setdefault(one.parent, []).append(one.pid)
        sessions.setdefault(one.session, []).append(one.pid)
    booted = time.time() - _uptime()
    found: dict[Path, dict[int, Taken]] = {}
    for directory, jobs in shims.items():
        found[directory] = {}
        for pid, job in jobs.items():
            shim, root = table.get(pid), job.root if job.container else pid
            if shim is not None and shim.start_ticks == job.start_ticks and root in table:
                members = [table[one] for one in _below(root, children, sessions.get(root, ()))]
                found[directory][pid] = Taken(
                    sum(one.cpu_s for one in members),
                    sum(one.memory for one in members),
                    booted + job.start_ticks / _ticks(),
                )
    return found


def _below(pid: int, children: Mapping[int, Iterable[int]], session: Iterable[int]) -> set[int]:
    """A shim's session, and whatever descends from it."""
    seen: set[int] = set()
    left = [pid, *session]
    while left:
        one = left.pop()
        if one not in seen:
            seen.add(one)
            left.extend(children.get(one, ()))
    return seen


def processes() -> Iterable[Process]:
    """All processes of the host that can be seen."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError):
                yield parse(Path("/proc", name, "stat").read_bytes())


def parse(line: bytes) -> Process:
    """Read a ``/proc/PID/stat`` line; the program's name may hold spaces and brackets.

    Errors: ``ValueError`` where the line is cut short or is none.
    """
    head, _, tail = line.rpartition(b")")
    fields = tail.split()
    if len(fields) < 22:
        raise ValueError("not a complete /proc/PID/stat line")
    cpu_s = sum(map(int, fields[11:15])) / _ticks()
    memory = int(fields[21]) * _PAGE
    pid = int(head.split(b" ", 1)[0])
    return Process(pid, int(fields[1]), int(fields[3]), int(fields[19]), cpu_s, memory)


_PAGE = os.sysconf("SC_PAGE_SIZE")


def _ticks() -> int:
    return os.sysconf("SC_CLK_TCK")


def _uptime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
