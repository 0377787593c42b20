"""The history of a pipeline: its steps below each other, its executions beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipetui.viewmodel.executions import step_seconds, step_took
from pipetui.viewmodel.lines import Line, Span, Tone, fit, words
from pipetui.viewmodel.state import Display, step_state, tone

if TYPE_CHECKING:
    from engine.api import ExecutionView, StepView

CELL, TREND, RATE = 2, 8, 4
"""Cells of the terminal for one run, for a trend and for a rate."""
_BARS = ("▁▂▃▄▅▆▇█", ".:-=+*#@")
_DONE = frozenset({"Succeeded", "Failed", "Stopped"})


@dataclass(frozen=True, slots=True)
class Grid:
    """Steps of some executions of one pipeline.

    Args:
        executions: oldest first.
        steps: names, in the order of the newest definition, then those only older ones had.
        cells: (execution id, step) -> the step; a pair that is not there was not declared.
    """

    executions: tuple[ExecutionView, ...] = ()
    steps: tuple[str, ...] = ()
    cells: Mapping[tuple[str, str], StepView] = field(default_factory=dict)

    def cell(self, column: int, row: int) -> StepView | None:
        """A step in an execution."""
        if not (0 <= column < len(self.executions) and 0 <= row < len(self.steps)):
            return None
        return self.cells.get((self.executions[column].id, self.steps[row]))

    def runs(self, step: str) -> list[StepView]:
        """A step's own runs that ended, oldest first; results taken from elsewhere are none."""
        found = (self.cells.get((one.id, step)) for one in self.executions)
        return [
            one
            for one in found
            if one is not None and one.status in _DONE and not one.source_execution
        ]


def grid(executions: Iterable[ExecutionView], steps: Mapping[str, Sequence[StepView]]) -> Grid:
    """The grid of some executions, in whatever order, with the steps of each by its id."""
    ordered = sorted(executions, key=lambda one: one.created_at)
    names = dict.fromkeys(
        step.declared_name for one in reversed(ordered) for step in steps.get(one.id, ())
    )
    cells: dict[tuple[str, str], StepView] = {}
    for one in ordered:
        for step in steps.get(one.id, ()):
            place = (one.id, step.declared_name)
            if place not in cells or _worse(step, cells[place]):
                cells[place] = step
    return Grid(tuple(ordered), tuple(names), cells)


_WORST_FIRST = ("Failed", "Stopped", "Executing", "Starting", "Stopping")


def _worse(step: StepView, other: StepView) -> bool:
    """Whether an iteration tells more than another: one that failed speaks for all."""
    ranks = [
        _WORST_FIRST.index(one.status) if one.status in _WORST_FIRST else len(_WORST_FIRST)
        for one in (step, other)
    ]
    return ranks[0] < ranks[1]


def sparkline(values: Sequence[float], width: int, *, unicode: bool = True) -> str:
    """The last values as bars between the least and the greatest of them; equal ones are low."""
    marks = _BARS[0 if unicode else 1]
    shown = list(values)[-width:] if width > 0 else []
    if not shown:
        return ""
    least, span = min(shown), max(shown) - min(shown)
    if span <= 0:
        return marks[0] * len(shown)
    return "".join(marks[round((one - least) / span * (len(marks) - 1))] for one in shown)


def success_rate(steps: Sequence[StepView]) -> str:
    """``92%`` of the runs succeeded; empty where there was none, never 100% where one failed."""
    if not steps:
        return ""
    good = sum(step.status == "Succeeded" for step in steps)
    return f"{good * 100 // len(steps)}%"


def name_width(known: Grid, width: int) -> int:
    """Cells for the names of the steps."""
    longest = max((len(name) for name in known.steps), default=4)
    return max(4, min(longest + 1, 20 if width < 120 else 36, width // 3))


def columns_that_fit(width: int, names: int) -> int:
    """How many executions fit beside the names, the trends and the rates."""
    return max(1, (width - names - TREND - RATE - 6) // CELL)


def step_line(
    known: Grid,
    row: int,
    *,
    first: int,
    count: int,
    names: int,
    display: Display,
    column: int | None = None,
    focused: bool = True,
) -> Line:
    """A step: its name, a glyph for each execution from ``first`` on, its trend and its rate.

    Args:
        column: the execution under the cursor where it is in this row.
    """
    name = known.steps[row]
    here = column is not None
    mark = Span(("> " if here else "  "), Tone.ACCENT if focused else Tone.DIM)
    spans: list[Span] = [mark, *fit(words(name, Tone.STRONG if here else Tone.PLAIN), names)]
    for index in range(first, first + count):
        step = known.cell(index, row)
        left = "[" if index == column else "]" if here and index - 1 == column else " "
        spans.append(Span(left, Tone.ACCENT))
        if step is None:
            spans.append(Span("·" if display.unicode else ".", Tone.FAINT))
        else:
            state = step_state(step)
            spans.append(Span(state.mark(display.unicode), tone(state)))
    ends_here = column is not None and column == first + count - 1
    spans.append(Span("]" if ends_here else " ", Tone.ACCENT))
    runs = known.runs(name)
    durations = [seconds for one in runs if (seconds := step_seconds(one, 0.0)) is not None]
    trend = sparkline(durations, TREND, unicode=display.unicode)
    rate = success_rate(runs)
    failing = bool(rate) and rate != "100%"
    spans.append(Span(f" {trend:<{TREND}} ", Tone.DIM))
    spans.append(Span(f"{rate:>{RATE}}", Tone.PLAIN if failing else Tone.FAINT))
    return tuple(spans)


def cell_line(known: Grid, column: int, row: int, now: float, display: Display) -> Line:
    """What is under the cursor, in words."""
    if not known.steps or not known.executions:
        return ()
    name, step = known.steps[row], known.cell(column, row)
    if step is None:
        return (Span(f" {name}", Tone.STRONG), Span("  was not a step of it", Tone.DIM))
    state = step_state(step)
    planned = "" if step.status == "Succeeded" and not step.source_execution else step.reason
    why = step.failure.strip().split("\n", 1)[0] or planned
    return (
        Span(" "),
        display.mark(state),
        Span(f" {name}  ", Tone.STRONG),
        display.word(state),
        Span(f"  {step_took(step, now)}", Tone.DIM),
        Span(f"  {why}" if why else ""),
    )
