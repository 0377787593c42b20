"""The list of executions: rows, what matters about each, order, totals and the preview."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pipetui.viewmodel.lines import BLANK, Column, Line, Row, Span, Tone, key_value, words, wrap
from pipetui.viewmodel.progress import bar
from pipetui.viewmodel.state import (
    HELD,
    STOPS_ON_ANSWER,
    Display,
    execution_state,
    step_state,
    stops_on_answer,
    tone,
)
from pipetui.viewmodel.times import elapsed

if TYPE_CHECKING:
    from engine.api import ExecutionView, StepView

COLUMNS = (
    Column("", 1),
    Column("PIPELINE", 12, grow=1, most=40),
    Column("RUN", 7, keep=8),
    Column("STATUS", 13, keep=3),
    Column("STARTED", 9, keep=5, right=True),
    Column("TOOK", 7, keep=6, right=True),
    Column("STEPS", 10, keep=4),
    Column("WHAT MATTERS", 14, grow=3),
)


class Order(StrEnum):
    """How executions are sorted; ``o`` goes to the next."""

    STARTED = "newest first"
    TOOK = "longest first"
    PIPELINE = "by pipeline"
    STATUS = "failed first"

    @property
    def next(self) -> Order:
        """The order after this one."""
        orders = list(Order)
        return orders[(orders.index(self) + 1) % len(orders)]


def short_id(execution_id: str) -> str:
    """The first four characters, as the command line accepts them."""
    return execution_id[:4]


def title(execution: ExecutionView) -> str:
    """``churn-train/k3f9``."""
    return f"{execution.pipeline}/{short_id(execution.id)}"


def took(execution: ExecutionView, now: float) -> float:
    """Seconds from its creation to its end, or to now."""
    return (now if execution.ended_at is None else execution.ended_at) - execution.created_at


def time_taken(execution: ExecutionView, now: float) -> str:
    """The time an execution has taken, as text."""
    return elapsed(took(execution, now), ended=execution.ended_at is not None)


def progress(execution: ExecutionView) -> str:
    """``2 of 9``"""
    return f"{execution.steps_done} of {execution.steps_total}"


def tally(execution: ExecutionView, *, short: bool = False) -> str:
    """How the steps of an execution stand: ``4 succeeded, 1 failed, 2 not run``.

    While it runs, how far it is: ``2 of 9 done, 1 failed``. What belongs to a branch that was not
    taken, or waited for what failed, was not run.

    Args:
        short: leaves out what can be done without, where room is scarce: what was not run.
    """
    failed = f"{execution.steps_failed} failed" if execution.steps_failed else ""
    if execution.ended_at is None:
        done = progress(execution) + ("" if short else " done")
        return f"{done}, {failed}" if failed else done
    ran = execution.steps_succeeded + execution.steps_failed + execution.steps_stopped
    parts = (
        f"{execution.steps_succeeded} succeeded",
        failed,
        f"{execution.steps_stopped} stopped" if execution.steps_stopped else "",
        f"{execution.steps_total - ran} not run" if ran < execution.steps_total else "",
    )
    return ", ".join(filter(None, parts[:3] if short else parts))


_URGENCY = ("error", "attention", "running")


def ordered(
    executions: Sequence[ExecutionView], order: Order, now: float
) -> Sequence[ExecutionView]:
    """Executions in an order; equal ones stay newest first."""
    keys: dict[Order, Callable[[ExecutionView], Any]] = {
        Order.TOOK: lambda one: -took(one, now),
        Order.PIPELINE: lambda one: one.pipeline.lower(),
        Order.STATUS: _failed_first,
    }
    newest = sorted(executions, key=lambda one: -one.created_at)
    return sorted(newest, key=keys[order]) if order in keys else newest


def _failed_first(execution: ExecutionView) -> int:
    style = execution_state(execution).style
    return _URGENCY.index(style) if style in _URGENCY else len(_URGENCY)


ORDER_OF_COLUMN = {
    "STARTED": Order.STARTED,
    "TOOK": Order.TOOK,
    "PIPELINE": Order.PIPELINE,
    "STATUS": Order.STATUS,
}
"""What a click on a column's heading sorts by."""


def varying(executions: Sequence[ExecutionView], most: int) -> tuple[str, ...]:
    """Parameters with more than one value within a pipeline, the most varying first."""
    values: dict[tuple[str, str], set[str]] = {}
    for one in executions:
        for name, value in one.parameters.items():
            values.setdefault((one.pipeline, name), set()).add(str(value))
    counts: dict[str, int] = {}
    for (_, name), different in values.items():
        counts[name] = max(len(different), counts.get(name, 0))
    found = [name for name, count in counts.items() if count > 1]
    return tuple(sorted(found, key=lambda name: (-counts[name], name))[:most])


