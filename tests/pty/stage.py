"""Executions on a home of their own, for programs on a terminal to show."""

from __future__ import annotations

import json
import select
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.pty.terminal import PIPETUI, ROOT, Terminal, environment


def step(name: str, script: str, after: Sequence[str] = ()) -> dict[str, object]:
    """A Processing step that runs a line of shell."""
    return {
        "Name": name,
        "Type": "Processing",
        "DependsOn": list(after),
        "Arguments": {
            "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "local"}},
            "AppSpecification": {
                "ImageUri": "local/host:latest",
                "ContainerEntrypoint": ["/bin/sh", "-c", script],
            },
            "RoleArn": "arn:aws:iam::123456789012:role/R",
        },
    }


class Stage:
    """A home in a folder, and gates that let its steps pass."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "config.toml").write_text('[jobs]\nrunner = "process"\n')

    def gate(self, name: str, meanwhile: str = "sleep 0.05") -> str:
        """A line of shell that does something again and again until the gate is opened."""
        return f"while [ ! -e '{self.folder / name}' ]; do {meanwhile}; done"

    def open(self, name: str) -> None:
        """Open a gate."""
        (self.folder / name).touch()

    def configure(self, text: str) -> None:
        """Add to the home's configuration."""
        with (self.home / "config.toml").open("a") as file:
            file.write(text)

    def run(
        self, steps: Sequence[dict[str, object]], *, detach: bool = False, name: str = ""
    ) -> None:
        """Run a definition of these steps, to its end or not."""
        document = {"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": list(steps)}
        file = self.folder / f"{name or 'pipeline'}.json"
        file.write_text(json.dumps(document))
        self._pipetui("run", str(file), "--detach")
        while not detach and self.status() == "Executing":
            select.select([], [], [], 0.05)

    def status(self) -> str:
        """Status of the newest execution."""
        shown = json.loads(self._pipetui("status", "@last", "-o", "json"))
        return str(shown["PipelineExecutionStatus"])

    def _pipetui(self, *arguments: str) -> bytes:
        return subprocess.run(
            [*PIPETUI, *arguments],
            env=environment(self.home), cwd=ROOT, check=True, capture_output=True,
        ).stdout  # fmt: skip

    def terminal(
        self,
        *arguments: str,
        size: tuple[int, int] = (120, 40),
        rate: float | None = None,
        answers: bool = True,
        **more: str,
    ) -> Terminal:
        """The app on a terminal."""
        return Terminal(
            [*PIPETUI, *arguments], environment(self.home, **more),
            size=size, rate=rate, answers=answers,
        )  # fmt: skip

    def end(self) -> None:
        """Stop what still runs."""
        for gate in ("a", "b", "c"):
            self.open(gate)
        with suppress(subprocess.CalledProcessError):
            self._pipetui("stop", "@last")
