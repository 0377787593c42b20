"""The seam: what an observer is given, and how it says how far it has come.

Events are those that ``pipetui events`` prints, in the shape of EventBridge (section 3.8), one for
each status change, in order. An observer gets every event at least once, whichever runner tells
it; one that comes again has the same ``id``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from engine.config import Config

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """The execution that is observed.

    Args:
        home: the home's folder.
        folder: the execution's folder; exists.
        describe: the execution as of now, as DescribePipelineExecution and
            ListPipelineExecutionSteps give it, in one object.
    """

    home: Path
    folder: Path
    config: Config
    describe: Callable[[], Json]


@dataclass(frozen=True, slots=True)
class Position:
    """The last event that an observer has taken: its number in the store, and its id."""

    sequence: int = 0
    id: str = ""


class Observer(Protocol):
    """Takes an execution's events."""

    name: str

    def position(self) -> Position:
        """The last event that was taken, by this runner or by an earlier one."""
        ...

    async def observe(self, events: Sequence[Json]) -> None:
        """Take the next events; they lie behind the position, whatever happens, when it returns.

        May be cancelled: events that were not taken by then come again, to the next runner.
        Whatever it raises ends this observer's work for this runner, and nothing else.
        """
        ...


class News:
    """Tells the events after a position from those up to it."""

    def __init__(self, position: Position) -> None:
        self._position = position
        self._reached = position.sequence == 0

    def __call__(self, event: Json) -> bool:
        """Whether the next event of the execution, told from its beginning, is news."""
        if self._reached:
            return True
        sequence = sequence_of(event)
        self._reached = sequence > self._position.sequence
        if sequence == self._position.sequence and event["id"] == self._position.id:
            # The next one is news.
            self._reached = True
            return False
        return self._reached


def sequence_of(event: Json) -> int:
    """The number of the store's event that made this one."""
    return int(event["Local"]["Sequence"])


def position_of(event: Json) -> Position:
    """The position of an observer that has just taken an event."""
    return Position(sequence_of(event), str(event["id"]))


def is_terminal(event: Json) -> bool:
    """Whether an event says that the execution has ended."""
    return "executionEndTime" in event["detail"]
