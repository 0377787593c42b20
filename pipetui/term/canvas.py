"""What is on the terminal now, cell by cell. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from rich.cells import split_graphemes

from pipetui.term.pen import Pen, Style, on_blanks

Span = tuple[int, int, int]
"""Row, first column, column behind the last."""
_JOINED = 4
"""Bytes of unchanged cells, in the style around them, that cost no more than the way past them."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Neighbours in a row.

    Args:
        texts: what each shows; empty for the second half of a wide character.
        codes: the style of each, as its sequence has it.
    """

    texts: list[str]
    codes: list[str]

    def add(self, text: str, codes: str) -> None:
        """Append a text in one style."""
        texts = text if text.isascii() else graphemes(text)
        self.texts.extend(texts)
        blank = on_blanks(codes) if " " in texts else codes
        if blank == codes:
            self.codes.extend([codes] * len(texts))
        else:
            self.codes.extend([blank if one == " " else codes for one in texts])

    def part(self, start: int, stop: int) -> Cells:
        """Some of them."""
        return Cells(self.texts[start:stop], self.codes[start:stop])


@lru_cache(4096)
def graphemes(text: str) -> tuple[str, ...]:
    """One entry for each cell of a text."""
    cells: list[str] = []
    for start, end, width in split_graphemes(text)[0]:
        if width:
            cells += [text[start:end], *[""] * (width - 1)]
    return tuple(cells)


@dataclass(slots=True)
class _Row:
    """One row of the terminal; a text of None is not known."""

    texts: list[str | None] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)


class Canvas:
    """What each cell shows, and when it was last painted.

    Of two changes the one in the calmer place goes first, so every row of a busy log gets its turn
    on a slow link, and what a key changes in a quiet list waits for none of them.

    Args:
        erases: whether the terminal erases cells in the background it writes on.
    """

    def __init__(self, *, erases: bool = False) -> None:
        self.erases = erases
        self.width = 0
        """Columns of the terminal, 0 before they are known."""
        self._rows: dict[int, _Row] = {}
        self._turn = 0
        self.style: Style | None = None
        """What the terminal writes in now, where that is known."""

    def pen(self) -> Pen:
        """A pen that goes on in the style of the one before."""
        return Pen(self.style, width=self.width, erases=self.erases)

    def forget(self) -> None:
        """Somebody else may have painted: nothing is known any more."""
        self.style = None
        for row in self._rows.values():
            row.texts[:] = [None] * len(row.texts)

    def ordered(self, spans: Sequence[Span]) -> list[Span]:
        """Spans, those that were painted longest ago first; from here on another turn."""
        self._turn += 1
        return sorted(spans, key=lambda span: (self._last(span), span))

    def _last(self, span: Span) -> int:
        y, left, right = span
        row = self._rows.get(y)
        return max(row.turns[left:right], default=0) if row else 0

    def changes(self, y: int, x: int, cells: Cells) -> list[tuple[int, int]]:
        """First and last but one index of the cells that are not on the terminal yet."""
        row, count = self._row(y, x + len(cells.texts)), len(cells.texts)
        texts, codes = row.texts[x : x + count], row.codes[x : x + count]
        if texts == cells.texts and codes == cells.codes:
            return []
        runs: list[tuple[int, int]] = []
        for index, now in enumerate(zip(cells.texts, cells.codes, strict=True)):
            if (texts[index], codes[index]) == now:
                continue
            start, stop = index, index + 1
            while start and not cells.texts[start]:
                start -= 1
            while stop < count and not cells.texts[stop]:
                stop += 1
            if runs and self._joins(cells, runs[-1][1], start):
                runs[-1] = (runs[-1][0], max(stop, runs[-1][1]))
            else:
                runs.append((start, stop))
        return runs

    @staticmethod
    def _joins(cells: Cells, end: int, start: int) -> bool:
        if start <= end:
            return True
        if start - end > _JOINED:
            return False
        between = cells.texts[end:start]
        if "" in between or len("".join(between).encode("utf-8", "replace")) > _JOINED:
            return False
        around = cells.part(end - 1, start + 1)
        inks = {code for text, code in zip(around.texts, around.codes, strict=True) if text != " "}
        return len(inks) < 2 and len(set(map(on_blanks, around.codes))) == 1

    def paint(self, y: int, x: int, cells: Cells) -> None:
        """These are on the terminal now."""
        end = x + len(cells.texts)
        row = self._row(y, end)
        if x and row.texts[x] == "" and cells.texts[0] != "":
            row.texts[x - 1] = None
        if end < len(row.texts) and row.texts[end] == "":
            row.texts[end] = None
        row.texts[x:end] = cells.texts
        row.codes[x:end] = cells.codes
        row.turns[x:end] = [self._turn] * (end - x)

    def _row(self, y: int, width: int) -> _Row:
        row = self._rows.setdefault(y, _Row())
        if (more := width - len(row.texts)) > 0:
            row.texts += [None] * more
            row.codes += [""] * more
            row.turns += [0] * more
        return row
