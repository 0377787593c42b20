"""MetricDefinitions: numbers that regular expressions find in a job's log."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from engine.errors import DefinitionError

LINE_LIMIT = 65536
"""Bytes of a line that are searched; the rest of a longer one holds no metric."""


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """A metric's name and the expression whose first group is its value."""

    name: str
    regex: re.Pattern[str]


def metric_definitions(declared: Sequence[Mapping[str, Any]] | None) -> list[MetricDefinition]:
    """The MetricDefinitions of an AlgorithmSpecification.

    Errors: ``DefinitionError`` (``metric-regex-invalid``) naming the metric.
    """
    found = []
    for one in declared or ():
        name, regex = str(one.get("Name", "")), str(one.get("Regex", ""))
        try:
            found.append(MetricDefinition(name, re.compile(regex)))
        except re.error as problem:
            raise DefinitionError(
                f"the regular expression of metric {name!r} is broken: {problem}",
                code="metric-regex-invalid",
                hint="Correct Regex in MetricDefinitions; its first group is the value.",
            ) from problem
    return found


def metrics_of_line(
    definitions: Iterable[MetricDefinition], line: str
) -> Iterable[tuple[str, float]]:
    """Name and value of each metric on one line.

    A TAB is also tried as ``#011``, the form in which the service's log agent shows it to the
    regular expressions of the built-in algorithms.
    """
    escaped = line.replace("\t", "#011") if "\t" in line else ""
    for definition in definitions:
        match = definition.regex.search(line)
        if match is None and escaped:
            match = definition.regex.search(escaped)
        if match is None or not match.groups():
            continue
        try:
            value = float(match.group(1))
        except (TypeError, ValueError):
            continue
        if math.isfinite(value):
            yield definition.name, value


def final_metrics(
    definitions: Sequence[MetricDefinition], log: Path, ended_at: float
) -> list[dict[str, Any]]:
    """FinalMetricDataList: the last value of each metric in a log, in the order declared."""
    if not definitions:
        return []
    last: dict[str, float] = {}
    try:
        with log.open("rb") as file:
            for line in _line_heads(file):
                last.update(metrics_of_line(definitions, line.decode("utf-8", "replace")))
    except FileNotFoundError:
        return []
    names = dict.fromkeys(one.name for one in definitions)
    return [
        {"MetricName": name, "Value": last[name], "Timestamp": ended_at}
        for name in names
        if name in last
    ]


def _line_heads(file: BinaryIO) -> Iterator[bytes]:
    """Each line up to the limit."""
    begun = False
    while piece := file.readline(LINE_LIMIT):
        if not begun:
            yield piece
        begun = not piece.endswith(b"\n")
