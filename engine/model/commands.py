"""What a person asks of a running execution, in the imperative; rows of the commands table."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class StopExecution:
    """Stop the execution: no new step starts, running jobs are stopped."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class RetryExecution:
    """Run the failed, stopped and never started steps of an ended execution again."""

    max_parallel: int = 0


@dataclass(frozen=True, slots=True)
class AnswerCallback:
    """Answer the token of a waiting Callback step."""

    token: str
    success: bool
    outputs: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    comment: str = ""
    client: str = ""


@dataclass(frozen=True, slots=True)
class ChangeParallelism:
    """Change how many steps may run at once."""

    max_parallel: int


@dataclass(frozen=True, slots=True)
class RenameExecution:
    """Change the display name or the description of an execution; None leaves one as it is."""

    display_name: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeBreakpoint:
    """Hold a step that has not started when it could, or no longer; a held one then goes on."""

    step: str
    hold: bool


Command = (
    StopExecution
    | RetryExecution
    | AnswerCallback
    | ChangeParallelism
    | RenameExecution
    | ChangeBreakpoint
)


class CommandState(StrEnum):
    """Whether a runner has dealt with a command."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class CommandRow:
    """A command with who sent it, when, and what became of it."""

    id: int
    execution_id: str
    at: float
    actor: str
    command: Command
    state: CommandState = CommandState.PENDING
    result: str = ""
