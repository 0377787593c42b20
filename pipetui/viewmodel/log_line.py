"""One line of a log and what belongs to it, whole: aligned JSON, tracebacks as a block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.cells import chop_cells

from pipetui.term.sanitize import plain
from pipetui.viewmodel.lines import BLANK, Line, Span, Tone, heading, key_value, words
from pipetui.viewmodel.state import Display

_LEVELS = {10: "debug", 20: "info", 30: "warning", 40: "error"}


def log_line_lines(
    number: int,
    texts: Sequence[str],
    pretty: Sequence[tuple[str, str]],
    *,
    level: int,
    at: float | None,
    origin: str,
    width: int,
    display: Display,
) -> list[Line]:
    """A page about a line.

    Args:
        number: 0-based.
        texts: the lines of its block, harmless; the first is the block's.
        pretty: the rows of its JSON as key and value, where it is any.
        at: when it was written, where it says so.
        origin: which of the merged logs it is from.
    """
    facts: dict[str, Any] = {
        "line": f"{number + 1:,}",
        "log": origin,
        "severity": _LEVELS.get(level, ""),
        "written": display.clock(at) if at is not None else "",
    }
    lines = [key_value(name, value) for name, value in facts.items() if value]
    if pretty:
        lines += [BLANK, heading("JSON")]
        for key, value in pretty:
            lines += _pair(f"  {key}", value, width)
    lines += [BLANK, heading("TEXT" if len(texts) == 1 else f"TEXT, {len(texts):,} lines")]
    for text in texts:
        lines += _cut(text, width)
    return lines


def _pair(key: str, value: str, width: int) -> list[Line]:
    room = max(8, width - len(key) - 2)
    parts = chop_cells(plain(value), room) or [""]
    first = (Span(f"{key} ", Tone.DIM), Span(parts[0]))
    return [first, *((Span(" " * (len(key) + 1)), Span(part)) for part in parts[1:])]


def _cut(text: str, width: int) -> list[Line]:
    """A line over as many rows as it takes, its spaces kept."""
    room = max(8, width - 3)
    return [words(f"  {part}") for part in chop_cells(text, room)] or [BLANK]
