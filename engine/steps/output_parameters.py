"""OutputParameters of Lambda and Callback steps: named, typed, checked."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from engine.definition.document import OutputParameter, ParameterType
from engine.errors import JobError

VALUE_LIMIT = 1024
"""Characters of a value (API model)."""


def typed_outputs(
    declared: Sequence[OutputParameter], given: Mapping[str, Any], who: str
) -> dict[str, Any]:
    """The declared values out of what a function or a person gave, as their types.

    Nested values become one JSON string, as the service does it.

    Errors: ``JobError`` for a missing, mistyped or overlong value.
    """
    return {one.name: _typed(one, given, who) for one in declared}


def _typed(declared: OutputParameter, given: Mapping[str, Any], who: str) -> Any:
    if declared.name not in given:
        raise JobError(
            f"ClientError: {who} gave no value for OutputParameter {declared.name!r}",
            code="output-parameter-missing",
            hint=f"Return a flat object with the key {declared.name!r}.",
        )
    value = given[declared.name]
    try:
        result = _READERS[declared.type](value)
    except (TypeError, ValueError, OverflowError):
        raise JobError(
            f"ClientError: {who} gave {value!r} for OutputParameter {declared.name!r},"
            f" which is no {declared.type}",
            code="output-parameter-mistyped",
            hint=f"Return a value of type {declared.type}.",
        ) from None
    if isinstance(result, str) and len(result) > VALUE_LIMIT:
        raise JobError(
            f"ClientError: OutputParameter {declared.name!r} has {len(result)} characters,"
            f" more than {VALUE_LIMIT}",
            code="output-parameter-too-long",
            hint="Store the value in S3 and hand its URI on.",
        )
    return result


def _string(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _integer(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError
    return int(value)


def _float(value: Any) -> float:
    number = float(value)
    if isinstance(value, bool) or not math.isfinite(number):
        raise ValueError
    return number


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text not in ("true", "false"):
        raise ValueError
    return text == "true"


_READERS = {
    ParameterType.STRING: _string,
    ParameterType.INTEGER: _integer,
    ParameterType.FLOAT: _float,
    ParameterType.BOOLEAN: _boolean,
}
