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
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import msgspec

from engine.errors import NotFound
from engine.ids import callback_token, replayed_id
from engine.model import events as e
from engine.model.codec import decode_fact
from engine.model.views import ExecutionView, StepView
from engine.sources.base import (
    Capabilities,
    Graph,
    ParameterView,
)
from engine.sources.memory import MemorySource

if TYPE_CHECKING:
    from engine.comparison.executions import Side
    from engine.definition.document import Definition
    from engine.model.events import Event

SPEED = 1.25
"""How much faster than it was recorded a run is played."""
_PLACE = "{home}"
"""Stands in a recording for the folder that it is unpacked to."""
_PAUSE_S = 4.0
"""Seconds between the end of a run that is played over and over, and its next beginning."""
_ENDINGS = (e.StepSucceeded, e.StepFailed, e.StepStopped)
_WITH_TOKEN = (e.CallbackRequested, e.CallbackMessageSent, e.CallbackAnswered)
_LOG, _USAGE = "job.log", "usage.jsonl"
ONLY_RECORDED = "demo: recorded runs are played, nothing is run"
_REFUSED = dict.fromkeys(("start", "retry", "parallelism", "breakpoint", "shell"), ONLY_RECORDED)


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
        self.capabilities = Capabilities("demo: recorded runs", _REFUSED)
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
        name = replayed_id(tape.execution, len(self.reels)) if live else tape.execution
        text = "\n".join(self._lines[tape.execution]).replace(_PLACE, str(self.home))
        if live:
            text = text.replace(f"executions/{tape.execution}/", f"executions/{name}/")
        lines = [msgspec.json.decode(line, type=_Line) for line in text.splitlines()]
        reel = Reel(tape, name, deque(), began, lines[0][1], SPEED if live else 1.0, loops and live)
        for _, at, who, kind, raw in lines:
            fact = decode_fact(kind, bytes(raw))
            if live and isinstance(fact, e.ModelPackageCreated):
                # The recording registered that version, once.
                continue
            if live and isinstance(fact, _WITH_TOKEN):
                fact = replace(fact, token=callback_token(name, fact.step, 1))
            reel.pending.append((reel.moment(at), who, fact))
        if not live:
            self._retime(reel)
        self.reels[name] = reel
        return reel

    def _retime(self, reel: Reel) -> None:
        """Give the samples of jobs that ran the times at which they are said to have run."""
        for file in (self.home / "executions" / reel.execution_id).rglob(_USAGE):
            first = json.loads(file.read_text("utf-8").partition("\n")[0])[0]
            rows = _samples(file, reel.moment(first), reel.speed)
            file.write_bytes(b"".join(row for _, row in rows))

    def play(self) -> None:
        """Let happen what has happened by now."""
        now = self.now()
        due = []
        for reel in list(self.reels.values()):
            while reel.pending and reel.pending[0][0] <= now and not reel.held:
                if reel.tape.play == "waits" and isinstance(reel.pending[0][2], e.CallbackAnswered):
                    reel.held = True
                else:
                    due.append((*reel.pending.popleft(), reel))
        for at, who, fact, reel in sorted(due, key=lambda one: one[0]):
            self.happen(reel, fact, at, who)
        for reel in [one for one in self.reels.values() if one.live]:
            for step in self.state(reel.execution_id).steps.values():
                if step.running:
                    self._grow(reel, step, now)
            if reel.loops and self.state(reel.execution_id).execution.ended_at is not None:
                self._again(reel, now)

    def _again(self, reel: Reel, now: float) -> None:
        ended = self.state(reel.execution_id).execution.ended_at or now
        if now >= ended + _PAUSE_S:
            reel.loops = False
            self._load(reel.tape, now, loops=True, live=True)
            self.play()

    def happen(self, reel: Reel, fact: e.Fact, at: float, who: str) -> None:
        """Add a fact of an execution that is played, with the files that it leaves."""
        known = self.states.get(reel.execution_id)
        if reel.live and known is not None and isinstance(fact, _ENDINGS):
            self._grow(reel, known.steps[fact.step], at)
        package = isinstance(fact, e.ModelPackageCreated | e.ModelApprovalChanged)
        self.add("" if package else reel.execution_id, fact, at, who)
        if isinstance(fact, e.StepExecuting):
            reel.started[fact.step] = at
        if reel.live and isinstance(fact, e.StepStarted) and fact.directory:
            kept = self._recorded(reel, fact.directory)
            if kept.is_dir():
                left_out = shutil.ignore_patterns(_LOG, _USAGE)
                shutil.copytree(kept, fact.directory, ignore=left_out, dirs_exist_ok=True)

    def _recorded(self, reel: Reel, directory: str) -> Path:
        """The folder of the attempt that an attempt is played from."""
        below = Path(directory).relative_to(self.home / "executions" / reel.execution_id)
        return self.home / "executions" / reel.tape.execution / below

    def _grow(self, reel: Reel, step: StepView, now: float) -> None:
        """Write as much of a job's log and of its samples as there was at that time."""
        if not step.directory or step.name not in reel.started:
            return
        place = Path(step.directory)
        kept = self._recorded(reel, step.directory)
        share = reel.share(step.name, now)
        if (kept / _LOG).is_file():
            text = (kept / _LOG).read_bytes()
            size = len(text) if share >= 1 else text.rfind(b"\n", 0, int(len(text) * share)) + 1
            _extend(place / _LOG, text[:size])
        if (kept / _USAGE).is_file():
            rows = _samples(kept / _USAGE, reel.started.get(step.name, now), reel.speed)
            _extend(place / _USAGE, b"".join(one for at, one in rows if at <= now))

    async def executions(
        self, *, limit: int = 200, before: float = 0.0, pipeline: str = ""
    ) -> list[ExecutionView]:
        """See ``Source.executions``."""
        self.play()
        return await super().executions(limit=limit, before=before, pipeline=pipeline)

    async def events(self, execution_id: str, after: int = 0, limit: int = 1000) -> list[Event]:
        """See ``Source.events``."""
        self.play()
        return await super().events(execution_id, after, limit)

    def definition(self, execution_id: str) -> Definition:
        """The definition that an execution ran."""
        from engine.definition.loader import load

        sha = self.state(execution_id).execution.definition
        if sha not in self._definitions:
            self._definitions[sha] = load(self._text(sha))
        return self._definitions[sha]

    def _text(self, sha: str) -> str:
        return (self.home / "definitions" / sha).read_text("utf-8")

    async def graph(self, execution_id: str) -> Graph:
        """See ``Source.graph``."""
        from engine.sources.local import graph_of

        return graph_of(self.definition(execution_id), await self.steps(execution_id))

    async def raw_arguments(self, execution_id: str, step: str) -> Any:
        """See ``Source.raw_arguments``."""
        from engine.sources.local import written

        known = self.definition(execution_id).steps
        if step not in known:
            raise NotFound(f"execution {execution_id} has no step {step}", code="step-not-found")
        return written(known[step])

    async def parameters(self, execution_id: str) -> list[ParameterView]:
        """See ``Source.parameters``."""
        from engine.sources.local import parameter_views

        return parameter_views(self.definition(execution_id))

    def wanted(self, step: StepView) -> tuple[ParameterView, ...]:
        """See ``MemorySource.wanted``."""
        outputs = self.definition(step.execution_id).steps[step.declared_name].output_parameters
        return tuple(ParameterView(one.name, one.type, required=True) for one in outputs)

    def side(self, execution_id: str) -> Side:
        """See ``MemorySource.side``."""
        from engine.definition.loader import document

        text = self._text(self.state(execution_id).execution.definition)
        return replace(super().side(execution_id), definition=document(text))


def _unpack(archive: Path, folder: str) -> None:
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")


def _samples(file: Path, began: float, speed: float) -> list[tuple[float, bytes]]:
    """The rows of a job's samples with their times, had it begun at another one."""
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    moved = [[round(began + (row[0] - rows[0][0]) / speed, 2), *row[1:]] for row in rows]
    return [(row[0], json.dumps(row).encode() + b"\n") for row in moved]


def _extend(file: Path, content: bytes) -> None:
    """Append what a file does not hold yet, as a job would."""
    with file.open("ab") as opened:
        opened.write(content[opened.tell() :])
