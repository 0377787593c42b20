"""The time scrubber: where in its past an execution is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipetui.viewmodel.lines import Line, Span, Tone, fit, text_of
from pipetui.viewmodel.state import Display

if TYPE_CHECKING:
    from engine.api import Event


def position(count: int, total: int, x: int, width: int) -> int:
    """How many events a click at cell ``x`` of a slider ``width`` cells wide asks for."""
    if width <= 1:
        return count
    return max(1, min(total, round(1 + x * (total - 1) / (width - 1))))


def slider(count: int, total: int, width: int, *, unicode: bool) -> Line:
    """A rail of exactly ``width`` cells with a knob after ``count`` of ``total`` events."""
    rail, done, knob = ("─", "━", "●") if unicode else ("-", "=", "o")
    at = 0 if total <= 1 else round((count - 1) * (width - 1) / (total - 1))
    return (
        Span(done * at, Tone.ACCENT),
        Span(knob, Tone.ACCENT),
        Span(rail * (width - 1 - at), Tone.FAINT),
    )


def legend(event: Event, count: int, total: int, display: Display) -> Line:
    """The moment in words: time, number and what happened."""
    what = f"{event.kind} {event.step or ''}".strip()
    return (
        Span(f" {display.clock(event.at)} ", Tone.WAIT),
        Span(f" {count} of {total}  ", Tone.DIM),
        Span(what),
        Span("   esc back to now ", Tone.DIM),
    )


def line(event: Event, count: int, total: int, width: int, display: Display) -> Line:
    """The whole scrubber: legend, then as much rail as there is room for."""
    told = legend(event, count, total, display)
    room = max(0, width - len(text_of(told)) - 1)
    rail = slider(count, total, room, unicode=display.unicode) if room > 4 else ()
    return fit((*told, *rail), width)
