"""The processes that belong to a job: found in /proc, awaited and ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import time
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL

from engine.jobs import identity
from engine.jobs.identity import ProcessIdentity

MARK = "PIPETUI_JOB"
_POLL_S = 0.05
_KILL_ROUNDS = 5


async def ended(process: ProcessIdentity) -> None:
    """Return when the process is over, be it our child or not; leaves it unreaped."""
    try:
        descriptor = process.open()
    except OSError:
        while process.alive():  # noqa: ASYNC110 - without a pidfd there is no event to wait for
            await asyncio.sleep(_POLL_S)
        return
    if descriptor is None:
        return
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_reader(descriptor, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def reap(process: ProcessIdentity) -> int | None:
    """Take an ended child off the process table; its exit code if it was ours and exited."""
    if not process.exists():
        return None
    try:
        result = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG)
    except ChildProcessError:
        return None
    return result.si_status if result and result.si_code == os.CLD_EXITED else None


def members(leader: ProcessIdentity, job_id: str) -> list[ProcessIdentity]:
    """The job's live processes but its leader: the leader's session, and whatever left it.

    The session counts only while the leader is there, as its number may be another's afterwards;
    the job's mark in the environment counts always.
    """
    in_session = leader.exists()
    mark = f"{MARK}={job_id}".encode()
    found = []
    for pid in _pids():
        stat = identity.stat_of(pid)
        if stat is None or pid == leader.pid or stat.state in identity.DEAD:
            continue
        if (in_session and stat.session == leader.pid) or mark in _split(f"/proc/{pid}/environ"):
            found.append(ProcessIdentity(pid, stat.start_ticks, identity.boot_id()))
    return found


def kill(leader: ProcessIdentity, job_id: str) -> None:
    """End the leader and everything that belongs to the job, and wait until it is gone."""
    for _ in range(_KILL_ROUNDS):
        doomed = members(leader, job_id)
        if leader.alive():
            doomed.append(leader)
        if not doomed:
            return
        with contextlib.ExitStack() as stack:
            _kill_all(doomed, stack)


def _kill_all(doomed: list[ProcessIdentity], stack: contextlib.ExitStack) -> None:
    deadline = time.monotonic() + 1.0
    for process in doomed:
        process.signal(SIGKILL)
    for process in doomed:
        with contextlib.suppress(OSError):
            if (descriptor := process.open()) is not None:
                stack.callback(os.close, descriptor)
                left_ms = max(0.0, deadline - time.monotonic()) * 1000
                poll = select.poll()
                poll.register(descriptor, select.POLLIN)
                poll.poll(left_ms)


def shim_of(pid: int, directory: str) -> ProcessIdentity | None:
    """The process with this number, if it is the shim of this attempt: each has it in its argv."""
    process = identity.of(pid)
    # Read after the start time: a number handed out again in between fails the later comparison.
    return process if process and os.fsencode(directory) in _split(f"/proc/{pid}/cmdline") else None


def has_shim(directory: str) -> bool:
    """Whether some live process was given this attempt's directory as an argument."""
    return any(shim_of(pid, directory) for pid in _pids())


def oom_kills() -> int:
    """How often the kernel has killed a process for want of memory since boot."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text("utf-8").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def _split(path: str) -> list[bytes]:
    try:
        return Path(path).read_bytes().split(b"\0")
    except OSError:
        return []


def _pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())
