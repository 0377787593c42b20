"""The metrics of a step: figures with curves of one run or several, legends, final values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from pipetui.viewmodel.executions import short_id
from pipetui.viewmodel.lines import BLANK, Line, Span, Tone, fit, words
from pipetui.viewmodel.moment import Moment
from pipetui.viewmodel.plot import LETTERS, Curve, framed, number, swatch
from pipetui.viewmodel.sizes import size
from pipetui.viewmodel.sparks import spark
from pipetui.viewmodel.state import Display
from pipetui.viewmodel.steps import without_job
from pipetui.viewmodel.times import elapsed

if TYPE_CHECKING:
    from engine.api import MetricSeries, StepView, Trial, Usage

_PART = re.compile(r"(?i)^(train(?:ing)?|valid(?:ation)?|val|test|eval)[\s:_./-]+(.+)$")
_PART_LAST = re.compile(r"(?i)^(.+?)[\s:_./-]+(train(?:ing)?|valid(?:ation)?|val|test|eval)$")
_TONES = (Tone.ACCENT, Tone.WAIT, Tone.GOOD, Tone.STRONG, Tone.PLAIN, Tone.DIM)
_LEAST, _MOST = 8, 20
"""Lines of a figure with its axis."""
_RUN = 8
_VALUE = 20
_TRIALS = 30
_NOTE = 16
"""Cells that the list of steps has for a note on a narrow screen."""


@dataclass(frozen=True, slots=True)
class Run:
    """A step in one execution, with what is known of it.

    Args:
        name: of the execution, short.
        note: where its values come from, if not from this very run.
    """

    name: str
    step: StepView
    series: Sequence[MetricSeries] = ()
    usage: Usage | None = None
    trials: Sequence[Trial] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """A curve of a figure with its name."""

    name: str
    run: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """Curves that share their axes.

    Args:
        across: what the axis below counts.
        floor: a value that is to be in sight.
        note: how it is known, where the definition does not say so.
    """

    title: str
    across: str
    traces: tuple[Trace, ...]
    floor: float | None = None
    note: str = ""
    told: Callable[[float], str] = number
    told_x: Callable[[float], str] = number


def run_of(moment: Moment, step: StepView, name: str = "", note: str = "") -> Run:
    """A step with all that the moment knows of it."""
    usage = moment.usage(step)
    trials = moment.measured.trials(step)
    if moment.past:
        trials = [one for one in trials if one.created_at <= moment.now]
    known = moment.series(step)
    return Run(name or short_id(step.execution_id), step, known, usage, trials, note)


def family(name: str) -> str:
    """What a metric is of, whichever data it is computed on: ``rmse`` of ``validation:rmse``."""
    if match := _PART.match(name):
        return match[2]
    match = _PART_LAST.match(name)
    return match[1] if match else name


def figures(runs: Sequence[Run]) -> list[Figure]:
    """One figure for each metric, train and validation together; then trials, cores, memory."""
    found = [*_trial_figures(runs)]
    names = dict.fromkeys(family(one.name) for run in runs for one in run.series)
    found += [_metric_figure(name, runs) for name in names]
    sampled = [run for run in runs if run.usage is not None and len(run.usage.samples) > 1]
    if sampled:
        found.append(_usage_figure("cores", sampled, lambda one: one.cores, number))
        found.append(_usage_figure("memory", sampled, lambda one: one.memory, _bytes))
    return found


def _seconds(passed: float) -> str:
    return elapsed(passed, ended=True)


def _bytes(count: float) -> str:
    return size(round(count))


def _metric_figure(name: str, runs: Sequence[Run]) -> Figure:
    chosen = [(run, one) for run in runs for one in run.series if family(one.name) == name]
    counted = all(one.counted for _, one in chosen)
    traces = tuple(
        Trace(
            one.name,
            run.name,
            tuple(
                (point.x if counted else float(at), point.value)
                for at, point in enumerate(one.points, 1)
            ),
        )
        for run, one in chosen
    )
    origins = {str(one.origin) for _, one in chosen} - {"declared"}
    return Figure(name, "round" if counted else "value", traces, note=", ".join(sorted(origins)))


def _usage_figure(
    name: str, runs: Sequence[Run], value: Callable[..., float], told: Callable[[float], str]
) -> Figure:
    traces = []
    for run in runs:
        assert run.usage is not None, "only sampled runs are shown"
        began = run.usage.samples[0].at
        points = tuple((one.at - began, float(value(one))) for one in run.usage.samples[1:])
        traces.append(Trace(name, run.name, points))
    return Figure(name, "time", tuple(traces), 0.0, "sampled", told, _seconds)


def _trial_figures(runs: Sequence[Run]) -> list[Figure]:
    """What the training jobs of tuning steps achieved, and the best so far."""
    traces = []
    for run in runs:
        ended = [(float(one.number), one) for one in run.trials if one.objective is not None]
        points = tuple(sorted((at, one.objective or 0.0) for at, one in ended))
        best = next((one.objective for _, one in ended if one.best), None)
        if best is not None:
            pick = max if best >= max(value for _, value in points) else min
            so_far = accumulate((value for _, value in points), pick)
            traces.append(
                Trace("best so far", run.name, tuple(zip(_xs(points), so_far, strict=True)))
            )
            traces.append(Trace(ended[0][1].metric, run.name, points))
    if not traces:
        return []
    return [Figure(traces[1].name, "training job", tuple(traces))]


def _xs(points: Sequence[tuple[float, float]]) -> list[float]:
    return [x for x, _ in points]


def lines(
    runs: Sequence[Run], chosen: int, width: int, height: int, display: Display
) -> list[Line]:
    """All there is to see: as many figures as fit from the chosen one, final values, trials.

    Args:
        runs: the run in hand first, then those laid over it.
        chosen: number of the first figure.
    """
    shown = figures(runs)
    tables = [*_leaderboard(runs[:1], width), *final_values(runs, width)]
    if not shown:
        told = tables or [words(f"  {_nothing(runs)}", Tone.DIM)]
        return [BLANK, *told]
    chosen %= len(shown)
    order = [*shown[chosen:], *shown[:chosen]]
    room = height - min(len(tables), 12) - bool(tables)
    fitting = max(1, min(len(order), 3, room // (_LEAST + 5)))
    found: list[Line] = []
    for place, figure in enumerate(order[:fitting]):
        legend = _legend(figure, len(runs) > 1, display)
        rows = max(_LEAST, min(_MOST, room // fitting - len(legend) - 1))
        at = (chosen + place) % len(shown) + 1
        found.append(_title(figure, at, len(shown), width))
        curves = [
            Curve(trace.points, _TONES[index % len(_TONES)])
            for index, trace in enumerate(figure.traces)
        ]
        found += framed(
            curves,
            width - 1,
            rows,
            unicode=display.unicode,
            floor=figure.floor,
            told=figure.told,
            told_x=figure.told_x,
            letters=len(curves) > 1,
        )
        found += legend
    return [*found, *([BLANK] if tables else []), *tables]


def _nothing(runs: Sequence[Run]) -> str:
    if not runs:
        return "No step is selected."
    step = runs[0].step
    if step.source_execution:
        return f"Its result was {step.action} from {short_id(step.source_execution)}."
    if told := without_job(step):
        return told
    if step.running:
        return "Nothing measured yet: no metric in its log, and its first sample is to come."
    return "It told no metric and was over before its first sample."


def _title(figure: Figure, at: int, count: int, width: int) -> Line:
    note = f"  {figure.note}" if figure.note else ""
    left: Line = (Span(f" {figure.title}", Tone.STRONG), Span(note, Tone.DIM))
    right = f"by {figure.across}  {at} of {count} "
    return (*fit(left, max(0, width - len(right))), Span(right, Tone.FAINT))


def _legend(figure: Figure, several: bool, display: Display) -> list[Line]:
    """One line for each curve: its letter and dashes, and what its values are."""
    found: list[Line] = []
    longest = min(28, max((len(trace.name) for trace in figure.traces), default=0))
    for index, trace in enumerate(figure.traces):
        tone = _TONES[index % len(_TONES)]
        letter = LETTERS[index % len(LETTERS)] if len(figure.traces) > 1 else " "
        known = [(x, y) for x, y in trace.points if abs(y) != float("inf") and y == y]
        values = Span("  no value yet", Tone.DIM)
        if known:
            low, high = min(known, key=lambda one: one[1]), max(known, key=lambda one: one[1])
            values = Span(
                f"  last {figure.told(known[-1][1])}"
                f"  min {figure.told(low[1])} at {figure.told_x(low[0])}"
                f"  max {figure.told(high[1])}",
                Tone.DIM,
            )
        run = (Span(f"  {trace.run}", Tone.DIM),) if several else ()
        name = Span(f" {trace.name:<{longest}}")
        found.append(
            (Span(f"  {letter} {swatch(index, display.unicode)}", tone), name, *run, values)
        )
    return found


def finals(run: Run) -> Mapping[str, float]:
    """The last value of each metric: from the curves, else as the job's description has them."""
    given = run.step.properties.get("FinalMetricDataList") or ()
    found = {str(one["MetricName"]): float(one["Value"]) for one in given}
    return found | {one.name: one.points[-1].value for one in run.series if one.points}


