"""Dataset definitions of processing inputs: stored objects stand for the result of a query.

Neither Athena nor Redshift is on this host. What lies below a definition's ``OutputS3Uri`` is taken
for what its query found, in the definition's own format and compression.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.errors import JobError
from engine.steps.inputs import section
from engine.storage.tree import LocalTree

Json = Mapping[str, Any]
_SERVICES = {"AthenaDatasetDefinition": "Athena", "RedshiftDatasetDefinition": "Redshift"}
_QUERY_SHOWN = 300
"""Characters of a query in an error."""


def source_of(entry: Json) -> Json:
    """The S3Input of a ProcessingInput: its own, or what its DatasetDefinition comes to."""
    given = section(entry, "DatasetDefinition")
    if not given:
        return section(entry, "S3Input")
    _, query = _query(given)
    uri = query.get("OutputS3Uri")
    return {
        "S3Uri": uri.rstrip("/") + "/" if isinstance(uri, str) and uri else uri,
        "LocalPath": given.get("LocalPath"),
        "S3InputMode": given.get("InputMode"),
        "S3DataDistributionType": given.get("DataDistributionType") or "ShardedByS3Key",
    }


def stand_in_of(entry: Json) -> str:
    """What stands for the query of an input; empty where it has none."""
    given = section(entry, "DatasetDefinition")
    if not given:
        return ""
    service, query = _query(given)
    uri = query.get("OutputS3Uri")
    place = uri if isinstance(uri, str) else "its OutputS3Uri"
    return (
        f"what lies at {place} stands for the result of the {service or 'data'} query of input"
        f" {entry.get('InputName')}, which does not run"
    )


def check_dataset(tree: LocalTree, step: str, entry: Json) -> None:
    """See to it that the result of an input's query is there.

    Errors: ``JobError`` (``dataset-definition-invalid``, ``dataset-missing``).
    """
    given = section(entry, "DatasetDefinition")
    if not given:
        return
    what = f"{step}: input {entry.get('InputName')}"
    service, query = _query(given)
    absent = [name for name in ("QueryString", "OutputS3Uri") if not query.get(name)]
    if not given.get("LocalPath") and not entry.get("AppManaged"):
        absent.append("LocalPath")
    if not service or absent:
        lacks = " and ".join(absent) if service else "either Athena's or Redshift's definition"
        raise JobError(
            f"ClientError: {what}: its DatasetDefinition lacks {lacks}",
            code="dataset-definition-invalid",
            hint="It has one of AthenaDatasetDefinition and RedshiftDatasetDefinition, and a"
            " LocalPath.",
        )
    uri = str(source_of(entry)["S3Uri"])
    if entry.get("AppManaged") or tree.list(uri, limit=1):
        return
    words = " ".join(str(query["QueryString"]).split())
    shown = words if len(words) <= _QUERY_SHOWN else f"{words[:_QUERY_SHOWN]}..."
    raise JobError(
        f"ClientError: {what}: nothing lies at {uri}, where the result of its {service} query"
        f" belongs, which does not run here: {shown}",
        code="dataset-missing",
        hint=f"Put the query's result, as files, into {tree.place_of(uri)}.",
    )


def _query(given: Json) -> tuple[str, Json]:
    """The service that is asked, and how; empty unless there is exactly one."""
    found = [(name, section(given, key)) for key, name in _SERVICES.items() if section(given, key)]
    return found[0] if len(found) == 1 else ("", {})
