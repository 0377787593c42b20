"""Two executions, or two runs of a step, with the files they were given. Blocking; for a thread."""

from __future__ import annotations

from engine.comparison.executions import (
    Difference,
    ExecutionDifference,
    Side,
    compare_executions,
    compare_steps,
    file_differences,
)
from engine.model.views import StepView
from engine.sources.snapshots import compare_snapshots


def compare(before: Side, now: Side) -> ExecutionDifference:
    """Everything that differs between two executions, code and inputs included."""
    files = {}
    for name, step in now.steps.items():
        earlier = before.steps.get(name)
        if earlier is not None and (found := compare_snapshots(earlier, step)):
            files[name] = found
    return compare_executions(before, now, files)


def compare_runs(before: StepView, now: StepView) -> list[Difference]:
    """Everything that differs between two runs of a step, files first."""
    files = compare_snapshots(before, now)
    return [*file_differences(now.name, files), *compare_steps(before, now)]
