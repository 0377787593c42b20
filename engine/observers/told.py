"""Observers that hand events on one by one, and remember on disk how far they have come."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Sequence

from engine.delivery import DeliveryError
from engine.observers.base import Json, Position, Subject, position_of
from engine.whole_file import replace_file

log = logging.getLogger("pipetui.observers")

FOLDER = "observers"
"""Folder of an execution that holds a file per observer: its position, and what it missed."""
Deliver = Callable[[Json], Awaitable[None]]


class Messenger:
    """Hands each event on; one that is not taken is put on record, and the next one follows.

    Args:
        name: of the observer, and of its file.
        deliver: hands one event on, or raises ``DeliveryError``.
    """

    def __init__(self, name: str, subject: Subject, deliver: Deliver) -> None:
        self.name = name
        self._file = subject.folder / FOLDER / f"{name}.json"
        self._only = frozenset(subject.config.observers_only)
        self._deliver = deliver
        self._failed = 0
        self._last_error = ""

    def position(self) -> Position:
        """See ``Observer.position``; the beginning where the file does not tell."""
        try:
            kept = json.loads(self._file.read_bytes())
            self._failed, self._last_error = int(kept["Failed"]), str(kept["LastError"])
            return Position(int(kept["Sequence"]), str(kept["Id"]))
        except (OSError, ValueError, KeyError, TypeError):
            return Position()

    async def observe(self, events: Sequence[Json]) -> None:
        """See ``Observer.observe``."""
        for event in events:
            if wanted(event, self._only):
                try:
                    await self._deliver(event)
                except DeliveryError as problem:
                    self._failed += 1
                    self._last_error = problem.message
                    log.warning("observer %s missed event %s: %s", self.name, event["id"], problem)
                self._keep(event)
        if events:
            self._keep(events[-1])

    def _keep(self, event: Json) -> None:
        """Put the position on disk.

        It need not survive a loss of power: an observer may be told twice.
        """
        position = position_of(event)
        kept = {
            "Sequence": position.sequence,
            "Id": position.id,
            "Failed": self._failed,
            "LastError": self._last_error,
        }
        self._file.parent.mkdir(mode=0o700, exist_ok=True)
        replace_file(self._file, json.dumps(kept).encode())


def wanted(event: Json, only: frozenset[str]) -> bool:
    """Whether an event is about a status that was asked for; without any, all are."""
    detail = event["detail"]
    members = ("currentStepStatus", "currentPipelineExecutionStatus", "ModelApprovalStatus")
    status = next((detail[name] for name in members if name in detail), None)
    return not only or status in only
