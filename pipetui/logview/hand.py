"""What a reader has marked: the line in hand, a range that begins there, bookmarks. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Hand:
    """Lines by their numbers.

    Args:
        cursor: the line that was jumped to or picked.
        anchor: the line where a range was begun.
        bookmarks: ascending.
    """

    cursor: int | None = None
    anchor: int | None = None
    bookmarks: list[int] = field(default_factory=list)

    @property
    def range(self) -> tuple[int, int] | None:
        """First and last line of the range, while there is one."""
        if self.anchor is None or self.cursor is None:
            return None
        return min(self.anchor, self.cursor), max(self.anchor, self.cursor)

    def forget(self) -> None:
        """Drops what refers to lines that may be no more."""
        self.cursor = self.anchor = None

    def holds(self, line: int) -> bool:
        """Whether a line is in the range."""
        reach = self.range
        return reach is not None and reach[0] <= line <= reach[1]

    def mark(self, lines: Iterable[int]) -> None:
        """Other bookmarks."""
        self.bookmarks = sorted(set(lines))

    def marked(self, line: int) -> bool:
        """Whether a line has a bookmark."""
        row = bisect_left(self.bookmarks, line)
        return row < len(self.bookmarks) and self.bookmarks[row] == line

    def toggle(self, line: int) -> bool:
        """Sets a bookmark or takes it away; whether it is there then."""
        if self.marked(line):
            self.bookmarks.remove(line)
            return False
        insort(self.bookmarks, line)
        return True

    def neighbour(self, line: int, direction: int, count: int) -> int | None:
        """The next bookmark after (1) or before (-1) a line, round the ends.

        Args:
            count: lines there are; bookmarks behind them are passed over.
        """
        known = self.bookmarks[: bisect_left(self.bookmarks, count)]
        if not known:
            return None
        if direction > 0:
            row = bisect_right(known, line)
            return known[row if row < len(known) else 0]
        return known[bisect_left(known, line) - 1]
