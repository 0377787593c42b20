"""Feature groups in a tree: a description, and JSON Lines, by hour as in AWS's offline store."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.storage import files
from engine.storage.base import reporting
from engine.storage.tree import LocalTree

ROOT = "s3://pipetui/feature-store"
_FILE = "records.jsonl"
_GROUP = "group.json"
OWN_FEATURES = ("write_time", "api_invocation_time", "is_deleted")
"""What stands beside a record's features, as in the service's offline store."""


def place_of_group(group: str) -> str:
    """The URI of the folder that holds a feature group."""
    return f"{ROOT}/{group}/"


def write_group(tree: LocalTree, group: str, description: Mapping[str, Any]) -> None:
    """Keep the description of a group, as DescribeFeatureGroup gives it."""
    path = _path(tree, group)
    with reporting(place_of_group(group)):
        files.make_folders(str(path.parent))
        files.write_file(str(path), json.dumps(description, indent=1).encode())


def read_group(tree: LocalTree, group: str) -> dict[str, Any] | None:
    """The description of a group; None where none was created by this name."""
    try:
        found = json.loads(_path(tree, group).read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def groups(tree: LocalTree) -> list[dict[str, Any]]:
    """The descriptions of all groups that were created, by name."""
    names = sorted(file.parent.name for file in _path(tree, "any").parents[1].glob(f"*/{_GROUP}"))
    return [found for name in names if (found := read_group(tree, name)) is not None]


def forget_group(tree: LocalTree, group: str) -> None:
    """Delete the description of a group; its records stay, as the service's offline store does."""
    with reporting(place_of_group(group)):
        _path(tree, group).unlink(missing_ok=True)


def append_record(
    tree: LocalTree,
    group: str,
    values: Mapping[str, str | Sequence[str]],
    now: datetime,
    *,
    deleted: bool = False,
) -> str:
    """Append a record to a group's file of this hour; returns the file's URI.

    Args:
        values: by feature name; beside them stand ``OWN_FEATURES``.
        now: an aware time.
        deleted: whether it says that the record is deleted.
    """
    now = now.astimezone(UTC)
    uri = f"{place_of_group(group)}data/{now:year=%Y/month=%m/day=%d/hour=%H}/{_FILE}"
    at = now.isoformat(timespec="milliseconds")
    record = {**values, "write_time": at, "api_invocation_time": at, "is_deleted": deleted}
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


def latest_record(
    tree: LocalTree, group: Mapping[str, Any], identifier: str
) -> dict[str, Any] | None:
    """The features of a record with the greatest event time, as an online store keeps it.

    Of equal times the one written last counts. Reads all records of the group.

    Returns:
        None where there is no such record, or it was deleted.
    """
    key, time = str(group["RecordIdentifierFeatureName"]), str(group["EventTimeFeatureName"])
    found: dict[str, Any] = {}
    for record in _records(tree, str(group["FeatureGroupName"])):
        if record.get(key) == identifier and (not found or _at(record, time) >= _at(found, time)):
            found = record
    if not found or found.get("is_deleted"):
        return None
    return {name: value for name, value in found.items() if name not in OWN_FEATURES}


def _records(tree: LocalTree, group: str) -> Iterator[dict[str, Any]]:
    """The records of a group in the order in which they were written."""
    data = _path(tree, group).parent / "data"
    for file in sorted(data.glob(f"year=*/month=*/day=*/hour=*/{_FILE}")):
        with reporting(f"{place_of_group(group)}data/"), file.open("rb") as opened:
            for line in opened:
                # Of a writer that died the last line may be cut short.
                if line.endswith(b"\n"):
                    yield json.loads(line)


def _at(record: Mapping[str, Any], feature: str) -> float:
    """An event time: seconds, or ISO-8601 text (both of the service's types)."""
    text = str(record.get(feature, ""))
    try:
        return float(text)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return 0.0
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _path(tree: LocalTree, group: str) -> Path:
    return Path(tree.path_of(f"{place_of_group(group)}{_GROUP}"))
