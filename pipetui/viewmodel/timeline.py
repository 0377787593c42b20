"""The timeline of an execution as lines: one row a step, phases told apart by character."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipetui.viewmodel.axis import Axis, label, ticks
from pipetui.viewmodel.bars import Bar, Chart, Phase
from pipetui.viewmodel.executions import step_took
from pipetui.viewmodel.lines import BLANK, Line, Span, Tone, fit, words
from pipetui.viewmodel.sizes import size
from pipetui.viewmodel.sparks import spark
from pipetui.viewmodel.state import Display, step_state

if TYPE_CHECKING:
    from engine.api import StepView, Usage

_SIGNS = {
    Phase.QUEUED: ("·", "."),
    Phase.STARTING: ("░", ":"),
    Phase.RUNNING: ("▄", "-"),
    Phase.FINALISING: ("▒", "+"),
    Phase.ASKING: ("?", "?"),
}
_CRITICAL = ("█", "#")
_TONES = {
    Phase.QUEUED: Tone.DIM,
    Phase.STARTING: Tone.DIM,
    Phase.RUNNING: Tone.PLAIN,
    Phase.FINALISING: Tone.DIM,
    Phase.ASKING: Tone.WAIT,
}
_TOOK = 7
_LEFT = 5
"""Cells of the cursor, the mark of the critical path and the glyph, with a space."""
_MEASURED = 34
"""Cells of memory, cores and their curve."""
_WIDE = 110
_BARS = 16


class Layout:
    """How many cells each part of a row has."""

    def __init__(self, width: int, names: Sequence[str]) -> None:
        longest = max((len(name) for name in names), default=0)
        self.width = width
        self.measured = width >= _WIDE
        most = 30 if self.measured else 18
        self.name = max(4, min(max(8, longest), most, width - _LEFT - _TOOK - _BARS))
        right = _MEASURED if self.measured else 0
        self.bars = max(1, width - self.left - right)

    @property
    def left(self) -> int:
        """Cells before the bars."""
        return _LEFT + self.name + _TOOK + 2


def cells(bars: Sequence[Bar], axis: Axis) -> list[Bar | None]:
    """The bar that fills most of each cell; every bar that is in sight has one where it can."""
    found: list[Bar | None] = [None] * axis.width
    most = [-1.0] * axis.width
    for bar in bars:
        first, last = axis.columns(bar.start, bar.end)
        for column in range(max(0, first), min(axis.width - 1, last) + 1):
            left = axis.origin + column * axis.per_cell
            share = min(bar.end, left + axis.per_cell) - max(bar.start, left)
            if share > most[column]:
                found[column], most[column] = bar, share
    return found


def bar_line(
    chart: Chart, step: StepView, axis: Axis, display: Display, cursor: float | None
) -> Line:
    """The bars of a step, as wide as the axis."""
    bars = chart.bars(step.name)
    line = [_cell(bar, step.name in chart.critical, display) for bar in cells(bars, axis)]
    for bar in bars:
        column = axis.columns(bar.start, bar.end)[1]
        if bar.ended and 0 <= column < axis.width:
            line[column] = Span(display.glyph(bar.ended), Tone.BAD)
    if not bars and step.source_execution and step.ended_at is not None:
        _put(line, axis.column(step.ended_at), display.mark(step_state(step)))
    elif not bars and step.status in ("Skipped", "Blocked"):
        text = fit(words(step.reason, Tone.FAINT), max(1, axis.width - 1))
        return (Span(" "), *text)
    elif bars and all(one.text == " " for one in line):
        before = bars[-1].end <= axis.origin
        column = 0 if before else axis.width - 1
        _put(line, column, Span("<" if before else ">", Tone.FAINT))
    for at in (cursor, chart.moment.now if chart.moment.past else None):
        column = -1 if at is None else axis.column(at)
        if 0 <= column < axis.width and line[column].text == " ":
            tone = Tone.ACCENT if at is cursor else Tone.FAINT
            line[column] = Span("│" if display.unicode else "|", tone)
    return _joined(line)


def _put(line: list[Span], column: int, span: Span) -> None:
    if 0 <= column < len(line):
        line[column] = span


def _cell(bar: Bar | None, critical: bool, display: Display) -> Span:
    if bar is None:
        return Span(" ")
    index = 0 if display.unicode else 1
    if bar.phase is Phase.RUNNING and critical:
        return Span(_CRITICAL[index], Tone.ACCENT)
    return Span(_SIGNS[bar.phase][index], _TONES[bar.phase])


def _joined(line: Sequence[Span]) -> Line:
    """Neighbours of one tone as one span."""
    parts: list[Span] = []
    for span in line:
        if parts and parts[-1].tone is span.tone:
            parts[-1] = Span(parts[-1].text + span.text, span.tone)
        else:
            parts.append(span)
    return tuple(parts)


def row(
    chart: Chart,
    step: StepView,
    axis: Axis,
    layout: Layout,
    *,
    mark: Span,
    cursor: float | None = None,
    usage: Usage | None = None,
) -> Line:
    """One step: glyph, name, time taken, bars, and on a wide screen what it took of the host."""
    moment, display = chart.moment, chart.moment.look
    at_work = cursor is not None and any(
        bar.start <= cursor < bar.end and bar.phase is not Phase.QUEUED
        for bar in chart.bars(step.name)
    )
    quiet = step.status in ("Skipped", "Blocked", "Waiting") or (cursor is not None and not at_work)
    tone = Tone.STRONG if at_work else Tone.DIM if quiet else Tone.PLAIN
    critical = ("◆" if display.unicode else "*") if step.name in chart.critical else " "
    line = (
        mark,
        Span(critical, Tone.ACCENT),
        display.mark(step_state(step)),
        Span(" "),
        *fit(words(step.name, tone), layout.name),
        Span(" "),
        *fit(words(step_took(step, moment.now), Tone.DIM), _TOOK, right=True),
        Span(" "),
        *bar_line(chart, step, axis, display, cursor),
    )
    return (*line, *_measured(usage, display)) if layout.measured else line


def _measured(usage: Usage | None, display: Display) -> Line:
    """Peak memory, mean cores and their curve."""
    if usage is None or not usage.samples:
        return fit(BLANK, _MEASURED)
    curve = spark([one.cores for one in usage.samples[1:]], 10, unicode=display.unicode, floor=0.0)
    return (
        Span(f"  {size(usage.peak_memory):>9}"),
        Span(f"  {usage.mean_cores:>4.1f} cpu ", Tone.DIM),
        *fit(words(curve, Tone.ACCENT), 12),
    )


def axis_line(axis: Axis, layout: Layout, display: Display) -> Line:
    """The labels of the ticks above the bars."""
    text = [" "] * axis.width
    for column, told in ticks(axis, display):
        text[column : column + len(told)] = told
    line = (
        *fit(words("    STEP", Tone.FAINT), layout.left - _TOOK - 1),
        Span(f"{'TOOK':>{_TOOK}} ", Tone.FAINT),
        Span("".join(text), Tone.FAINT),
    )
    if layout.measured:
        line = (*line, *fit(words("     MEMORY    CORES", Tone.FAINT), _MEASURED))
    return line


def legend(display: Display) -> Line:
    """What the characters mean."""
    index = 0 if display.unicode else 1
    line: list[Span] = [Span(" ")]
    for phase in Phase:
        line += [
            Span(f" {_SIGNS[phase][index]}", _TONES[phase]),
            Span(f" {phase.value} ", Tone.DIM),
        ]
        if phase is Phase.RUNNING:
            line += [Span(f" {_CRITICAL[index]}", Tone.ACCENT), Span(" critical path ", Tone.DIM)]
    return tuple(line)


def at_cursor(chart: Chart, axis: Axis, cursor: float) -> Line:
    """What the steps did at the time under the cursor."""
    display = chart.moment.look
    line = [Span(f"  {label(cursor, axis.zero, axis.per_cell, display)}  ", Tone.ACCENT)]
    doing = chart.doing(cursor)
    for phase in (Phase.RUNNING, Phase.STARTING, Phase.FINALISING, Phase.ASKING, Phase.QUEUED):
        names = doing.get(phase, [])
        if names:
            told = ", ".join(names[:3]) + (f" +{len(names) - 3}" if len(names) > 3 else "")
            line += [Span(f"{phase.value} ", Tone.DIM), Span(f"{told}   ")]
    if len(line) == 1:
        line.append(Span("nothing ran", Tone.DIM))
    return tuple(line)
