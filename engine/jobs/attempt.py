"""The files by which the shim and the runners, now and later, agree on one attempt."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from signal import SIGKILL

from engine.errors import JobError
from engine.jobs import identity
from engine.jobs.base import Exit, Job, Mount, exit_from_status

LOG = "job.log"
_PID = "pid"
_EXIT = "exit.json"
_JOB = "job.json"
_STOP = "stop"
_ABANDONED = "abandoned\n"
_CLAIM = re.compile(r"(\d+) (\S+) (\S+)\n")


@dataclass(frozen=True, slots=True)
class Claim:
    """What the shim wrote before it started the job: its number, the boot, and the job's id."""

    pid: int
    boot_id: str
    job_id: str


def write_job(job: Job, runner: str) -> None:
    """Keep what a job was given, secrets included, for its user alone: ``read_job`` reads it.

    Args:
        runner: the name of the way it runs.

    Raises:
        OSError: the directory cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    text = json.dumps({"runner": runner, "job": asdict(job)})
    with os.fdopen(os.open(Path(job.directory, _JOB), flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def read_job(directory: str) -> tuple[Job, str] | None:
    """A job as it was started and the way it runs; None where nothing was kept."""
    try:
        kept = json.loads(_read(directory, _JOB))
        job = kept["job"]
        lists = {name: tuple(job.get(name, ())) for name in ("command", "before", "serves")}
        mounts = tuple(Mount(**mount) for mount in job.get("mounts", ()))
        return Job(**{**job, **lists, "mounts": mounts}), str(kept["runner"])
    except (ValueError, KeyError, TypeError):
        return None


def read_claim(directory: str) -> Claim | None:
    """The shim's claim; None when none was made, or it was cut short."""
    match = _CLAIM.fullmatch(_read(directory, _PID))
    return Claim(int(match[1]), match[2], match[3]) if match else None


def started_at(directory: str) -> float | None:
    """When the shim claimed the attempt, in seconds since the epoch; None where none has."""
    try:
        return os.stat(Path(directory, _PID)).st_mtime
    except OSError:
        return None


def abandon(directory: str) -> bool:
    """Take the attempt so that no shim can start it any more; False if one already did.

    Raises:
        JobError: the directory cannot be written.
    """
    try:
        with open(Path(directory, _PID), "x", encoding="utf-8") as file:
            file.write(_ABANDONED)
    except FileExistsError:
        return _read(directory, _PID) == _ABANDONED
    except OSError as error:
        raise JobError(
            f"The attempt's directory {directory} cannot be used: {error.strerror}.",
            code="job-directory-unusable",
            hint="Check that the home folder exists, is writable and has space left.",
        ) from error
    return True


def mark_stopped(directory: str, *, killed: bool) -> None:
    """Note that the job was asked to stop, so that whoever reads its end later knows."""
    with open(Path(directory, _STOP), "w", encoding="utf-8", opener=_private) as file:
        file.write("KILL\n" if killed else "TERM\n")


def read_exit(directory: str) -> Exit | None:
    """How the job ended, from the shim's record; None while there is no complete one."""
    text = _read(directory, _EXIT)
    if not text.endswith("\n"):
        return None
    record = json.loads(text)
    note = "its /opt/ml could not be mounted, see the log" if "failure" in record else ""
    return exit_from_status(
        record["code"],
        stopped=bool(_read(directory, _STOP)),
        ended_at=os.stat(Path(directory, _EXIT)).st_mtime,
        note=note,
    )


def exit_without_record(directory: str, status: int | None) -> Exit:
    """How a job ended whose shim left no record.

    Args:
        directory: the attempt's directory.
        status: the shim's own exit code where it ended by itself: it passes the job's on.
    """
    stopped = _read(directory, _STOP)
    if stopped.startswith("KILL"):
        # Ahead of the status: unshare ends with 1 where its child was killed.
        return Exit(signal=SIGKILL, stopped=True)
    if status is not None:
        return exit_from_status(status, stopped=bool(stopped))
    claim = read_claim(directory)
    rebooted = claim is not None and claim.boot_id != identity.boot_id()
    note = "the machine was restarted meanwhile" if rebooted else ""
    return Exit(lost=True, stopped=bool(stopped), note=note)


def log_tail(directory: str, size: int = 65536) -> str:
    """The last ``size`` bytes of the job's log as text."""
    try:
        with open(Path(directory, LOG), "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - size))
            return file.read(size).decode("utf-8", "replace")
    except OSError:
        return ""


def _read(directory: str, name: str) -> str:
    try:
        return Path(directory, name).read_text("utf-8", "replace")
    except OSError:
        return ""


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
