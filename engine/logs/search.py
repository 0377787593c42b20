"""Which lines of a chunk of bytes contain a pattern. Pure."""

from __future__ import annotations

import re

_ESCAPED = re.compile(r"\\([^0-9A-Za-z])")
_SPECIAL = re.compile(r"[.^$*+?{}\[\]\\|()]")

REGEX_COST = 8
"""A regular expression's work in units of a literal's."""


def literal_of(pattern: re.Pattern[str]) -> str | None:
    """The plain text a pattern stands for, or None where it is a real regular expression."""
    if pattern.flags & re.VERBOSE or _SPECIAL.search(_ESCAPED.sub("", pattern.pattern)):
        return None
    return _ESCAPED.sub(r"\1", pattern.pattern)


class Matcher:
    """A text pattern made ready for bytes: a literal runs at memory speed.

    Case is ignored for ASCII letters in the literal search, for all letters in the other.
    """

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern
        self._fold = bool(pattern.flags & re.IGNORECASE)
        literal = literal_of(pattern)
        plain = literal is not None and (literal.isascii() or not self._fold)
        self._needle = None
        if literal is not None and plain:
            self._needle = literal.encode("utf-8", "surrogatepass")
        if self._needle is not None and self._fold:
            self._needle = self._needle.lower()
        self.cost = 1 if plain else REGEX_COST

    def rows(self, chunk: bytes) -> list[int]:
        """The 0-based numbers, within the chunk, of the lines that contain the pattern."""
        if self._needle is None:
            return self._regex_rows(chunk)
        return _literal_rows(chunk.lower() if self._fold else chunk, self._needle)

    def _regex_rows(self, chunk: bytes) -> list[int]:
        search = self._pattern.search
        texts = chunk.decode("utf-8", "replace").split("\n")
        if not texts[-1]:
            texts.pop()
        return [row for row, text in enumerate(texts) if search(text)]


def _literal_rows(chunk: bytes, needle: bytes) -> list[int]:
    rows: list[int] = []
    row = begin = 0
    while (hit := chunk.find(needle, begin)) >= 0:
        row += chunk.count(b"\n", begin, hit)
        end = chunk.find(b"\n", hit)
        rows.append(row)
        if end < 0 or end + 1 >= len(chunk):
            break
        row, begin = row + 1, end + 1
    return rows
