"""What is on the screen at one moment, and what to paint to get from one to the next. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from pipetui.logview.edge import HEAT
from pipetui.logview.rows import Row

GUTTER = 2
TRACK = 1
NAME = 12
"""Cells that the name of a merged log takes at most."""
BADGE = 24
"""Cells at the end of the last row in which the number of new rows stands."""


def gutter(names: Sequence[str]) -> int:
    """Cells before the text: severity, bookmark, and the name of the log where there are more."""
    return GUTTER + (min(NAME, max(map(cell_len, names))) + 1 if names else 0)


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
        names: of the merged logs.
        heat: cells at the right edge for the errors and the warnings of each part of the log;
            empty where there is no room for them.
    """

    width: int = 0
    height: int = 0
    rows: tuple[Row, ...] = ()
    track: str = ""
    left: int = 0
    pattern: re.Pattern[str] | None = None
    new: int = 0
    names: tuple[str, ...] = ()
    heat: tuple[tuple[int, int], ...] = ()

    @property
    def gutter(self) -> int:
        """Cells before the text."""
        return gutter(self.names)

    @property
    def edge(self) -> int:
        """Cells behind the text."""
        return TRACK + (HEAT if self.heat else 0)

    def row(self, y: int) -> Row | None:
        """What is in a row of the screen."""
        return self.rows[y] if y < len(self.rows) else None

    def track_at(self, y: int) -> str:
        """What is at its right edge."""
        return self.track[y] if y < len(self.track) else " "

    def heat_at(self, y: int) -> tuple[int, int]:
        """Cells for errors and for warnings in a row of the right edge."""
        return self.heat[y] if y < len(self.heat) else (0, 0)

    def differences(self, before: Frame) -> Iterator[tuple[int, int, int, int]]:
        """Regions (x, y, width, height) that do not look as in the frame before."""
        whole = self.gutter + self.width + self.edge
        if self._manner() != before._manner():
            yield 0, 0, whole, self.height
            return
        for y in range(self.height):
            if self.row(y) != before.row(y):
                yield 0, y, whole, 1
            elif self._edge_at(y) != before._edge_at(y):
                yield whole - self.edge, y, self.edge, 1
        if self.new != before.new:
            yield max(0, whole - BADGE), self.height - 1, min(BADGE, whole), 1

    def _manner(self) -> tuple[object, ...]:
        return self.width, self.height, self.left, self.pattern, self.names, not self.heat

    def _edge_at(self, y: int) -> tuple[object, ...]:
        return self.track_at(y), self.heat_at(y)
