"""The endpoints of a home: which there are, whether they run, how to ask and how to stop them.

``<home>/endpoints/<name>/endpoint.json`` is DescribeEndpoint's answer with what is local under
``Local``; beside it lies a folder for each revision, of which one is in service.
"""

from __future__ import annotations

import asyncio
import fcntl
import http.client
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import CommandRejected, JobError, NotFound
from engine.jobs.base import JobRunner
from engine.jobs.container import ContainerRunner
from engine.jobs.identity import ProcessIdentity
from engine.jobs.process import ProcessRunner
from engine.jobs.processes import reap
from engine.serving.descriptions import checked, read_json, write_json

HOST = "127.0.0.1"
IN_SERVICE = "InService"
FAILED = "Failed"
STOPPED = "Stopped"
STOP_GRACE_S = 10.0
TARGET_VARIANT = "X-Amzn-SageMaker-Target-Variant"
TARGET_COMPONENT = "X-Amzn-SageMaker-Inference-Component"
INVOKED_VARIANT = "x-Amzn-Invoked-Production-Variant"
_RECORD = "endpoint.json"
PLAN = "ml/config/endpoint.json"
"""What a revision's process is told, below the revision's folder."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A local endpoint.

    Attributes:
        status: ``InService``; ``Failed`` where its process is gone; ``Stopped`` by somebody.
        url: where it answers ``POST``; empty unless it is in service.
        description: DescribeEndpoint's answer, with ``Local``.
    """

    name: str
    status: str
    config_name: str
    port: int
    pid: int
    folder: Path
    description: Mapping[str, Any]

    @property
    def url(self) -> str:
        """See above."""
        return f"http://{HOST}:{self.port}/invocations" if self.status == IN_SERVICE else ""

    @property
    def log(self) -> Path:
        """What the revision in service has written."""
        return self.folder / "job.log"


@dataclass(frozen=True, slots=True)
class Invocation:
    """What an endpoint answered, and which variant of it."""

    status: int
    body: bytes
    content_type: str
    variant: str


def list_endpoints(home: Path) -> list[Endpoint]:
    """All endpoints of a home, by name."""
    folder = home / "endpoints"
    names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else ()
    return [found for name in names if (found := _find(home, name)) is not None]


def find_endpoint(home: Path, name: str) -> Endpoint:
    """One endpoint, by name or ARN.

    Raises:
        NotFound: there is none of this name.
    """
    plain = name.rpartition("/")[2]
    found = _find(home, plain) if plain else None
    if found is None:
        known = ", ".join(one.name for one in list_endpoints(home))
        raise NotFound(
            f'ClientError: Could not find endpoint "{plain}"',
            code="endpoint-not-found",
            hint=f"This home has: {known}." if known else "This home has no endpoint.",
        )
    return found


def invoke(
    home: Path,
    name: str,
    body: bytes,
    *,
    content_type: str = "",
    accept: str = "",
    variant: str = "",
    component: str = "",
    timeout_s: float = 60.0,
) -> Invocation:
    """InvokeEndpoint: ask an endpoint, and block until it answers or the time is over.

    Args:
        variant: the production variant to ask; chosen by weight where empty.
        component: the inference component to ask.

    Raises:
        NotFound: there is no such endpoint.
        CommandRejected: it is not in service.
        JobError: it does not answer.
    """
    endpoint = find_endpoint(home, name)
    if endpoint.status != IN_SERVICE:
        raise CommandRejected(
            f"Endpoint {endpoint.name} is {endpoint.status}",
            code="endpoint-not-in-service",
            hint=f"Run its step again; its log is {endpoint.log}.",
        )
    given = {
        "Content-Type": content_type,
        "Accept": accept,
        TARGET_VARIANT: variant,
        TARGET_COMPONENT: component,
    }
    connection = http.client.HTTPConnection(HOST, endpoint.port, timeout=timeout_s)
    try:
        headers = {key: value for key, value in given.items() if value}
        connection.request("POST", "/invocations", body, headers)
        answer = connection.getresponse()
        return Invocation(
            answer.status,
            answer.read(),
            answer.getheader("Content-Type") or "",
            answer.getheader(INVOKED_VARIANT) or "",
        )
    except (OSError, http.client.HTTPException) as error:
        raise JobError(
            f"Endpoint {endpoint.name} does not answer: {error or type(error).__name__}",
            code="endpoint-silent",
            hint=f"Its log is {endpoint.log}.",
        ) from error
    finally:
        connection.close()


async def stop_endpoint(home: Path, name: str) -> Endpoint:
    """End an endpoint's process; its record and its log stay. One that is stopped stays so.

    Raises:
        NotFound: there is no such endpoint.
        CommandRejected: it is just being updated (``endpoint-busy``).
    """
    endpoint = find_endpoint(home, name)
    with locked(home, endpoint.name):
        endpoint = find_endpoint(home, endpoint.name)
        await end(endpoint, ProcessRunner())
        save(home, {**endpoint.description, "EndpointStatus": STOPPED})
    return find_endpoint(home, endpoint.name)


async def delete_endpoint(home: Path, name: str) -> None:
    """DeleteEndpoint: end the process and forget the endpoint, log and all. Errors: as above."""
    endpoint = await stop_endpoint(home, name)
    shutil.rmtree(endpoint_folder(home, endpoint.name))


async def end(endpoint: Endpoint, runner: JobRunner) -> None:
    """End an endpoint's process, with everything that belongs to it."""
    handle = endpoint.description["Local"]["Handle"]
    await runner.stop(handle, STOP_GRACE_S)
    reap(ProcessIdentity.from_dict(handle))
    await asyncio.to_thread(remove_containers, endpoint.folder)


def remove_containers(folder: Path) -> None:
    """Remove the containers that a revision's process did not live to remove."""
    plan = read_json(folder / PLAN) or {}
    for target in plan.get("targets", ()):
        for one in target["containers"]:
            if "name" in one:
                ContainerRunner(one["run"][0]).remove([one["name"]])


def save(home: Path, description: Mapping[str, Any]) -> None:
    """Keep an endpoint's record."""
    write_json(endpoint_folder(home, str(description["EndpointName"])) / _RECORD, description)


def endpoint_folder(home: Path, name: str) -> Path:
    """Where an endpoint's record and revisions lie. Errors: ``name-invalid``."""
    return home / "endpoints" / checked(name, "endpoint")


@contextmanager
def locked(home: Path, name: str) -> Iterator[None]:
    """Keep others from changing an endpoint; ends with the block or with the process.

    Raises:
        CommandRejected: somebody else is changing it (``endpoint-busy``).
    """
    folder = endpoint_folder(home, name)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise CommandRejected(
            f"ClientError: Cannot update in-progress endpoint {name}",
            code="endpoint-busy",
            hint="Wait until the other update ends.",
        ) from None
    finally:
        os.close(descriptor)


def _find(home: Path, name: str) -> Endpoint | None:
    record = read_json(home / "endpoints" / name / _RECORD)
    if record is None:
        return None
    local = record["Local"]
    process = ProcessIdentity.from_dict(local["Handle"])
    status = str(record["EndpointStatus"])
    if status == IN_SERVICE and not process.alive():
        status = FAILED
    return Endpoint(
        name,
        status,
        str(record["EndpointConfigName"]),
        int(local["Port"]),
        process.pid,
        Path(local["Handle"]["directory"]),
        {**record, "EndpointStatus": status},
    )
