"""HDFS of a cluster: a folder of the execution, which all of its steps on that cluster share."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from engine.steps.base import StepContext

STAND_IN = "a folder of the execution in place of the cluster's HDFS"
_URI = re.compile(r"(?:hdfs://[^/]*)?(/.*)")


def is_hdfs(place: str) -> bool:
    """Whether a place of a cluster's programs is in its HDFS, where a bare path is as well."""
    found = _URI.fullmatch(place)
    return bool(found) and ".." not in PurePosixPath(found[1] if found else "").parts


def hdfs_root(context: StepContext, cluster: str) -> Path:
    """The folder for HDFS of a cluster, made where it is missing."""
    root = context.directory.parent.parent / "hdfs" / quote(cluster, safe="")
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return root


def hdfs_path(root: Path, place: str) -> str:
    """The path of a place for which ``is_hdfs`` holds; one that ends in a slash still does."""
    found = _URI.fullmatch(place)
    inside = found[1] if found else "/"
    path = str(root.joinpath(inside.lstrip("/")))
    return f"{path}/" if inside.endswith("/") and not path.endswith("/") else path
