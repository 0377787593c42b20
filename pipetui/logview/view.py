"""Where a reader stands in a log, as a value: every key is a transition to another one. Pure.

A row is a line of the log, or of those that pass the filter. While the view follows, it stands at
the end; any motion away from the end pauses it, coming back to the end resumes.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self

from pipetui.logview.dress import Times

FLOORS = (0, 20, 30, 40)
"""Severity floors in the order the key goes through them: everything, info, warnings, errors."""

HIDDEN = {
    20: "debug hidden",
    30: "info and plain hidden",
    40: "all but errors hidden",
}
"""What a floor hides, in words; lines that state no level stay until warnings are asked for."""

_ALL = 1 << 62
"""More rows than there can be: whatever rows another filter brings, none of them is new."""


def search_pattern(text: str) -> re.Pattern[str] | None:
    """What a person's search text means: a regular expression, or itself where it is not valid.

    Upper-case letters in it make the search heed case. Nothing for an empty text.
    """
    if not text:
        return None
    flags = re.NOFLAG if any(char.isupper() for char in text) else re.IGNORECASE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(text, flags)
    except (re.error, OverflowError, RecursionError):
        return re.compile(re.escape(text), flags)


@dataclass(frozen=True, slots=True)
class View:
    """A reader's place and choices.

    Args:
        width: cells for text.
        height: rows on the screen.
        total: rows there are.
        top: the row at the top of the screen.
        left: cells scrolled to the right; kept whatever else moves.
        follow: stay at the end while the log grows.
        seen: rows there were when following was paused.
        wrap: show long lines over several screen rows; then ``left`` has no effect.
        floor: lowest severity shown.
        filter: text lines must contain; with a leading ``!`` must not.
        search: text looked for.
        times: how the times of lines are shown.
        compact: show JSON lines as level, message and the rest.
        heat: there is room for bars of errors and warnings.
    """

    width: int = 0
    height: int = 0
    total: int = 0
    top: int = 0
    left: int = 0
    follow: bool = True
    seen: int = 0
    wrap: bool = False
    floor: int = 0
    filter: str = ""
    search: str = ""
    times: Times = Times.WRITTEN
    compact: bool = False
    heat: bool = False

    @property
    def bottom(self) -> int:
        """The furthest row that can be at the top; wrapped even the last, as it may be tall."""
        return max(0, self.total - (1 if self.wrap else max(1, self.height)))

    @property
    def new(self) -> int:
        """Rows that came since following was paused."""
        return 0 if self.follow else max(0, self.total - self.seen)

    @property
    def parts(self) -> list[tuple[int, int]]:
        """For each row of the screen's edge, the rows of the log it stands for."""
        height = max(1, self.height)
        edges = [-(-y * self.total // height) for y in range(self.height + 1)]
        return list(pairwise(edges))

    @property
    def filtered(self) -> bool:
        """Whether some lines may be hidden."""
        return bool(self.filter.removeprefix("!")) or self.floor > 0

    def chosen(self) -> View:
        """A view of another log with the same choices."""
        return View(
            wrap=self.wrap,
            floor=self.floor,
            filter=self.filter,
            search=self.search,
            times=self.times,
            compact=self.compact,
        )

    def resized(self, width: int, height: int, heat: bool = False) -> Self:
        """The screen has another size."""
        return replace(self, width=max(0, width), height=max(0, height), heat=heat)._settled()

    def grown(self, total: int) -> Self:
        """There are now ``total`` rows; fewer, after a truncation, count as nothing new."""
        return replace(self, total=total, seen=min(self.seen, total))._settled()

    def caught_up(self) -> Self:
        """None of the rows there are is new: they were only now found."""
        return replace(self, seen=self.total)

    def scrolled_to(self, top: int) -> Self:
        """Row ``top`` comes to the top: short of the end pauses following, the end resumes it."""
        top = max(0, top)
        return self.followed() if top >= self.bottom else replace(self.paused(), top=top)

    def scrolled_by(self, rows: int) -> Self:
        """So many rows down, or up."""
        return self.scrolled_to(self.top + rows) if rows else self

    def followed(self) -> Self:
        """At the end, and staying there."""
        return replace(self, follow=True)._settled()

    def paused(self) -> Self:
        """Where it is, not following."""
        return replace(self, follow=False, seen=self.total) if self.follow else self

    def revealed(self, row: int) -> Self:
        """A row that is jumped to is on the screen, and stays: following is paused."""
        view = self.paused()
        if view.wrap:
            top = row
        elif view.top <= row < view.top + view.height:
            top = view.top
        else:
            top = row - view.height // 3
        return replace(view, top=max(0, min(top, view.bottom)))

    def containing(self, row: int) -> Self:
        """A row that the cursor moved to is on the screen, with as little motion as it takes."""
        view = self.paused()
        lowest = row if view.wrap and row >= view.top + view.height else row - view.height + 1
        return replace(view, top=max(0, min(row, max(view.top, lowest))))

    def anchored(self, top: int) -> Self:
        """Following with wrapped lines: the row that turned out to be at the top."""
        return replace(self, top=max(0, min(top, self.bottom)))

    def shifted(self, cells: int) -> Self:
        """So many cells to the right, or left."""
        return replace(self, left=max(0, self.left + cells))

    def wrapped(self) -> Self:
        """Wrapping on, or off."""
        return replace(self, wrap=not self.wrap)._settled()

    def timed(self) -> Self:
        """The next way to show times."""
        return replace(self, times=self.times.next)

    def compacted(self) -> Self:
        """JSON lines in short, or whole again."""
        return replace(self, compact=not self.compact)

    def floored(self) -> Self:
        """The next severity floor, after the last none."""
        floor = FLOORS[(FLOORS.index(self.floor) + 1) % len(FLOORS)]
        return replace(self, floor=floor, seen=_ALL)

    def filtered_by(self, text: str) -> Self:
        """Only lines with (``!``: without) this text; all for an empty one."""
        return replace(self, filter=text, seen=_ALL)

    def searching(self, text: str) -> Self:
        """Looking for this text."""
        return replace(self, search=text)

    def _settled(self) -> Self:
        top = self.bottom if self.follow else max(0, min(self.top, self.bottom))
        return replace(self, top=top)


@dataclass(frozen=True, slots=True)
class Tally:
    """What is known about the log, for its status line.

    Args:
        lines: lines counted so far.
        errors: error blocks found so far.
        hits: lines found by the search so far.
        hit: 1-based position among them, 0 for none.
        scanning: the search, the filter or the count is not done.
        problem: why the log cannot be read.
        bookmarks: lines that have one.
        picked: lines in the range.
    """

    lines: int = 0
    errors: int = 0
    hits: int = 0
    hit: int = 0
    scanning: bool = False
    problem: str = ""
    bookmarks: int = 0
    picked: int = 0


def status(view: View, tally: Tally) -> str:
    """The status line: ``follow | 12,031 lines | 3 err | /x/ 2 of 9``."""
    more = "+" if tally.scanning else ""
    parts = ["follow" if view.follow else f"paused +{view.new:,} new" if view.new else "paused"]
    if tally.problem:
        parts.append(tally.problem)
    if view.filtered:
        parts.append(f"{view.total:,} of {tally.lines:,}{more} lines")
    else:
        parts.append(f"{tally.lines:,}{more} line{'s' * (tally.lines != 1)}")
    if tally.errors:
        parts.append(f"{tally.errors:,} err")
    if tally.picked:
        parts.append(f"{tally.picked:,} picked")
    if view.search:
        of = f"{tally.hit:,} of {tally.hits:,}" if tally.hit else f"{tally.hits:,}"
        parts.append(
            f"/{view.search}/ {of}{more}" if tally.hits or more else f"/{view.search}/ none"
        )
    if view.filter:
        parts.append(f"filter {view.filter}")
    if view.floor:
        parts.append(HIDDEN[view.floor])
    if tally.bookmarks:
        parts.append(f"{tally.bookmarks:,} bookmark{'s' * (tally.bookmarks != 1)}")
    if view.times is not Times.WRITTEN:
        parts.append(f"times {view.times}")
    if view.compact:
        parts.append("short JSON")
    if view.wrap:
        parts.append("wrap")
    elif view.left:
        parts.append(f"column {view.left + 1}")
    return " | ".join(parts)
