"""Plain processes: the shim in a session of its own, its output in a file, its end by pidfd."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import re
import shutil
import signal
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from engine.errors import JobError
from engine.jobs import attempt, identity, processes
from engine.jobs.base import Adopted, Exit, Finished, Gone, Handle, Job, Running
from engine.jobs.identity import ProcessIdentity

SHIM = str(Path(__file__).with_name("shim.sh"))
_LOOK_AGAIN_S = 0.01
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ID = re.compile(r"[!-\[\]-~]+")
_OF_THE_SHELL = frozenset({"PWD", "OLDPWD", "SHLVL", "IFS", "OPTIND", "PPID"})
_DEFAULT_ACTION = (
    *(signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGPIPE),
    *(signal.SIGCHLD, signal.SIGXFSZ, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU),
    *(signal.SIGUSR1, signal.SIGUSR2),
)


@cache
def shell() -> str:
    """The smallest POSIX shell here: dash starts twice as fast as bash."""
    return shutil.which("dash", path="/bin:/usr/bin") or "/bin/sh"


class ProcessRunner:
    """Runs jobs that need no ``/opt/ml`` as plain processes of the caller's user.

    A runner that builds on it overrides ``_shim`` (what the shim is told to do), ``_environment``
    and ``_end`` (what is known about an end).
    """

    name = "process"

    def __init__(self) -> None:
        self._oom_kills = processes.oom_kills()

    async def start(self, job: Job) -> Handle:
        """See `JobRunner.start`."""
        _check(job)
        process = spawn(job, self._shim(job), self._environment(job), self.name)
        return self._handle(process, job.id, job.directory)

    def words(self, job: Job) -> tuple[list[str], dict[str, str], str]:
        """Command line, environment and folder to run a job in the foreground, unrecorded.

        Raises:
            JobError: the job cannot run in this way.
        """
        _check(job)
        mode, *rest = self._shim(job)
        environment = dict(self._environment(job))
        if mode == "process":
            # Without the shim, whose last act ends its process group: here that is the caller's.
            folder, *command = rest[len(mark(job)) :]
            return command, environment, folder
        return [shell(), SHIM, mode, *rest], environment, job.directory

    async def wait(self, handle: Handle) -> Exit:
        """See `JobRunner.wait`."""
        process = ProcessIdentity.from_dict(handle)
        await processes.ended(process)
        return self._end(process, handle["id"], handle["directory"])

    async def stop(self, handle: Handle, grace_s: float) -> None:
        """See `JobRunner.stop`."""
        process, directory = ProcessIdentity.from_dict(handle), handle["directory"]
        if process.alive() and attempt.read_exit(directory) is None:
            attempt.mark_stopped(directory, killed=False)
            try:
                async with asyncio.timeout(grace_s):
                    await _terminate(process, handle["id"])
                    await processes.ended(process)
            except TimeoutError:
                attempt.mark_stopped(directory, killed=True)
        processes.kill(process, handle["id"])

    def adopt(self, handle: Handle | None, directory: str) -> Adopted:
        """See `JobRunner.adopt`."""
        process = ProcessIdentity.from_dict(handle) if handle else None
        if handle and process and process.alive():
            return Running(handle)
        claim = _final_claim(directory)
        if claim is None:
            return Gone()
        if process is None and claim.boot_id == identity.boot_id():
            process = processes.shim_of(claim.pid, directory)
            if process and process.alive():
                return Running(self._handle(process, claim.job_id, directory))
        process = process or ProcessIdentity(claim.pid, 0, claim.boot_id)
        return Finished(self._end(process, claim.job_id, directory))

    def _shim(self, job: Job) -> Sequence[str]:
        """The shim's arguments, command and all."""
        if job.ml:
            raise JobError(
                f"The job {job.id} needs {job.ml} at /opt/ml, which a plain process cannot see.",
                code="job-needs-opt-ml",
                hint="Use the namespace, container or rewrite runner.",
            )
        workdir = job.working_directory or job.directory
        return ("process", *mark(job), workdir, *job.before, *job.command)

    def _environment(self, job: Job) -> Mapping[str, str]:
        """The shim's environment, which the command inherits."""
        kept = {key: text for key, text in job.environment.items() if key not in _OF_THE_SHELL}
        return kept | {processes.MARK: job.id}

    def _end(self, process: ProcessIdentity, job_id: str, directory: str) -> Exit:
        """What is known about the end of a job whose shim is over."""
        status = processes.reap(process)
        end = attempt.read_exit(directory)
        if end is None:
            processes.kill(process, job_id)
            end = attempt.exit_without_record(directory, status)
        if end.signal == signal.SIGKILL and not end.stopped:
            before, self._oom_kills = self._oom_kills, processes.oom_kills()
            end = dataclasses.replace(end, oom=self._oom_kills > before)
        return end

    def _handle(self, process: ProcessIdentity, job_id: str, directory: str) -> Handle:
        return {"runner": self.name, "id": job_id, "directory": directory, **process.as_dict()}


