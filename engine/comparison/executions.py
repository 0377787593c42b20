"""What differs between two executions, or between two runs of one step. Pure.

Names that are new in every execution (its id, its jobs, its folders) differ by nature and are told
as equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from engine.comparison.contents import ContentDifference
from engine.comparison.trees import Change, TreeDifference
from engine.comparison.values import ValueDifference, compare_values
from engine.model.views import ExecutionView, StepView

SLOWER, SECONDS = 1.25, 1.0
"""A step took longer or shorter by at least this factor and this many seconds, or as long."""
_STAMPS = re.compile(r"\d{4}-\d\d-\d\d[T-]\d\d[:-]\d\d[:-]\d\d(?:[.-]\d+)?Z?|\d{8}T?\d{6}")
_JOB = re.compile(r"pipelines-<execution>-[\w-]+")


class Area(StrEnum):
    """What kind of thing differs, in the order in which a person asks."""

    STATUS = "status"
    PARAMETERS = "parameters"
    DEFINITION = "definition"
    CODE = "code"
    INPUTS = "inputs"
    ENVIRONMENT = "environment"
    ARGUMENTS = "arguments"
    METRICS = "metrics"
    DURATION = "duration"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs.

    Args:
        step: the step it belongs to; empty for the execution as a whole.
        name: what differs: a parameter, a path inside of arguments, a file, a metric.
        before: as text; empty where there was nothing.
        now: the same for now.
        content: how the contents of a file differ, where that was looked at.
    """

    area: Area
    step: str
    name: str
    change: Change
    before: str
    now: str
    content: ContentDifference | None = None

    @property
    def delta(self) -> float | None:
        """How much a number grew, as a part of what it was; None where there is no such part."""
        try:
            before, now = float(self.before), float(self.now)
        except ValueError:
            return None
        return (now - before) / abs(before) if before else None


