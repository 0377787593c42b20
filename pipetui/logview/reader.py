"""A person reading a log: the view, the searches behind it and the screenful they make.

Everything is bounded: searches go a step further with each poll, a jump waits for its goal.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

from pipetui.logview.dress import Dress, Times
from pipetui.logview.edge import heat, track
from pipetui.logview.frame import Frame
from pipetui.logview.hand import Hand
from pipetui.logview.matches import Matches, Question
from pipetui.logview.pages import Pages
from pipetui.logview.rows import Row, from_top, to_bottom
from pipetui.logview.source import Line, Source
from pipetui.logview.view import Tally, View, search_pattern, status
from pipetui.term.sanitize import plain

BUDGET = 16 * 1024 * 1024
"""Bytes each search goes further in one poll."""

_ERROR, _WARNING = 40, 30
_FIRST = 50
"""Lines among which the first time of a log is looked for."""
_ABOVE, _BELOW = 200, 1_000
"""Lines of a block that are looked for."""


class Reader:
    """Reads one source; `frame` and `status` are up to date after every call.

    Args:
        source: the log.
        view: where to begin; its filter, floor and search apply at once.
        start: what relative times count from; None is the first time in the log.
        walks: motions move the line in hand, as in a list, and the screen only after it.
    """

    def __init__(
        self, source: Source, view: View, start: float | None = None, *, walks: bool = False
    ) -> None:
        self.source = source
        self.view = view
        self.hand = Hand()
        self.frame = Frame()
        self.status = ""
        self._start = start
        self._walks = walks
        self._generation = source.generation
        self._errors = Matches(Question(level=_ERROR, heads=True))
        self._warnings = Matches(Question(level=_WARNING, heads=True))
        self._hits: Matches | None = None
        self._shown: Matches | None = None
        self._wants_error = False
        self._looking = False
        self._later = 0
        self._pages = Pages(source)
        self._goal: int | None = None
        self._sought: tuple[Matches, int] | None = None
        self._ask_search()
        self._ask_filter()
        if walks:
            self.hand.cursor = 0
            self.view = self.view.paused()
        self.poll()

    @property
    def _searches(self) -> list[Matches]:
        searches = [self._hits, self._shown, self._errors]
        if self.view.heat:
            searches.append(self._warnings)
        return [found for found in searches if found is not None]

    @property
    def busy(self) -> bool:
        """Whether lines are still to be counted or searched."""
        return not self.source.complete or not all(found.done for found in self._searches)

    @property
    def walks(self) -> bool:
        """Whether motions move the line in hand rather than the screen."""
        return self._walks or self.hand.anchor is not None

    @property
    def question(self) -> Question:
        """Which lines are shown."""
        return self._shown.question if self._shown is not None else Question()

    def advance(self, budget: int) -> bool:
        """Counts and searches so many bytes further; whether that led anywhere."""
        before = self._progress()
        if self._shown is not None and not self._shown.done:
            self._looking = True
        self.source.refresh(budget)
        searches = self._searches
        if self.source.generation != self._generation:
            self._generation = self.source.generation
            self._forget()
            for found in searches:
                found.restart()
        for found in searches:
            found.advance(self.source, budget)
        return self._progress() != before

    def _progress(self) -> tuple[object, ...]:
        source = self.source
        searched = tuple((found.next, found.done) for found in self._searches)
        return source.count, source.complete, source.generation, searched

    def poll(self) -> None:
        """Picks up what has happened to the log and goes on with what is being looked for."""
        self.advance(BUDGET)
        self.catch_up()

    def catch_up(self) -> None:
        """Shows what is known by now; what a filter has found since the last time is not new."""
        self.view = self.view.grown(self._total)
        if self._looking:
            self._looking = False
            self.view = self.view.caught_up()
        self._look_for_goal()
        self._jump()
        self.show(self.view)
        if self._later and self.source.complete:
            rows, self._later = self._later, 0
            self.scroll(rows)

    def show(self, view: View) -> None:
        """Makes a view the present one."""
        self.view = view
        rows = self._rows()
        if view.wrap and view.follow and rows and rows[0].line >= 0:
            line = rows[0].line
            row = line if self._shown is None else self._shown.row_of(line)
            self.view = view.anchored(row or 0)
        view = self.view
        parts = [(self._line_of(low), self._line_of(high)) for low, high in view.parts]
        self.frame = Frame(
            width=view.width,
            height=view.height,
            rows=tuple(rows),
            track=track(view, parts, self._errors),
            left=0 if view.wrap else view.left,
            pattern=self._hits.question.pattern if self._hits else None,
            new=view.new,
            names=tuple(map(plain, self.source.origins)),
            heat=heat(parts, self._errors, self._warnings) if view.heat else (),
        )
        self.status = status(self.view, self._tally())

    def scroll(self, rows: int) -> None:
        """Moves by rows, or the end of a range; at once when the log is counted to its end."""
        if self.walks:
            self._move(rows)
            return
        if not self._end_is_known():
            self._later += rows
            return
        bottom = self.frame.rows[-1] if self.frame.rows else None
        at_end = bottom is None or (
            bottom.last and bottom.line == self._line_of(self.view.total - 1)
        )
        if self.view.wrap and rows > 0 and at_end:
            self.show(self.view.followed())
        else:
            self.show(self.view.scrolled_by(rows))

    def _end_is_known(self) -> bool:
        """Whether the rows that are followed have their numbers."""
        if self.view.follow and not self.source.complete and self.source.refresh(BUDGET):
            self.view = self.view.grown(self._total)
        return not self.view.follow or self.source.complete

    @property
    def _total(self) -> int:
        return self.source.count if self._shown is None else len(self._shown)

    def _move(self, rows: int) -> None:
        row = self._row_of(self.hand.cursor or 0) + rows
        row = max(0, min(row, self.view.total - 1))
        self.hand.cursor = self._line_of(row)
        self.show(self.view.containing(row))
        if all(shown.line != self.hand.cursor for shown in self.frame.rows):
            self.show(self.view.revealed(row))

    def search(self, text: str) -> None:
        """Looks for text or a regular expression and goes to a hit; an empty text ends it."""
        self.view = self.view.searching(text)
        self._ask_search()
        self.hand.forget()
        self.next_hit(-1 if self.view.follow else 1)

    def narrow(self, view: View) -> None:
        """A view with another filter or floor, at the same place."""
        self._goal = None if view.follow else self._line_of(view.top)
        self.view = view
        self._ask_filter()
        self.poll()

    def next_hit(self, direction: int) -> None:
        """Goes to the next (1) or previous (-1) line the search has found."""
        self._seek(self._hits, direction)

    def next_error(self, direction: int) -> None:
        """Goes to the next (1) or previous (-1) error."""
        self._seek(self._errors, direction)

    def next_bookmark(self, direction: int) -> None:
        """Goes to the next (1) or previous (-1) bookmark."""
        here = self.line_in_hand
        if here is not None:
            line = self.hand.neighbour(here, direction, self.source.count)
            if line is not None:
                self.go_to(line)

    def go_to(self, line: int) -> None:
        """Goes to a line, as soon as it is known where it is."""
        self.hand.cursor = self._goal = line
        self.poll()

    def open_at_first_error(self) -> None:
        """Goes to the most telling error once all lines are counted; stays where there is none."""
        self._wants_error = True
        self.poll()

    @property
    def line_in_hand(self) -> int | None:
        """The line jumped to while it is in sight, else the last followed one, or the top one.

        None where there is none, or its number is not known yet.
        """
        cursor = self.hand.cursor
        if cursor is not None and any(row.line == cursor for row in self.frame.rows):
            return cursor
        if not self._end_is_known():
            return None
        row = self.view.total - 1 if self.view.follow else self.view.top
        return self._line_of(row) if 0 <= row < self.view.total else None

    def pick(self, line: int) -> None:
        """Takes a line in hand."""
        self.hand.cursor = line
        self.show(self.view.paused())

    def toggle_bookmark(self) -> None:
        """Sets a bookmark on the line in hand, or takes it away."""
        if (line := self.line_in_hand) is not None:
            self.hand.toggle(line)
        self.show(self.view)

    def toggle_range(self) -> None:
        """Begins a range at the line in hand, or ends it."""
        line = self.line_in_hand
        if self.hand.anchor is not None or line is None:
            self.hand.anchor = None
            self.show(self.view)
        else:
            self.hand.anchor = self.hand.cursor = line
            self.show(self.view.containing(self._row_of(line)))

    def picked(self, most: int) -> list[str]:
        """The shown lines of the range, harmless, at most so many."""
        reach = self.hand.range
        if reach is None:
            return []
        low, high = self._row_of(reach[0]), self._row_of(reach[1] + 1)
        dress = self._dress()
        return [dress.line(line)[0] for line in self._read(low, min(high, low + most))]

    def block(self, line: int) -> Sequence[Line]:
        """A line and those it belongs together with."""
        above = list(self.source.lines(max(0, line - _ABOVE), min(line, _ABOVE) + 1))
        while len(above) > 1 and not above[-1].head:
            line -= 1
            above.pop()
        found = list(self.source.lines(line, 1 + _BELOW))
        end = next((at for at, one in enumerate(found) if at and one.head), len(found))
        return found[:end]

    def _ask_search(self) -> None:
        pattern = search_pattern(self.view.search)
        self._hits = Matches(Question(pattern=pattern)) if pattern else None

    def _ask_filter(self) -> None:
        view = self.view
        pattern = search_pattern(view.filter.removeprefix("!"))
        exclude = pattern is not None and view.filter.startswith("!")
        question = Question(pattern=pattern, exclude=exclude, level=view.floor)
        self._shown = Matches(question) if view.filtered else None

    def _forget(self) -> None:
        """Drops what refers to lines that may be no more."""
        self._pages.clear()
        if not self._walks:
            self.hand.forget()
        self._goal = self._sought = None

    def _seek(self, matches: Matches | None, direction: int) -> None:
        self._sought = None if matches is None else (matches, direction)
        self.poll()

    def _look_for_goal(self) -> None:
        """Turns what is sought into a line to go to, when it is known by now."""
        if self._wants_error and self.source.complete:
            self._wants_error = False
            if (block := self.source.first_error()) is not None:
                self.hand.cursor = self._goal = block.first_line
        if self._sought is not None:
            matches, direction = self._sought
            line = matches.neighbour(self._standing(direction), direction)
            if line is not None:
                self.hand.cursor = self._goal = line
            if line is not None or matches.done:
                self._sought = None

    def _standing(self, direction: int) -> int:
        """The line from which to look: the last jump's, else the edge of the screen."""
        if self.hand.cursor is not None:
            return self.hand.cursor
        if self.view.follow:
            return self.source.count
        return self._line_of(self.view.top) - (direction > 0)

    def _jump(self) -> None:
        if self._goal is None:
            return
        row = self._goal if self._shown is None else self._shown.row_of(self._goal)
        if row is not None and (row < self.view.total or self.source.complete):
            self._goal = None
            self.view = self.view.revealed(min(row, max(0, self.view.total - 1)))

    def _line_of(self, row: int) -> int:
        """The number of the line in a row of the view."""
        if self._shown is None:
            return row
        return self._shown.lines[row] if 0 <= row < len(self._shown) else self.source.count

    def _row_of(self, line: int) -> int:
        """The row of a line, or of the first one behind it that is shown."""
        return line if self._shown is None else bisect_left(self._shown.lines, line)

    def _dress(self) -> Dress:
        view = self.view
        if view.times is Times.RELATIVE and self._start is None:
            times = (line.at for line in self.source.lines(0, _FIRST))
            self._start = next((at for at in times if at is not None), None)
        return Dress(view.times, self._start, compact=view.compact)

    def _rows(self) -> list[Row]:
        view = self.view
        if not view.height:
            return []
        self._pages.dress(view, self._dress())
        lay = self._pages.rows
        if view.follow and self._shown is None and not self.source.complete:
            rows = to_bottom(self.source.tail(view.height), view.height, lay)
        elif view.follow:
            lines = self._read(view.total - view.height, view.total)
            rows = to_bottom(lines, view.height, lay)
        else:
            rows = from_top(self._read(view.top, view.top + view.height), view.height, lay)
        return [self._marked(row) for row in rows]

    def _marked(self, row: Row) -> Row:
        """A row with what the hand has to do with it."""
        current = row.line == self.hand.cursor
        marked, picked = self.hand.marked(row.line), self.hand.holds(row.line)
        if not (current or marked or picked):
            return row
        return replace(row, current=current, marked=marked, picked=picked)

    def _read(self, start: int, stop: int) -> list[Line]:
        """The lines in rows ``start`` to ``stop``."""
        rows = range(max(0, start), min(stop, self.view.total))
        return self._pages.lines([self._line_of(row) for row in rows])

    def _tally(self) -> Tally:
        source, hits, shown = self.source, self._hits, self._shown
        done = all(found is None or found.done for found in (hits, shown))
        cursor, reach = self.hand.cursor, self.hand.range
        return Tally(
            lines=source.count,
            errors=len(self._errors),
            hits=len(hits) if hits is not None else 0,
            hit=hits.place_of(cursor) if hits is not None and cursor is not None else 0,
            scanning=not (source.complete and done),
            problem=source.problem,
            bookmarks=bisect_left(self.hand.bookmarks, source.count),
            picked=self._row_of(reach[1] + 1) - self._row_of(reach[0]) if reach else 0,
        )
