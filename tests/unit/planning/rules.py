"""The scheduling rules written down naively: everything is worked out anew on every question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.definition.document import Definition, Step, Trigger
from engine.model.events import Fact, StepBlocked, StepSkipped
from engine.model.status import ExecutionStatus, StepStatus

ENDED = ("Succeeded", "Failed", "Stopped")
GIVEN_UP = {StepSkipped: StepStatus.SKIPPED, StepBlocked: StepStatus.BLOCKED}


class Rules:
    """What may and must happen in an execution, by sections 2.3 and 3.2 to 3.4 of the reference.

    Args:
        status: of every step; the caller keeps it up to date, as ``outcome`` of the Conditions.
    """

    def __init__(
        self,
        definition: Definition,
        order: tuple[str, ...],
        status: Mapping[str, StepStatus],
        outcome: Mapping[str, bool | None],
    ) -> None:
        self.steps = definition.steps
        self.order = order
        self.status = status
        self.outcome = outcome
        self.stopping = False
        self.begun: set[str] = set()
        """Steps of which an attempt was made; a retry of one is no new start."""
        self.breakpoints: set[str] = set()

    def startable(self) -> list[str]:
        """The steps that may start now, the most urgent first."""
        may = [name for name in self.could_start() if name not in self.held()]
        return sorted(may, key=lambda name: (-self.chain(name), self.order.index(name)))

    def could_start(self) -> list[str]:
        """The steps that may start now or are held."""
        if self.stopping:
            return []
        return [
            name
            for name in self.ready()
            if not self.any("Failed") or self.rescues(name) or name in self.begun
        ]

    def held(self) -> list[str]:
        """The steps that a breakpoint holds: nothing else is left that they wait for."""
        return [name for name in self.ready() if name in self.breakpoints - self.begun]

    def ready(self) -> list[str]:
        return [
            name
            for name in self.waiting()
            if all(self.answer(name, *one) == "met" for one in self.sources(name))
        ]

    def reasons_to_give_up(self, name: str) -> set[StepStatus]:
        """The ways in which a waiting step will never start: skipped, blocked."""
        answers = {self.answer(name, *one) for one in self.sources(name)}
        known = {"skip": StepStatus.SKIPPED, "block": StepStatus.BLOCKED}
        return {known[one] for one in answers if one in known}

    def allows(self, fact: Fact) -> bool:
        """Whether a step may be given up the way ``fact`` says."""
        assert isinstance(fact, StepSkipped | StepBlocked)
        waits = self.status[fact.step] is StepStatus.WAITING
        return waits and GIVEN_UP[type(fact)] in self.reasons_to_give_up(fact.step)

    def hopeless(self) -> list[str]:
        """Waiting steps that should have been given up."""
        return [name for name in self.waiting() if self.reasons_to_give_up(name)]

    def waiting(self) -> list[str]:
        return [name for name in self.order if self.status[name] is StepStatus.WAITING]

    def any(self, status: str) -> bool:
        return any(one.value == status for one in self.status.values())

    def end(self) -> ExecutionStatus:
        """How an execution in which nothing runs and nothing may start has ended."""
        rescued = any(
            trigger in ("Failed", "Any")
            and self.status[source].value == "Failed"
            and self.status[name].value in ENDED
            for name in self.steps
            for source, trigger, _ in self.sources(name)
        )
        if self.any("Failed") and not rescued:
            return ExecutionStatus.FAILED
        if self.stopping:
            return ExecutionStatus.STOPPED
        if self.any("Failed"):
            return ExecutionStatus.COMPLETED_WITH_FAILURES
        return ExecutionStatus.STOPPED if self.any("Stopped") else ExecutionStatus.SUCCEEDED

    def sources(self, name: str) -> Iterator[tuple[str, str, bool]]:
        """What a step waits for: step, trigger, and whether it is the Condition around it."""
        one: Step = self.steps[name]
        for dependency in one.depends_on:
            yield dependency.step, dependency.trigger.value, False
        if one.parent:
            yield one.parent, Trigger.SUCCEEDED.value, True

    def answer(self, name: str, source: str, trigger: str, around: bool) -> str:
        status = self.status[source].value
        if status == "Skipped":
            return "skip"
        if status == "Blocked":
            return "block" if trigger == "Succeeded" else "skip"
        if status not in ENDED:
            return "open"
        if around and status == "Succeeded":
            return "met" if self.outcome[source] is self.steps[name].branch else "skip"
        if trigger in ("Any", status):
            return "met"
        return "block" if trigger == "Succeeded" else "skip"

    def rescues(self, name: str) -> bool:
        """Whether a step may start after a failure."""
        return any(
            trigger != "Succeeded" or self.rescues(source)
            for source, trigger, _ in self.sources(name)
        )

    def chain(self, name: str) -> int:
        """How many steps the longest chain that starts with this one has."""
        after = [one for one in self.steps if name in (s for s, _, _ in self.sources(one))]
        return 1 + max(map(self.chain, after), default=0)