def mark(job: Job) -> tuple[str, str, str]:
    """The shim's arguments that tell its process from every other: id, boot, directory."""
    return job.id, identity.boot_id() or "unknown", job.directory


def spawn(
    job: Job, arguments: Sequence[str], environment: Mapping[str, str], runner: str
) -> ProcessIdentity:
    """Start the shim as the leader of a new session, its output appended to the job's log.

    Args:
        runner: the name of the way it runs, which is kept with the job.

    Raises:
        JobError: the log cannot be opened or the shim cannot be started.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        attempt.write_job(job, runner)
        log = os.open(os.path.join(job.directory, attempt.LOG), flags, 0o600)
        try:
            pid = os.posix_spawn(
                shell(),
                (shell(), SHIM, *arguments),
                environment,
                file_actions=(
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, log, 1),
                    (os.POSIX_SPAWN_DUP2, log, 2),
                ),
                setsid=True,
                setsigmask=(),
                setsigdef=_DEFAULT_ACTION,
            )
        finally:
            os.close(log)
    except OSError as error:
        raise JobError(
            f"The job {job.id} cannot be started in {job.directory}: {error.strerror}.",
            code="job-not-started",
            hint="Check that the directory is writable, that there is space left, and the limits "
            "on processes, open files and the size of arguments (ulimit -a).",
        ) from error
    return identity.of(pid) or ProcessIdentity(pid, 0, identity.boot_id())


def _check(job: Job) -> None:
    names = [name for name in job.environment if not _NAME.fullmatch(name)]
    texts = (*job.command, *job.environment.values(), job.working_directory)
    problem = ""
    if not _ID.fullmatch(job.id):
        problem = "its id must be printable ASCII without blanks and backslashes"
    elif not os.path.isabs(job.directory):
        problem = f"its directory {job.directory!r} must be an absolute path"
    elif job.working_directory and not os.path.isabs(job.working_directory):
        problem = f"its working directory {job.working_directory!r} must be an absolute path"
    elif not job.command or not job.command[0]:
        problem = "its command is empty"
    elif names:
        problem = f"the environment variable name {names[0]!r} is not [A-Za-z_][A-Za-z0-9_]*"
    elif any("\0" in text for text in texts):
        problem = "its command or environment contains a NUL character"
    if problem:
        raise JobError(
            f"The job {job.id!r} cannot be started: {problem}.",
            code="job-invalid",
            hint="Correct the step's command or environment in the pipeline definition.",
        )


def _final_claim(directory: str) -> attempt.Claim | None:
    """The shim's claim on the attempt; None once it is certain that there never will be one."""
    while (claim := attempt.read_claim(directory)) is None:
        if attempt.abandon(directory) or not processes.has_shim(directory):
            return attempt.read_claim(directory)
        time.sleep(_LOOK_AGAIN_S)
    return claim


async def _terminate(leader: ProcessIdentity, job_id: str) -> None:
    """Send SIGTERM to all of the job but its leader, which has its end to record."""
    while leader.alive():
        found = processes.members(leader, job_id)
        for process in found:
            process.signal(signal.SIGTERM)
        if found:
            return
        await asyncio.sleep(_LOOK_AGAIN_S)
