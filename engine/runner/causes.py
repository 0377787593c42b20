"""Reads what a failed job left, to tell what ended it. Blocking; for a thread."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from engine.jobs.attempt import LOG
from engine.jobs.base import Exit, Job

TAIL = 256 * 1024
"""Bytes at the end of a log that are looked at, however long it is."""


def read_cause(job: Job, exit: Exit) -> str:
    """What ended a job, in one line without secrets; see ``engine.steps.failure.cause_of``."""
    from engine.logs.secrets import known_secrets, without_secrets
    from engine.steps.failure import cause_of
    from engine.steps.hosts import FAILURE
    from engine.steps.opt_ml import OptMl

    failure = OptMl(Path(job.ml)).read_text(FAILURE) if job.ml else ""
    secrets = known_secrets(job.environment)
    log = without_secrets(tail_of(Path(job.directory) / LOG), secrets)
    return cause_of(exit, log, without_secrets(failure, secrets))


def tail_of(path: Path, size: int = TAIL) -> str:
    """The last whole lines of a file; empty where it is no regular file that can be read."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
        with open(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode):
                return ""
            start = max(0, about.st_size - size)
            file.seek(start)
            data = file.read(size)
    except OSError:
        return ""
    if start:
        data = data.partition(b"\n")[2] or data
    return data.decode("utf-8", "replace")
