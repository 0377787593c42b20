"""Feature Store Runtime on a tree: PutRecord alone, into the offline store."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from engine.endpoint.faults import AwsFault
from engine.storage.feature_store import append_record
from engine.storage.tree import LocalTree

_GROUP = re.compile("/FeatureGroup/([a-zA-Z0-9][a-zA-Z0-9_-]{0,63})")


def is_request(path: str) -> bool:
    """Whether a request to SageMaker is one to its feature store; the others all go to ``/``."""
    return path.startswith(("/FeatureGroup/", "/BatchGetRecord", "/BatchWriteRecord"))


def answer(tree: LocalTree, method: str, path: str, body: bytes) -> None:
    """Keep the record of a PutRecord request, which has an empty answer.

    Raises:
        AwsFault: ``ValidationError``, and ``NotImplemented`` for what only an online store has.
    """
    found = _GROUP.fullmatch(path)
    if method != "PUT" or found is None:
        raise AwsFault(
            "NotImplemented",
            "The local feature store has PutRecord alone: it keeps records, and nothing looks"
            f" them up; {method} {path} is not there.",
        )
    append_record(tree, found[1], _record(body), datetime.now(UTC))


def _record(body: bytes) -> dict[str, str | list[str]]:
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
