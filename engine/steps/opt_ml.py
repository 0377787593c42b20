"""The ``/opt/ml`` tree of a job, as it lies in the attempt's folder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from engine.errors import JobError

ROOT = "/opt/ml"
MESSAGE_LIMIT = 1024
"""Characters kept of ``failure`` and ``message`` files."""


class OptMl:
    """Maps paths below ``/opt/ml`` to one attempt's folder, which a job sees at ``/opt/ml``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def host_path(self, inside: str) -> Path:
        """Where ``inside``, a path as the job sees it, lies on this host.

        Errors: ``JobError`` (``path-outside-opt-ml``) for any other place.
        """
        path = PurePosixPath(inside)
        if not path.is_relative_to(ROOT) or ".." in path.parts:
            raise JobError(
                f"LocalPath {inside!r} is not below {ROOT}",
                code="path-outside-opt-ml",
                hint="Processing inputs and outputs belong below /opt/ml/processing.",
            )
        return self.folder / path.relative_to(ROOT)

    def make(self, inside: str) -> Path:
        """The folder ``inside``, made where it is missing."""
        path = self.host_path(inside)
        os.makedirs(path, mode=0o700, exist_ok=True)
        return path

    def write_json(self, inside: str, value: Any) -> None:
        """Write a configuration file that the job reads."""
        path = self.host_path(inside)
        os.makedirs(path.parent, mode=0o700, exist_ok=True)
        path.write_text(json.dumps(value, indent=1), encoding="utf-8")

    def read_text(self, inside: str) -> str:
        """The first characters of a file the job may have written; empty where it has not."""
        try:
            with self.host_path(inside).open("rb") as file:
                return file.read(4 * MESSAGE_LIMIT).decode("utf-8", "replace")[:MESSAGE_LIMIT]
        except OSError:
            return ""


def resource_config(instance_type: str, host: int, hosts: int) -> dict[str, Any]:
    """``resourceconfig.json``: who is who among the hosts of a job (``host`` counts from 0)."""
    names = [f"algo-{number}" for number in range(1, hosts + 1)]
    return {
        "current_host": names[host],
        "current_instance_type": instance_type,
        "current_group_name": "homogeneousCluster",
        "hosts": names,
        "instance_groups": [
            {
                "instance_group_name": "homogeneousCluster",
                "instance_type": instance_type,
                "hosts": names,
            }
        ],
        "network_interface_name": "lo",
    }


def text_map(values: Mapping[str, Any] | None) -> dict[str, str]:
    """A map of strings, as the service hands it to a job: numbers and booleans become text."""
    return {key: as_text(value) for key, value in (values or {}).items() if value is not None}


def as_text(value: Any) -> str:
    """A scalar as the service writes it; anything else as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value)
