"""Jobs in a mount namespace, which find their own directory at ``/opt/ml`` without root."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import JobError
from engine.jobs import opt
from engine.jobs.base import OPT_ML, Job
from engine.jobs.process import SHIM, ProcessRunner, mark, shell

_SYSTEM = "/usr/bin:/bin:/usr/sbin:/sbin"


@dataclass(frozen=True, slots=True)
class Recipe:
    """The commands that build the namespaces on this host; plain JSON by way of ``as_dict``.

    Args:
        tool: ``unshare`` or ``bwrap``.
        enter: what comes before the inner shell.
        mount: the program that mounts inside; empty for ``bwrap``, which mounts by itself.
        become: what comes before the command, to give it back the caller's user and group.
        contained: whether a PID namespace ends whatever the job leaves behind.
    """

    tool: str
    enter: tuple[str, ...]
    mount: str = ""
    become: tuple[str, ...] = ()
    contained: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The recipe as plain JSON."""
        return {
            "tool": self.tool,
            "enter": list(self.enter),
            "mount": self.mount,
            "become": list(self.become),
            "contained": self.contained,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Recipe:
        """The recipe out of plain JSON."""
        enter, become = tuple(data["enter"]), tuple(data["become"])
        return cls(data["tool"], enter, data["mount"], become, data["contained"])


def recipes() -> Iterator[Recipe]:
    """What may work on this host, best first; only a try tells.

    Mounting takes root inside the user namespace. A second user namespace within gives the job the
    caller's user and group back, so that it neither believes to be root nor fails where root is
    refused. Real root needs no user namespace, and would lose its rights over others' files in one.
    """
    unshare, mount, bwrap = (
        shutil.which(tool, path=_SYSTEM) for tool in ("unshare", "mount", "bwrap")
    )
    root = os.geteuid() == 0
    if unshare and mount:
        as_root = (unshare, "--user", "--map-root-user", "--mount")
        ids = (f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}")
        again = () if root else (unshare, "--user", *ids, "--")
        pid = ("--pid", "--fork", "--kill-child", "--mount-proc", "--")
        for contained, more in ((True, pid), (False, ("--",))):
            if root:
                yield Recipe("unshare", (unshare, "--mount", *more), mount, (), contained)
            if again:
                yield Recipe("unshare", (*as_root, *more), mount, again, contained)
            yield Recipe("unshare", (*as_root, *more), mount, (), contained)
    if bwrap:
        everything = (bwrap, "--dev-bind", "/", "/")
        yield Recipe("bwrap", (*everything, "--unshare-pid", "--proc", "/proc"), contained=True)
        yield Recipe("bwrap", everything)


class NamespaceRunner(ProcessRunner):
    """Runs jobs with the host as it is, but for their own directory at ``/opt/ml``.

    Args:
        recipe: what the probe found to work.
        scratch: a directory of the caller's for the skeletons of ``/opt``.
        first: fstab(5) lines of what ``unshare`` mounts before anything else.
    """

    name = "namespace"

    def __init__(self, recipe: Recipe, scratch: str, first: str = "") -> None:
        super().__init__()
        self.recipe = recipe
        self.scratch = scratch
        self._first = first

    def _shim(self, job: Job) -> Sequence[str]:
        recipe = self.recipe
        enter, mount = self._mounts(job) if job.ml else (recipe.enter, "")
        if recipe.tool == "bwrap":
            enter = (*enter, "--chdir", job.directory, "--")
        leftovers = "contained" if recipe.contained else "kill"
        workdir = job.working_directory or (OPT_ML if job.ml else job.directory)
        inside = (shell(), SHIM, "inside", *mark(job), leftovers, mount, workdir)
        return ("enter", *mark(job), *enter, *inside, *recipe.become, *job.before, *job.command)

    def _mounts(self, job: Job) -> tuple[tuple[str, ...], str]:
        """The commands that enter the namespace, and the program that mounts inside."""
        enter, mount = self.recipe.enter, self.recipe.mount
        try:
            more = [opt.Bind(one.source, one.target, one.read_only) for one in job.mounts]
            if self.recipe.tool == "bwrap":
                named = opt.names(job.hosts, self.scratch)
                words = [word for one in named for word in ("--bind", one.source, one.target)]
                return (*enter, *words, *opt.bubblewrap(job.ml, more=more)), mount
            binds = [*opt.names(job.hosts, self.scratch), *opt.binds(job.ml, self.scratch), *more]
            lines = self._first + opt.fstab(binds)
            Path(job.directory, "mounts").write_text(lines, "utf-8", "surrogateescape")
        except OSError as error:
            raise JobError(
                f"/opt cannot be rebuilt for the job {job.id}: {error}.",
                code="job-opt-ml-unavailable",
                hint="Check that /opt can be listed and that the home folder is writable, "
                "or choose the rewrite runner.",
            ) from error
        return enter, mount
