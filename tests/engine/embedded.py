"""An engine in the test's own loop: real store, real jobs, no process of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine import ids
from engine.clock import SystemClock
from engine.home import Home
from engine.model.commands import Command, RetryExecution
from engine.model.events import Event
from engine.model.fold import ExecutionState
from engine.model.views import StepView
from engine.runner.main import lead, run_leased
from engine.runner.process import RunnerRequest, alive, this_process
from engine.runner.start import create
from engine.runner.wakeup import nudge
from engine.sources.base import StartRequest
from engine.store.sqlite import SqliteStore

HOST_IMAGE = "local/host:latest"


def processing(
    name: str,
    script: str,
    *,
    inputs: Mapping[str, str] | None = None,
    outputs: Mapping[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A Processing step that runs a shell script on the host's image.

    Inputs and outputs map a name to an S3 URI; they lie at ``/opt/ml/processing/<name>``.
    """
    arguments: dict[str, Any] = {
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large"}
        },
        "AppSpecification": {
            "ImageUri": HOST_IMAGE,
            "ContainerEntrypoint": ["/bin/sh", "-c", script],
        },
        "RoleArn": "arn:aws:iam::123456789012:role/R",
        "ProcessingInputs": [
            {
                "InputName": key,
                "S3Input": {"S3Uri": uri, "LocalPath": f"/opt/ml/processing/{key}"},
            }
            for key, uri in (inputs or {}).items()
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": key,
                    "S3Output": {"S3Uri": uri, "LocalPath": f"/opt/ml/processing/{key}"},
                }
                for key, uri in (outputs or {}).items()
            ]
        },
    }
    extra = more.pop("arguments", {})
    return {"Name": name, "Type": "Processing", "Arguments": {**arguments, **extra}, **more}


def definition(*steps: Mapping[str, Any], parameters: Any = ()) -> dict[str, Any]:
    """A definition of these steps."""
    return {
        "Version": "2020-12-01",
        "Metadata": {},
        "Parameters": list(parameters),
        "Steps": list(steps),
    }


def podman_that_runs_nothing(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Put a ``podman`` on PATH that is there, and with which no container ever starts."""
    tool = folder / "podman"
    tool.write_text('#!/bin/sh\n[ "$1" = info ]\n')
    tool.chmod(0o755)
    patch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


class Embedded:
    """Runs definitions in a home, in this process."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "home").prepare()
        self.folder = folder
        self._count = 0

    def write(self, document: Mapping[str, Any], name: str = "") -> str:
        """Write a definition file; returns its path."""
        self._count += 1
        file = self.folder / (name or f"pipeline-{self._count}.json")
        file.write_text(json.dumps(document), encoding="utf-8")
        return str(file)

    def put(self, uri: str, text: str) -> None:
        """Put an object into the local S3 tree."""
        path = self.home.s3 / uri.removeprefix("s3://")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def get(self, uri: str) -> str:
        """The text of an object in the local S3 tree."""
        return (self.home.s3 / uri.removeprefix("s3://")).read_text(encoding="utf-8")

    async def store(self) -> SqliteStore:
        """The home's store; the caller closes it."""
        return await SqliteStore.open(self.home.database, alive)

    async def run(
        self, document: Mapping[str, Any] | str, parameters: Mapping[str, Any] | None = None,
        **request: Any,
    ) -> ExecutionState:  # fmt: skip
        """Run a definition (or the file at a path) to its end."""
        file = document if isinstance(document, str) else self.write(document)
        started = StartRequest(file, parameters or {}, **request)
        told: list[str] = []
        store = await self.store()
        try:
            await lead(
                self.home,
                store,
                RunnerRequest(str(self.home.root), "tester@here", started),
                SystemClock(),
                lambda report: told.append(report.execution_id),
            )
            return await store.state(told[0])
        finally:
            await store.close()

    async def create(self, document: Mapping[str, Any], **request: Any) -> str:
        """Create an execution that nobody runs yet; returns its id."""
        store = await self.store()
        try:
            started = await create(
                self.home,
                store,
                StartRequest(self.write(document), **request),
                SystemClock(),
                "tester@here",
                ids.execution_id,
            )
            return started.execution_id
        finally:
            await store.close()

    async def go_on(self, execution_id: str) -> ExecutionState:
        """Take over an execution and run it to its end."""
        store = await self.store()
        try:
            lease = await store.acquire(execution_id, this_process(), at=SystemClock().now())
            assert lease is not None
            await run_leased(self.home, store, lease, SystemClock())
            return await store.state(execution_id)
        finally:
            await store.close()

    async def retry(self, execution_id: str) -> ExecutionState:
        """Retry an execution and run it to its end."""
        await self.send(execution_id, RetryExecution())
        return await self.go_on(execution_id)

    async def send(self, execution_id: str, command: Command) -> None:
        """Queue a command and wake the runner."""
        store = await self.store()
        try:
            await store.send(execution_id, command, at=SystemClock().now(), actor="ana@here")
        finally:
            await store.close()
        nudge(self.home.execution(execution_id))

    async def events(self, execution_id: str) -> list[Event]:
        """All events of an execution."""
        store = await self.store()
        try:
            return await store.events(execution_id, limit=100_000)
        finally:
            await store.close()

    def log(self, step: StepView) -> str:
        """What the last attempt of a step wrote."""
        return Path(step.directory, "job.log").read_text(encoding="utf-8", errors="replace")
