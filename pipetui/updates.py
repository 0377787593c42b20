"""What the feed hands on: all that changed since the last time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.api import Event, ExecutionView, Inbox, StepView


@dataclass(frozen=True, slots=True)
class Update:
    """What changed since the last update; None or empty for what did not."""

    executions: tuple[ExecutionView, ...] | None = None
    steps: tuple[StepView, ...] = ()
    events: tuple[Event, ...] = ()
    inbox: Inbox | None = None
    models: bool = False
    """Whether a model package version was made or decided upon."""
    trouble: str | None = None
    notice: str = ""
    """What a person should be told once."""

    def __bool__(self) -> bool:
        return self != Update()

    def then(self, later: Update) -> Update:
        """Both updates as one."""
        return Update(
            executions=self.executions if later.executions is None else later.executions,
            steps=tuple({step.name: step for step in (*self.steps, *later.steps)}.values()),
            events=self.events + later.events,
            inbox=self.inbox if later.inbox is None else later.inbox,
            models=self.models or later.models,
            trouble=self.trouble if later.trouble is None else later.trouble,
        )
