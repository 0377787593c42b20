"""An execution as it was after any of its events: what a time scrubber walks through."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.events import Event
from engine.model.fold import ExecutionState, apply
from engine.model.views import StepView

_EVERY = 256


class History:
    """The past of one execution.

    State is the fold of its events; a copy is kept every so often, so that a step back costs at
    most that many events, whatever the execution's length.

    Args:
        events: all of the execution's, oldest first, from its creation on.
    """

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = tuple(events)
        self._kept: dict[int, ExecutionState] = {}

    def __len__(self) -> int:
        return len(self.events)

    def at(self, count: int) -> ExecutionState:
        """The state after the first ``count`` events, 1 to all of them.

        Errors: ``ValueError`` where the events do not begin with the execution's creation.
        """
        count = max(1, min(count, len(self.events)))
        start = max((kept for kept in self._kept if kept <= count), default=0)
        state = _copy(self._kept[start]) if start else None
        while start < count:
            end = min(count, start - start % _EVERY + _EVERY)
            state, _ = apply(state, *self.events[start:end])
            start = end
            if state is not None and start % _EVERY == 0:
                self._kept[start] = _copy(state)
        if state is None:
            raise ValueError("the events do not begin with the execution's creation")
        return state

    def index_at(self, moment: float) -> int:
        """How many events had happened at a moment, in seconds since the epoch; at least 1."""
        found = sum(event.at <= moment for event in self.events)
        return max(1, found)


def _copy(state: ExecutionState) -> ExecutionState:
    """A state that changes no other: views are immutable, only their table is shared."""
    steps: dict[str, StepView] = dict(state.steps)
    return ExecutionState(state.execution, steps)
