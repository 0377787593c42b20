"""A list of rows with a cursor that stays on its row whatever happens around it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import events
from textual.message import Message

from pipetui.actions import Action
from pipetui.viewmodel.lines import (
    BLANK,
    GAP,
    Column,
    Line,
    Row,
    Span,
    Tone,
    column_widths,
    fit,
    lay,
    words,
)
from pipetui.widgets.pane import Pane

_MARGIN = 2


class RowList(Pane):
    """Rows in columns.

    Args:
        columns: their titles and widths; a list whose titles are all empty has no heading.
        empty: what to say where there is no row.
        markable: whether rows can be marked, to act on several at once.
    """

    class Moved(Message):
        """The cursor is on another row, or on none (an empty key)."""

        def __init__(self, rows: RowList, key: str) -> None:
            super().__init__()
            self.rows = rows
            self.key = key

        @property
        def control(self) -> RowList:
            """The list."""
            return self.rows

    class Chosen(Message):
        """The row under the cursor was clicked again."""

        def __init__(self, rows: RowList, key: str) -> None:
            super().__init__()
            self.rows = rows
            self.key = key

        @property
        def control(self) -> RowList:
            """The list."""
            return self.rows

    class Marked(Message):
        """Other rows are marked."""

        def __init__(self, rows: RowList) -> None:
            super().__init__()
            self.rows = rows

        @property
        def control(self) -> RowList:
            """The list."""
            return self.rows

    class Headed(Message):
        """The heading of a column was clicked."""

        def __init__(self, rows: RowList, title: str) -> None:
            super().__init__()
            self.rows = rows
            self.title = title

        @property
        def control(self) -> RowList:
            """The list."""
            return self.rows

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        empty: str = "",
        markable: bool = False,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.columns = tuple(columns)
        self.heading = int(any(column.title for column in columns))
        self.empty = empty
        self.rows: list[Row] = []
        self.markable = markable
        self._marks: dict[str, None] = {}
        self.key = ""
        self._cursor = 0
        self._widths: tuple[int, ...] = ()

    @property
    def count(self) -> int:
        """Rows there are; at least one, which says that there is none."""
        return max(1, len(self.rows))

    @property
    def cursor(self) -> int:
        """Index of the selected row."""
        return self._cursor

    @property
    def marked(self) -> tuple[str, ...]:
        """Keys of the marked rows, in the order in which they were marked."""
        return tuple(self._marks)

    def mark(self, keys: Iterable[str]) -> None:
        """Mark exactly these rows."""
        marks = dict.fromkeys(keys)
        if marks != self._marks:
            self._marks = marks
            self.sync()
            self.post_message(self.Marked(self))

    def applies(self, action: Action) -> bool:
        """Rows are marked only in lists where something is done with the marks."""
        return self.markable or action.handler not in ("mark", "mark_range")

    def action_mark(self) -> None:
        """See the action table; the cursor goes on to the next row."""
        if self.key:
            marks = dict(self._marks)
            if self.key in marks:
                del marks[self.key]
            else:
                marks[self.key] = None
            self.mark(marks)
            self.move(1)

    def action_mark_range(self) -> None:
        """See the action table."""
        index_of = {row.key: index for index, row in enumerate(self.rows)}
        anchors = [index_of[key] for key in self._marks if key in index_of]
        start, end = sorted((anchors[-1] if anchors else self._cursor, self._cursor))
        self.mark([*self._marks, *(row.key for row in self.rows[start : end + 1])])

    def show(self, rows: list[Row]) -> None:
        """Other rows; the cursor stays on its row, or near it where that is gone."""
        self.rows = rows
        here = self._cursor
        if here < len(rows) and rows[here].key == self.key:
            self.sync()
            return
        found = next((index for index, row in enumerate(rows) if row.key == self.key), here)
        self.top += found - here
        self._go(found)

    def show_columns(self, columns: Sequence[Column]) -> None:
        """Other columns, before rows that have a cell for each of them."""
        if tuple(columns) != self.columns:
            self.columns = tuple(columns)
            self.measured(self.size.width)

    def select(self, key: str) -> None:
        """Put the cursor on a row; nothing where there is no such row."""
        for index, row in enumerate(self.rows):
            if row.key == key:
                self._go(index)
                return

    def say_empty(self, text: str) -> None:
        """What to say where there is no row."""
        if text != self.empty:
            self.empty = text
            self.sync()

    def move(self, lines: int) -> None:
        """The cursor down or up by rows."""
        self._go(self._cursor + lines)

    def _go(self, index: int) -> None:
        self._cursor = max(0, min(index, len(self.rows) - 1))
        key = self.rows[self._cursor].key if self.rows else ""
        moved, self.key = key != self.key, key
        self._keep_in_sight()
        self.sync()
        if moved:
            self.post_message(self.Moved(self, key))

    def measured(self, width: int) -> None:
        """Other widths, the cursor still in sight."""
        self._widths = column_widths(self.columns, max(0, width - _MARGIN - 1))
        self._keep_in_sight()

    def _keep_in_sight(self) -> None:
        if self.room:
            self.top = max(self._cursor - self.room + 1, min(self.top, self._cursor))

    def on_focus(self) -> None:
        """The cursor shows where the keys go."""
        self.sync()

    def on_blur(self) -> None:
        """The cursor shows where the keys went."""
        self.sync()

    def on_click(self, event: events.Click) -> None:
        """A click selects, a click on the selected row opens it; one on a heading names it."""
        index = self.top + event.y - self.heading
        if event.y < self.heading and (title := self._title_at(event.x)):
            self.post_message(self.Headed(self, title))
        if event.y < self.heading or index >= len(self.rows):
            return
        if index == self._cursor:
            self.post_message(self.Chosen(self, self.key))
        self._go(index)

    def _title_at(self, x: int) -> str:
        """The title of the column over a cell of the heading."""
        start = _MARGIN
        for column, width in zip(self.columns, self._widths, strict=True):
            if width and start <= x < start + width:
                return column.title
            start += width + GAP if width else 0
        return ""

    def head(self) -> list[Line]:
        """The titles of the columns."""
        if not self.heading or not self._widths:
            return []
        titles = [words(column.title, Tone.FAINT) for column in self.columns]
        return [self._padded(Span(" " * _MARGIN), lay(titles, self.columns, self._widths))]

    def painted(self, index: int) -> tuple[Line, bool]:
        """A row."""
        if index >= len(self.rows) or not self._widths:
            text = self.empty if index == 0 and not self.rows else ""
            return fit(words(f"  {text}", Tone.DIM) if text else BLANK, self.size.width), False
        here = index == self._cursor
        text = (">" if here else " ") + ("*" if self.rows[index].key in self._marks else " ")
        mark = Span(text, Tone.ACCENT if self.has_focus or text[1] == "*" else Tone.DIM)
        line = lay(self.rows[index].cells, self.columns, self._widths)
        return self._padded(mark, line), here and self.has_focus

    def _padded(self, mark: Span, line: Line) -> Line:
        return fit((mark, *line), self.size.width)
