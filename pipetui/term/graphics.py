"""What a terminal can show of pictures: the question, its answers, and what follows. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

AUTO = "auto"


class Means(StrEnum):
    """What a picture is drawn by."""

    KITTY = "kitty"
    SIXEL = "sixel"
    BLOCKS = "blocks"


CHOICES = (AUTO, *Means)
"""What a person can set."""
QUESTION = (
    "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[?1;1;0S\x1b[?2;1;0S\x1b[16t\x1b[14t\x1b[c"
)
"""Kitty's question with a picture of one pixel, how many colours a sixel picture may have and how
large it may be, the size of a cell and of the window in pixels, and what every terminal answers:
what it is. That answer is the last."""
_ANSWER = re.compile(
    r"\x1b_Gi=31;(?P<kitty>[^\x1b]*)\x1b\\"
    r"|\x1b\[\?(?P<item>[12]);(?P<state>\d+);(?P<first>\d*)(?:;(?P<second>\d*))?S"
    r"|\x1b\[(?P<kind>[46]);(?P<height>\d+);(?P<width>\d+)t"
    r"|\x1b\[\?(?P<features>[\d;]*)c"
)
_BEGUN = re.compile(r"\x1b(?:_(?:G[^\x1b]*\x1b?)?|\[(?:\?[\d;]*|[46](?:;\d*){0,2})?)?\Z")
"""The end of a text that may be the beginning of an answer."""
_NO_KEY = ("\x1b_G", "\x1b[?")
"""Beginnings that no key has."""
_LONGEST = 200
_SIXEL = "4"
_DEFAULT_COLOURS = 16
"""Registers of the VT340, for a terminal that does not tell."""
_MULTIPLEXERS = ("tmux", "screen")

Size = tuple[int, int]
"""Width and height."""


@dataclass(frozen=True, slots=True)
class Ability:
    """What a terminal says of itself.

    Args:
        cell: pixels of a cell; None where it does not tell.
        window: pixels of the window.
        colours: how many a sixel picture may have.
        most: pixels that a sixel picture may have.
    """

    kitty: bool = False
    sixel: bool = False
    cell: Size | None = None
    window: Size | None = None
    colours: int = _DEFAULT_COLOURS
    most: Size | None = None

    def room(self, by: Means, area: Size) -> Size:
        """Pixels that a picture in an area of so many may have."""
        if by is not Means.SIXEL or self.most is None:
            return area
        return min(area[0], self.most[0]), min(area[1], self.most[1])

    def cell_in(self, columns: int, rows: int, pixels: Size = (0, 0)) -> Size | None:
        """Pixels of a cell, by what the terminal says, else by what its kernel knows.

        Args:
            columns: of the window.
            rows: of the window.
            pixels: of the window, by TIOCGWINSZ.
        """
        if self.cell:
            return self.cell
        width, height = self.window or pixels
        cell = (width // max(1, columns), height // max(1, rows))
        return cell if all(cell) else None


class Answers:
    """Takes the answers to the question out of what comes from the terminal.

    What is not an answer comes back, for whoever reads keys; the beginning of an answer is kept
    until its rest comes.
    """

    def __init__(self) -> None:
        self.ability = Ability()
        self.complete = False
        """Whether the last answer came."""
        self._kept = ""

    def take(self, text: str) -> str:
        """What of a text is not an answer."""
        text = _ANSWER.sub(self._note, self._kept + text)
        begun = _BEGUN.search(text)
        self._kept = begun[0] if begun and len(begun[0]) < _LONGEST else ""
        return text[: len(text) - len(self._kept)]

    def quiet(self) -> str:
        """Nothing follows for now: what was kept and may be a key."""
        if self._kept.startswith(_NO_KEY):
            return ""
        text, self._kept = self._kept, ""
        return text

    def _note(self, answer: re.Match[str]) -> str:
        found = answer.groupdict()
        size = (int(found["width"] or 0), int(found["height"] or 0))
        if found["kitty"] is not None:
            self.ability = replace(self.ability, kitty=found["kitty"] == "OK")
        elif found["item"]:
            if found["state"] == "0":
                self._note_limit(found["item"], int(found["first"] or 0), int(found["second"] or 0))
        elif found["kind"] == "6" and all(size):
            self.ability = replace(self.ability, cell=size)
        elif found["kind"] and all(size):
            self.ability = replace(self.ability, window=size)
        elif found["features"] is not None:
            sixel = _SIXEL in found["features"].split(";")[1:]
            self.ability = replace(self.ability, sixel=sixel)
            self.complete = True
        return ""

    def _note_limit(self, item: str, first: int, second: int) -> None:
        if item == "1" and first:
            self.ability = replace(self.ability, colours=max(2, first))
        elif item == "2" and first and second:
            self.ability = replace(self.ability, most=(first, second))


def in_multiplexer(environment: Mapping[str, str]) -> bool:
    """Whether tmux or screen stands between the program and the terminal."""
    return "TMUX" in environment or environment.get("TERM", "").startswith(_MULTIPLEXERS)


def means(setting: str, ability: Ability) -> Means:
    """What to draw pictures by, as one of ``CHOICES`` is set."""
    if setting != AUTO:
        return Means(setting)
    if ability.kitty:
        return Means.KITTY
    return Means.SIXEL if ability.sixel else Means.BLOCKS
