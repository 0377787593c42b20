"""What lists and texts share: a window on many lines that repaints only the cells that changed."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.strip import Strip

from pipetui.actions import Scope
from pipetui.keys import Performer, bindings
from pipetui.viewmodel.lines import BLANK, Line, difference, fit
from pipetui.widgets.ink import Inked

_WHEEL = 3


class Pane(Performer, Inked, can_focus=True, inherit_bindings=False):
    """A focusable window on lines; subclasses say how many there are and how each looks."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.LIST)
    DEFAULT_CSS = "Pane { height: 1fr; width: 1fr; }"
    heading = 0
    """Lines at the top that do not scroll."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.top = 0
        self._painted: list[tuple[Line, bool]] = []

    @property
    def count(self) -> int:
        """Lines there are."""
        return 0

    @property
    def room(self) -> int:
        """Lines that fit."""
        return max(0, self.size.height - self.heading)

    def painted(self, index: int) -> tuple[Line, bool]:
        """A line in exactly the widget's width, and whether the cursor is on it."""
        return BLANK, False

    def head(self) -> list[Line]:
        """The lines of the heading, each in exactly the widget's width."""
        return []

    def sync(self, *, everything: bool = False) -> None:
        """Bring the screen up to date with what there is now."""
        self.top = max(0, min(self.top, self.count - self.room))
        lines = [(line, False) for line in self.head()]
        lines += [
            self.painted(index) for index in range(self.top, min(self.count, self.top + self.room))
        ]
        blank = (fit(BLANK, self.size.width), False)
        lines += [blank] * (self.size.height - len(lines))
        before, self._painted = self._painted, lines
        if everything or len(before) != len(lines):
            self.refresh()
            return
        for y, (old, new) in enumerate(zip(before, lines, strict=True)):
            if old[1] != new[1]:
                self.refresh(Region(0, y, self.size.width, 1))
            elif changed := difference(old[0], new[0]):
                self.refresh(Region(changed[0], y, changed[1], 1))

    def render_line(self, y: int) -> Strip:
        """One line of the window."""
        if y >= len(self._painted):
            return self.strip(fit(BLANK, self.size.width))
        line, cursor = self._painted[y]
        return self.strip(line, cursor=cursor)

    def on_resize(self, event: events.Resize) -> None:
        """Another size."""
        self.measured(event.size.width)
        self.sync(everything=True)

    def measured(self, width: int) -> None:
        """The width is known, before lines are painted for it."""

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel."""
        event.stop()
        self.move(_WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel."""
        event.stop()
        self.move(-_WHEEL)

    def move(self, lines: int) -> None:
        """Down or up by lines."""
        self.top += lines
        self.sync()

    def action_down(self) -> None:
        """See the action table."""
        self.move(1)

    def action_up(self) -> None:
        """See the action table."""
        self.move(-1)

    def action_page(self, direction: int) -> None:
        """See the action table."""
        self.move(direction * max(1, self.room - 1))

    def action_half(self, direction: int) -> None:
        """See the action table."""
        self.move(direction * max(1, self.room // 2))

    def action_top(self) -> None:
        """See the action table."""
        self.move(-self.count)

    def action_bottom(self) -> None:
        """See the action table."""
        self.move(self.count)


class TextPane(Pane):
    """Lines of text to read."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.lines: list[Line] = []

    @property
    def count(self) -> int:
        """Lines there are."""
        return len(self.lines)

    def show(self, lines: list[Line], *, top: int | None = None) -> None:
        """Another text, at the same place unless ``top`` says where."""
        self.lines = lines
        self.top = self.top if top is None else top
        self.sync()

    def painted(self, index: int) -> tuple[Line, bool]:
        """A line."""
        return fit(self.lines[index], self.size.width), False