def final_values(runs: Sequence[Run], width: int) -> list[Line]:
    """A table: one row a run, one column a metric; the others' difference to the first run."""
    values = [finals(run) for run in runs]
    names = list(dict.fromkeys(name for one in values for name in one))
    names = names[: max(0, (width - _RUN - 3) // (_VALUE + 2))]
    if not names:
        return []
    head = "".join(f"  {_tail(name, _VALUE):>{_VALUE}}" for name in names)
    about = "FINAL" if all(run.step.ended_at for run in runs) else "LAST"
    found: list[Line] = [words(f"   {about:<{_RUN}}{head}", Tone.FAINT)]
    for index, (run, own) in enumerate(zip(runs, values, strict=True)):
        line = [Span(f"   {run.name:<{_RUN}}", Tone.STRONG if index == 0 else Tone.PLAIN)]
        for name in names:
            first = values[0].get(name)
            line += _value(own.get(name), first if index else None)
        line.append(Span(f"  {run.note}" if run.note else "", Tone.DIM))
        found.append(tuple(line))
    return found


def _value(value: float | None, first: float | None) -> Line:
    if value is None:
        return words(f"  {'':>{_VALUE}}")
    told = f"{value:.5g}"
    if first is None or first == 0:
        return words(f"  {told:>{_VALUE}}")
    delta = (value - first) / abs(first)
    change = f"{delta:+8.1%}" if abs(delta) < 10 else f"{delta:+8.0e}"
    return (Span(f"  {told:>{_VALUE - 9}}"), Span(f" {change:>8}", Tone.DIM))


def _leaderboard(runs: Sequence[Run], width: int) -> list[Line]:
    """The training jobs of a tuning step, best first."""
    trials = runs[0].trials if runs else ()
    if not trials:
        return []
    metric = _tail(trials[0].metric, 16)
    found: list[Line] = [
        words(f"   {'JOB':>4}  {metric:>16}  {'STATUS':<11} {'TOOK':>7}  TUNED", Tone.FAINT)
    ]
    for one in trials[:_TRIALS]:
        told = "" if one.objective is None else f"{one.objective:.6g}"
        spent = None if one.ended_at is None else one.ended_at - one.created_at
        tuned = "  ".join(f"{key}={_short(value)}" for key, value in one.tuned.items())
        tone = Tone.GOOD if one.best else Tone.PLAIN
        line = (
            Span(f" {'*' if one.best else ' '} {one.number:>4}  {told:>16}  ", tone),
            Span(f"{one.status:<11} {elapsed(spent, ended=True):>7}  {tuned}", Tone.DIM),
        )
        found.append(fit(line, width))
    if len(trials) > _TRIALS:
        found.append(words(f"   and {len(trials) - _TRIALS} more", Tone.DIM))
    return found


def _short(value: str) -> str:
    """A hyperparameter with the digits that tell jobs apart."""
    try:
        return f"{float(value):.4g}"
    except ValueError:
        return value


def _tail(text: str, width: int) -> str:
    return text if len(text) <= width else "…" + text[len(text) - width + 1 :]


def note(series: Sequence[MetricSeries], display: Display) -> str:
    """``rmse 2.14 ▇▆▅▃▂``: the metric that matters of a step that runs; empty where there is none.

    Only metrics that the definition or the image's algorithm declares are told without a label.
    """
    declared = [one for one in series if one.origin != "found in the log" and one.points]
    if not declared:
        return ""
    validating = [one for one in declared if "val" in one.name.lower()]
    chosen = (validating or declared)[0]
    values = [one.value for one in chosen.points]
    told = f"{family(chosen.name)} {values[-1]:.3g}"
    curve = spark(values, min(8, max(4, _NOTE - len(told))), unicode=display.unicode)
    return f"{told} {curve}"
