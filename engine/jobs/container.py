"""Jobs in a container, by the command line of podman or docker."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import hashlib
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from math import ceil

from engine.errors import JobError
from engine.jobs import attempt, processes
from engine.jobs.base import (
    OPT_ML,
    Adopted,
    Exit,
    Finished,
    Handle,
    Job,
    Running,
    exit_from_status,
)
from engine.jobs.identity import ProcessIdentity
from engine.jobs.process import ProcessRunner, mark
from engine.jobs.rewrite import rewritten

_OF_THE_TOOL = frozenset(
    {"PATH", "HOME", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME"}
    | {"DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT", "CONTAINER_HOST", "CONTAINERS_CONF"}
    | {"CONTAINERS_STORAGE_CONF", "DBUS_SESSION_BUS_ADDRESS", "LD_PRELOAD", "LD_LIBRARY_PATH"}
)

_SAYS_S = 10.0
"""How long the tool may take to pass on its container's exit code."""

NETWORK = ("--network=host",)
"""Lets a job reach the endpoint on the host's loopback."""


class ContainerRunner(ProcessRunner):
    """Runs jobs in their image, with the tool in the foreground under the shim.

    The container outlives the tool: when that is killed, its name still leads to its exit code.

    Args:
        tool: the path of ``podman`` or ``docker``.
        options: further options of ``run``, such as ``--runtime runc`` as two words.
    """

    name = "container"

    def __init__(self, tool: str, options: Sequence[str] = NETWORK) -> None:
        super().__init__()
        self.tool = tool
        self.options = tuple(options)

    async def wait(self, handle: Handle) -> Exit:
        """See `JobRunner.wait`."""
        end = await super().wait(handle)
        return await asyncio.to_thread(self._close, container_name(handle["directory"]), end)

    async def stop(self, handle: Handle, grace_s: float) -> None:
        """See `JobRunner.stop`."""
        directory, shim = handle["directory"], ProcessIdentity.from_dict(handle)
        name = container_name(directory)
        if attempt.read_exit(directory) is None and await asyncio.to_thread(self._running, name):
            # By its name: the tool dies of a signal that comes before it passes signals on.
            attempt.mark_stopped(directory, killed=False)
            await asyncio.to_thread(self._ask, "stop", "--time", str(ceil(grace_s)), name)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SAYS_S):
                    await processes.ended(shim)
        await super().stop(handle, grace_s)
        await asyncio.to_thread(self._ask, "stop", "--time", "0", name)

    def adopt(self, handle: Handle | None, directory: str) -> Adopted:
        """See `JobRunner.adopt`."""
        adopted = super().adopt(handle, directory)
        if not isinstance(adopted, Finished):
            return adopted
        name, claim = container_name(directory), attempt.read_claim(directory)
        if claim and adopted.exit.lost and self._running(name):
            lost = {"pid": claim.pid, "start_ticks": 0, "boot_id": claim.boot_id}
            own = {"runner": self.name, "id": claim.job_id, "directory": directory, **lost}
            own |= self._named(directory)
            return Running(handle or own)
        return Finished(self._close(name, adopted.exit))

    def _handle(self, process: ProcessIdentity, job_id: str, directory: str) -> Handle:
        return {**super()._handle(process, job_id, directory), **self._named(directory)}

    def _named(self, directory: str) -> Handle:
        return {"tool": self.tool, "container": container_name(directory)}

    def _shim(self, job: Job) -> Sequence[str]:
        if not job.image:
            raise JobError(
                f"The job {job.id} names no container image.",
                code="job-needs-image",
                hint="Give the step an image, or choose the namespace or rewrite runner.",
            )
        run = [
            self.tool,
            "run",
            "--name",
            container_name(job.directory),
            "--label",
            f"pipetui.job={job.id}",
        ]
        run += ("--log-driver=none", *self.options)
        if job.ml:
            run += ("--volume", f"{job.ml}:{OPT_ML}")
        for mount in job.mounts:
            run += ("--volume", f"{mount.source}:{mount.target}" + ":ro" * mount.read_only)
        if job.working_directory:
            run += ("--workdir", job.working_directory)
        for name, text in job.environment.items():
            # By name alone the tool takes the value from its own environment: no secret in argv.
            run += ("--env", f"{name}={text}" if name in _OF_THE_TOOL else name)
        entrypoint, arguments = job.command[:1], job.command[1:]
        if job.image_entrypoint:
            entrypoint, arguments = (), job.command
        run += (word for path in entrypoint for word in ("--entrypoint", path))
        before = (rewritten(word, job.ml) if job.ml else word for word in job.before)
        return ("process", *mark(job), job.directory, *before, *run, job.image, *arguments)

    def _environment(self, job: Job) -> Mapping[str, str]:
        own = {name: text for name, text in os.environ.items() if name in _OF_THE_TOOL}
        given = {name: text for name, text in job.environment.items() if name not in _OF_THE_TOOL}
        return own | given

    def remove(self, names: Sequence[str]) -> None:
        """Remove containers, also those that run; what is not there does not matter."""
        self._ask("rm", "--force", *names)

    def _running(self, name: str) -> bool:
        state = self._ask("container", "inspect", "--format", "{{.State.Running}}", name)
        return state == "true"

    def _close(self, name: str, end: Exit) -> Exit:
        """Ask the container itself for what the shim could not know, and remove it."""
        if end.lost and (code := self._ask("wait", name)).isdigit():
            end = exit_from_status(int(code), stopped=end.stopped)
        oom = self._ask("container", "inspect", "--format", "{{.State.OOMKilled}}", name)
        self._ask("rm", "--force", name)
        if end.code == 125 and not oom:
            return dataclasses.replace(end, note="the container did not start, see the log")
        return dataclasses.replace(end, oom=oom == "true")

    def gateway(self) -> str:
        """This host's address in the tool's default network; empty where it has none there."""
        if os.path.basename(self.tool) == "podman":
            # Without root its network is no network of this host.
            name, members = "podman", "{{range .Subnets}}{{.Gateway}} {{end}}"
            if os.geteuid():
                return ""
        else:
            name, members = "bridge", "{{range .IPAM.Config}}{{.Gateway}} {{end}}"
        found = self._ask("network", "inspect", "--format", members, name).split()
        return next((one for one in found if ":" not in one), "")

    def entrypoint(self, image: str) -> tuple[str, ...]:
        """The image's own entry point; empty where it has none, or is not here."""
        found = self._ask("image", "inspect", "--format", "{{json .Config.Entrypoint}}", image)
        words = json.loads(found) if found.startswith("[") else []
        return tuple(map(str, words))

    def _ask(self, *arguments: str) -> str:
        """What the tool prints, on one line; empty where it fails."""
        answer = subprocess.run(
            [self.tool, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        return answer.stdout.strip() if answer.returncode == 0 else ""


def container_name(directory: str) -> str:
    """The container's name, which the attempt's directory alone leads to."""
    return f"pipetui-{hashlib.sha256(os.fsencode(directory)).hexdigest()[:20]}"
