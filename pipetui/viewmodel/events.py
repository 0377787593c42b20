"""The event list: one row for each fact, and its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipetui.viewmodel.lines import Column, Row, Tone, words
from pipetui.viewmodel.state import Display

if TYPE_CHECKING:
    from engine.api import Event

COLUMNS = (
    Column("AT", 12, keep=7, right=True),
    Column("EVENT", 19),
    Column("STEP", 12, grow=2, most=32),
    Column("WHAT", 12, grow=5, keep=5),
    Column("BY", 8, grow=1, keep=2, most=24),
)
_TELLING = ("reason", "failure_reason", "doing", "note", "comment", "pipeline", "status", "token")


def row(event: Event, facts: Mapping[str, Any], *, began: float, display: Display) -> Row:
    """One event.

    Args:
        facts: its fact as JSON.
        began: when the execution was created; times are told from there.
    """
    told = next((str(facts[key]) for key in _TELLING if facts.get(key)), "")
    step = event.step or ""
    return Row(
        key=str(event.seq),
        cells=(
            words(display.since_start(event.at, began), Tone.DIM),
            words(event.kind, Tone.BAD if event.kind == "StepFailed" else Tone.PLAIN),
            words(step),
            words(told.strip().split("\n", 1)[0], Tone.DIM),
            words(event.actor, Tone.FAINT),
        ),
        search=f"{event.kind} {step} {told} {event.actor}",
    )