_MATTERS = 30
"""Cells that what matters has before a parameter becomes a column."""


def columns(parameters: Sequence[str], pipelines: Iterable[str] = ()) -> tuple[Column, ...]:
    """The columns of the list, those of parameters before what matters.

    The names of ``pipelines`` are whole where there is room. Parameters come before the word of
    the status: its glyph and what matters say it as well.
    """
    wish = max(map(len, pipelines), default=0)
    own = [replace(one, wish=wish) if one.title == "PIPELINE" else one for one in COLUMNS]
    extra = [Column(name, min(12, max(6, len(name))), keep=2, right=True) for name in parameters]
    if not extra:
        return tuple(own)
    early = [replace(one, keep=1) if one.title == "STATUS" else one for one in own[:-1]]
    return (*early, *extra, replace(COLUMNS[-1], width=_MATTERS))


def row(
    execution: ExecutionView,
    *,
    now: float,
    display: Display,
    running: str = "",
    parameters: Sequence[str] = (),
) -> Row:
    """One execution as a row.

    Args:
        running: the name of a step that runs.
        parameters: names of parameters that are columns.
    """
    state = execution_state(execution)
    run = [Span(short_id(execution.id))]
    if execution.retries:
        run.append(Span(f" a{execution.retries + 1}", Tone.DIM))
    matters = what_matters(execution, display, running)
    name = execution.pipeline
    return Row(
        key=execution.id,
        cells=(
            (display.mark(state),),
            words(name),
            tuple(run),
            (display.word(state),),
            words(display.moment(execution.created_at, now), Tone.DIM),
            words(time_taken(execution, now)),
            _progress(execution, display),
            *(words(_value(execution, name, display), Tone.DIM) for name in parameters),
            matters,
        ),
        search=" ".join(
            (name, execution.id, execution.display_name, state.word, *(s.text for s in matters))
        ),
    )


def _value(execution: ExecutionView, name: str, display: Display) -> str:
    return display.value(name, str(execution.parameters.get(name, "")))


_BAR = 10


def _progress(execution: ExecutionView, display: Display) -> Line:
    """How far it is as a bar; one that ended badly has a bar of what succeeded."""
    total = max(1, execution.steps_total)
    if execution.ended_at is None or execution.status == "Succeeded":
        tone = Tone.FAINT if execution.ended_at else Tone.ACCENT
        return words(bar(execution.steps_done / total, _BAR, unicode=display.unicode), tone)
    mark = Span(display.glyph("Failed") if execution.steps_failed else "", Tone.BAD)
    room = _BAR - len(mark.text)
    done = min(execution.steps_succeeded / total, 1 - 1 / total)
    return (Span(bar(done, room, unicode=display.unicode), Tone.FAINT), mark)


def what_matters(execution: ExecutionView, display: Display, running: str = "") -> Line:
    """The first of: what failed, who is asked, what runs, what was reused."""
    if execution.first_failed:
        reason = headline(execution.first_told)
        return (
            Span(f"{display.glyph('Failed')} ", Tone.BAD),
            Span(f"{execution.first_failed}: {reason}" if reason else execution.first_failed),
        )
    if stops_on_answer(execution):
        told = f"{display.glyph('Approval')} stopping: {STOPS_ON_ANSWER}"
        return (Span(told, Tone.WAIT),)
    if execution.steps_waiting_for_answer:
        count = execution.steps_waiting_for_answer
        who = "waits for you" if count == 1 else f"{count} wait for you"
        return (Span(f"{display.glyph('Approval')} {who}", Tone.WAIT),)
    if execution.failure_reason:
        return words(headline(execution.failure_reason))
    if execution.steps_held and not execution.steps_running and not execution.ended_at:
        return (Span(f"{display.glyph('Held')} {HELD}", Tone.WAIT),)
    if execution.steps_running and not execution.ended_at:
        more = execution.steps_running - 1
        name = running or f"{execution.steps_running} running"
        return (
            Span(f"{display.glyph('Executing')} ", Tone.ACCENT),
            Span(name),
            Span(f" +{more}" if running and more else "", Tone.DIM),
        )
    if execution.steps_reused:
        return words(_reused(execution, display), Tone.DIM)
    return words(execution_state(execution).word, Tone.DIM)


def _reused(execution: ExecutionView, display: Display) -> str:
    """``↺ 180 cached  ≡ 3 reused``"""
    counts = (
        ("Cached", execution.steps_cached),
        ("Reused", execution.steps_reused - execution.steps_cached),
    )
    return "  ".join(
        f"{display.glyph(status)} {number} {status.lower()}" for status, number in counts if number
    )


