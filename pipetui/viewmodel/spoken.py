"""The state of executions and steps as sentences: for a voice, a bell, a line at a time. Pure.

No sentence needs the one before, a column or a colour to be understood.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from pipetui.viewmodel.executions import headline, step_seconds, tally, title, took
from pipetui.viewmodel.state import HELD, execution_state, step_state

if TYPE_CHECKING:
    from engine.api import ExecutionView, StepView, WaitingCallback


def span(seconds: float) -> str:
    """A time as it is said: ``1 hour 2 minutes``, ``3 seconds``."""
    whole = round(seconds)
    if whole < 1:
        return "less than a second"
    hours, minutes, left = whole // 3600, whole // 60 % 60, whole % 60
    parts = [(hours, "hour"), (minutes, "minute"), (0 if hours else left, "second")]
    return " ".join(_counted(number, word) for number, word in parts if number)


def execution_sentence(execution: ExecutionView, now: float) -> str:
    """How an execution is: ``churn/k3f9 executing for 3 minutes: 2 of 9 steps done, 1 running.``"""
    length = span(took(execution, now))
    when = f"for {length}" if execution.ended_at is None else f"after {length}"
    if execution.ended_at is not None:
        counts = [f"{tally(execution)}, of {_counted(execution.steps_total, 'step')}"]
    else:
        counts = [f"{execution.steps_done} of {_counted(execution.steps_total, 'step')} done"]
    counts += [
        f"{number} {word}"
        for number, word in (
            (execution.steps_running - execution.steps_waiting_for_answer, "running"),
            (execution.steps_waiting_for_answer, "waiting for your answer"),
            (execution.steps_failed, "failed"),
        )
        if number and execution.ended_at is None
    ]
    words = f"{title(execution)} {execution_state(execution).word} {when}: {', '.join(counts)}"
    if execution.first_failed:
        words += f". {execution.first_failed}: {headline(execution.first_told)}"
    return _sentence(words)


def step_sentence(step: StepView, now: float) -> str:
    """How a step is: ``train, Training, failed after 4 seconds: ValueError: no rows.``"""
    state = step_state(step)
    words = f"{step.name}, {step.type}, {state.word}"
    if step.attempt > 1:
        words += f", attempt {step.attempt}"
    seconds = step_seconds(step, now)
    if seconds is not None:
        words += f" {'for' if step.ended_at is None else 'after'} {span(seconds)}"
    reason = headline(step.failure) or _reason(step)
    return _sentence(f"{words}: {reason}" if reason else words)


def question(waiting: WaitingCallback) -> str:
    """What a Callback step asks."""
    step = waiting.step
    asked = ", ".join(f"{name} is {value}" for name, value in step.callback_inputs.items())
    words = f"{step.name} of {title(waiting.execution)} waits for your answer"
    return _sentence(f"{words}: {asked}" if asked else words)


def step_news(before: Mapping[str, str], steps: Iterable[StepView], now: float) -> list[str]:
    """A sentence for each step that says another word than before.

    Args:
        before: step name -> the word it had.
    """
    return [
        step_sentence(step, now)
        for step in steps
        if step_state(step).word != before.get(step.name) and step.status != "Starting"
    ]


def news(before: Sequence[ExecutionView], after: Sequence[ExecutionView], now: float) -> list[str]:
    """What a person who looks away should be told: what ended, and what began to wait for them.

    Args:
        before: the executions as they were; what was not among them is no news.
    """
    known = {one.id: one for one in before}
    found = []
    for one in after:
        old = known.get(one.id)
        if old is None:
            continue
        ended = old.ended_at is None and one.ended_at is not None
        asks = one.steps_waiting_for_answer > old.steps_waiting_for_answer
        if ended or asks:
            found.append(execution_sentence(one, now))
    return found


def _reason(step: StepView) -> str:
    if step.held:
        return HELD
    if step.status in ("Skipped", "Blocked"):
        return step.reason
    return f"from {step.source_execution}" if step.source_execution else ""


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _sentence(words: str) -> str:
    words = words.strip()
    return words if words.endswith((".", "!", "?")) else f"{words}."
