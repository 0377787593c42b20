"""An execution's past, while a person walks through it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from pipetui.viewmodel import scrub
from pipetui.viewmodel.lines import Line, text_of
from pipetui.viewmodel.state import Display

if TYPE_CHECKING:
    from engine.api import Event, ExecutionView, History, StepView


class Past:
    """A moment of an execution's history; it starts at the last one.

    Args:
        seen: gives a step as it may be seen.
    """

    def __init__(self, history: History, seen: Callable[[StepView], StepView]) -> None:
        self._history, self._seen = history, seen
        self.go(len(history))

    @property
    def total(self) -> int:
        """How many events there are."""
        return len(self._history)

    @property
    def events(self) -> Sequence[Event]:
        """The events up to the moment."""
        return self._history.events[: self.count]

    @property
    def at(self) -> float:
        """The moment, in seconds since the epoch."""
        return self._history.events[self.count - 1].at

    def go(self, count: int) -> None:
        """To the moment after ``count`` events, or the nearest there is."""
        self.count = max(1, min(count, self.total))
        state = self._history.at(self.count)
        self.execution: ExecutionView = state.execution
        self.steps: Mapping[str, StepView] = {
            name: self._seen(step) for name, step in state.steps.items()
        }

    def tenth(self, direction: int) -> int:
        """A tenth of all events, at least one, towards a direction."""
        size = max(1, self.total // 10)
        return size if direction > 0 else -size

    def line(self, width: int, display: Display) -> Line:
        """The scrubber."""
        event = self._history.events[self.count - 1]
        return scrub.line(event, self.count, self.total, width, display)

    def clicked(self, x: int, width: int, display: Display) -> int:
        """How many events a click on the scrubber asks for; as many as now beside the rail."""
        event = self._history.events[self.count - 1]
        told = len(text_of(scrub.legend(event, self.count, self.total, display)))
        if x < told:
            return self.count
        return scrub.position(self.count, self.total, x - told, width - told - 1)
