"""A revision of an endpoint: it takes the place of the former one once it is healthy.

Both listen on the same port for a moment, so that the address stays and no request finds it closed.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.environments.programs import FOLDER
from engine.errors import JobError
from engine.jobs.attempt import log_tail
from engine.jobs.base import OPT_ML, Handle, Job, JobRunner, Running
from engine.serving.descriptions import read_json, write_json
from engine.serving.endpoints import PLAN, Endpoint, end, endpoint_folder, remove_containers

READY = "ready.json"
_LOOK_S = 0.05
_SHOWN = 800


@dataclass(frozen=True, slots=True)
class Target:
    """A model that requests to an endpoint can go to.

    Attributes:
        component: whether it is an inference component; else a variant's own model.
        containers: as the endpoint's program reads them (``serving.chain``).
    """

    name: str
    variant: str
    model: str
    weight: float
    component: bool
    containers: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Revision:
    """A folder in which an endpoint's process runs; numbers grow."""

    name: str
    number: int
    folder: Path

    @property
    def ml(self) -> Path:
        """What the process sees at ``/opt/ml``."""
        return self.folder / "ml"

    @property
    def job_id(self) -> str:
        return f"endpoint/{self.name}/{self.number}"


async def begin(home: Path, name: str, former: Endpoint | None, runner: JobRunner) -> Revision:
    """The next revision's folder; what earlier attempts left behind is ended and removed."""
    folder = endpoint_folder(home, name)
    kept = former.folder if former is not None else None
    numbers = [0]
    for entry in folder.iterdir():
        if not entry.name.isdigit():
            continue
        numbers.append(int(entry.name))
        if entry == kept:
            continue
        if isinstance(left := runner.adopt(None, str(entry)), Running):
            await runner.stop(left.handle, 0.0)
        await asyncio.to_thread(remove_containers, entry)
        await asyncio.to_thread(shutil.rmtree, entry, ignore_errors=True)
    number = max(numbers) + 1
    revision = Revision(name, number, folder / str(number))
    revision.ml.mkdir(mode=0o700, parents=True)
    return revision


async def start(
    revision: Revision,
    targets: Sequence[Target],
    python: str,
    environment: Mapping[str, str],
    port: int,
    runner: JobRunner,
) -> tuple[Handle, int]:
    """Start a revision and wait until all of its models are healthy.

    Args:
        port: to listen on, where it is free; 0 for any.

    Returns:
        The process's handle, and the port it listens on.

    Raises:
        JobError: ``endpoint-unhealthy``; nothing of the revision runs then.
    """
    plan = {
        "name": revision.name,
        "port": port,
        "seed": revision.job_id,
        "targets": [
            {
                "name": target.name,
                "variant": target.variant,
                "model": target.model,
                "weight": target.weight,
                "component": target.component,
                "containers": list(target.containers),
            }
            for target in targets
        ],
    }
    write_json(revision.folder / PLAN, plan)
    starts = in_containers(one for target in targets for one in target.containers)
    # What starts containers sees the host as it is.
    mounts = runner.name != "process" and not starts
    handle = await runner.start(
        Job(
            id=revision.job_id,
            directory=str(revision.folder),
            command=(python, str(FOLDER), "endpoint"),
            environment={
                **environment,
                "SAGEMAKER_BASE_DIR": OPT_ML if mounts else str(revision.ml),
            },
            ml=str(revision.ml) if mounts else "",
            working_directory=str(revision.folder),
            **starts,
        )
    )
    healthy = False
    try:
        listening = await _healthy(revision, handle, runner)
        healthy = True
    finally:
        if not healthy:
            await runner.stop(handle, 0.0)
    return handle, listening


def in_containers(served: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What a job is told of the real containers among those that it starts; empty for none.

    Args:
        served: as ``serving.chain`` reads them.
    """
    real = [one for one in served if "name" in one]
    if not real:
        return {}
    return {"engine": real[0]["run"][0], "serves": tuple(str(one["name"]) for one in real)}


async def retire(former: Endpoint, runner: JobRunner) -> None:
    """End the revision that was in service, and remove its folder."""
    await end(former, runner)
    await asyncio.to_thread(shutil.rmtree, former.folder, ignore_errors=True)


async def _healthy(revision: Revision, handle: Handle, runner: JobRunner) -> int:
    ended = asyncio.create_task(runner.wait(handle))
    try:
        while (ready := read_json(revision.ml / READY)) is None:
            done, _ = await asyncio.wait({ended}, timeout=_LOOK_S)
            if done:
                raise JobError(
                    f"AlgorithmError: {_why(revision, ended.result().describe())}",
                    code="endpoint-unhealthy",
                    hint=f"The whole log is {revision.folder / 'job.log'}.",
                )
        return int(ready["port"])
    finally:
        ended.cancel()


def _why(revision: Revision, end: str) -> str:
    """What the endpoint's program says of its failure, else how it ended and its last words."""
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with open(os.open(revision.ml / "output" / "failure", flags), "rb") as file:
            return file.read(_SHOWN).decode("utf-8", "replace")
    except OSError:
        return f"the endpoint's process ended, {end}: {log_tail(str(revision.folder))[-_SHOWN:]}"
