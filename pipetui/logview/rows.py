"""Lines laid out as the rows of a screen. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells

from pipetui.logview.dress import Dress
from pipetui.logview.sgr import Ink
from pipetui.logview.source import Line


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the screen: a whole line, or the part of a wrapped one.

    Args:
        line: number of the line, -1 while unknown.
        text: harmless text of the whole line, or of the part.
        level: its severity.
        head: whether a block begins here.
        last: whether the line ends here.
        inks: where the text has colours of its own.
        origin: which of the merged logs it is from.
        current: whether the reader has jumped to this line.
        marked: whether it has a bookmark.
        picked: whether it is in the range.
    """

    line: int
    text: str
    level: int
    head: bool
    last: bool = True
    inks: tuple[Ink, ...] = ()
    origin: int = 0
    current: bool = False
    marked: bool = False
    picked: bool = False


def rows_of(line: Line, width: int, wrap: bool, dress: Dress) -> list[Row]:
    """The rows a line takes in ``width`` cells."""
    text, inks = dress.line(line)
    rows: list[Row] = []
    at = 0
    parts = wrapped(text, width) if wrap else [text]
    for number, part in enumerate(parts):
        end = at + len(part)
        rows.append(
            Row(
                line.number,
                part,
                line.level,
                line.head and not number,
                number == len(parts) - 1,
                tuple(cut for ink in inks if (cut := ink.cut(at, end))),
                line.origin,
            )
        )
        at = end
    return rows


def wrapped(text: str, width: int) -> list[str]:
    """Text cut into parts of at most ``width`` cells; a wide character is never halved."""
    if width < 2 or cell_len(text) <= width:
        return [text]
    if text.isascii():
        return [text[at : at + width] for at in range(0, len(text), width)]
    return chop_cells(text, width)


Lay = Callable[[Line], Sequence[Row]]
"""Gives the rows of a line."""


def from_top(lines: Iterable[Line], height: int, lay: Lay) -> list[Row]:
    """The rows of a screen that begins with the first line."""
    rows: list[Row] = []
    for line in lines:
        if len(rows) >= height:
            break
        rows += lay(line)
    return rows[:height]


def to_bottom(lines: Sequence[Line], height: int, lay: Lay) -> list[Row]:
    """The rows of a screen that ends with the last line."""
    rows: list[Row] = []
    for line in reversed(lines):
        if len(rows) >= height:
            break
        rows[:0] = lay(line)
    return rows[max(0, len(rows) - height) :]
