"""The metrics that a job's log tells, as curves: read on as the log grows."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import Any

from engine.errors import PipetuiError
from engine.jobs.attempt import LOG
from engine.model.views import StepView
from engine.sources.growing import GrowingFile
from engine.sources.usage import Usage
from engine.steps.metrics import MetricDefinition, metric_definitions, metrics_of_line

KEPT = 1024
"""Points of a curve that are kept; beyond twice as many, lows and highs of neighbours are."""
SERIES = 40
"""Curves of a log at most."""
_BUDGET = 8 << 20
"""Bytes of a log that are read in one go."""


class Origin(StrEnum):
    """How it is known that a number in a log is a metric."""

    DECLARED = "declared"
    """A MetricDefinition of the step says so."""
    BUILT_IN = "built-in"
    """The image's algorithm writes it that way."""
    FOUND = "found in the log"
    """It looks like one: a name and a number behind a counter of epochs or steps."""


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a metric.

    Args:
        x: the epoch, round or step that the line names; else which value of the metric it is.
        offset: of its line in the log, in bytes.
        at: when it was written, in seconds since the epoch; None where nobody knows.
    """

    x: float
    value: float
    offset: int = 0
    at: float | None = None


@dataclass(frozen=True, slots=True)
class MetricSeries:
    """The values of one metric in the order of the log.

    Args:
        points: thinned where there are many, lows and highs kept.
        counted: whether ``x`` is what the lines count, not just which value it is.
        count: how many values there were.
    """

    name: str
    points: tuple[Point, ...]
    origin: Origin = Origin.DECLARED
    counted: bool = False
    count: int = 0

    def until(self, at: float) -> MetricSeries:
        """The same as it was known at a moment; where no time is known, all of it."""
        kept = tuple(one for one in self.points if one.at is None or one.at <= at)
        if len(kept) == len(self.points):
            return self
        return replace(self, points=kept, count=len(kept))


_NUMBER = r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|nan|inf)"
_ROUND = re.compile(r"^\[(\d+)\](?=\t|#011| )")
_SCORE = re.compile(rf"(?:\t|#011)([A-Za-z_]\w*)-([A-Za-z_][\w@.+-]*):({_NUMBER})(?=\s|#011|$)")
_COUNTER = re.compile(
    r"(?i)\b(?:epoch|step|iter(?:ation)?|round|batch)s?\b[\s#:=\[(]*(\d+)|^\[(\d+)\]"
)
_NAMED = re.compile(
    rf"(?i)(?<![\w./-])([a-z][a-z0-9_@/-]{{0,38}}(?: (?:loss|accuracy|acc|auc|error))?)"
    rf"\s*[:=]\s*({_NUMBER})(?![\w:/-]|\.\d)"
)
_COUNTS = frozenset(
    {"epoch", "epochs", "step", "steps", "iter", "iteration", "round", "batch", "eta", "time"}
)


def _round_of(text: str) -> float | None:
    match = _COUNTER.search(text)
    return float(match[1] or match[2]) if match else None


def _scores(text: str) -> Iterator[tuple[str, float]]:
    """``[41]\\ttrain-rmse:2.31`` as XGBoost writes it; ``train:rmse`` is the service's name."""
    if _ROUND.match(text):
        for data, metric, value in _SCORE.findall(text):
            yield f"{data}:{metric}", float(value)


def _found(text: str) -> Iterator[tuple[str, float]]:
    for name, value in _NAMED.findall(text):
        if name.lower() not in _COUNTS:
            yield name, float(value)


class _Curve:
    """The points of one metric while they come in."""

    def __init__(self) -> None:
        self.points: list[tuple[float | None, int, float, int]] = []
        self.count = 0
        self._round: float | None = -math.inf

    @property
    def counted(self) -> bool:
        """Whether each line named a round, and none of them an earlier one."""
        return self._round is not None and self.count > 0

    def add(self, round_: float | None, value: float, offset: int) -> None:
        self.count += 1
        if self._round is not None:
            self._round = round_ if round_ is not None and round_ > self._round else None
        self.points.append((round_, self.count, value, offset))
        if len(self.points) > 2 * KEPT:
            self.points = thinned(self.points)


