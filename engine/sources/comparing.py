"""Two executions, or two runs of a step, with the files they were given. Blocking; for a thread."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

from engine.comparison.contents import DEFAULT
from engine.comparison.executions import (
    Difference,
    ExecutionDifference,
    ReportsDifference,
    Side,
    compare_executions,
    compare_steps,
    file_differences,
)
from engine.comparison.reports import compare_reports, property_files
from engine.model.views import StepView
from engine.sources.snapshots import compare_snapshots, kept


def compare(before: Side, now: Side) -> ExecutionDifference:
    """Everything that differs between two executions, code and inputs included."""
    files = {}
    for name, step in now.steps.items():
        earlier = before.steps.get(name)
        if earlier is not None and (found := compare_snapshots(earlier, step)):
            files[name] = found
    return compare_executions(before, now, files, _reports(before, now))


def _reports(before: Side, now: Side) -> Iterator[ReportsDifference]:
    """How the property files that both definitions declare differ, as far as they still lie."""
    declared = set(property_files(before.definition))
    for name, output, path in property_files(now.definition):
        if (name, output, path) not in declared:
            continue
        sides = [side.steps.get(name) for side in (before, now)]
        documents = [_document(step, output, path) for step in sides if step is not None]
        if len(documents) == 2 and None not in documents:
            numbers = compare_reports(*documents)
            yield ReportsDifference(name, path.rsplit("/", 1)[-1], numbers)


def _document(step: StepView, output: str, path: str) -> Any:
    """The JSON that a step wrote, from its attempt's folder; None where it cannot be read."""
    folder = kept(step, "output", output)
    try:
        with open(folder / path, "rb") if folder else nullcontext() as file:
            return json.loads(file.read(DEFAULT.content)) if file else None
    except (OSError, ValueError):
        return None


def compare_runs(before: StepView, now: StepView) -> list[Difference]:
    """Everything that differs between two runs of a step, files first."""
    files = compare_snapshots(before, now)
    return [*file_differences(now.name, files), *compare_steps(before, now)]
