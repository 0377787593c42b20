"""What each step did when: phases of its attempts, worked out from a moment of an execution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from pipetui.dag.critical import critical_path
from pipetui.viewmodel.executions import step_seconds
from pipetui.viewmodel.moment import Moment
from pipetui.viewmodel.steps import dag

if TYPE_CHECKING:
    from engine.api import AttemptView, Graph, StepView

_SETTLED = frozenset({"Succeeded", "Failed", "Stopped", "Skipped", "Blocked"})
_BADLY = frozenset({"Failed", "Stopped"})


class Phase(Enum):
    """What a step does, or waits for."""

    QUEUED = "queued"
    """All it depends on is there; it waits for a free slot, or for its next attempt."""
    STARTING = "starting"
    """Inputs and environment are being prepared."""
    RUNNING = "running"
    FINALISING = "finalising"
    """Its job has ended; outputs are being stored."""
    ASKING = "asks you"


@dataclass(frozen=True, slots=True)
class Bar:
    """One phase of one attempt, in seconds since the epoch.

    Args:
        attempt: number of the attempt; for a queued one that which it waits to begin.
        ended: status with which the attempt ended badly, on its last bar.
    """

    phase: Phase
    start: float
    end: float
    attempt: int
    ended: str = ""


def bars(
    step: StepView, ready: float | None, now: float, *, retried: Sequence[float] = ()
) -> tuple[Bar, ...]:
    """The phases of a step, one after the other.

    Args:
        ready: when all it depends on was there; None before, or where nobody knows.
        now: the end of what goes on.
        retried: when the execution was told to go on after it had ended.
    """
    found: list[Bar] = []
    free = ready
    for attempt in step.attempts:
        found += _queued(free, attempt.started_at, attempt.number, retried)
        found += _phases(step, attempt, now)
        free = attempt.started_at if attempt.ended_at is None else attempt.ended_at
    if step.status == "Waiting":
        found += _queued(free, now, step.attempt + 1, retried)
    return tuple(found)


def _queued(
    start: float | None, end: float, attempt: int, retried: Sequence[float]
) -> tuple[Bar, ...]:
    if start is None:
        return ()
    start = max([start, *(at for at in retried if at <= end)])
    return (Bar(Phase.QUEUED, start, end, attempt),) if start < end else ()


def _phases(step: StepView, attempt: AttemptView, now: float) -> list[Bar]:
    start, number = attempt.started_at, attempt.number
    end = max(start, now if attempt.ended_at is None else attempt.ended_at)
    running, finalising = attempt.executing_at, attempt.finalising_at
    if running is None:
        # Steps without a job, and those recorded before it was, say no more than that they ran.
        waits = attempt.status == "Starting" or (attempt.directory and not attempt.handle)
        running = end if waits and attempt.directory else start
    at_work = Phase.ASKING if step.type == "Callback" else Phase.RUNNING
    cuts = [start, min(max(start, running), end)]
    cuts.append(end if finalising is None else min(max(cuts[1], finalising), end))
    cuts.append(end)
    phases = (Phase.STARTING, at_work, Phase.FINALISING)
    found = [
        Bar(phase, cuts[index], cuts[index + 1], number)
        for index, phase in enumerate(phases)
        if cuts[index] < cuts[index + 1]
    ] or [Bar(at_work, start, end, number)]
    if attempt.status in _BADLY:
        last = found[-1]
        ended = "Lost" if attempt.lost else str(attempt.status)
        found[-1] = Bar(last.phase, last.start, last.end, number, ended)
    return found


class Chart:
    """The bars of an execution at a moment; each step's are worked out when asked for."""

    def __init__(self, moment: Moment) -> None:
        self.moment = moment
        self.begin = moment.execution.created_at
        self.end = self.begin if moment.execution.ended_at is None else moment.execution.ended_at
        if moment.execution.ended_at is None:
            self.end = max(self.begin, moment.now)
        self._after = _waits(moment.graph)
        self._retried = [one.at for one in moment.events if one.kind == "ExecutionRetried"]
        self._bars: dict[str, tuple[Bar, ...]] = {}
        self.critical = frozenset(_critical(moment))

    def bars(self, name: str) -> tuple[Bar, ...]:
        """The phases of a step."""
        if name not in self._bars:
            step = self.moment.steps[name]
            self._bars[name] = bars(step, self._ready(step), self.end, retried=self._retried)
        return self._bars[name]

    def _ready(self, step: StepView) -> float | None:
        """When all that a step depends on was there."""
        if self._after is None or step.status in ("Skipped", "Blocked"):
            return None
        at = self.begin
        for source, kind in self._after.get(step.name, ()):
            other = self.moment.steps.get(source)
            if other is None:
                continue
            if kind == "body":
                if other.started_at is None:
                    return None
                at = max(at, other.started_at)
            elif other.status not in _SETTLED and not step.attempts:
                return None
            elif other.ended_at is not None:
                at = max(at, other.ended_at)
        return at

    def doing(self, at: float) -> Mapping[Phase, list[str]]:
        """The steps in each phase at a time."""
        found: dict[Phase, list[str]] = {}
        for name in self.moment.steps:
            for bar in self.bars(name):
                if bar.start <= at < bar.end:
                    found.setdefault(bar.phase, []).append(name)
        return found


def _waits(graph: Graph | None) -> dict[str, list[tuple[str, str]]] | None:
    if graph is None:
        return None
    found: dict[str, list[tuple[str, str]]] = {}
    for edge in graph.edges:
        found.setdefault(edge.target, []).append((edge.source, edge.kind))
    return found


def _critical(moment: Moment) -> tuple[str, ...]:
    if moment.graph is None:
        return ()
    spent = {name: step_seconds(step, moment.now) or 0.0 for name, step in moment.steps.items()}
    return critical_path(dag(moment.graph), spent)
