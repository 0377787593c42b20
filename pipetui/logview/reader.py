"""A person reading a log: the view, the searches behind it and the screenful they make.

Everything is bounded: searches go a step further with each poll, a jump waits for its goal.
"""

from __future__ import annotations

from dataclasses import replace

from pipetui.logview.frame import Frame
from pipetui.logview.matches import Matches, Question
from pipetui.logview.rows import Row, from_top, to_bottom
from pipetui.logview.source import Line, Source
from pipetui.logview.view import Tally, View, search_pattern, status

BUDGET = 16 * 1024 * 1024
"""Bytes each search goes further in one poll."""

_ERROR = 40
_KEPT = 2_000


class Reader:
    """Reads one source; `frame` and `status` are up to date after every call.

    Args:
        source: the log.
        view: where to begin; its filter, floor and search apply at once.
    """

    def __init__(self, source: Source, view: View) -> None:
        self.source = source
        self.view = view
        self.frame = Frame()
        self.status = ""
        self._generation = source.generation
        self._errors = Matches(Question(level=_ERROR, heads=True))
        self._hits: Matches | None = None
        self._shown: Matches | None = None
        self._wants_error = False
        self._lines: dict[int, Line] = {}
        self._cursor: int | None = None
        self._goal: int | None = None
        self._sought: tuple[Matches, int] | None = None
        self._ask_search()
        self._ask_filter()
        self.poll()

    def poll(self) -> None:
        """Picks up what has happened to the log and goes on with what is being looked for."""
        self.source.refresh()
        searches = [found for found in (self._errors, self._hits, self._shown) if found is not None]
        if self.source.generation != self._generation:
            self._generation = self.source.generation
            self._forget()
            for found in searches:
                found.restart()
        looking = self._shown is not None and not self._shown.done
        for found in searches:
            found.advance(self.source, BUDGET)
        total = self.source.count if self._shown is None else len(self._shown)
        self.view = self.view.grown(total)
        if looking:
            self.view = self.view.caught_up()
        self._look_for_goal()
        self._jump()
        self.show(self.view)

    def show(self, view: View) -> None:
        """Makes a view the present one."""
        self.view = view
        rows = self._rows()
        if view.wrap and view.follow and rows and rows[0].line >= 0:
            line = rows[0].line
            row = line if self._shown is None else self._shown.row_of(line)
            self.view = view.anchored(row or 0)
        self.frame = Frame(
            width=view.width,
            height=view.height,
            rows=tuple(rows),
            track=self._track(),
            left=0 if view.wrap else view.left,
            pattern=self._hits.question.pattern if self._hits else None,
            new=view.new,
        )
        self.status = status(self.view, self._tally())

    def scroll(self, rows: int) -> None:
        """Moves by rows; a log not yet counted to its end is counted first."""
        while self.view.follow and not self.source.complete and self.source.refresh():
            self.view = self.view.grown(self.source.count)
        bottom = self.frame.rows[-1] if self.frame.rows else None
        at_end = bottom is None or (
            bottom.last and bottom.line == self._line_of(self.view.total - 1)
        )
        if self.view.wrap and rows > 0 and at_end:
            self.show(self.view.followed())
        else:
            self.show(self.view.scrolled_by(rows))

    def search(self, text: str) -> None:
        """Looks for text or a regular expression and goes to a hit; an empty text ends it."""
        self.view = self.view.searching(text)
        self._ask_search()
        self._cursor = None
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

    def open_at_first_error(self) -> None:
        """Goes to the most telling error once all lines are counted; stays where there is none."""
        self._wants_error = True
        self.poll()

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
        self._lines.clear()
        self._cursor = self._goal = self._sought = None

    def _seek(self, matches: Matches | None, direction: int) -> None:
        self._sought = None if matches is None else (matches, direction)
        self.poll()

    def _look_for_goal(self) -> None:
        """Turns what is sought into a line to go to, when it is known by now."""
        if self._wants_error and self.source.complete:
            self._wants_error = False
            if (block := self.source.first_error()) is not None:
                self._cursor = self._goal = block.first_line
        if self._sought is not None:
            matches, direction = self._sought
            line = matches.neighbour(self._standing(direction), direction)
            if line is not None:
                self._cursor = self._goal = line
            if line is not None or matches.done:
                self._sought = None

    def _standing(self, direction: int) -> int:
        """The line from which to look: the last jump's, else the edge of the screen."""
        if self._cursor is not None:
            return self._cursor
        if self.view.follow:
            return self.source.count
        return self._line_of(self.view.top) - (direction > 0)

    def _jump(self) -> None:
        if self._goal is None:
            return
        row = self._goal if self._shown is None else self._shown.row_of(self._goal)
        if row is not None:
            self._goal = None
            self.view = self.view.revealed(min(row, max(0, self.view.total - 1)))

    def _line_of(self, row: int) -> int:
        """The number of the line in a row of the view."""
        if self._shown is None:
            return row
        return self._shown.lines[row] if 0 <= row < len(self._shown) else self.source.count

    def _rows(self) -> list[Row]:
        view = self.view
        size = view.width, view.height, view.wrap
        if not view.height:
            return []
        if view.follow and self._shown is None and not self.source.complete:
            return to_bottom(self.source.tail(view.height), *size)
        if view.follow:
            rows = to_bottom(self._read(view.total - view.height, view.total), *size)
        else:
            rows = from_top(self._read(view.top, view.top + view.height), *size)
        return [replace(row, current=True) if row.line == self._cursor else row for row in rows]

    def _read(self, start: int, stop: int) -> list[Line]:
        """The lines in rows ``start`` to ``stop``; those read before are kept, but for the last."""
        if len(self._lines) > _KEPT:
            self._lines.clear()
        self._lines.pop(self.source.count - 1, None)
        wanted = [self._line_of(row) for row in range(max(0, start), min(stop, self.view.total))]
        missing = [number for number in wanted if number not in self._lines]
        while missing:
            run = 1
            while run < len(missing) and missing[run] == missing[0] + run:
                run += 1
            for line in self.source.lines(missing[0], run):
                self._lines[line.number] = line
            del missing[:run]
        return [self._lines[number] for number in wanted if number in self._lines]

    def _track(self) -> str:
        """The right edge: the screen's place in the log, and where its errors are."""
        view = self.view
        if view.total <= view.height or not view.height:
            return " " * view.height
        first = view.top * view.height // view.total
        last = min(view.total - 1, view.top + view.height - 1) * view.height // view.total
        cells = []
        for y in range(view.height):
            low, high = (-(-edge * view.total // view.height) for edge in (y, y + 1))
            error = self._errors.between(self._line_of(low), self._line_of(high))
            cells.append("x" if error else "." if first <= y <= last else " ")
        return "".join(cells)

    def _tally(self) -> Tally:
        source, hits, shown = self.source, self._hits, self._shown
        done = all(found is None or found.done for found in (hits, shown))
        return Tally(
            lines=source.count,
            errors=len(self._errors),
            hits=len(hits) if hits is not None else 0,
            hit=hits.place_of(self._cursor) if hits is not None and self._cursor is not None else 0,
            scanning=not (source.complete and done),
            problem=source.problem,
        )
