"""The numbers of JSON reports, such as evaluation.json, as metrics that differ. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.comparison.values import ValueDifference, compare_values

TOLD = 100
"""Numbers of one report that are told."""


def property_files(definition: Any) -> Iterator[tuple[str, str, str]]:
    """Step, output and path in it of each property file that a definition declares.

    Args:
        definition: the definition's JSON, as written.
    """
    waiting = [definition]
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, Mapping):
            files = value.get("PropertyFiles")
            for one in files if isinstance(files, list) else ():
                if isinstance(one, Mapping) and "Name" in value:
                    names = (value["Name"], one.get("OutputName", ""), one.get("FilePath", ""))
                    yield str(names[0]), str(names[1]), str(names[2])
            waiting += [inner for inner in value.values() if isinstance(inner, list | dict)]


def compare_reports(before: Any, now: Any) -> tuple[ValueDifference, ...]:
    """The numbers in which two reports differ, by the part of their path that tells them apart.

    ``value`` stands for what holds it, as in SageMaker's model quality reports.
    """
    old, new = _numbers(before), _numbers(now)
    while _single(old) is not None and _single(old) == _single(new):
        (old,), (new,) = old.values(), new.values()
    found, _ = compare_values(old, new, limit=TOLD)
    return found


def _single(value: Any) -> str | None:
    """The only member of an object, where that is an object itself."""
    if isinstance(value, dict) and len(value) == 1:
        ((name, inner),) = value.items()
        return str(name) if isinstance(inner, dict) else None
    return None


def _numbers(value: Any, depth: int = 0) -> Any:
    """A JSON value without all that is no number; None where nothing is left."""
    if isinstance(value, Mapping) and depth < 40:
        inner = {str(name): _numbers(item, depth + 1) for name, item in value.items()}
        kept = {name: item for name, item in inner.items() if item is not None}
        one = kept.get("value")
        if isinstance(one, int | float) and kept.keys() <= {"value", "standard_deviation"}:
            return one
        return kept or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return None
