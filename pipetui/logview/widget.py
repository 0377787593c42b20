"""The log widget: shows a growing log, repaints at most once a poll, and only what changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Concatenate, ParamSpec

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from pipetui.logview.frame import GUTTER, TRACK, Frame
from pipetui.logview.paint import ASCII, STYLES, UNICODE, Painter
from pipetui.logview.reader import Reader
from pipetui.logview.source import Source
from pipetui.logview.view import View

_SHIFT = 8
_WHEEL = 3
_OVERLAID = ("hit", "current")
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
    def screen_text(self) -> str:
        """What is on the screen, harmless and without colours, to be copied."""
        return "\n".join(row.text for row in self._frame.rows)

    def show_source(self, source: Source | None) -> None:
        """Shows another log, from its end, with the choices made for the last one."""
        old = self.view
        kept = View(wrap=old.wrap, floor=old.floor, filter=old.filter, search=old.search)
        self._reader = None
        if source is not None:
            self._reader = Reader(source, kept.resized(self._text_width, self.size.height))
        self.refresh()
        self._tell()

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

    def action_follow(self) -> None:
        """To the end, and staying there."""
        self._do(Reader.show, self.view.followed())

    def action_scroll_end(self) -> None:
        """The same as following."""
        self.action_follow()

    def action_scroll_home(self) -> None:
        """To the first line."""
        self._scroll(-self.view.total)

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

    def on_mount(self) -> None:
        """The first status is told once there is somebody to hear it."""
        self._tell()

    def on_resize(self, event: events.Resize) -> None:
        """Another size: other rows."""
        self._do(Reader.show, self.view.resized(self._text_width, event.size.height))

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
        return self._painter.row(self._frame, y)

    @property
    def _frame(self) -> Frame:
        return self._reader.frame if self._reader else Frame(self._text_width, self.size.height)

    @property
    def _text_width(self) -> int:
        return max(0, self.size.width - GUTTER - TRACK)

    def _theme_styles(self) -> dict[str, Style]:
        return {"text": self.rich_style} | {
            name: self.get_component_rich_style(f"logview--{name}", partial=name in _OVERLAID)
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

    def _tell(self) -> None:
        """Says what the status line is now, when it is another."""
        if self.is_attached and self.status != self._told:
            self._told = self.status
            self.post_message(self.StatusChanged(self, self._told))
