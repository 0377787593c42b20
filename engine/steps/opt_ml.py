"""The ``/opt/ml`` tree of a job, as it lies in the attempt's folder."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from engine.errors import JobError

ROOT = "/opt/ml"
MESSAGE_LIMIT = 1024
"""Characters kept of ``failure`` and ``message`` files."""


class OptMl:
    """Maps paths below ``/opt/ml`` to one attempt's folder, which a job sees at ``/opt/ml``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def host_path(self, inside: str, below: str = ROOT) -> Path:
        """Where ``inside``, a path as the job sees it, lies on this host.

        Errors: ``JobError`` (``path-outside-opt-ml``) for a place that is not below ``below``.
        """
        path = PurePosixPath(inside)
        if not path.is_relative_to(below) or ".." in path.parts or "\0" in inside:
            raise JobError(
                f"LocalPath {inside!r} is not below {below}",
                code="path-outside-opt-ml",
                hint=f"Give a path below {below}, without '..'.",
            )
        return self.folder / path.relative_to(ROOT)

    def make(self, inside: str, below: str = ROOT) -> Path:
        """The folder ``inside``, made where it is missing; see ``host_path`` for errors."""
        path = self.host_path(inside, below)
        os.makedirs(path, mode=0o700, exist_ok=True)
        return path

    def left(self, inside: str) -> Path | None:
        """The folder ``inside`` as a job left it; None where it is gone, a file or a link."""
        path = self.host_path(inside)
        real = os.path.join(os.path.realpath(self.folder), path.relative_to(self.folder))
        return path if path.is_dir() and os.path.realpath(path) == os.path.normpath(real) else None

    def write_json(self, inside: str, value: Any) -> None:
        """Write a configuration file that the job reads."""
        path = self.host_path(inside)
        os.makedirs(path.parent, mode=0o700, exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=1))

    def read_text(self, inside: str, limit: int = MESSAGE_LIMIT) -> str:
        """The first characters of a file the job may have written; empty where it has not."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(self.host_path(inside), flags)
            with open(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    return ""
                return file.read(4 * limit).decode("utf-8", "replace")[:limit]
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
