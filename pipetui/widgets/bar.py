"""One line of the screen: header, tabs, rule, footer. Repaints only the cells that changed."""

from __future__ import annotations

from textual import events
from textual.geometry import Region
from textual.strip import Strip

from pipetui.viewmodel.lines import BLANK, Line, Span, Tone, difference, fit, length
from pipetui.widgets.ink import Inked


class Bar(Inked):
    """A line with a left and a right part; the left one yields where both do not fit."""

    DEFAULT_CSS = "Bar { height: 1; width: 1fr; }"

    def __init__(
        self, left: Line = BLANK, right: Line = BLANK, *, id: str | None = None, fill: str = " "
    ) -> None:
        super().__init__(id=id)
        self._left, self._right, self._fill = left, right, fill
        self._line: Line = BLANK

    def show(self, left: Line, right: Line = BLANK) -> None:
        """Another text."""
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self._sync()

    def on_resize(self, event: events.Resize) -> None:
        """Another width."""
        self._sync()

    def _sync(self) -> None:
        before, self._line = self._line, self._laid(self.size.width)
        if changed := difference(before, self._line):
            self.refresh(Region(changed[0], 0, changed[1], 1))

    def _laid(self, width: int) -> Line:
        right = fit(self._right, min(length(self._right), width))
        left = fit(self._left, width - length(right))
        if self._fill == " ":
            return (*left, *right)
        used = min(length(self._left), width - length(right))
        rule = Span(self._fill * (width - length(right) - used), Tone.FAINT)
        return (*fit(self._left, used), rule, *right)

    def render_line(self, y: int) -> Strip:
        """The line."""
        return self.strip(self._line)
