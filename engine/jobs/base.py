"""What every way to run a job has in common: the job, its handle, its end, and the seam."""

from __future__ import annotations

import signal as signals
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

Handle: TypeAlias = dict[str, Any]
"""Plain JSON that finds a started job again, in this process or the next one."""

OPT_ML = "/opt/ml"


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder of the host that a job sees below ``/opt/ml``.

    Args:
        source: the folder on the host.
        target: as the job sees it, an empty folder below ``/opt/ml``.
        read_only: for the job; a runner that can only link it there does not hold it to that.
    """

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt of a step, as the operating system is to run it.

    Args:
        id: ``<execution>/<step>/<attempt>``, unique, without blanks; marks the job's processes.
        directory: the attempt's directory; exists, mode 0700; gets ``pid``, ``job.log``,
            ``exit.json``. Serves one job only.
        command: the argument vector; in a container the first one is the entry point.
        environment: the whole environment; the job inherits nothing and finds these variables and
            ``PIPETUI_JOB``. PWD, OLDPWD, SHLVL, IFS, OPTIND and PPID are a shell's own affair
            and are not passed on.
        ml: the directory that the job sees as ``/opt/ml``; empty where it wants none.
        working_directory: as the job sees it; empty for ``/opt/ml``, else the attempt's directory.
        image: the container image; other runners do not look at it.
        engine: the path of ``podman`` or ``docker`` for the image, or for what the job serves;
            empty for the runner's own choice.
        image_entrypoint: whether ``command`` is only arguments for the image's own entry point.
        grace_s: seconds between SIGTERM and SIGKILL when the job is stopped.
        hosts: how many hosts it has a part on; ``algo-1`` and so on then resolve for it where the
            runner can do that.
        mounts: what else it sees; a plain process sees none of it.
        before: a program of the host and its arguments, which turns into the command that follows
            them; for a container it is started on the host, around the container.
        serves: the containers that the job's program starts by itself, by name; they end with it.
    """

    id: str
    directory: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    ml: str = ""
    working_directory: str = ""
    image: str = ""
    engine: str = ""
    image_entrypoint: bool = False
    grace_s: float = 120.0
    hosts: int = 0
    mounts: tuple[Mount, ...] = ()
    before: tuple[str, ...] = ()
    serves: tuple[str, ...] = ()


_SIGNALS = frozenset(map(int, signals.valid_signals()))
_SHELL_CODES = {126: "the command cannot be executed", 127: "the command was not found"}


@dataclass(frozen=True, slots=True)
class Exit:
    """How a job ended.

    A job that exits with 128 + N by itself cannot be told from one killed by signal N: shells and
    container tools report both alike, and so does this.

    Args:
        code: the exit code; None when a signal ended the job or nobody knows.
        signal: the signal that ended it.
        lost: whether what watched over the job died first, so that the true end is unknown.
        stopped: whether the job had been asked to stop.
        oom: whether the kernel's out-of-memory killer struck meanwhile.
        ended_at: seconds since the epoch.
        note: what else helps to understand the end, as a sentence.
    """

    code: int | None = None
    signal: int | None = None
    lost: bool = False
    stopped: bool = False
    oom: bool = False
    ended_at: float | None = None
    note: str = ""

    @property
    def ok(self) -> bool:
        """Whether the job did its work: exit code 0, not lost and not stopped."""
        return self.code == 0 and not self.lost and not self.stopped

    def describe(self) -> str:
        """The end in words for a person."""
        words = self._how()
        if self.stopped:
            words = f"stopped, {words}"
        return f"{words}; {self.note}" if self.note else words

    def _how(self) -> str:
        if self.lost:
            return "lost: its supervisor died before it, so the exit code is unknown"
        if self.signal is not None:
            reason = ""
            if self.oom:
                reason = " (out of memory)"
            elif self.signal == signals.SIGKILL and not self.stopped:
                reason = " (perhaps out of memory)"
            return f"killed by {signal_name(self.signal)}{reason}"
        reason = _SHELL_CODES.get(self.code or 0, "")
        return f"exit code {self.code}" + (f" ({reason})" if reason else "")


def signal_name(number: int) -> str:
    """``SIGKILL`` for 9; ``signal 99`` where the number has no name here."""
    try:
        return signals.Signals(number).name
    except ValueError:
        return f"signal {number}"


def exit_from_status(status: int, **more: Any) -> Exit:
    """Read a shell's ``$?``, in which 128 + N stands for death by signal N."""
    if status - 128 in _SIGNALS:
        return Exit(signal=status - 128, **more)
    return Exit(code=status, **more)


@dataclass(frozen=True, slots=True)
class Running:
    """The job lives; wait for it with this handle."""

    handle: Handle


@dataclass(frozen=True, slots=True)
class Finished:
    """The job is over."""

    exit: Exit


@dataclass(frozen=True, slots=True)
class Gone:
    """The job never started, and cannot start any more."""


Adopted: TypeAlias = Running | Finished | Gone


class JobRunner(Protocol):
    """Starts, awaits, stops and adopts jobs; every runner passes ``test_job_runner.py``."""

    name: str

    async def start(self, job: Job) -> Handle:
        """Start the job; it lives on when the caller dies.

        Raises:
            JobError: it cannot be started; nothing runs then.
        """

    async def wait(self, handle: Handle) -> Exit:
        """Wait for the end. Cancelling this leaves the job alone; others may wait as well."""

    async def stop(self, handle: Handle, grace_s: float) -> None:
        """Send SIGTERM, after ``grace_s`` seconds SIGKILL, and return when the job is gone."""

    def adopt(self, handle: Handle | None, directory: str) -> Adopted:
        """Find out what became of a job that an earlier process started.

        Args:
            handle: what ``start`` returned, or None if that process died before noting it down.
            directory: the attempt's directory.
        """
