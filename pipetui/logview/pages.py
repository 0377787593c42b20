"""The lines of a log near the screen, read once and laid out once. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pipetui.logview.dress import Dress
from pipetui.logview.rows import Row, rows_of
from pipetui.logview.source import Line, Source
from pipetui.logview.view import View

_KEPT = 2_000


class Pages:
    """Lines by their numbers, and their rows; those that may still change are not kept.

    Args:
        source: the log.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._lines: dict[int, Line] = {}
        self._rows: dict[int, list[Row]] = {}
        self._manner: tuple[int, bool, Dress] = (0, False, Dress())

    def clear(self) -> None:
        """Forgets everything."""
        self._lines.clear()
        self._rows.clear()

    def dress(self, view: View, dress: Dress) -> None:
        """How lines are laid out from now on."""
        manner = view.width, view.wrap, dress
        if manner != self._manner:
            self._manner = manner
            self._rows.clear()

    def lines(self, wanted: Sequence[int]) -> list[Line]:
        """Some lines, as many of them as there are."""
        if len(self._lines) > _KEPT:
            self.clear()
        for number in range(self._source.settled, self._source.count):
            self._lines.pop(number, None)
        missing = [number for number in wanted if number not in self._lines]
        while missing:
            run = 1
            while run < len(missing) and missing[run] == missing[0] + run:
                run += 1
            for line in self._source.lines(missing[0], run):
                self._lines[line.number] = line
            del missing[:run]
        return [self._lines[number] for number in wanted if number in self._lines]

    def rows(self, line: Line) -> list[Row]:
        """The rows of a line."""
        known = self._rows.get(line.number)
        if known is None:
            known = rows_of(line, *self._manner)
            if 0 <= line.number < self._source.settled:
                self._rows[line.number] = known
        return known
