"""What attempts took and told, as far as somebody looked: read on demand, and kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from engine.errors import PipetuiError

if TYPE_CHECKING:
    from engine.api import MetricSeries, StepView, Trial, Usage

_KEPT = 600
"""Answers that are kept; those that nobody asked for lately go first."""


class Measure(Enum):
    """What can be asked for."""

    USAGE = "usage"
    SERIES = "series"
    TRIALS = "trials"


class Reader(Protocol):
    """Where answers come from: the feed."""

    async def usage(self, step: StepView) -> Usage:
        """See ``Source.usage``."""

    async def series(self, step: StepView) -> Sequence[MetricSeries]:
        """See ``Source.series``."""

    async def trials(self, step: StepView) -> list[Trial]:
        """See ``Source.trials``."""


class Measures:
    """Answers by attempt; implements ``viewmodel.moment.Measured``."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: dict[tuple[Measure, str], Any] = {}
        self._final: dict[tuple[Measure, str], float] = {}

    def usage(self, step: StepView) -> Usage | None:
        """See ``Measured.usage``."""
        usage: Usage | None = self._known.get((Measure.USAGE, step.directory))
        return usage

    def series(self, step: StepView) -> Sequence[MetricSeries]:
        """See ``Measured.series``."""
        series: Sequence[MetricSeries] = self._known.get((Measure.SERIES, step.directory), ())
        return series

    def trials(self, step: StepView) -> Sequence[Trial]:
        """See ``Measured.trials``."""
        trials: Sequence[Trial] = self._known.get((Measure.TRIALS, step.directory), ())
        return trials

    async def look(self, steps: Iterable[StepView], *measures: Measure) -> bool:
        """Ask for what may have changed of some steps; whether anything had.

        An attempt that has ended is asked for once.
        """
        changed = False
        for step in steps:
            for measure in measures if step.directory else ():
                key = (measure, step.directory)
                if step.ended_at is not None and self._final.get(key) == step.ended_at:
                    continue
                with suppress(PipetuiError, OSError):
                    found = await getattr(self._reader, measure.value)(step)
                    changed |= self._known.pop(key, None) != found
                    self._known[key] = found
                    if step.ended_at is not None:
                        self._final[key] = step.ended_at
        while len(self._known) > _KEPT:
            key = next(iter(self._known))
            del self._known[key]
            self._final.pop(key, None)
        return changed
