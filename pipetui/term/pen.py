"""Cells to bytes: the shortest way to each place, and of each style what differs. Pure.

Rich tells every style in full and takes it back afterwards, 40 bytes for a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

RESET = "\x1b[0m"
_BACKSPACES = 3
"""Cells up to which a step back is a backspace each."""
_ERASED = 6
"""Blanks from which erasing them, and a way from where they begin, is shorter."""
_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "7": "27", "9": "29"}
_ON_BLANKS = frozenset(("4", "5", "7", "9", "21", "51", "52", "53"))
"""Attributes that show on a space."""
_COLORS = frozenset(map(str, (*range(30, 40), *range(90, 98))))
_BACKGROUNDS = frozenset(map(str, (*range(40, 50), *range(100, 108))))


@dataclass(frozen=True, slots=True)
class Style:
    """What one sequence says: attributes, colour and background as their codes."""

    attributes: tuple[str, ...] = ()
    color: str = ""
    background: str = ""

    @property
    def codes(self) -> str:
        """All of it, as a sequence has it."""
        return ";".join(part for part in (*self.attributes, self.color, self.background) if part)

    @property
    def marks_blanks(self) -> bool:
        """Whether a space shows more than the background."""
        return not _ON_BLANKS.isdisjoint(self.attributes)


PLAIN = Style()
Place = tuple[int, int]
"""Row and column."""
Mark = tuple[int, Style | None, Place | None, int]
"""A pen's state, to come back to."""


class Pen:
    """Writes cells where they belong; it starts nowhere.

    Args:
        style: what the terminal writes in at first; None where that is not known.
        width: columns of the terminal; 0 where they are not known.
        erases: whether the terminal erases cells in the background it writes on.
    """

    def __init__(
        self, style: Style | None = PLAIN, *, width: int = 0, erases: bool = False
    ) -> None:
        self._parts: list[str] = []
        self.style = style
        self._width, self._erases = width, erases
        self._at: Place | None = None
        self.size = 0
        """Bytes written."""

    @property
    def text(self) -> str:
        """All that was written."""
        return "".join(self._parts)

    def mark(self) -> Mark:
        """The present, to come back to."""
        return len(self._parts), self.style, self._at, self.size

    def back(self, to: Mark) -> None:
        """Forget what was written since a mark."""
        count, self.style, self._at, self.size = to
        del self._parts[count:]

    def put(self, y: int, x: int, texts: Sequence[str], codes: Sequence[str]) -> None:
        """Write cells of one row.

        Args:
            texts: what each cell shows; empty for the second half of a wide character.
            codes: the style of each cell, as its sequence has it.
        """
        start = len(self._parts)
        codes = led(texts, codes)
        write = self._parts.append
        write(way(self._at, y, x))
        erased = _blank_end(texts, codes) if self._erases else 0
        if erased:
            texts, codes, end = texts[:-erased], codes[:-erased], codes[-1]
        last: tuple[str, bool] | None = None
        sure = True
        for offset, (text, code) in enumerate(zip(texts, codes, strict=True)):
            if not text:
                continue
            if not sure:
                write(_column(x + offset))
            if (kind := (code, text == " ")) != last:
                write(self._dip(text, style(code)))
                last = kind
            write(text)
            # Terminals differ in how wide they show what is not one plain character.
            sure = len(text) == 1 and (offset + 1 == len(texts) or texts[offset + 1] != "")
        column = x + len(texts)
        if erased:
            if not sure:
                write(_column(column))
                sure = True
            write(self._dip(" ", style(end)))
            write(f"\x1b[{erased}X")
        # Behind the last column a terminal stands on it, or below; only it knows.
        self._at = (y, column) if sure and column != self._width else None
        self.size += len("".join(self._parts[start:]).encode("utf-8", "replace"))

    def _dip(self, text: str, wanted: Style) -> str:
        """The change of style before a cell; a blank keeps what does not show on it."""
        old = self.style
        if old is None:
            self.style = wanted
            return fresh(wanted)
        if text == " " and not wanted.marks_blanks and not old.marks_blanks:
            wanted = replace(old, background=wanted.background)
        self.style = wanted
        return change(old, wanted)


@lru_cache(1 << 14)
def way(at: Place | None, y: int, x: int) -> str:
    """The shortest sequence from a row and column, where they are known, to others."""
    straight = f"\x1b[{y + 1};{x + 1}H" if x else f"\x1b[{y + 1}H"
    if at is None:
        return straight
    down, right = y - at[0], x - at[1]
    rows = _step(down, "B", "A")
    across = _step(right, "C", "D")
    if -_BACKSPACES <= right < 0:
        across = "\b" * -right
    elif x == 0:
        across = "\r"
    return min(rows + across, rows + _column(x) if right else rows, straight, key=len)


def _step(count: int, ahead: str, back: str) -> str:
    """Relative cells or rows."""
    if count == 0:
        return ""
    return f"\x1b[{abs(count) if abs(count) > 1 else ''}{ahead if count > 0 else back}"


def _column(x: int) -> str:
    return f"\x1b[{x + 1}G"


def _blank_end(texts: Sequence[str], codes: Sequence[str]) -> int:
    """How many cells at the end are erased in fewer bytes than written; 0 where that saves none."""
    start = len(texts)
    while start and texts[start - 1] == " " and codes[start - 1] == codes[-1]:
        start -= 1
    count = len(texts) - start
    return count if count >= _ERASED and not style(codes[-1]).marks_blanks else 0


@lru_cache(4096)
def style(codes: str) -> Style:
    """The codes of one sequence, told apart."""
    left = codes.split(";") if codes else []
    attributes: list[str] = []
    color = background = ""
    while left:
        code = left.pop(0)
        taken = {"2": 4, "5": 2}.get(left[0], 0) if code in ("38", "48") and left else 0
        whole = ";".join((code, *left[:taken]))
        del left[:taken]
        if code in _COLORS or code == "38":
            color = whole
        elif code in _BACKGROUNDS or code == "48":
            background = whole
        else:
            attributes.append(whole)
    return Style(tuple(attributes), color, background)


@lru_cache(4096)
def on_blanks(codes: str) -> str:
    """What of a style shows on a space."""
    whole = style(codes)
    return codes if whole.marks_blanks else whole.background


def led(texts: Sequence[str], codes: Sequence[str]) -> list[str]:
    """Codes with leading blanks in the style of the text behind them, where none can see that."""
    found = list(codes)
    count = next((at for at, text in enumerate(texts) if text != " "), 0)
    if count and {on_blanks(found[count])} == set(found[:count]):
        found[:count] = [found[count]] * count
    return found


@lru_cache(4096)
def change(old: Style, new: Style) -> str:
    """The shortest sequence from one style to another."""
    if old == new:
        return ""
    gone = [one for one in old.attributes if one not in new.attributes]
    if any(one not in _OFF for one in gone):
        return fresh(new)
    off = dict.fromkeys(_OFF[one] for one in gone)
    kept = [one for one in old.attributes if _OFF.get(one) not in off]
    step = [*off, *(one for one in new.attributes if one not in kept)]
    if new.color != old.color:
        step.append(new.color or "39")
    if new.background != old.background:
        step.append(new.background or "49")
    return min(f"\x1b[{';'.join(step)}m", fresh(new), key=len)


def fresh(new: Style) -> str:
    """A style, whatever was before."""
    return f"\x1b[0;{new.codes}m" if new != PLAIN else RESET
