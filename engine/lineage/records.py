"""The lineage entities and associations of a home, a JSON file each.

``<home>/lineage/actions``, ``artifacts`` and ``contexts`` hold what DescribeAction,
DescribeArtifact and DescribeContext say, ``associations`` what ListAssociations lists. An action or
a context is one by its name; an artifact by its name and the URI of its source. Adding one again
changes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from engine.model.views import local_arn
from engine.serving.descriptions import read_json, write_json

_ASSOCIATIONS = "associations"


class EntityKind(StrEnum):
    """What a lineage entity is, as references to it name it."""

    ACTION = "Action"
    ARTIFACT = "Artifact"
    CONTEXT = "Context"


class Lineage:
    """The lineage of one home; the folder is made on the first write."""

    def __init__(self, home: Path) -> None:
        self._root = home / "lineage"

    @staticmethod
    def arn_of(kind: EntityKind, name: str, source_uri: str) -> str:
        """The ARN that an entity has, or would have."""
        identity = name.lower()
        if kind is EntityKind.ARTIFACT:
            identity = hashlib.sha256(f"{name}\n{source_uri}".encode()).hexdigest()[:32]
        return local_arn(kind.lower(), identity)

    def write(self, kind: EntityKind, arn: str, record: Mapping[str, Any], at: float) -> None:
        """Keep an entity; one that is there keeps its CreationTime.

        Errors: ``StorageError`` (``record-unwritable``).
        """
        before = self.entity(arn) or {}
        times = {"CreationTime": before.get("CreationTime", at), "LastModifiedTime": at}
        write_json(self._file(kind, arn), {**record, f"{kind}Arn": arn, **times})

    def associate(self, source: str, destination: str, kind: str | None, at: float) -> None:
        """Keep an association between two ARNs; there is one at most in each direction.

        Errors: ``StorageError`` (``record-unwritable``).
        """
        name = hashlib.sha256(f"{source}\n{destination}".encode()).hexdigest()[:32]
        record = {"SourceArn": source, "DestinationArn": destination, "CreationTime": at}
        if kind:
            record["AssociationType"] = kind
        write_json(self._root / _ASSOCIATIONS / f"{name}.json", record)

    @staticmethod
    def holds(arn: str) -> bool:
        """Whether an ARN is one that only an entity of this home can have."""
        return _kind_of(arn) is not None

    def entity(self, arn: str) -> dict[str, Any] | None:
        """What is known of an ARN of this home; None where there is no such entity."""
        kind = _kind_of(arn)
        return None if kind is None else read_json(self._file(kind, arn))

    def entities(self, kind: EntityKind) -> list[dict[str, Any]]:
        """All entities of a kind, the last changed first."""
        return self._all(f"{kind.lower()}s", "LastModifiedTime")

    def associations(self) -> list[dict[str, Any]]:
        """All associations, newest first."""
        return self._all(_ASSOCIATIONS, "CreationTime")

    def _all(self, folder: str, time: str) -> list[dict[str, Any]]:
        files = sorted((self._root / folder).glob("*.json"))
        found = [record for file in files if (record := read_json(file)) is not None]
        return sorted(found, key=lambda record: float(record.get(time, 0)), reverse=True)

    def _file(self, kind: EntityKind, arn: str) -> Path:
        digest = hashlib.sha256(arn.encode()).hexdigest()[:32]
        return self._root / f"{kind.lower()}s" / f"{digest}.json"


def _kind_of(arn: str) -> EntityKind | None:
    """The kind of entity in a home that an ARN names."""
    return next((kind for kind in EntityKind if arn.startswith(local_arn(kind.lower(), ""))), None)
