"""Which lines of a chunk of bytes contain a pattern. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

_ESCAPED = re.compile(r"\\([^0-9A-Za-z])")
_SPECIAL = re.compile(r"[.^$*+?{}\[\]\\|()]")
_TOKEN = re.compile(r"(?s)\\.|\[\^?\]?[^\[\]\\]*\]|\{\d*,?\d*\}|.")
_UNSURE = frozenset("()|{[")
_CODES = frozenset("xuUN0123456789")
_WORTHWHILE = 3
"""Bytes of text that are worth looking for before a regular expression."""

_DENSE = 1024
"""Bytes for each hit below which it is cheaper to look at every line than to jump."""

REGEX_COST = 8
"""A regular expression's work in units of a literal's."""


def literal_of(pattern: re.Pattern[str]) -> str | None:
    """The plain text a pattern stands for, or None where it is a real regular expression."""
    if pattern.flags & re.VERBOSE or _SPECIAL.search(_ESCAPED.sub("", pattern.pattern)):
        return None
    return _ESCAPED.sub(r"\1", pattern.pattern)


def required_text(pattern: re.Pattern[str]) -> str:
    """The longest text that every match of a regular expression holds; empty where unsure."""
    if pattern.flags & re.VERBOSE:
        return ""
    runs = [""]
    for token in _TOKEN.findall(pattern.pattern):
        if token in _UNSURE or (token[0] == "\\" and token[1:] in _CODES):
            return ""
        if token[0] in "*?{":
            runs[-1] = runs[-1][:-1]
        if len(token) == 1 and token not in ".^$*+?":
            runs[-1] += token
        elif len(token) == 2 and not token[1].isalnum():
            runs[-1] += token[1]
        else:
            runs.append("")
    return max(runs, key=len)


class Matcher:
    """A text pattern made ready for bytes: a literal runs at memory speed.

    Case is ignored for ASCII letters in the literal search, for all letters in the other; a
    regular expression is tried only on lines that hold the text it cannot do without.
    """

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern
        self._fold = bool(pattern.flags & re.IGNORECASE)
        literal = literal_of(pattern)
        self._exact = literal is not None and self._plain(literal)
        text = literal if self._exact else required_text(pattern)
        self._needle = None
        if text is not None and self._plain(text) and (self._exact or len(text) >= _WORTHWHILE):
            needle = text.encode("utf-8", "surrogatepass")
            self._needle = needle.lower() if self._fold else needle
        self.cost = 1 if self._needle is not None else REGEX_COST

    def _plain(self, text: str) -> bool:
        return text.isascii() or not self._fold

    def rows(self, chunk: bytes) -> list[int]:
        """The 0-based numbers, within the chunk, of the lines that contain the pattern."""
        if self._needle is None:
            return self._regex_rows(chunk)
        small = chunk.lower() if self._fold else chunk
        hits = small.count(self._needle)
        if hits * _DENSE > len(chunk):
            return self._dense_rows(chunk, small, self._needle)
        lines = _lines_with(small, self._needle) if hits else ()
        if self._exact:
            return [row for row, _, _ in lines]
        search = self._pattern.search
        return [
            row for row, begin, end in lines if search(chunk[begin:end].decode("utf-8", "replace"))
        ]

    def _dense_rows(self, chunk: bytes, small: bytes, needle: bytes) -> list[int]:
        """The same, by a look at every line."""
        # Text is searched twice as fast as bytes; each byte becomes one character.
        texts = small.removesuffix(b"\n").decode("latin-1").split("\n")
        text = needle.decode("latin-1")
        rows = [row for row, line in enumerate(texts) if text in line]
        if self._exact:
            return rows
        search, lines = self._pattern.search, chunk.split(b"\n")
        return [row for row in rows if search(lines[row].decode("utf-8", "replace"))]

    def _regex_rows(self, chunk: bytes) -> list[int]:
        search = self._pattern.search
        texts = chunk.decode("utf-8", "replace").split("\n")
        if not texts[-1]:
            texts.pop()
        return [row for row, text in enumerate(texts) if search(text)]


def _lines_with(chunk: bytes, needle: bytes) -> Iterator[tuple[int, int, int]]:
    """The lines that hold the needle: number, first byte, and the byte behind the last."""
    row = begin = 0
    while (hit := chunk.find(needle, begin)) >= 0:
        row += chunk.count(b"\n", begin, hit)
        end = chunk.find(b"\n", hit)
        yield row, chunk.rfind(b"\n", 0, hit) + 1, end if end >= 0 else len(chunk)
        if end < 0 or end + 1 >= len(chunk):
            break
        row, begin = row + 1, end + 1