def thinned(
    points: Sequence[tuple[float | None, int, float, int]],
) -> list[tuple[float | None, int, float, int]]:
    """About half as many points: of every four the lowest and the highest; the ends stay."""
    kept = [points[0]]
    for start in range(1, len(points) - 1, 4):
        group = points[start : min(start + 4, len(points) - 1)]
        low = min(group, key=lambda one: one[2])
        high = max(group, key=lambda one: one[2])
        kept += sorted({low, high}, key=lambda one: one[1])
    return [*kept, points[-1]]


class SeriesFile:
    """The metrics in the log of one attempt, read on as it grows; safe among threads.

    Args:
        definitions: the MetricDefinitions of the step.
        built_in: whether its image's algorithm is one whose lines are known.
    """

    def __init__(
        self, log: Path, definitions: Sequence[MetricDefinition] = (), *, built_in: bool = False
    ) -> None:
        self._file = GrowingFile(log)
        self._definitions = tuple(definitions)
        self._built_in = built_in
        self._curves: dict[Origin, dict[str, _Curve]] = {}
        self._generation = 0
        self._lock = Lock()
        self.complete = True
        """Whether all that is written has been read."""

    def read(self, budget: int = _BUDGET) -> tuple[MetricSeries, ...]:
        """The curves known by now: those declared and built in, else those found."""
        with self._lock:
            before = self._file.offset
            for offset, line in self._file.lines(budget):
                if self._file.generation != self._generation:
                    self._generation = self._file.generation
                    self._curves.clear()
                self._take(offset, line)
            self.complete = self._file.offset - before < budget
            return self._known()

    def _known(self) -> tuple[MetricSeries, ...]:
        known: dict[str, MetricSeries] = {}
        for origin in Origin:
            if origin is not Origin.FOUND or not known:
                for name, curve in self._curves.get(origin, {}).items():
                    known.setdefault(name, _series(name, curve, origin))
        return tuple(known.values())

    def _take(self, offset: int, line: bytes) -> None:
        text = line.rsplit(b"\r", 1)[-1].decode("utf-8", "replace")
        if not any(char.isdigit() for char in text):
            return
        round_ = _round_of(text)
        for name, value in metrics_of_line(self._definitions, text):
            self._add(Origin.DECLARED, name, round_, value, offset)
        scores = list(_scores(text))
        for name, value in scores:
            origin = Origin.BUILT_IN if self._built_in else Origin.FOUND
            self._add(origin, name, round_, value, offset)
        if round_ is not None and not scores and not self._definitions:
            for name, value in _found(text):
                self._add(Origin.FOUND, name, round_, value, offset)

    def _add(
        self, origin: Origin, name: str, round_: float | None, value: float, offset: int
    ) -> None:
        curves = self._curves.setdefault(origin, {})
        if name in curves or len(curves) < SERIES:
            curves.setdefault(name, _Curve()).add(round_, value, offset)


def _series(name: str, curve: _Curve, origin: Origin) -> MetricSeries:
    counted = curve.counted
    points = tuple(
        Point(round_ if counted and round_ is not None else float(number), value, offset)
        for round_, number, value, offset in curve.points
    )
    return MetricSeries(name, points, origin, counted, curve.count)


def series_file(step: StepView) -> SeriesFile:
    """The metrics in the log of a step's current attempt."""
    specification = _specification(step.arguments)
    try:
        definitions = metric_definitions(specification.get("MetricDefinitions"))
    except PipetuiError:
        definitions = []
    image = str(specification.get("TrainingImage", ""))
    log = Path(step.directory or "/nonexistent") / LOG
    return SeriesFile(log, definitions, built_in="xgboost" in image)


def _specification(arguments: Any) -> Mapping[str, Any]:
    """The AlgorithmSpecification of a training job or of a tuning job's; empty where none is."""
    given = arguments if isinstance(arguments, Mapping) else {}
    found = (given.get("TrainingJobDefinition") or given).get("AlgorithmSpecification")
    return found if isinstance(found, Mapping) else {}


def timed(series: Sequence[MetricSeries], usage: Usage) -> tuple[MetricSeries, ...]:
    """Curves whose points say when they were written, as far as the samples tell."""
    if not usage.log_times:
        return tuple(series)
    return tuple(
        replace(
            one,
            points=tuple(replace(point, at=usage.written_at(point.offset)) for point in one.points),
        )
        for one in series
    )
