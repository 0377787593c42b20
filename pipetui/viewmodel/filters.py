"""The filter language of every list: ``text`` or a regular expression, ``!not``, ``~fuzzy``."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from pipetui.viewmodel.lines import Row


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter as typed; the empty one lets everything through."""

    text: str = ""

    def __bool__(self) -> bool:
        return bool(self.text.lstrip("!~"))

    @property
    def no_match(self) -> str:
        """What to say where nothing matches."""
        return f"no match for {self.text!r}: esc shows all"

    def matches(self, text: str) -> bool:
        """Whether a row whose searchable text this is stays in the list."""
        if not self:
            return True
        if self.text.startswith("!"):
            return not _found(self.text[1:], text)
        if self.text.startswith("~"):
            return fuzzy(self.text[1:], text) is not None
        return _found(self.text, text)

    def rows(self, rows: Iterable[Row]) -> list[Row]:
        """The rows that stay."""
        return [row for row in rows if self.matches(row.search)]


def _found(pattern: str, text: str) -> bool:
    expression = _expression(pattern)
    if expression is None:
        return pattern.lower() in text.lower()
    return expression.search(text) is not None


@lru_cache(maxsize=64)
def _expression(pattern: str) -> re.Pattern[str] | None:
    """A regular expression; None for what is none, or would warn that it is a strange one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)
            return re.compile(pattern, re.IGNORECASE)
    except (re.error, FutureWarning, OverflowError, RecursionError):
        return None


def fuzzy(query: str, text: str) -> int | None:
    """How far apart the letters of ``query`` stand in ``text``, in order; None where some do not.

    0 is the best: the letters stand together at the start of the text.
    """
    query, text = query.lower().replace(" ", ""), text.lower()
    if not query:
        return 0
    best: int | None = None
    start = text.find(query[0])
    while start >= 0:
        at = start
        for letter in query[1:]:
            at = text.find(letter, at + 1)
            if at < 0:
                return best
        begins_word = start == 0 or not text[start - 1].isalnum()
        cost = (at - start + 1 - len(query)) * 4 + (0 if begins_word else 2) + (start > 0)
        best = cost if best is None else min(best, cost)
        start = text.find(query[0], start + 1)
    return best
