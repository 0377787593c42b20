"""Log lines that differ only in numbers, paths and the like, counted as one. Pure.

What varies from run to run - anything with a digit, paths, URIs - is masked, in time linear in the
line's length; lines that are equal then have the same template.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass

from engine.logs.severity import SGR, Level, level_of

MASK = "<*>"
LIMIT = 10_000
"""Templates told apart; further ones share one by their first word, then one for all."""

_LOOKED_AT = 400
_REMEMBERED = 20_000
_NUMBER = re.compile(r"\d+")
_VARIES = re.compile(
    r"""(?x)
    \b[a-z][a-z0-9+.]*+://[^\s"'<>,;]*+
    | (?<![\w./~-])[~.]?\.?(?:/[\w.@%+=-]++)+/?
    | (?<![\w.%+-])[^\W\d.%+-]*+(?:[.%+-]++[^\W\d.%+-]*+)*+\d[\w.%+-]*+
    """
)


@dataclass(frozen=True, slots=True)
class TemplateCount:
    """Lines of one template.

    Args:
        text: the template.
        first: number of its first line.
        count: how many lines there are.
        last: number of its last line.
        severity: what its first line states.
        example: the first line.
    """

    text: str
    first: int
    count: int
    last: int
    severity: Level
    example: str


def template(line: str) -> str:
    """The line with what varies masked; equal for lines that say the same about other things."""
    return _VARIES.sub(MASK, _skeleton(line))


def _skeleton(line: str) -> str:
    """The line's beginning with all numbers alike: cheap, and it decides the template."""
    line = line[:_LOOKED_AT]
    if "\x1b" in line:
        line = SGR.sub("", line)
    return _NUMBER.sub("0", line)


class Folding:
    """Templates of lines that are added one after another, in bounded memory.

    Args:
        limit: see ``LIMIT``.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._templates: dict[str, str] = {}
        self._found: dict[str, list[int]] = {}
        self._examples: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._found)

    def add(self, number: int, line: str) -> None:
        """Counts a line."""
        skeleton = _skeleton(line)
        text = self._templates.get(skeleton)
        if text is None:
            text = self._remember(skeleton)
        known = self._found.get(text)
        if known is None:
            self._found[text] = [number, 1, number]
            self._examples[text] = line[:_LOOKED_AT]
        else:
            known[1] += 1
            known[2] = number

    def _remember(self, skeleton: str) -> str:
        """The template of a skeleton, kept for the next line that has it."""
        if len(self._templates) >= _REMEMBERED:
            self._templates.clear()
        text = _VARIES.sub(MASK, skeleton)
        if text not in self._found and len(self._found) >= self._limit:
            text = self._shared(text)
        self._templates[skeleton] = text
        return text

    def _shared(self, text: str) -> str:
        """What stands for a template that is one too many."""
        first = text.split(maxsplit=1)
        coarse = f"{first[0][:40] if first else ''} …"
        return coarse if coarse in self._found or len(self._found) < 2 * self._limit else "…"

    def counts(self) -> list[TemplateCount]:
        """What has been counted, in the order of the first lines."""
        return [
            TemplateCount(
                text, first, count, last, level_of(self._examples[text]), self._examples[text]
            )
            for text, (first, count, last) in self._found.items()
        ]


def fold(lines: Iterable[str], limit: int = LIMIT) -> list[TemplateCount]:
    """The templates of lines, in the order in which they first appear."""
    folding = Folding(limit)
    for number, line in enumerate(lines):
        folding.add(number, line)
    return folding.counts()


def unseen(lines: Iterable[str], known: Container[str]) -> list[TemplateCount]:
    """Those whose template is not among the known ones; empty lines are never news."""
    return [one for one in fold(lines) if one.text not in known and one.text.strip()]