def headline(reason: str) -> str:
    """A failure reason in one line, without the word that every failed script has in common."""
    return reason.strip().split("\n", 1)[0].removeprefix("AlgorithmError: ")


_UNTOLD = re.compile("see job logs for more information", re.IGNORECASE)


def told(reason: str, summary: str) -> str:
    """A failure reason with what its log says in the place of the pointer to the log."""
    return _UNTOLD.sub(lambda _: summary, reason, count=1) if summary else reason


def untold(reason: str) -> bool:
    """Whether a failure reason only points to the log."""
    return _UNTOLD.search(reason) is not None


def totals(executions: Sequence[ExecutionView], packages: int) -> Line:
    """``3 running · 1 waiting · 2 failed``."""
    running = sum(not one.ended_at and not one.steps_waiting_for_answer for one in executions)
    waiting = sum(one.steps_waiting_for_answer for one in executions) + packages
    failed = sum(execution_state(one).style == "error" for one in executions)
    parts = (
        (running, "running", Tone.ACCENT),
        (waiting, "waiting", Tone.WAIT),
        (failed, "failed", Tone.PLAIN),
    )
    spans: list[Span] = []
    for number, word, color in parts:
        if number:
            spans += [Span(" · ", Tone.FAINT)] if spans else []
            spans.append(Span(f"{number} {word}", color))
    return tuple(spans)


def preview(
    execution: ExecutionView,
    steps: Sequence[StepView],
    *,
    now: float,
    display: Display,
    width: int,
    tall: bool = False,
) -> list[Line]:
    """What a person wants to know of an execution before opening it."""
    state = execution_state(execution)
    head: Line = (
        Span(" "),
        display.mark(state),
        Span(f" {title(execution)}  ", Tone.STRONG),
        display.word(state),
        Span(
            f" after {time_taken(execution, now)}" if execution.ended_at else "",
            Tone.DIM,
        ),
        Span("" if tall else f"  {tally(execution)}", Tone.DIM),
        Span(f"  by {execution.created_by}" if execution.created_by else "", Tone.FAINT),
    )
    lines = [head, words(f"   {tally(execution)}", Tone.DIM)] if tall else [head]
    if execution.first_failed:
        lines.append(
            (
                Span("   failed in ", Tone.DIM),
                Span(execution.first_failed),
                *_attempt(steps, execution.first_failed),
            )
        )
        lines += wrap(execution.first_told, width, indent="   ")[: 8 if tall else 3]
    elif execution.failure_reason:
        lines += wrap(execution.failure_reason, width, indent="   ")[:3]
    if execution.source_execution:
        source = short_id(execution.source_execution)
        lines.append(key_value("rerun of", source))
    lines += _parameters(execution.parameters, 12 if tall else 2, display)
    if tall:
        lines += [BLANK, *_step_lines(steps, now, display)]
    return lines


def _attempt(steps: Sequence[StepView], name: str) -> Line:
    step = next((one for one in steps if one.name == name), None)
    if step is None or not step.attempts:
        return BLANK
    attempt = step.attempts[-1]
    spent = None if attempt.ended_at is None else attempt.ended_at - attempt.started_at
    after = f" after {elapsed(spent, ended=True)}" if spent is not None else ""
    return words(f", attempt {attempt.number}{after}", Tone.DIM)


def _parameters(parameters: Mapping[str, Any], most: int, display: Display) -> list[Line]:
    shown = list(parameters.items())[:most]
    width = max((12, *(len(name) for name, _ in shown)))
    lines = [key_value(name, display.value(name, str(value)), width=width) for name, value in shown]
    hidden = len(parameters) - most
    told = f"   and {hidden} more parameter{'s' if hidden > 1 else ''}"
    return lines + ([words(told, Tone.FAINT)] if hidden > 0 else [])


def _step_lines(steps: Sequence[StepView], now: float, display: Display) -> list[Line]:
    lines: list[Line] = []
    for step in steps:
        state = step_state(step)
        lines.append(
            (
                Span("   "),
                display.mark(state),
                Span(f" {step.name:<28} "),
                Span(f"{state.word:<13} ", tone(state)),
                Span(step_took(step, now), Tone.DIM),
            )
        )
    return lines


def step_took(step: StepView, now: float) -> str:
    """The time a step has taken, as text."""
    return elapsed(step_seconds(step, now), ended=step.ended_at is not None)


def step_seconds(step: StepView, now: float) -> float | None:
    """Seconds a step has taken; None before it starts."""
    if step.started_at is None:
        return None
    return (now if step.ended_at is None else step.ended_at) - step.started_at
