"""Stays with an execution until it ends, without a screen: a line per transition, then a code."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import engine.api as api
from engine.errors import CommandRejected
from pipetui.cli.narrator import Narrator
from pipetui.cli.session import Session
from pipetui.viewmodel.state import EXIT_CODES

if TYPE_CHECKING:
    from engine.api import Event

TIMED_OUT, WAITS_FOR_APPROVAL, INTERRUPTED = 22, 24, 130

FASTEST_S, SLOWEST_S = 0.02, 0.25
"""Pauses between two looks at the store, soon after an event and long after the last."""
ORPHAN_CHECK_S = 2.0
SECOND_INTERRUPT_S = 2.0
LEAVING_S = 15.0
"""How long the runner of an execution that has ended may take to tell its observers."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to stay.

    Args:
        for_approval: whether to wait when only a person can go on.
        timeout: seconds after which the execution is stopped; None for never.
        auto_approve: whether to approve what asks, with a comment that says so.
    """

    for_approval: bool = True
    timeout: float | None = None
    auto_approve: bool = False


def follow(session: Session, execution_id: str, patience: Patience, *, after: int = 0) -> int:
    """Tell what happens in an execution until it ends; returns the exit code.

    Args:
        after: tell only events after this one.
    """
    with session.reader(resume=False) as reader:
        follower = Follower(session, reader, execution_id)
        narrator = Narrator(session, reader)

        def tell(event: Event) -> None:
            before = narrator.before(follower.changes.state, event)
            changes = follower.changes.take(event)
            if event.seq <= after:
                return
            if session.output == "jsonl":
                for change in changes:
                    session.json(change)
            elif follower.changes.state is not None:
                narrator.tell(event, follower.changes.state, before)

        try:
            code = follower.until_end(tell, patience)
            follower.until_told()
        except KeyboardInterrupt:
            code = _interrupted(session, follower, tell)
        if session.output == "json":
            session.json(api.describe_execution(reader.execution(execution_id)))
        return code


class Follower:
    """Reads the events of one execution as they come."""

    def __init__(self, session: Session, reader: api.LocalReader, execution_id: str) -> None:
        self.changes = api.StatusChanges()
        self._session = session
        self._reader = reader
        self.execution_id = execution_id
        self._seq = 0
        self._approved: set[str] = set()
        self._checked = time.monotonic()

    def until_end(self, tell: Callable[[Event], None], patience: Patience) -> int:
        """Hand every event to ``tell``, which takes it into ``changes``; returns the exit code."""
        began = time.monotonic()
        pause, version = FASTEST_S, -1
        while True:
            now = self._reader.version()
            if now != version:
                version, pause = now, FASTEST_S
                self._read(tell)
                if patience.auto_approve:
                    self._approve()
                code = self._code(patience)
                if code is not None:
                    return code
            late = patience.timeout is not None and time.monotonic() - began > patience.timeout
            if late and self.stop(f"timed out after {patience.timeout:g} s"):
                return TIMED_OUT
            self._check_runner()
            time.sleep(pause)
            pause = min(pause * 1.2, SLOWEST_S)

    def until_told(self) -> None:
        """Wait until an execution's end is told to its observers: its report is there then."""
        state = self.changes.state
        if state is None or state.execution.status not in api.EXECUTION_ENDED:
            return
        until = time.monotonic() + LEAVING_S
        while self._reader.attended(self.execution_id) and time.monotonic() < until:
            time.sleep(FASTEST_S)

    def _read(self, tell: Callable[[Event], None]) -> None:
        while events := self._reader.events(self.execution_id, self._seq):
            for event in events:
                # Ahead of telling: an interrupt in between must not tell, and count, it twice.
                self._seq = event.seq
                tell(event)

    def _code(self, patience: Patience) -> int | None:
        state = self.changes.state
        if state is None:
            return None
        execution = state.execution
        if execution.status in api.EXECUTION_ENDED:
            return EXIT_CODES[execution.status]
        waiting = execution.steps_waiting_for_answer
        if not patience.for_approval and waiting and waiting == execution.steps_running:
            return WAITS_FOR_APPROVAL
        return None

    def _approve(self) -> None:
        """Approve every Callback step that waits.

        Errors: ``CommandRejected`` where an approval has to bring OutputParameters.
        """
        state = self.changes.state
        for step in state.steps.values() if state is not None else ():
            if step.waits_for_answer and step.callback_token not in self._approved:
                self._approved.add(step.callback_token)
                answer = self._session.control().answer(
                    step.callback_token, success=True, comment="--auto-approve"
                )
                asyncio.run(answer)

    def stop(self, reason: str) -> bool:
        """Stop the execution, for a reason that goes on record; False where it ended just now."""
        try:
            asyncio.run(self._session.control().stop(self.execution_id, reason))
        except CommandRejected:
            return False
        self._session.note(f"{reason}: {self.execution_id} is being stopped")
        self._session.note_open_questions(self._reader.steps(self.execution_id))
        return True

    def _check_runner(self) -> None:
        """Now and then, see whether the runner still lives; a new one takes over a dead one's."""
        if time.monotonic() - self._checked > ORPHAN_CHECK_S:
            self._checked = time.monotonic()
            if self._reader.orphaned(self.execution_id):
                self._session.resume(self._session.home)


def _interrupted(session: Session, follower: Follower, tell: Callable[[Event], None]) -> int:
    """After Ctrl-C the run goes on; a second one, soon after, stops it."""
    name = follower.execution_id
    try:
        session.note(
            f"{name} goes on. Ctrl-C again within {SECOND_INTERRUPT_S:.0f} s stops it;"
            f" later: pipetui stop {name}"
        )
        time.sleep(SECOND_INTERRUPT_S)
    except KeyboardInterrupt:
        try:
            follower.stop("interrupted")
            follower.until_end(tell, Patience())
        except KeyboardInterrupt:
            session.note("left; it is being stopped")
    return INTERRUPTED
