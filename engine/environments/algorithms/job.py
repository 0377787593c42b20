"""The job's ``/opt/ml`` tree: its configuration files, its folders, its failure file."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# the service keeps the first 1024 characters of the failure file as the job's FailureReason
FAILURE_LIMIT = 32_768


@dataclass(frozen=True)
class Tree:
    """Where a job finds its input and leaves its results.

    Attributes:
        root: ``/opt/ml``, or what stands in for it.
    """

    root: Path

    @classmethod
    def find(cls, root: str | None = None) -> Tree:
        """The tree at ``root``, else at ``SAGEMAKER_BASE_DIR``, else at ``/opt/ml``."""
        return cls(Path(root or os.environ.get("SAGEMAKER_BASE_DIR") or "/opt/ml"))

    @property
    def code(self) -> Path:
        return self.root / "code"

    @property
    def model(self) -> Path:
        return self.root / "model"

    @property
    def input(self) -> Path:
        return self.root / "input"

    @property
    def config(self) -> Path:
        return self.input / "config"

    @property
    def output(self) -> Path:
        return self.root / "output"

    @property
    def output_data(self) -> Path:
        return self.output / "data"

    def channel(self, name: str) -> Path:
        """The folder of a channel's data."""
        return self.input / "data" / name

    def read_config(self, name: str) -> dict[str, Any]:
        """A configuration file as a mapping; empty where the job has none of this name."""
        file = self.config / name
        if not file.exists():
            return {}
        value = json.loads(file.read_text(encoding="utf-8"))
        return value if isinstance(value, dict) else {}

    def write_failure(self, text: str) -> None:
        """Say why the job failed, unless the job has said so itself."""
        file = self.output / "failure"
        if not file.exists():
            self.output.mkdir(parents=True, exist_ok=True)
            file.write_text(text[:FAILURE_LIMIT], encoding="utf-8")
