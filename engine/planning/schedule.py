"""The scheduler of an execution, and one for every iteration of its ForEach steps (pure).

An iteration is a small execution of its own, by the same rules: a failure in it starts nothing
new in it and touches no other. Its steps take slots of the execution; the ForEach around them,
which only waits, takes none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter

from engine.definition.document import Definition
from engine.definition.graph import Graph
from engine.model.events import Fact
from engine.model.status import StepStatus
from engine.model.views import StepView
from engine.planning.foreach import Iteration, outer_graph
from engine.planning.scheduler import Ending, Scheduler, Urgency


@dataclass(frozen=True, slots=True)
class LoopEnd:
    """A ForEach whose iterations are over, and how each of their steps stands."""

    step: str
    statuses: Mapping[str, StepStatus]


class Schedule:
    """As ``Scheduler``, which see, with what the iterations of ForEach steps need.

    The caller hands the iterations of a ForEach that was taken to ``expand``, and asks ``advance``
    each time before it takes: that begins the next ones, and tells which ForEach steps to settle.
    """

    def __init__(self, definition: Definition, graph: Graph, views: Mapping[str, StepView]) -> None:
        self._outer = Scheduler(
            definition.steps,
            outer_graph(definition, graph),
            {name: view for name, view in views.items() if not view.parent},
        )
        self._loops: dict[str, _Loop] = {}
        self._owner: dict[str, Scheduler] = {}

    def begin(self) -> list[Fact]:
        """See ``Scheduler.begin``; iterations begin with ``expand`` and ``advance``."""
        return self._outer.begin()

    def expand(
        self,
        step: str,
        iterations: Iterable[Iteration],
        concurrency: int,
        views: Mapping[str, StepView],
    ) -> list[Fact]:
        """Take in the iterations of a ForEach that runs, and begin the first of them.

        Returns the facts that follow.

        Args:
            concurrency: how many iterations may be under way at once.
            views: the steps as they stand; read once, never kept.
        """
        schedulers = []
        for one in iterations:
            inner = Scheduler(one.steps, one.graph, {name: views[name] for name in one.steps})
            if self._outer.stopping:
                inner.stop()
            schedulers.append(inner)
            self._owner |= dict.fromkeys(one.steps, inner)
        loop = self._loops[step] = _Loop(schedulers, concurrency, self._outer.urgency(step))
        return loop.advance()

    def advance(self) -> tuple[list[Fact], list[LoopEnd]]:
        """Begin the iterations there is room for.

        Returns the facts that follow, and the ForEach steps that have nothing left to do; the
        caller settles those.
        """
        facts: list[Fact] = []
        ended: list[LoopEnd] = []
        for step, loop in list(self._loops.items()):
            facts += loop.advance()
            if not loop.active:
                del self._loops[step]
                ended.append(LoopEnd(step, loop.statuses()))
        return facts, ended

    def settle(self, name: str, status: StepStatus, outcome: bool | None = None) -> list[Fact]:
        """See ``Scheduler.settle``."""
        return self._of(name).settle(name, status, outcome)

    def reopen(self, name: str) -> None:
        """See ``Scheduler.reopen``."""
        self._of(name).reopen(name)

    def hold(self, name: str) -> list[Fact]:
        """See ``Scheduler.hold``."""
        return self._of(name).hold(name)

    def release(self, name: str) -> None:
        """See ``Scheduler.release``."""
        self._of(name).release(name)

    def _of(self, name: str) -> Scheduler:
        return self._owner.get(name, self._outer)

    def stop(self) -> None:
        """Start nothing any more."""
        for scheduler in (self._outer, *self._owner.values()):
            scheduler.stop()

    @property
    def stopping(self) -> bool:
        """Whether nothing starts any more."""
        return self._outer.stopping

    @property
    def loops(self) -> tuple[str, ...]:
        """The ForEach steps whose iterations are under way."""
        return tuple(self._loops)

    @property
    def running(self) -> int:
        """How many steps were taken and have not settled, without ForEach steps that wait."""
        inner = sum(one.running for loop in self._loops.values() for one in loop.active)
        return self._outer.running - len(self._loops) + inner

    def take(self, slots: int) -> list[str]:
        """See ``Scheduler.take``."""
        if not self._loops:
            return self._outer.take(slots)
        taken: list[str] = []
        for _ in range(slots - self.running):
            found = min(self._next(), key=itemgetter(0), default=None)
            if found is None:
                break
            _, scheduler = found
            taken += scheduler.take(scheduler.running + 1)
        return taken

    def _next(self) -> Iterable[tuple[tuple[int, ...], Scheduler]]:
        """The schedulers that have a step to start, each with how urgent that is.

        A step of an iteration has behind it the chain in its iteration, then that of the ForEach.
        """
        if urgency := self._outer.next():
            yield urgency, self._outer
        for loop in self._loops.values():
            for number, scheduler in enumerate(loop.active):
                if urgency := scheduler.next():
                    chain, position = loop.urgency
                    yield (chain + urgency[0], position, number, urgency[1]), scheduler

    def ending(self) -> Ending | None:
        """See ``Scheduler.ending``."""
        return self._outer.ending()


class _Loop:
    """The iterations of one ForEach, begun in their order.

    Args:
        urgency: of the ForEach.
    """

    def __init__(self, iterations: list[Scheduler], concurrency: int, urgency: Urgency) -> None:
        self.urgency = urgency
        self.active: list[Scheduler] = []
        self._all = iterations
        self._waiting = deque(iterations)
        self._concurrency = concurrency

    def advance(self) -> list[Fact]:
        """End the iterations that are over, and begin others in their place."""
        facts: list[Fact] = []
        while True:
            for one in [one for one in self.active if one.next() is None]:
                ending = one.ending()
                if ending is not None:
                    facts += ending.facts
                    self.active.remove(one)
            if not self._waiting or len(self.active) >= self._concurrency:
                return facts
            self.active.append(self._waiting.popleft())
            facts += self.active[-1].begin()

    def statuses(self) -> dict[str, StepStatus]:
        """How every step of the iterations stands, now that none will start any more."""
        blocked = {StepStatus.WAITING: StepStatus.BLOCKED}
        return {
            name: blocked.get(status, status)
            for one in self._all
            for name, status in one.statuses.items()
        }
