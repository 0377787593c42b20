"""The log widget: shows a growing log, repaints at most once a poll, and only what changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from time import perf_counter
from typing import ClassVar, Concatenate, ParamSpec

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from pipetui.logview.edge import HEAT
from pipetui.logview.frame import TRACK, Frame, gutter
from pipetui.logview.matches import Question
from pipetui.logview.paint import ASCII, OVERLAID, STYLES, UNICODE, Painter
from pipetui.logview.reader import Reader
from pipetui.logview.source import Line, Source
from pipetui.logview.view import View

_SHIFT = 8
_WHEEL = 3
_FAR = 1 << 40
"""More rows than there are."""
_WIDE = 140
"""Columns of the terminal from which there is room for the bars of errors and warnings."""
_ROOM = 60
"""Columns of the widget that the bars leave it in any case."""
_SLICE = 0.008
"""Seconds of a search between which keys are heeded."""
_LEAST, _MOST = 1 << 18, 1 << 26
"""Bytes that are searched in a slice."""
_COPIED = 20_000
"""Lines of a range that are looked at to be copied."""
_P = ParamSpec("_P")


class LogView(ScrollView):
    """A log on the screen; call `poll` from the application's pump, the widget has no timer.

    It scrolls by itself: Textual's scrolling lays the screen out anew for every line that comes.

    Args:
        source: the log to show; None shows nothing.
        unicode: draw with Unicode signs, else with ASCII.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"logview--{name}" for name in STYLES}
    DEFAULT_CSS = """
    LogView {
        overflow: hidden;
        & .logview--error { color: $text-error; }
        & .logview--warning { color: $text-warning; }
        & .logview--debug { color: $text-muted; }
        & .logview--hit { text-style: reverse; }
        & .logview--current { text-style: bold underline; }
        & .logview--track { color: $text-muted; }
        & .logview--picked { background: $primary 30%; }
        & .logview--red { color: $text-error; }
        & .logview--green { color: $text-success; }
        & .logview--yellow { color: $text-warning; }
        & .logview--blue { color: $text-primary; }
        & .logview--magenta { color: $text-secondary; }
        & .logview--cyan { color: $text-accent; }
        & .logview--grey { color: $text-muted; }
        & .logview--badge { color: $text; background: $primary; text-style: bold; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("G,F", "follow", "Follow", id="log.follow", show=False),
        Binding("g", "scroll_home", "Top", id="log.top", show=False),
        Binding("j", "scroll_down", "Down", id="log.down", show=False),
        Binding("k", "scroll_up", "Up", id="log.up", show=False),
        Binding("ctrl+d", "half_page(1)", "Half page down", id="log.half-down", show=False),
        Binding("ctrl+u", "half_page(-1)", "Half page up", id="log.half-up", show=False),
        Binding("n", "next_hit(1)", "Next hit", id="log.next-hit", show=False),
        Binding("N", "next_hit(-1)", "Previous hit", id="log.previous-hit", show=False),
        Binding("e", "next_error(1)", "Next error", id="log.next-error", show=False),
        Binding("E", "next_error(-1)", "Previous error", id="log.previous-error", show=False),
        Binding("w", "wrap", "Wrap", id="log.wrap", show=False),
        Binding("s", "severity", "Severity floor", id="log.severity", show=False),
        Binding("t", "line_times", "Times", id="log.times", show=False),
        Binding("c", "compact", "Short JSON", id="log.compact", show=False),
        Binding("b", "bookmark", "Bookmark", id="log.bookmark", show=False),
        Binding("u", "next_bookmark(1)", "Next bookmark", id="log.next-bookmark", show=False),
        Binding("U", "next_bookmark(-1)", "Previous", id="log.previous-bookmark", show=False),
        Binding("v", "range", "Range", id="log.range", show=False),
    ]

    class StatusChanged(Message):
        """The status line has another text; a burst collapses to its last."""

        def __init__(self, log: LogView, text: str) -> None:
            super().__init__()
            self.log = log
            self.text = text

        @property
        def control(self) -> LogView:
            """The widget that sent it."""
            return self.log

        def can_replace(self, message: Message) -> bool:
            """Whether an earlier message of this widget need not be handled any more."""
            return isinstance(message, LogView.StatusChanged) and message.log is self.log

    def __init__(
        self,
        source: Source | None = None,
        *,
        unicode: bool = True,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._signs = UNICODE if unicode else ASCII
        self._painter: Painter | None = None
        self._told = ""
        self._searching = False
        self._reader = None if source is None else Reader(source, View())

    @property
    def view(self) -> View:
        """Where the reader stands."""
        return self._reader.view if self._reader else View()

    @property
    def status(self) -> str:
        """The status line: ``follow | 12,031 lines | 3 err | /x/ 2 of 9``."""
        return self._reader.status if self._reader else ""

    @property
    def why_empty(self) -> str:
        """What stands in place of the lines where none is shown."""
        if self.view.filter or self.view.floor:
            return "No line passes: | changes the text, s the severity."
        return ""

    @property
    def screen_text(self) -> str:
        """What is on the screen, harmless and without colours, to be copied."""
        return "\n".join(row.text for row in self._frame.rows)

    @property
    def copied(self) -> str:
        """The picked lines, or where there are none the screen, to be copied."""
        picked = self._reader.picked(_COPIED) if self._reader else []
        return "\n".join(picked) if picked else self.screen_text

    @property
    def bookmarks(self) -> tuple[int, ...]:
        """Numbers of the lines that have a bookmark."""
        return tuple(self._reader.hand.bookmarks) if self._reader else ()

    @property
    def line_in_hand(self) -> int | None:
        """The number of the line that keys are about; None where there is none."""
        return self._reader.line_in_hand if self._reader else None

    @property
    def question(self) -> Question:
        """Which lines are shown."""
        return self._reader.question if self._reader else Question()

    def block(self, line: int) -> Sequence[Line]:
        """A line and those it belongs together with."""
        return self._reader.block(line) if self._reader else ()

    def show_source(
        self,
        source: Source | None,
        *,
        start: float | None = None,
        bookmarks: Iterable[int] = (),
        walks: bool = False,
    ) -> None:
        """Shows another log, from its end, with the choices made for the last one.

        Args:
            start: what relative times count from; None is the first time in the log.
            bookmarks: lines that have one.
            walks: motions move the line in hand, as in a list.
        """
        view = self.view.chosen()
        self._reader = None
        if source is not None:
            self._reader = Reader(source, view, start, walks=walks)
            self._reader.hand.mark(bookmarks)
            self._fit()
        self.refresh()
        self._tell()
        self._search_on()

    def poll(self) -> None:
        """Picks up what has happened to the log; bounded in time."""
        self._do(Reader.poll)

    def search(self, text: str) -> None:
        """Looks for text or a regular expression and goes to a hit; an empty text ends it."""
        self._do(Reader.search, text)

    def filter(self, text: str) -> None:
        """Shows only lines with text or a regular expression, with a leading ``!`` without."""
        self._do(Reader.narrow, self.view.filtered_by(text))

    def next_hit(self, direction: int = 1) -> None:
        """Goes to the next (1) or previous (-1) line the search has found."""
        self._do(Reader.next_hit, direction)

    def next_error(self, direction: int = 1) -> None:
        """Goes to the next (1) or previous (-1) error."""
        self._do(Reader.next_error, direction)

    def open_at_first_error(self) -> None:
        """Goes to the most telling error once all lines are counted; stays where there is none."""
        self._do(Reader.open_at_first_error)

    def go_to(self, line: int) -> None:
        """Goes to a line."""
        self._do(Reader.go_to, line)

    def action_follow(self) -> None:
        """To the end, and staying there; a range that is being picked goes on to the end."""
        if self._reader is not None and self._reader.walks:
            self._scroll(_FAR)
        else:
            self._do(Reader.show, self.view.followed())

    def action_scroll_end(self) -> None:
        """The same as following."""
        self.action_follow()

    def action_scroll_home(self) -> None:
        """To the first line."""
        self._scroll(-_FAR)

    def action_scroll_up(self) -> None:
        """One line up."""
        self._scroll(-1)

    def action_scroll_down(self) -> None:
        """One line down."""
        self._scroll(1)

    def action_page_up(self) -> None:
        """One screen up."""
        self._scroll(1 - max(2, self.view.height))

    def action_page_down(self) -> None:
        """One screen down."""
        self._scroll(max(2, self.view.height) - 1)

    def action_half_page(self, direction: int) -> None:
        """Half a screen down (1) or up (-1)."""
        self._scroll(direction * max(1, self.view.height // 2))

    def action_scroll_left(self) -> None:
        """Some cells to the left."""
        self._do(Reader.show, self.view.shifted(-_SHIFT))

    def action_scroll_right(self) -> None:
        """Some cells to the right."""
        self._do(Reader.show, self.view.shifted(_SHIFT))

    def action_page_left(self) -> None:
        """Half a screen to the left."""
        self._do(Reader.show, self.view.shifted(-(self.view.width // 2)))

    def action_page_right(self) -> None:
        """Half a screen to the right."""
        self._do(Reader.show, self.view.shifted(self.view.width // 2))

    def action_next_hit(self, direction: int) -> None:
        """See `next_hit`."""
        self.next_hit(direction)

    def action_next_error(self, direction: int) -> None:
        """See `next_error`."""
        self.next_error(direction)

    def action_wrap(self) -> None:
        """Wraps long lines, or no longer."""
        self._do(Reader.show, self.view.wrapped())

    def action_severity(self) -> None:
        """Raises the severity floor; behind the highest comes none."""
        self._do(Reader.narrow, self.view.floored())

    def action_line_times(self) -> None:
        """Shows the times of lines the next way."""
        self._do(Reader.show, self.view.timed())

    def action_compact(self) -> None:
        """JSON lines in short, or whole again."""
        self._do(Reader.show, self.view.compacted())

    def action_bookmark(self) -> None:
        """Sets a bookmark on the line in hand, or takes it away."""
        self._do(Reader.toggle_bookmark)

    def action_next_bookmark(self, direction: int) -> None:
        """To the next (1) or previous (-1) bookmark."""
        self._do(Reader.next_bookmark, direction)

    def action_range(self) -> None:
        """Begins a range of lines, which motions extend, or ends it."""
        self._do(Reader.toggle_range)

    def on_mount(self) -> None:
        """The first status is told once there is somebody to hear it."""
        self._tell()

    def on_resize(self, event: events.Resize) -> None:
        """Another size: other rows."""
        self._do(Reader.show, self._fitted())

    def on_click(self, event: events.Click) -> None:
        """A click takes a line in hand."""
        row = self._frame.row(event.y)
        if row is not None and row.line >= 0:
            self._do(Reader.pick, row.line)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel."""
        event.stop()
        self._scroll(-_WHEEL)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel."""
        event.stop()
        self._scroll(_WHEEL)

    def notify_style_update(self) -> None:
        """Another theme."""
        super().notify_style_update()
        self._painter = None

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        if self._painter is None:
            self._painter = Painter(self._theme_styles(), self._signs)
        if y == 0 and not self._frame.rows and (told := self.why_empty):
            return self._painter.note(self._frame, told)
        return self._painter.row(self._frame, y)

    @property
    def _frame(self) -> Frame:
        if self._reader is not None:
            return self._reader.frame
        return Frame(max(0, self.size.width - gutter(()) - TRACK), self.size.height)

    def _fitted(self) -> View:
        """The view in the widget's size; bars stand beside it where there is room for them."""
        heat = self.app.size.width >= _WIDE and self.size.width >= _ROOM + HEAT
        before = self._frame.gutter
        width = self.size.width - before - TRACK - HEAT * heat
        return self.view.resized(width, self.size.height, heat)

    def _fit(self) -> None:
        if self._reader is not None and self.is_attached:
            self._reader.show(self._fitted())

    def _theme_styles(self) -> dict[str, Style]:
        return {"text": self.rich_style} | {
            name: self.get_component_rich_style(f"logview--{name}", partial=name in OVERLAID)
            for name in STYLES
        }

    def _scroll(self, rows: int) -> None:
        self._do(Reader.scroll, rows)

    def _do(
        self,
        action: Callable[Concatenate[Reader, _P], None],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> None:
        """Lets the reader act and repaints what looks different afterwards."""
        if self._reader is None:
            return
        before = self._reader.frame
        action(self._reader, *args, **kwargs)
        for region in self._reader.frame.differences(before):
            self.refresh(Region(*region))
        self._tell()
        self._search_on()

    def _search_on(self) -> None:
        """Goes on counting and searching between polls, for as long as there is something to do."""
        if self._reader and self._reader.busy and self.is_running and not self._searching:
            self._searching = True
            self.run_worker(self._search(self._reader), group="search")

    async def _search(self, reader: Reader) -> None:
        """Searches in slices so short that no key waits for one."""
        budget = _LEAST
        led_on = True
        try:
            while reader is self._reader and reader.busy and led_on:
                begin = perf_counter()
                led_on = reader.advance(budget)
                spent = perf_counter() - begin
                budget = min(_MOST, max(_LEAST, round(budget * _SLICE / max(spent, 1e-6))))
                await asyncio.sleep(0)
        finally:
            self._searching = False
        if reader is self._reader and led_on:
            self._do(Reader.catch_up)
        elif reader is not self._reader:
            self._search_on()

    def _tell(self) -> None:
        """Says what the status line is now, when it is another."""
        if self.is_attached and self.status != self._told:
            self._told = self.status
            self.post_message(self.StatusChanged(self, self._told))