@dataclass(frozen=True, slots=True)
class FilesDifference:
    """What differs between the files that one input or code folder of a step held.

    Args:
        role: ``code`` or ``input``.
        contents: by file name, for changed files that were looked into.
    """

    role: str
    name: str
    tree: TreeDifference
    contents: Mapping[str, ContentDifference] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two executions.

    Args:
        definition: the definition as JSON; None where it was not read.
    """

    execution: ExecutionView
    steps: Mapping[str, StepView]
    definition: Any = None


@dataclass(frozen=True, slots=True)
class ExecutionDifference:
    """Everything that differs, and the areas that were compared and are the same."""

    differences: tuple[Difference, ...]
    compared: frozenset[Area]

    @property
    def same(self) -> tuple[Area, ...]:
        """Areas without a difference, in order."""
        found = {one.area for one in self.differences}
        return tuple(area for area in Area if area in self.compared and area not in found)


@dataclass(frozen=True, slots=True)
class ReportsDifference:
    """The numbers in which a report of a step differs, such as its evaluation.json."""

    step: str
    file: str
    numbers: tuple[ValueDifference, ...]


def compare_executions(
    before: Side,
    now: Side,
    files: Mapping[str, Sequence[FilesDifference]] | None = None,
    reports: Iterable[ReportsDifference] = (),
) -> ExecutionDifference:
    """Everything that differs between two executions.

    Args:
        files: step -> how its code and inputs differ, where somebody has read them.
        reports: how the numbers of its steps' property files differ.
    """
    found = [
        *_status(before, now),
        *_values(Area.PARAMETERS, "", before.execution.parameters, now.execution.parameters),
    ]
    compared = set(Area) - {Area.DEFINITION, Area.CODE, Area.INPUTS}
    if before.definition is not None and now.definition is not None:
        compared.add(Area.DEFINITION)
        if before.execution.definition != now.execution.definition:
            found += _values(
                Area.DEFINITION, "", _by_name(before.definition), _by_name(now.definition)
            )
    for name in [*now.steps, *(name for name in before.steps if name not in now.steps)]:
        old, new = before.steps.get(name), now.steps.get(name)
        if old is not None and new is not None:
            found += compare_steps(old, new)
    for report in reports:
        for one in report.numbers:
            name = f"{report.file} {one.path}".rstrip()
            found.append(
                Difference(Area.METRICS, report.step, name, one.change, one.before, one.now)
            )
    if files is not None:
        compared |= {Area.CODE, Area.INPUTS}
        for step, several in files.items():
            found += file_differences(step, several)
    order = list(Area)
    found.sort(key=lambda one: order.index(one.area))
    return ExecutionDifference(tuple(found), frozenset(compared))


def compare_steps(before: StepView, now: StepView) -> list[Difference]:
    """What differs between two runs of a step, apart from its files."""
    found: list[Difference] = []
    ids = (before.execution_id, now.execution_id)
    if before.environment and now.environment:
        found += _values(Area.ENVIRONMENT, now.name, before.environment, now.environment)
    if before.arguments is not None and now.arguments is not None:
        found += _values(
            Area.ARGUMENTS,
            now.name,
            neutral(before.arguments, ids),
            neutral(now.arguments, ids),
        )
    found += _values(Area.METRICS, now.name, metrics(before), metrics(now))
    found += _duration(before, now)
    return found


def file_differences(step: str, files: Iterable[FilesDifference]) -> Iterator[Difference]:
    """One difference for each file that differs."""
    for one in files:
        area = Area.CODE if one.role == "code" else Area.INPUTS
        for file in one.tree.differing:
            yield Difference(
                area,
                step,
                f"{one.name}/{file.name}" if one.name else file.name,
                file.change,
                "" if file.size_before is None else f"{file.size_before} bytes",
                "" if file.size_now is None else f"{file.size_now} bytes",
                one.contents.get(file.name),
            )


def metrics(step: StepView) -> dict[str, float]:
    """A step's final metrics by name (FinalMetricDataList, and a tuning job's best objective)."""
    found: dict[str, float] = {}
    listed = step.properties.get("FinalMetricDataList")
    best = step.properties.get("BestTrainingJob")
    if isinstance(best, Mapping):
        listed = [*(listed or ()), best.get("FinalHyperParameterTuningJobObjectiveMetric")]
    for one in listed if isinstance(listed, list | tuple) else ():
        value = one.get("Value") if isinstance(one, Mapping) else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            found[str(one.get("MetricName", ""))] = float(value)
    return found


def seconds(step: StepView) -> float | None:
    """How long a step ran; None where it did not run to an end of its own."""
    if step.started_at is None or step.ended_at is None or step.source_execution:
        return None
    return step.ended_at - step.started_at


def neutral(value: Any, ids: Iterable[str]) -> Any:
    """A JSON value without the names that are new in every execution."""
    known = [one for one in ids if one]

    def of(text: str) -> str:
        for one in known:
            text = text.replace(one, "<execution>")
        return _STAMPS.sub("<time>", _JOB.sub("<job>", text))

    if isinstance(value, str):
        return of(value)
    if isinstance(value, Mapping):
        return {of(str(name)): neutral(item, known) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [neutral(item, known) for item in value]
    return value


def _status(before: Side, now: Side) -> Iterator[Difference]:
    old, new = str(before.execution.status), str(now.execution.status)
    if old != new:
        yield Difference(Area.STATUS, "", "execution", Change.CHANGED, old, new)
    for name in [*now.steps, *(name for name in before.steps if name not in now.steps)]:
        was, is_ = before.steps.get(name), now.steps.get(name)
        old, new = str(was.status) if was else "", str(is_.status) if is_ else ""
        if old != new:
            change = Change.CHANGED if old and new else Change.ADDED if new else Change.REMOVED
            yield Difference(Area.STATUS, name, "status", change, old, new)


def _values(area: Area, step: str, before: Any, now: Any) -> list[Difference]:
    found, _ = compare_values(before, now, limit=200)
    return [Difference(area, step, one.path, one.change, one.before, one.now) for one in found]


def _duration(before: StepView, now: StepView) -> Iterator[Difference]:
    old, new = seconds(before), seconds(now)
    if old is None or new is None or abs(new - old) < SECONDS:
        return
    if max(old, new) >= SLOWER * min(old, new):
        yield Difference(
            Area.DURATION, now.name, "seconds", Change.CHANGED, f"{old:.1f}", f"{new:.1f}"
        )


def _by_name(value: Any) -> Any:
    """Lists of named objects as objects by name, so that one inserted step is one difference."""
    if isinstance(value, Mapping):
        return {name: _by_name(item) for name, item in value.items()}
    if isinstance(value, list):
        names = {str(one["Name"]) for one in value if isinstance(one, Mapping) and "Name" in one}
        if value and len(names) == len(value):
            return {str(one["Name"]): _by_name(one) for one in value}
        return [_by_name(item) for item in value]
    return value
