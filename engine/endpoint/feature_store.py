"""Feature Store Runtime on a tree: records are put, got and deleted by their identifier."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from engine.endpoint.faults import AwsFault
from engine.storage.feature_store import append_record, latest_record, read_group
from engine.storage.tree import LocalTree

Values = dict[str, str | list[str]]
_GROUP = re.compile("/FeatureGroup/([a-zA-Z0-9][a-zA-Z0-9_-]{0,63})")


def is_request(path: str) -> bool:
    """Whether a request to SageMaker is one to its feature store; the others all go to ``/``."""
    return path.startswith(("/FeatureGroup/", "/BatchGetRecord", "/BatchWriteRecord"))


def answer(
    tree: LocalTree, method: str, path: str, query: Mapping[str, Sequence[str]], body: bytes
) -> bytes:
    """Answer PutRecord, GetRecord or DeleteRecord.

    PutRecord keeps what it is given for any name; where a group was created by that name, the
    record has to be one of it.

    Raises:
        AwsFault: ``ValidationError``, ``ResourceNotFound``, and ``NotImplemented`` for other
            operations.
    """
    found = _GROUP.fullmatch(path)
    if found is None or method not in ("PUT", "GET", "DELETE"):
        raise AwsFault(
            "NotImplemented",
            "The local feature store has PutRecord, GetRecord and DeleteRecord;"
            f" {method} {path} is not there.",
        )
    name = found[1]
    group = read_group(tree, name)
    if method == "PUT":
        record = _record(body)
        if group is not None:
            _check(record, group)
        append_record(tree, name, record, datetime.now(UTC))
        return b""
    if group is None:
        raise AwsFault("ResourceNotFound", f"Resource Not Found: {name} was not created.", 404)
    identifier = _one(query, "RecordIdentifierValueAsString")
    if method == "DELETE":
        values = {
            group["RecordIdentifierFeatureName"]: identifier,
            group["EventTimeFeatureName"]: _one(query, "EventTime"),
        }
        append_record(tree, name, values, datetime.now(UTC), deleted=True)
        return b""
    if not group.get("OnlineStoreConfig", {}).get("EnableOnlineStore"):
        raise AwsFault("ValidationError", f"Online Store of {name} is not enabled.")
    return _got(latest_record(tree, group, identifier), query.get("FeatureName", ()))


def _got(record: Mapping[str, Any] | None, wanted: Sequence[str]) -> bytes:
    """GetRecord's answer; without a Record where there is none."""
    if record is None:
        return b"{}"
    features = [
        {
            "FeatureName": name,
            "ValueAsStringList" if isinstance(value, list) else "ValueAsString": value,
        }
        for name, value in record.items()
        if not wanted or name in wanted
    ]
    return json.dumps({"Record": features}).encode()


def _one(query: Mapping[str, Sequence[str]], name: str) -> str:
    values = query.get(name, ())
    if len(values) != 1 or not values[0]:
        raise AwsFault("ValidationError", f"{name} is missing.")
    return values[0]


def _check(record: Values, group: Mapping[str, Any]) -> None:
    """Whether a record is one of its group. Errors: ``ValidationError``."""
    known = {one["FeatureName"] for one in group["FeatureDefinitions"]}
    if unknown := sorted(record.keys() - known):
        raise AwsFault("ValidationError", f"The group has no feature {', '.join(unknown)}.")
    for member in ("RecordIdentifierFeatureName", "EventTimeFeatureName"):
        if not record.get(group[member]):
            raise AwsFault("ValidationError", f"Missing required feature: {group[member]}.")


def _record(body: bytes) -> Values:
    try:
        given = json.loads(body)["Record"]
        record = {entry["FeatureName"]: _value(entry) for entry in given}
    except (ValueError, TypeError, KeyError) as problem:
        raise AwsFault(
            "ValidationError", "Record is a list of FeatureName with ValueAsString."
        ) from problem
    if not record:
        raise AwsFault("ValidationError", "Record holds no feature.")
    return record


def _value(entry: dict[str, Any]) -> str | list[str]:
    value = entry["ValueAsStringList"] if "ValueAsStringList" in entry else entry["ValueAsString"]
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError
    return value  # type: ignore[no-any-return]
