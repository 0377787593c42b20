"""Toned text and columns: what every screen is made of, before it is painted.

All text that comes from outside passes ``fit`` on its way to the terminal; that is where control
characters are neutralised and cells are counted, so that nothing else needs to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rich.cells import cell_len, set_cell_size

from pipetui.term.sanitize import plain


class Tone(StrEnum):
    """What a piece of text is, which the theme turns into a colour."""

    PLAIN = "plain"
    STRONG = "strong"
    DIM = "dim"
    FAINT = "faint"
    ACCENT = "accent"
    GOOD = "good"
    BAD = "bad"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text in one tone."""

    text: str
    tone: Tone = Tone.PLAIN


Line = tuple[Span, ...]
BLANK: Line = ()


def words(text: str, tone: Tone = Tone.PLAIN) -> Line:
    """A line, or a cell of a row, in one tone."""
    return (Span(text, tone),)


def key_value(name: str, value: str, tone: Tone = Tone.PLAIN, width: int = 12) -> Line:
    """``name   value`` with the values of several such lines below each other."""
    return (Span(f"  {name:<{width}} ", Tone.DIM), Span(value, tone))


def heading(text: str) -> Line:
    """The title of a section."""
    return words(f" {text}", Tone.STRONG)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list.

    Args:
        width: cells it needs at least.
        grow: its part of the cells that are left over.
        keep: columns with a small ``keep`` are left out first where the list is narrow.
        most: cells beyond which it does not grow.
        tail: where a cell is too long its end is kept, as it tells paths apart.
        wish: cells with which nothing in it is cut; it has them before others grow.
    """

    title: str
    width: int
    grow: int = 0
    right: bool = False
    keep: int = 9
    most: int = 1000
    tail: bool = False
    wish: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a list: a key that stays the same, one line for each column, text to search in."""

    key: str
    cells: tuple[Line, ...]
    search: str = ""


GAP = 2
"""Cells between two columns."""


