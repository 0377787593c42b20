"""Inputs of a job: what an S3 source of a definition selects, copied into a host's ``/opt/ml``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import JobError
from engine.steps.hosts import Host
from engine.storage.transfer import download_local
from engine.storage.tree import LocalTree


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list in arguments whose expressions may not be resolved yet."""
    found = value if isinstance(value, list | tuple) else ()
    return [entry for entry in found if isinstance(entry, Mapping)]


def section(value: Any, key: str) -> Mapping[str, Any]:
    """An object inside of arguments; empty where there is none, or no object."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def bring(
    tree: LocalTree,
    host: Host,
    source: Mapping[str, Any],
    into: Path,
    *,
    what: str,
    compression: Any,
) -> None:
    """Copy what ``source`` (an S3Input or an S3DataSource) selects for one host.

    Errors: ``JobError`` (``input-uri-missing``), and those of ``download_local``.
    """
    uri = source.get("S3Uri")
    if not isinstance(uri, str) or not uri:
        raise JobError(
            f"ClientError: {what} names no S3Uri",
            code="input-uri-missing",
            hint="Give the S3 URI, the file URI or the path of its data.",
        )
    download_local(
        tree,
        uri,
        into,
        data_type=source.get("S3DataType") or "S3Prefix",
        distribution=source.get("S3DataDistributionType") or "FullyReplicated",
        compression=compression or "None",
        host_index=host.number,
        host_count=host.count,
    )
