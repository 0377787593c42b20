"""Status as glyph, word and tone, and how a person wants things shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import TYPE_CHECKING

from pipetui.term.glyphs import Look, look
from pipetui.viewmodel.lines import Span, Tone
from pipetui.viewmodel.secrets import masked
from pipetui.viewmodel.times import TimeMode, clock, exact, moment, since_start

if TYPE_CHECKING:
    from engine.api import ApprovalStatus, ExecutionView, StepView


@dataclass(frozen=True, slots=True)
class Display:
    """How a person wants things shown.

    Args:
        unicode: whether glyphs and bars are more than ASCII.
        times: relative, local or UTC.
        zone: the person's time zone; None is the host's.
        clear: whether what is masked is shown.
    """

    unicode: bool = True
    times: TimeMode = TimeMode.RELATIVE
    zone: tzinfo | None = None
    clear: bool = False

    def value(self, name: str, value: str) -> str:
        """A value, masked where its name says that it is a secret."""
        return masked(name, value, clear=self.clear)

    def moment(self, at: float, now: float) -> str:
        """When something happened, short."""
        return moment(at, now, self.times, self.zone)

    def since_start(self, at: float, began: float) -> str:
        """When something in an execution happened."""
        return since_start(at, began, self.times, self.zone)

    def exact(self, at: float, now: float) -> str:
        """When something happened, to tell it from its neighbours."""
        return exact(at, now, self.times, self.zone)

    def clock(self, at: float) -> str:
        """When something happened, date and time."""
        return clock(at, self.times, self.zone)

    def glyph(self, status: str) -> str:
        """The glyph of a status."""
        return look(status).mark(self.unicode)

    def mark(self, state: Look) -> Span:
        """A state's glyph in its tone."""
        return Span(state.mark(self.unicode), tone(state))

    def word(self, state: Look) -> Span:
        """A state's word in its tone."""
        return Span(state.word, tone(state))


EXIT_CODES = {"Succeeded": 0, "Failed": 20, "CompletedWithFailures": 20, "Stopped": 21}
"""Status that an execution ended with -> exit code of the command that stayed with it."""

_TONES = {
    "muted": Tone.FAINT,
    "running": Tone.ACCENT,
    "warning": Tone.WAIT,
    "success": Tone.GOOD,
    "error": Tone.BAD,
    "stopped": Tone.DIM,
    "cached": Tone.GOOD,
    "attention": Tone.WAIT,
}


def tone(state: Look) -> Tone:
    """The tone that repeats what a state's glyph and word say."""
    return _TONES.get(state.style, Tone.PLAIN)


STOPS_ON_ANSWER = "answer A or X to finish"
"""What a person does about an execution that ``stops_on_answer``."""


def stops_on_answer(execution: ExecutionView) -> bool:
    """Whether it is told to stop, but waits for an answer first, as a Callback cannot be ended."""
    return execution.stop_requested and execution.steps_waiting_for_answer > 0


HELD = "held by a breakpoint"


def hold_words(step: StepView) -> str:
    """Why a held step does not start, and the command that lets it."""
    return f"{HELD}; resume with: pipetui break {step.execution_id} {step.name} --clear"


def execution_state(execution: ExecutionView) -> Look:
    """An execution's state; one that only waits for answers says so."""
    waiting = execution.steps_waiting_for_answer
    if stops_on_answer(execution):
        return replace(look("Approval"), word="stopping")
    if waiting and waiting == execution.steps_running:
        return look("Approval")
    if execution.steps_held and not execution.steps_running and execution.status == "Executing":
        return look("Held")
    if execution.status == "CompletedWithFailures":
        return replace(look("Failed"), word="with failures")
    return look(execution.status)


def step_state(step: StepView) -> Look:
    """A step's state; cached, reused, waiting for an answer and retrying are told apart."""
    if step.waits_for_answer:
        return look("Approval")
    if step.status == "Succeeded" and step.action in ("cached", "reused"):
        return look(step.action.capitalize())
    if step.status == "Waiting" and step.attempts:
        return look("Retrying")
    if step.status == "Waiting" and (step.held or step.breakpoint):
        return look("Held" if step.held else "Breakpoint")
    return look(step.status)


_APPROVALS = {
    "PendingManualApproval": look("Approval"),
    "Approved": replace(look("Succeeded"), word="approved"),
    "Rejected": replace(look("Failed"), word="rejected"),
}


def approval_state(approval: ApprovalStatus) -> Look:
    """A model package version's state."""
    return _APPROVALS.get(approval) or look(approval)
