"""Jobs where no namespace is to be had: ``/opt/ml`` is replaced in arguments and environment."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping, Sequence

from engine.jobs import attempt
from engine.jobs.base import OPT_ML, Exit, Job
from engine.jobs.identity import ProcessIdentity
from engine.jobs.process import ProcessRunner, mark

_PATH = re.compile(r"(?<![\w.-])/opt/ml(?![\w-]|\.\w)")
_MISSED = re.compile(r"[^\n]*/opt/ml\b[^\n]*No such file|No such file[^\n]*/opt/ml\b")

_NOTE = (
    "the script names /opt/ml itself, which this host cannot show it: read the path from SM_* "
    "variables or arguments, or use a host with user namespaces or a container engine"
)


def rewritten(text: str, ml: str) -> str:
    """The text with the path ``/opt/ml``, not ``/opt/mlflow`` or ``s3://b/opt/ml``, as ``ml``."""
    return _PATH.sub(lambda match: ml, text)


def link(source: str, target: str) -> None:
    """Let the empty folder ``target`` be a link to ``source``; one that is a link stays."""
    if not os.path.islink(target):
        os.rmdir(target)
        os.symlink(source, target)


class RewriteRunner(ProcessRunner):
    """Runs jobs as plain processes that are told another path instead of ``/opt/ml``."""

    name = "rewrite"

    def _shim(self, job: Job) -> Sequence[str]:
        for mount in job.mounts:
            link(mount.source, rewritten(mount.target, job.ml))
        words = (*job.before, *job.command)
        command = (rewritten(word, job.ml) if job.ml else word for word in words)
        workdir = job.working_directory or (OPT_ML if job.ml else job.directory)
        workdir = rewritten(workdir, job.ml) if job.ml else workdir
        return ("process", *mark(job), workdir, *command)

    def _environment(self, job: Job) -> Mapping[str, str]:
        environment = super()._environment(job)
        if not job.ml:
            return environment
        return {name: rewritten(text, job.ml) for name, text in environment.items()}

    def _end(self, process: ProcessIdentity, job_id: str, directory: str) -> Exit:
        end = super()._end(process, job_id, directory)
        if end.ok or end.note or not _MISSED.search(attempt.log_tail(directory)):
            return end
        return dataclasses.replace(end, note=_NOTE)
