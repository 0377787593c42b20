"""Recorded executions, played as if they happened now: nothing runs, and no home is touched.

A recording is an archive of ``tapes.json`` (what is played, and how), ``events.jsonl``, the
definitions, and the files that the runs left behind. It is unpacked into a folder that is removed
at the end; whatever changes meanwhile is in memory, or in that folder.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tarfile
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import msgspec

from engine.actor import actor
from engine.errors import CommandRejected, NotFound
from engine.ids import callback_token, execution_id
from engine.model import events as e
from engine.model.codec import decode_fact
from engine.model.status import (
    EXECUTION_ENDED,
    STEP_ENDED,
    ApprovalStatus,
    ExecutionStatus,
    StepAction,
)
from engine.model.views import ExecutionView, ModelPackageView, StepView
from engine.sources.base import (
    Capabilities,
    Graph,
    ParameterView,
    PlannedStep,
    PlanView,
    RerunRequest,
    StartRequest,
)
from engine.sources.memory import MemorySource

if TYPE_CHECKING:
    from engine.comparison.executions import Side
    from engine.definition.document import Definition
    from engine.jobs.shell import Shell
    from engine.model.events import Event

SPEED = 1.25
"""How much faster than it was recorded a run is played."""
_PLACE = "{home}"
"""Stands in a recording for the folder that it is unpacked to."""
_PAUSE_S = 4.0
"""Seconds between the end of a run that is played over and over, and its next beginning."""
_ENDINGS = (e.StepSucceeded, e.StepFailed, e.StepStopped)
_GROWING = ("job.log", "usage.jsonl")
_ONLY_RECORDED = "demo: recorded runs are played, nothing is run"
REFUSED = dict.fromkeys(("start", "retry", "parallelism", "shell"), _ONLY_RECORDED)


class Tape(msgspec.Struct, frozen=True):
    """How a recorded execution is played.

    Args:
        ago: seconds between its start and the moment that the recording is opened.
        play: ``past``, ``waits`` (the rest follows an answer) or ``loops`` (again when it ended).
    """

    execution: str
    ago: float
    play: str


_Line = tuple[str, float, str, str, msgspec.Raw]
"""Execution, time, actor, kind and fact of a recorded event."""


@dataclass(slots=True)
class Reel:
    """An execution that is played.

    Args:
        pending: what is still to happen, each with its time and actor.
        began, recorded, speed: the times of its start, now and when recorded, and the pace.
        held: whether it waits for a person's answer.
    """

    tape: Tape
    execution_id: str
    pending: deque[tuple[float, str, e.Fact]]
    began: float
    recorded: float
    speed: float
    loops: bool
    held: bool = False
    started: dict[str, float] = field(default_factory=dict)
    """Step -> when its job began."""

    @property
    def live(self) -> bool:
        """Whether it is played anew, not where it was recorded."""
        return self.execution_id != self.tape.execution

    def moment(self, at: float) -> float:
        """When something happens that was recorded at a time."""
        return self.began + (at - self.recorded) / self.speed

    def share(self, step: str, now: float) -> float:
        """How much of a step's job is over, 0 to 1."""
        end = next((at for at, _, fact in self.pending if _ends(fact, step)), now)
        begun = self.started.get(step, now)
        return min(1.0, (now - begun) / (end - begun)) if end > begun else 1.0


def _ends(fact: e.Fact, step: str) -> bool:
    return isinstance(fact, _ENDINGS) and fact.step == step


class ReplaySource(MemorySource):
    """``Source`` over a recording that goes on as time passes; made by ``ReplaySource.open``."""

    def __init__(self, folder: TemporaryDirectory[str], now: Callable[[], float]) -> None:
        self._folder = folder
        self.home = Path(folder.name)
        super().__init__("demo: recorded runs", self.home / "s3")
        self.capabilities = Capabilities("demo: recorded runs", REFUSED)
        self.now = now
        self.reels: dict[str, Reel] = {}
        self._definitions: dict[str, Definition] = {}
        tapes = msgspec.json.decode((self.home / "tapes.json").read_bytes(), type=list[Tape])
        self._tapes = {one.execution: one for one in tapes}
        self._lines: dict[str, list[str]] = {one.execution: [] for one in tapes}
        for line in (self.home / "events.jsonl").read_text("utf-8").splitlines():
            self._lines[json.loads(line)[0]].append(line)
        for tape in tapes:
            loops = tape.play == "loops"
            self._load(tape, now() - tape.ago, loops=loops, live=loops)
        self.play()

    @classmethod
    async def open(cls, archive: Path, now: Callable[[], float]) -> ReplaySource:
        """Unpack a recording.

        Args:
            now: gives the present, in seconds since the epoch.
        """
        folder = TemporaryDirectory(prefix="pipetui-demo-")
        await asyncio.to_thread(_unpack, archive, folder.name)
        return cls(folder, now)

    async def close(self) -> None:
        """See ``Source.close``: remove what was unpacked."""
        await asyncio.to_thread(self._folder.cleanup)

    def begin(self, recorded: str) -> str:
        """Play a recorded execution from now on, as a new one; returns its id.

        Args:
            recorded: it, or one that was played from it.
        """
        tape = self.reels[recorded].tape
        return self._load(tape, self.now(), loops=False, live=True).execution_id

    def _load(self, tape: Tape, began: float, *, loops: bool, live: bool) -> Reel:
        name = execution_id() if live else tape.execution
        text = "\n".join(self._lines[tape.execution]).replace(_PLACE, str(self.home))
        if live:
            text = text.replace(f"executions/{tape.execution}/", f"executions/{name}/")
        lines = [msgspec.json.decode(line, type=_Line) for line in text.splitlines()]
        reel = Reel(
            tape, name, deque(), began, lines[0][1], SPEED if live else 1.0, loops and live
        )
        for _, at, who, kind, raw in lines:
            fact = decode_fact(kind, bytes(raw))
            if live and isinstance(fact, e.ModelPackageCreated):
                # The recording registered that version, once.
                continue
            if live and isinstance(fact, e.CallbackRequested | e.CallbackAnswered):
                token = callback_token(name, fact.step, 1)
                fact = msgspec.structs.replace(fact, token=token) if False else _with(fact, token)
            reel.pending.append((reel.moment(at), who, fact))
        if not live:
            self._retime(reel)
        self.reels[name] = reel
        return reel
