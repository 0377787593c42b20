"""Text for a person: status words, durations and tables that line up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipetui.term.glyphs import Look
from pipetui.term.sanitize import plain

_SHORTEST, _LONGEST = 8, 28
"""Cells that a column of a table keeps when it is cut, and that any but the last has at most."""
_GAP = 2

_COLOURS = {
    "success": "32",
    "error": "31",
    "running": "36",
    "warning": "33",
    "attention": "1;33",
    "stopped": "35",
    "cached": "34",
    "muted": "2",
    "bold": "1",
}


@dataclass(frozen=True, slots=True)
class Ink:
    """How text looks on a stream.

    Args:
        colour: whether escape sequences for colours may be written.
        unicode: whether more than ASCII can be shown.
        width: cells of a line; 0 where lines may be of any length.
    """

    colour: bool = False
    unicode: bool = True
    width: int = 0

    def paint(self, text: str, style: str) -> str:
        """The text in a style, where there are colours."""
        code = _COLOURS.get(style, "") if self.colour else ""
        return f"\x1b[{code}m{text}\x1b[0m" if code else text

    def state(self, look: Look, width: int = 0) -> str:
        """Glyph and word of a status, in its colour, filled up to ``width`` cells."""
        return self.paint(fill(self.words(look), width), look.style)

    def words(self, look: Look) -> str:
        """Glyph and word of a status."""
        return f"{look.mark(self.unicode)} {look.word}"

    def safe(self, text: str) -> str:
        """Foreign text as one line that holds nothing a terminal could obey."""
        clean = plain(text)
        return clean if self.unicode else clean.encode("ascii", "replace").decode()

    def cut(self, text: str) -> str:
        """Foreign text, shortened to a line."""
        clean = self.safe(text)
        return self.shorten(clean, self.width) if self.width else clean

    def shorten(self, text: str, room: int) -> str:
        """The text in so many cells, with a mark where something is missing."""
        if cells(text) <= room:
            return text
        mark = "…" if self.unicode else "..."
        while text and cells(text) + len(mark) > room:
            text = text[:-1]
        return text + mark


@dataclass(frozen=True, slots=True)
class Cell:
    """Text of a table in a style."""

    text: str
    style: str = ""


def table(ink: Ink, heads: Sequence[str], rows: Sequence[Sequence[Cell | Look | str]]) -> list[str]:
    """Lines of a table; on a terminal, columns are cut, or left out at the end, until they fit."""
    grid = [[_cell(ink, one) for one in row] for row in rows]
    columns = zip(heads, *([one.text for one in row] for row in grid), strict=True)
    widths = [max(map(cells, column)) for column in columns]
    if ink.width:
        widths = _fitting(widths, ink.width)
        grid = [
            [
                Cell(ink.shorten(one.text, width), one.style)
                for one, width in zip(row, widths, strict=False)
            ]
            for row in grid
        ]
    names = [ink.shorten(head, width) for head, width in zip(heads, widths, strict=False)]
    lines = [_row([ink.paint(name, "muted") for name in names], names, widths)]
    for row in grid:
        painted = [ink.paint(one.text, one.style) for one in row]
        lines.append(_row(painted, [one.text for one in row], widths))
    return lines


def _fitting(natural: Sequence[int], room: int) -> list[int]:
    """Widths of as many columns as fit: the last gives way, then the widest, then the last goes."""
    names = [min(width, _LONGEST) for width in natural[:-1]]
    widths = [*names, natural[-1]]
    _squeeze(widths, -1, room)
    while len(widths) > 1:
        _squeeze(widths, widths.index(max(widths)), room)
        if _total(widths) <= room:
            return widths
        widths = names[: len(widths) - 1]
    return [min(natural[0], room)]


def _squeeze(widths: list[int], column: int, room: int) -> None:
    """Make one column as narrow as needed, and as is allowed."""
    over = max(0, _total(widths) - room)
    widths[column] = max(min(widths[column], _SHORTEST), widths[column] - over)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _cell(ink: Ink, value: Cell | Look | str) -> Cell:
    if isinstance(value, Look):
        return Cell(ink.words(value), value.style)
    cell = Cell(value) if isinstance(value, str) else value
    return Cell(ink.safe(cell.text), cell.style)


def _row(painted: Sequence[str], texts: Sequence[str], widths: Sequence[int]) -> str:
    """Painted texts side by side, by the widths of what they show."""
    parts = [
        one + " " * max(0, width - cells(text))
        for one, text, width in zip(painted, texts, widths, strict=True)
    ]
    return (" " * _GAP).join(parts).rstrip()


def cells(text: str) -> int:
    """How many cells of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def fill(text: str, width: int) -> str:
    """The text with spaces up to ``width`` cells."""
    return text + " " * max(0, width - cells(text))


def duration(seconds: float | None) -> str:
    """``0.04s``, ``12s``, ``2m 11s``, ``1h 02m`` or ``3d 04h``; empty for None."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{max(seconds, 0):.2f}s"
    if seconds < 10:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d {whole % 86400 // 3600:02d}h"
