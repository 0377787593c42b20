"""Decides which step may start, which never will, and how an execution ends (pure).

Rules (sections 2.3, 3.2 and 3.3 of the pipelines reference; ADR 0003 has those the service
leaves open):

* A step is ready when every dependency has ended the way its trigger asks for; a plain name asks
  for Succeeded.
* A member of a branch waits for its Condition and is skipped when the other branch is taken;
  whatever depends on a skipped step is skipped too.
* After a failure no new step starts, except those whose trigger asks for Failed, Stopped or Any,
  and what follows from them; what runs already goes on to its end, through its retries too.
* Among ready steps, the one with the longest chain of dependents goes first.
* A step with a breakpoint is held when it is ready, until somebody releases it: it takes no slot,
  all others go on, and the execution does not end while a held step could still start.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from engine.definition.document import Step, Trigger
from engine.definition.graph import Edge, Graph
from engine.model.events import Fact, StepBlocked, StepHeld, StepSkipped
from engine.model.status import STEP_ENDED, ExecutionStatus, StepStatus
from engine.model.views import StepView

FAILURE_REASON = "Step failure: One or multiple steps failed"
"""PipelineExecutionFailureReason of the service; the details stand on the steps."""


Urgency = tuple[int, int]
"""What sorts first starts first: less the steps of the longest chain from here, the position."""


class _Verdict(Enum):
    OPEN = auto()
    MET = auto()
    SKIP = auto()
    BLOCK = auto()


@dataclass(frozen=True, slots=True)
class Ending:
    """How an execution ends, and the steps that it leaves behind."""

    status: ExecutionStatus
    failure_reason: str
    facts: tuple[Fact, ...]


class Scheduler:
    """Follows one execution from settled step to settled step.

    Args:
        steps: of the definition, by name.
        graph: of the definition.
        views: the steps as they stand; read once, never kept.

    The caller appends the facts that ``begin``, ``settle`` and ``hold`` return, starts what
    ``take`` returns, and feeds every step that ends to ``settle``.
    """

    def __init__(
        self, steps: Mapping[str, Step], graph: Graph, views: Mapping[str, StepView]
    ) -> None:
        self._steps = steps
        self._graph = graph
        self._status = {name: view.status for name, view in views.items()}
        self._outcome = {name: view.outcome for name, view in views.items()}
        self._rank = _ranks(graph)
        self._rescuers = _rescuers(graph)
        self._open: dict[str, int] = {}
        self._ready: list[tuple[int, int, str]] = []
        self._running = sum(1 for view in views.values() if view.running)
        self._begun = {view.name for view in views.values() if view.started_at is not None}
        failed = [view for view in views.values() if view.status is StepStatus.FAILED]
        self._failures = [view.name for view in sorted(failed, key=lambda view: view.seq)]
        self._stopping = False
        self._breakpoints = {view.name for view in views.values() if view.breakpoint}
        self._told_held = {view.name for view in views.values() if view.held}
        self._held: set[str] = set()

    def begin(self) -> list[Fact]:
        """Take in the state as it stands; returns the facts it entails (skipped, blocked)."""
        facts: list[Fact] = []
        for name in self._graph.order:
            if self._status[name] is StepStatus.WAITING and name not in self._open:
                facts += self._weigh(name)
        return facts

    def settle(self, name: str, status: StepStatus, outcome: bool | None = None) -> list[Fact]:
        """Take in a running step that has ended; returns the facts that follow from it.

        Args:
            outcome: what a Condition step decided.
        """
        self._running -= 1
        self._status[name] = status
        self._outcome[name] = outcome
        if status is StepStatus.FAILED:
            self._failures.append(name)
        return self._spread(name)

    def reopen(self, name: str) -> None:
        """Take in that a running step's attempt is gone and the step may start again."""
        self._status[name] = StepStatus.WAITING
        self._begun.add(name)
        self._running -= 1
        self._push(name)

    def hold(self, name: str) -> list[Fact]:
        """Hold a step that has not started as soon as it is ready; returns what follows."""
        self._breakpoints.add(name)
        waiting = [entry for entry in self._ready if entry[2] != name]
        if len(waiting) == len(self._ready):
            return []
        self._ready = waiting
        heapq.heapify(self._ready)
        return self._push(name)

    def release(self, name: str) -> None:
        """Let a step start as it would without a breakpoint."""
        self._breakpoints.discard(name)
        self._told_held.discard(name)
        if name in self._held:
            self._held.discard(name)
            self._push(name)

    def stop(self) -> None:
        """Start nothing any more."""
        self._stopping = True

    def take(self, slots: int) -> list[str]:
        """The steps to start now, as many as ``slots`` leaves free; they count as running."""
        taken: list[str] = []
        while self._running < slots and self.next() is not None:
            name = heapq.heappop(self._ready)[2]
            self._status[name] = StepStatus.STARTING
            self._running += 1
            taken.append(name)
        return taken

    def next(self) -> Urgency | None:
        """How urgent the step is that would start next; None where none can."""
        while self._ready and not self._stopping:
            height, position, name = self._ready[0]
            if self._may_start(name):
                return height, position
            # A failure does not heal in this run: this step stays waiting until the end.
            heapq.heappop(self._ready)
        return None

    def _may_start(self, name: str) -> bool:
        return not self._failures or name in self._rescuers or name in self._begun

    def urgency(self, name: str) -> Urgency:
        """How urgent a step is."""
        rank, position = self._rank[name]
        return -rank, position

    @property
    def statuses(self) -> Mapping[str, StepStatus]:
        """How every step stands."""
        return self._status

    @property
    def stopping(self) -> bool:
        """Whether nothing starts any more."""
        return self._stopping

    @property
    def running(self) -> int:
        """How many steps were taken and have not settled."""
        return self._running

    def ending(self) -> Ending | None:
        """How the execution ends; None while something runs, may start, or is held and could.

        To be asked after ``take`` returned nothing although a slot was free.
        """
        held = not self._stopping and any(map(self._may_start, self._held))
        if self._running or held:
            return None
        left = [n for n in self._graph.order if self._status[n] is StepStatus.WAITING]
        if self._failures:
            first = self._failures[0]
            rescued = any(self._ran_for_failure(name) for name in self._rescuers)
            status = ExecutionStatus.COMPLETED_WITH_FAILURES if rescued else ExecutionStatus.FAILED
            reason, why = FAILURE_REASON, f"not started: {first} failed first"
        elif self._stopping or StepStatus.STOPPED in self._status.values():
            status, reason, why = ExecutionStatus.STOPPED, "", "not started: the execution stopped"
        else:
            status, reason, why = ExecutionStatus.SUCCEEDED, "", "not started"
        if self._stopping and status is not ExecutionStatus.FAILED:
            status = ExecutionStatus.STOPPED
        return Ending(status, reason, tuple(StepBlocked(name, why) for name in left))

    def _ran_for_failure(self, name: str) -> bool:
        return self._status[name] in STEP_ENDED and any(
            edge.trigger in (Trigger.FAILED, Trigger.ANY)
            and self._status[edge.source] is StepStatus.FAILED
            for edge in self._graph.dependencies(name)
        )

    def _spread(self, name: str) -> list[Fact]:
        """Weigh what depends on a settled step, and what depends on that where it is given up."""
        facts: list[Fact] = []
        queue = deque([name])
        while queue:
            for edge in self._graph.dependents(queue.popleft()):
                target = edge.target
                if self._status[target] is not StepStatus.WAITING:
                    continue
                verdict = self._verdict(edge)
                if verdict is _Verdict.MET:
                    self._open[target] -= 1
                    if not self._open[target]:
                        facts += self._push(target)
                elif verdict is not _Verdict.OPEN:
                    facts.append(self._give_up(target, edge, verdict))
                    queue.append(target)
        return facts

    def _weigh(self, name: str) -> list[Fact]:
        """Look at all dependencies of a step that is waiting."""
        waits_for = 0
        for edge in self._graph.dependencies(name):
            verdict = self._verdict(edge)
            if verdict is _Verdict.OPEN:
                waits_for += 1
            elif verdict is not _Verdict.MET:
                return [self._give_up(name, edge, verdict)]
        self._open[name] = waits_for
        return [] if waits_for else self._push(name)

    def _push(self, name: str) -> list[Fact]:
        """Let a step that is ready start, or hold it; returns the fact that says so."""
        if name not in self._breakpoints or name in self._begun:
            heapq.heappush(self._ready, (*self.urgency(name), name))
            return []
        self._held.add(name)
        if name in self._told_held:
            return []
        self._told_held.add(name)
        return [StepHeld(name)]

    def _give_up(self, name: str, edge: Edge, verdict: _Verdict) -> Fact:
        source, status = edge.source, self._status[edge.source]
        if verdict is _Verdict.BLOCK:
            self._status[name] = StepStatus.BLOCKED
            return StepBlocked(name, f"{source} {_ENDED_AS.get(status, 'did not run')}")
        self._status[name] = StepStatus.SKIPPED
        if edge.kind == "branch" and status is StepStatus.SUCCEEDED:
            taken = "True" if self._outcome[source] else "False"
            return StepSkipped(name, f"branch not taken: {source} is {taken}")
        if status is StepStatus.SKIPPED:
            return StepSkipped(name, f"{source} was skipped")
        wanted = edge.trigger.value.lower()
        return StepSkipped(
            name, f"runs when {source} has {wanted}; it {_ENDED_AS.get(status, 'did not run')}"
        )

    def _verdict(self, edge: Edge) -> _Verdict:
        status = self._status[edge.source]
        if status is StepStatus.SKIPPED:
            return _Verdict.SKIP
        if status is StepStatus.BLOCKED:
            return _Verdict.BLOCK if edge.trigger is Trigger.SUCCEEDED else _Verdict.SKIP
        if status not in STEP_ENDED:
            return _Verdict.OPEN
        if edge.trigger is not Trigger.SUCCEEDED:
            met = edge.trigger is Trigger.ANY or edge.trigger.value == status.value
            return _Verdict.MET if met else _Verdict.SKIP
        if status is not StepStatus.SUCCEEDED:
            return _Verdict.BLOCK
        if edge.kind == "branch" and self._steps[edge.target].branch != self._outcome[edge.source]:
            return _Verdict.SKIP
        return _Verdict.MET


_ENDED_AS = {
    StepStatus.FAILED: "failed",
    StepStatus.STOPPED: "was stopped",
    StepStatus.SUCCEEDED: "succeeded",
    StepStatus.BLOCKED: "could not start",
    StepStatus.SKIPPED: "was skipped",
}


def _ranks(graph: Graph) -> dict[str, tuple[int, int]]:
    """For each step, the length of the longest chain of dependents, and its position."""
    height: dict[str, int] = {}
    for name in reversed(graph.order):
        height[name] = 1 + max((height[e.target] for e in graph.dependents(name)), default=0)
    return {name: (height[name], position) for position, name in enumerate(graph.order)}


def _rescuers(graph: Graph) -> frozenset[str]:
    """Steps that may start after a failure: those with such a trigger, and what follows."""
    found: set[str] = set()
    for name in graph.order:
        if any(
            edge.trigger is not Trigger.SUCCEEDED or edge.source in found
            for edge in graph.dependencies(name)
        ):
            found.add(name)
    return frozenset(found)
