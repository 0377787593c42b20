"""The files that tell of attempts' usage and metrics, kept open in mind while somebody looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.model.views import StepView
    from engine.sources.series import MetricSeries, SeriesFile
    from engine.sources.usage import Usage, UsageFile

_KEPT = 64
"""Attempts whose place in their files is remembered; the others are read from the start."""


class MeasuredFiles:
    """Reads on where the last look at an attempt ended; safe among threads."""

    def __init__(self) -> None:
        self._usage: dict[str, UsageFile] = {}
        self._series: dict[str, SeriesFile] = {}

    def usage(self, step: StepView) -> Usage:
        """See ``Source.usage``."""
        from engine.sources.usage import UsageFile

        file = self._usage.pop(step.directory, None) or UsageFile(step.directory)
        self._usage[step.directory] = file
        _forget(self._usage)
        return file.read()

    def series(self, step: StepView) -> Sequence[MetricSeries]:
        """See ``Source.series``."""
        from engine.sources.series import series_file, timed

        file = self._series.pop(step.directory, None) or series_file(step)
        self._series[step.directory] = file
        _forget(self._series)
        return timed(file.read(), self.usage(step))


def _forget(files: dict[str, UsageFile] | dict[str, SeriesFile]) -> None:
    while len(files) > _KEPT:
        files.pop(next(iter(files)), None)
