"""Colours that a program wrote into its log, as names of styles instead of escape sequences. Pure.

Only the foreground's hue and bold, dim, italic and underlined survive: what a theme makes of them
can be read, whatever the log asks for. Backgrounds, blinking and concealing are left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipetui.term.sanitize import TAB, plain

INKS = ("red", "green", "yellow", "blue", "magenta", "cyan", "grey")
"""Names of the hues; the theme says which colour each is."""

_SGR = re.compile(r"(?:\x1b\[|\x9b)([0-9;:]*)m")
_HUES = ("grey", "red", "green", "yellow", "blue", "magenta", "cyan", "")
_MANNERS = {1: "bold", 2: "dim", 3: "italic", 4: "underline"}
_MOST = 400
"""Changes of colour in a line that are heeded."""


@dataclass(frozen=True, slots=True)
class Ink:
    """A part of a row in one colour.

    Args:
        start: its first character.
        end: the one behind its last.
        hue: one of ``INKS``, or "".
        manner: some of bold, dim, italic and underline, with spaces between.
    """

    start: int
    end: int
    hue: str
    manner: str

    def cut(self, start: int, end: int) -> Ink | None:
        """What of it lies in a part of the row, counted from there."""
        low, high = max(self.start, start) - start, min(self.end, end) - start
        return Ink(low, high, self.hue, self.manner) if low < high else None


def inked(text: str) -> tuple[str, tuple[Ink, ...]]:
    """The text made harmless, and where it had a colour."""
    if "\x1b[" not in text and "\x9b" not in text:
        return plain(text), ()
    parts: list[str] = []
    inks: list[Ink] = []
    length = at = 0
    hue, manners = "", frozenset[str]()
    for changes, found in enumerate(_SGR.finditer(text), 1):
        length = _add(parts, inks, length, text[at : found.start()], hue, manners)
        hue, manners = _after(found[1], hue, manners)
        at = found.end()
        if changes >= _MOST:
            hue, manners = "", frozenset()
            break
    _add(parts, inks, length, text[at:], hue, manners)
    return "".join(parts), tuple(inks)


def _add(
    parts: list[str],
    inks: list[Ink],
    length: int,
    text: str,
    hue: str,
    manners: frozenset[str],
) -> int:
    """Appends a piece; returns how long the text is then."""
    if "\t" in text:
        column = length % TAB
        text = (" " * column + text).expandtabs(TAB)[column:]
    text = plain(text)
    parts.append(text)
    if text and (hue or manners):
        inks.append(Ink(length, length + len(text), hue, " ".join(sorted(manners))))
    return length + len(text)


def _after(codes: str, hue: str, manners: frozenset[str]) -> tuple[str, frozenset[str]]:
    """What a sequence makes of a colour."""
    numbers = [int(code[:6]) if code else 0 for code in codes.replace(":", ";").split(";")[:32]]
    while numbers:
        code = numbers.pop(0)
        if code == 0:
            hue, manners = "", frozenset()
        elif code in _MANNERS:
            manners |= {_MANNERS[code]}
        elif code == 22:
            manners -= {"bold", "dim"}
        elif code in (23, 24):
            manners -= {_MANNERS[code - 20]}
        elif 30 <= code <= 37 or 90 <= code <= 97:
            hue = _HUES[code % 10]
        elif code == 39:
            hue = ""
        elif code in (38, 48):
            chosen = _extended(numbers)
            hue = chosen if code == 38 else hue
    return hue, manners


def _extended(numbers: list[int]) -> str:
    """The hue of a colour of the 256 or of all; takes its numbers away."""
    kind = numbers.pop(0) if numbers else 0
    if kind == 5 and numbers:
        return _of_256(numbers.pop(0))
    if kind == 2 and len(numbers) >= 3:
        red, green, blue = (numbers.pop(0) for _ in range(3))
        return _of_rgb(red, green, blue)
    numbers.clear()
    return ""


def _of_256(number: int) -> str:
    if number < 16:
        return _HUES[number % 8]
    if number >= 232:
        return "grey" if number < 246 else ""
    number -= 16
    return _of_rgb(number // 36 * 51, number // 6 % 6 * 51, number % 6 * 51)


def _of_rgb(red: int, green: int, blue: int) -> str:
    """The nearest hue; greys are grey where they are dark, and plain where they are light."""
    low, high = min(red, green, blue), max(red, green, blue)
    if high - low < 48:
        return "grey" if high < 140 else ""
    middle = (low + high) / 2
    strong = (red > middle, green > middle, blue > middle)
    return {
        (True, False, False): "red",
        (False, True, False): "green",
        (True, True, False): "yellow",
        (False, False, True): "blue",
        (True, False, True): "magenta",
        (False, True, True): "cyan",
    }[strong]
