"""The 1-based source line of a JSON path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from engine.definition import paths


class Lines(Protocol):
    """Finds lines on request: errors need them, and the one step a person looks at.

    Finding them for every value would cost more than reading the definition.
    """

    def of(self, path: str) -> int | None:
        """The line of the value at ``path``, or of the nearest value around it that exists."""


class LineTable:
    """Lines that were all noted while the text was read."""

    __slots__ = ("_table",)

    def __init__(self, table: Mapping[str, int]) -> None:
        self._table = table

    def of(self, path: str) -> int | None:
        """See ``Lines.of``."""
        line: int | None = self._table.get("$")
        link: paths.Link = "$"
        for key in paths.parse(path) or ():
            link = (link, key)
            at = paths.render(link)
            if at not in self._table:
                break
            line = self._table[at]
        return line


NO_LINES: Lines = LineTable({})
"""For what was not read from a text."""