def column_widths(columns: Sequence[Column], total: int) -> tuple[int, ...]:
    """Cells for each column of a list that is ``total`` wide; 0 for one that is left out."""
    shown = list(range(len(columns)))
    while len(shown) > 1 and _needed(columns, shown) > total:
        shown.remove(min(shown, key=lambda index: (columns[index].keep, -index)))
    sizes = [0] * len(columns)
    for index in shown:
        sizes[index] = columns[index].width
    left = total - _needed(columns, shown)
    for index in shown:
        wished = min(columns[index].wish, columns[index].most) - sizes[index]
        more = max(0, min(wished, left))
        sizes[index] += more
        left -= more
    growing = [index for index in shown if sizes[index] < columns[index].most]
    growing = [index for index in growing if columns[index].grow]
    while left > 0 and growing:
        parts = sum(columns[index].grow for index in growing)
        share = left
        for index in growing:
            room = columns[index].most - sizes[index]
            more = min(room, max(1, share * columns[index].grow // parts), left)
            sizes[index] += more
            left -= more
        growing = [index for index in growing if sizes[index] < columns[index].most]
    if left < 0:
        sizes[shown[0]] = max(0, sizes[shown[0]] + left)
    return tuple(sizes)


def _needed(columns: Sequence[Column], shown: Sequence[int]) -> int:
    return sum(columns[index].width for index in shown) + GAP * (len(shown) - 1)


def length(line: Line) -> int:
    """Cells the line takes when it is painted whole."""
    return sum(cell_len(plain(span.text)) for span in line)


def fit(line: Line, width: int, *, right: bool = False) -> Line:
    """The line in exactly ``width`` cells, harmless: cut with ``…`` or padded."""
    safe = tuple(Span(plain(span.text), span.tone) for span in line)
    taken = sum(cell_len(span.text) for span in safe)
    if taken <= width:
        space = Span(" " * (width - taken))
        return (space, *safe) if right else (*safe, space)
    kept: list[Span] = []
    left = width - 1
    for span in safe:
        size = cell_len(span.text)
        if size > left:
            kept.append(Span(set_cell_size(span.text, max(0, left)) + "…"[:width], span.tone))
            break
        kept.append(span)
        left -= size
    return tuple(kept)


def lay(cells: Sequence[Line], columns: Sequence[Column], widths: Sequence[int]) -> Line:
    """The cells of a row beside each other."""
    spans: list[Span] = []
    gap = Span(" " * GAP)
    for cell, column, width in zip(cells, columns, widths, strict=True):
        if width:
            if spans:
                spans.append(gap)
            shown = _ending(cell, width) if column.tail else cell
            spans.extend(fit(shown, width, right=column.right))
    return tuple(spans)


def _ending(line: Line, width: int) -> Line:
    """The line, or the end of its last span behind ``…`` where it is too long."""
    over = length(line) - width
    if over <= 0 or not line:
        return line
    *before, last = line
    text = plain(last.text)
    room = max(0, cell_len(text) - over - 1)
    return (*before, Span("…" + set_cell_size(text[::-1], room)[::-1], last.tone))


def difference(before: Line, after: Line) -> tuple[int, int] | None:
    """First cell and number of cells in which two fitted lines differ; None where they do not."""
    if before == after:
        return None
    old, new = _cells(before), _cells(after)
    size = max(len(old), len(new))
    if len(old) != len(new):
        return 0, size
    differs = [index for index in range(size) if old[index] != new[index]]
    return (differs[0], differs[-1] - differs[0] + 1) if differs else None


def _cells(line: Line) -> list[tuple[str, Tone]]:
    """One entry for each cell; the second half of a wide character is empty."""
    cells: list[tuple[str, Tone]] = []
    for span in line:
        if span.text.isascii():
            cells += [(char, span.tone) for char in span.text]
            continue
        for char in span.text:
            width = cell_len(char)
            if width:
                cells.append((char, span.tone))
                cells += [("", span.tone)] * (width - 1)
            elif cells:
                cells[-1] = (cells[-1][0] + char, span.tone)
    return cells


def wrap(text: str, width: int, tone: Tone = Tone.PLAIN, indent: str = "") -> list[Line]:
    """Text broken at spaces into lines of at most ``width`` cells, a long word cut hard."""
    room = max(8, width - cell_len(indent))
    lines: list[str] = [""]
    for word in plain(text.replace("\n", " ")).split():
        while cell_len(word) > room:
            head = set_cell_size(word, room).rstrip()
            lines.append(head)
            word = word[len(head) :]
        if lines[-1] and cell_len(lines[-1]) + 1 + cell_len(word) > room:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return [words(indent + line, tone) for line in lines if line]


_LEAST = 24
"""Cells that the rest of a folded line has at least."""


def folded(lines: Iterable[Line], width: int) -> list[Line]:
    """Lines, each over as many of ``width`` cells as it takes, the rest below its value."""
    return [part for line in lines for part in _parts(line, width)]


def _parts(line: Line, width: int) -> list[Line]:
    if length(line) <= width or width < _LEAST:
        return [line]
    last = length(line[:-1])
    text = text_of(line)
    indent = last if last else len(text) - len(text.lstrip()) + 2
    indent = min(indent, max(0, width - _LEAST))
    found: list[list[Span]] = [[]]
    room = width
    for span in line:
        rest = plain(span.text)
        while cell_len(rest) > room:
            head = _head(rest, room)
            found[-1].append(Span(head, span.tone))
            rest = rest[len(head) :]
            found.append([Span(" " * indent)])
            room = width - indent
        found[-1].append(Span(rest, span.tone))
        room -= cell_len(rest)
    return [tuple(one) for one in found]


def _head(text: str, room: int) -> str:
    """As much of a text as has room: to the end of a word or a folder, where that is not short."""
    count = 0
    while count < len(text) and cell_len(text[: count + 1]) <= room:
        count += 1
    end = max(text.rfind(" ", 0, count), text.rfind("/", 0, count)) + 1
    return text[: end if 2 * end > count else count]


def text_of(line: Iterable[Span]) -> str:
    """The characters of a line without its tones."""
    return "".join(span.text for span in line)
