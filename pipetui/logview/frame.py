"""What is on the screen at one moment, and what to paint to get from one to the next. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipetui.logview.rows import Row

GUTTER = 2
TRACK = 1
BADGE = 24
"""Cells at the end of the last row in which the number of new rows stands."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A screenful.

    Args:
        width: cells for text, between the gutter and the track.
        height: rows.
        rows: from the top; fewer than ``height`` leave the rest empty.
        track: for each row "." where the screen stands in the log, "x" where an error is, or " ".
        left: cells the text is scrolled to the right.
        pattern: what is highlighted.
        new: rows behind the screen that have not been seen.
    """

    width: int = 0
    height: int = 0
    rows: tuple[Row, ...] = ()
    track: str = ""
    left: int = 0
    pattern: re.Pattern[str] | None = None
    new: int = 0

    def row(self, y: int) -> Row | None:
        """What is in a row of the screen."""
        return self.rows[y] if y < len(self.rows) else None

    def track_at(self, y: int) -> str:
        """What is at its right edge."""
        return self.track[y] if y < len(self.track) else " "

    def differences(self, before: Frame) -> Iterator[tuple[int, int, int, int]]:
        """Regions (x, y, width, height) that do not look as in the frame before."""
        whole = self.width + GUTTER + TRACK
        if self._manner() != before._manner():
            yield 0, 0, whole, self.height
            return
        for y in range(self.height):
            if self.row(y) != before.row(y):
                yield 0, y, whole, 1
            elif self.track_at(y) != before.track_at(y):
                yield whole - TRACK, y, TRACK, 1
        if self.new != before.new:
            yield max(0, whole - BADGE), self.height - 1, min(BADGE, whole), 1

    def _manner(self) -> tuple[object, ...]:
        return self.width, self.height, self.left, self.pattern
