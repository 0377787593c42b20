"""Lines laid out as the rows of a screen. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells

from pipetui.logview.source import Line
from pipetui.term.sanitize import plain


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the screen: a whole line, or the part of a wrapped one.

    Args:
        line: number of the line, -1 while unknown.
        text: harmless text of the whole line, or of the part.
        level: its severity.
        head: whether a block begins here.
        last: whether the line ends here.
        current: whether the reader has jumped to this line.
    """

    line: int
    text: str
    level: int
    head: bool
    last: bool = True
    current: bool = False


def rows_of(line: Line, width: int, wrap: bool) -> list[Row]:
    """The rows a line takes in ``width`` cells."""
    text = plain(line.text)
    parts = wrapped(text, width) if wrap else [text]
    return [
        Row(line.number, part, line.level, line.head and not at, at == len(parts) - 1)
        for at, part in enumerate(parts)
    ]


def wrapped(text: str, width: int) -> list[str]:
    """Text cut into parts of at most ``width`` cells; a wide character is never halved."""
    if width < 2 or cell_len(text) <= width:
        return [text]
    if text.isascii():
        return [text[at : at + width] for at in range(0, len(text), width)]
    return chop_cells(text, width)


def from_top(lines: Iterable[Line], width: int, height: int, wrap: bool) -> list[Row]:
    """The rows of a screen that begins with the first line."""
    rows: list[Row] = []
    for line in lines:
        if len(rows) >= height:
            break
        rows += rows_of(line, width, wrap)
    return rows[:height]


def to_bottom(lines: Sequence[Line], width: int, height: int, wrap: bool) -> list[Row]:
    """The rows of a screen that ends with the last line."""
    rows: list[Row] = []
    for line in reversed(lines):
        if len(rows) >= height:
            break
        rows[:0] = rows_of(line, width, wrap)
    return rows[max(0, len(rows) - height) :]
