"""The offline store of feature groups as JSON Lines in a tree, partitioned by hour as AWS's is."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from engine.storage import files
from engine.storage.base import reporting
from engine.storage.tree import LocalTree

ROOT = "s3://pipetui/feature-store"
_FILE = "records.jsonl"


def place_of_group(group: str) -> str:
    """The URI of the folder that holds a feature group."""
    return f"{ROOT}/{group}/"


def append_record(
    tree: LocalTree, group: str, values: Mapping[str, str | Sequence[str]], now: datetime
) -> str:
    """Append a record to a group's file of this hour; returns the file's URI.

    Args:
        values: by feature name; beside them stand ``write_time``, ``api_invocation_time`` and
            ``is_deleted``, as in the service's offline store.
        now: an aware time.
    """
    now = now.astimezone(UTC)
    uri = f"{place_of_group(group)}data/{now:year=%Y/month=%m/day=%d/hour=%H}/{_FILE}"
    at = now.isoformat(timespec="milliseconds")
    record = {**values, "write_time": at, "api_invocation_time": at, "is_deleted": False}
    line = json.dumps(record, ensure_ascii=False).encode() + b"\n"
    path = str(tree.path_of(uri))
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    with reporting(uri):
        files.make_folders(os.path.dirname(path))
        target = os.open(path, flags, 0o600)
        try:
            files.write_all(target, line)
        finally:
            os.close(target)
    return uri
