"""Says what happens in an execution, one line per transition."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from engine.errors import NotFound
from pipetui.cli.masking import log_of
from pipetui.cli.session import Session, ink_for
from pipetui.cli.text import cells, duration, fill
from pipetui.term.glyphs import Look, look
from pipetui.viewmodel.executions import tally
from pipetui.viewmodel.state import HELD, execution_state, step_state

if TYPE_CHECKING:
    from engine.api import Event, ExecutionView, LocalReader, StepView

LOG_LINES = 50
"""How much of a failing step's log is shown."""
_STATE_WIDTH, _STEP_WIDTH, _TOOK_WIDTH = 15, 28, 7
_INDENT = " " * 10
_BUILDING = "building environment"


class Narrator:
    """Writes to standard output, or beside it where a program reads that."""

    def __init__(self, session: Session, reader: LocalReader) -> None:
        self._out = sys.stdout if session.text else sys.stderr
        self._ink = ink_for(self._out)
        self._reader = reader
        self._width = 4
        self._built: set[tuple[str, int]] = set()

    @staticmethod
    def before(state: Any, event: Event) -> StepView | None:
        """The step an event is about, as it was before the event."""
        return state.steps.get(event.step) if state is not None and event.step else None

    def tell(self, event: Event, state: Any, before: StepView | None) -> None:
        """Say what an event changed.

        Args:
            state: the execution after the event.
            before: the event's step before it.
        """
        names = (state.execution.pipeline, *state.steps)
        self._width = min(_STEP_WIDTH, max(map(cells, names)))
        step = state.steps.get(event.step) if event.step else None
        if step is not None and before is not None:
            self._step(event, step, before)
        else:
            self._execution(event, state)
        self._out.flush()

    def _execution(self, event: Event, state: Any) -> None:
        view, fact = state.execution, cast(Any, event.fact)
        if event.kind == "ExecutionCreated":
            count = f"{view.steps_total} step{'s' if view.steps_total != 1 else ''}"
            self._line(event, execution_state(view), view.pipeline, count, view.id)
        elif event.kind == "RunnerAttached" and fact.epoch > 1 and view.ended_at is None:
            self._line(event, execution_state(view), view.pipeline, "", "a runner took over")
        elif event.kind == "StopRequested":
            words = f"stop requested by {event.actor}" + (f": {fact.reason}" if fact.reason else "")
            self._line(event, execution_state(view), view.pipeline, "", words)
        elif event.kind == "ExecutionRetried":
            words = f"runs again: {', '.join(fact.steps)}"
            self._line(event, look("Retrying"), view.pipeline, "", words)
        elif event.kind == "ExecutionEnded":
            self._end(event, state)

    def _step(self, event: Event, step: StepView, before: StepView) -> None:
        fact: Any = event.fact
        if event.kind == "CallbackRequested":
            self._ask(event, step)
        elif event.kind == "CallbackAnswered":
            self._line(event, look("Executing"), step.name, "", step.note)
        elif event.kind == "BreakpointSet":
            words = f"breakpoint set by {event.actor}"
            self._line(event, step_state(step), step.name, "", words)
        elif event.kind == "StepHeld":
            self._line(event, look("Held"), step.name, "", HELD)
            self._lines([f"pipetui break {step.execution_id} {step.name} --clear"])
        elif event.kind == "BreakpointCleared":
            words = f"breakpoint cleared by {event.actor}"
            self._line(event, step_state(step), step.name, "", words)
        elif event.kind == "AttemptLost":
            words = f"attempt {fact.attempt} is lost: {fact.reason}"
            self._line(event, look("Lost"), step.name, "", words)
        elif event.kind == "AttemptFailed":
            self._line(event, look("Retrying"), step.name, "", step.reason)
        elif event.kind == "StepProgressed":
            self._building(event, step)
        elif step.status != before.status and step.status != "Starting":
            took = None
            if step.started_at is not None and step.ended_at is not None:
                took = step.ended_at - step.started_at
            self._line(event, step_state(step), step.name, duration(took), words_about(step))
            if step.status == "Failed":
                self._log_of(step)

    def _building(self, event: Event, step: StepView) -> None:
        attempt = (step.name, step.attempt)
        if step.doing.startswith(_BUILDING) and attempt not in self._built:
            self._built.add(attempt)
            self._line(event, look("Starting"), step.name, "", "building its Python environment")

    def _ask(self, event: Event, step: StepView) -> None:
        """A person is asked: what, and how to answer."""
        asked = ", ".join(f"{name}: {value}" for name, value in step.callback_inputs.items())
        self._line(event, look("Approval"), step.name, "", asked)
        outputs = [
            f"--output-parameter {one.name}={str(one.type).upper()}"
            for one in self._reader.asked_outputs(step)
        ]
        self._lines([f"pipetui approve {step.callback_token}", *outputs], " \\")
        self._lines([f"pipetui reject {step.callback_token} --comment WHY"])

    def _log_of(self, step: StepView) -> None:
        """The end of a failed step's log, and where the whole lies."""
        try:
            log, path = log_of(self._reader, step), self._reader.log_path(step)
        except NotFound:
            return
        log.refresh()
        tail = log.tail(LOG_LINES)
        bar = self._ink.paint("|", "muted")
        for line in tail:
            self._write(f"{_INDENT}{bar} {self._ink.safe(line.text)}".rstrip())
        what = "its log is empty" if not tail else f"the last {len(tail)} lines of its log"
        self._write(f"{_INDENT}{what}: {self._ink.safe(str(path))}")
        if error := log.first_error():
            place = f" ({error.file}:{error.line})" if error.file else ""
            self._write(f"{_INDENT}{self._ink.safe(error.summary + place)}")

    def _end(self, event: Event, state: Any) -> None:
        view: ExecutionView = state.execution
        took = duration((view.ended_at or event.at) - view.created_at)
        words = tally(view)
        if view.failure_reason:
            words += f"; {view.failure_reason}"
        self._line(event, execution_state(view), view.pipeline, took, words)
        if view.first_failed and state.steps[view.first_failed].type != "Fail":
            why = f"why:   pipetui logs {view.id} {view.first_failed}"
            self._lines([why, f"again: pipetui retry {view.id}"])

    def _line(self, event: Event, state: Look, name: str, took: str, words: str) -> None:
        ink = self._ink
        clock = ink.paint(f"{datetime.fromtimestamp(event.at):%H:%M:%S}", "muted")
        shown = fill(ink.safe(name), self._width)
        head = f"{clock}  {ink.state(state, _STATE_WIDTH)}  {shown}"
        first = words.strip().split("\n", 1)[0]
        self._write(f"{head}  {fill(took, _TOOK_WIDTH)}  {ink.safe(first)}".rstrip())

    def _lines(self, lines: Sequence[str], joint: str = "") -> None:
        """Lines below the one before; ``joint`` ends all but the last."""
        for number, line in enumerate(lines):
            deeper = "  " if joint and number else ""
            end = joint if number < len(lines) - 1 else ""
            self._write(f"{_INDENT}{deeper}{self._ink.safe(line)}{end}")

    def _write(self, line: str) -> None:
        print(line, file=self._out)


def words_about(step: StepView) -> str:
    """What there is to say about a step's status."""
    if step.failure:
        return step.failure
    if step.status == "Executing":
        kind = step.environment.get("Runner", "")
        attempt = f"attempt {step.attempt}" if step.attempt > 1 else ""
        return ", ".join(str(part) for part in (attempt, kind) if part)
    if step.source_execution:
        return f"from {step.source_execution}"
    if step.outcome is not None:
        return f"takes the {'if' if step.outcome else 'else'} branch"
    if step.status in ("Skipped", "Blocked"):
        return step.reason
    return step.note
