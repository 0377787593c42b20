"""How a status looks: one glyph of one cell, its ASCII twin, a word and a style name.

Colour only repeats what glyph and word say. The style names are those the themes define.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """How one status is shown.

    Args:
        glyph: one narrow Unicode character.
        ascii: one ASCII character, for terminals without Unicode.
        word: what lists print beside it.
        style: name of its style in the themes.
    """

    glyph: str
    ascii: str
    word: str
    style: str

    def mark(self, unicode: bool = True) -> str:
        """The glyph, or its ASCII twin."""
        return self.glyph if unicode else self.ascii


STATUSES: dict[str, Look] = {
    "Waiting": Look("○", "o", "waiting", "muted"),
    "Blocked": Look("◌", ":", "blocked", "muted"),
    "Starting": Look("▷", "^", "starting", "running"),
    "Executing": Look("▶", ">", "executing", "running"),
    "Retrying": Look("↻", "~", "retrying", "warning"),
    "Stopping": Look("□", "_", "stopping", "warning"),
    "Succeeded": Look("✔", "+", "succeeded", "success"),
    "Failed": Look("✖", "x", "failed", "error"),
    "Stopped": Look("■", "#", "stopped", "stopped"),
    "Skipped": Look("⊘", "-", "skipped", "muted"),
    "Cached": Look("↺", "=", "cached", "cached"),
    "Reused": Look("≡", "&", "reused", "cached"),
    "Approval": Look("⏸", "?", "waits for you", "attention"),
    "Held": Look("◉", "|", "held", "attention"),
    "Breakpoint": Look("◎", "B", "breakpoint", "muted"),
    "Lost": Look("⚠", "!", "lost", "error"),
}
"""Every status of a step or an execution, by the name the engine gives it.

No two share a glyph, an ASCII twin or a word: ``Cached`` is a result that the cache held,
``Reused`` one that a rerun took over from the execution it is of.
"""

UNKNOWN = Look("◊", "$", "unknown", "muted")
"""A status this version does not know: shown, never guessed."""


def look(status: str) -> Look:
    """How a status is shown; for one that is not in the table its own name stands as the word."""
    if status in STATUSES:
        return STATUSES[status]
    return Look(UNKNOWN.glyph, UNKNOWN.ascii, status or UNKNOWN.word, UNKNOWN.style)
