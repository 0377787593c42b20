"""The seam: what a runner needs of an event store, whatever keeps the events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.model.commands import Command, CommandRow, CommandState
from engine.model.events import (
    Event,
    ExecutionCreated,
    Fact,
    ModelApprovalChanged,
    ModelPackageCreated,
)
from engine.model.fold import ExecutionState
from engine.model.pipelines import PipelineFact, PipelineView
from engine.model.views import ExecutionView, ModelPackageView, StepView


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds, or asks for, the lease of an execution."""

    pid: int
    start_ticks: int
    boot_id: str
    host: str


Alive = Callable[[Holder], bool]
"""Tells whether the process behind a lease still runs."""

PipelineChange = Callable[[PipelineView | None], PipelineFact | None]
"""What a request means for a pipeline as it stands (None: there is none); None for nothing.

Errors: ``CommandRejected`` and ``NotFound`` where it cannot be done.
"""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write one execution's events; a higher epoch ends it."""

    execution_id: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of a command; stored with the events it caused."""

    command_id: int
    state: CommandState
    result: str = ""


class EventStore(Protocol):
    """Append-only events, the views folded from them, leases and commands.

    Every write is durable when the call returns, and is one transaction with its projections.
    Errors: ``StaleLease`` for a write under a lease that was taken over, ``NotFound`` for an
    execution that is not there, ``StoreError`` for what the medium refuses.
    """

    async def create(
        self, execution_id: str, fact: ExecutionCreated, definition: str, *, at: float, actor: str
    ) -> str:
        """Create an execution; returns its id, or that of the one made with the same token.

        Errors: ``CommandRejected`` (``token-conflict``) where the token came with other content.
        """
        ...

    async def acquire(self, execution_id: str, holder: Holder, *, at: float) -> Lease | None:
        """Take the lease with the next epoch; None while its present holder lives."""
        ...

    async def release(self, lease: Lease) -> None:
        """Give the lease back; nothing happens where it is no longer held."""
        ...

    async def holder(self, execution_id: str) -> Holder | None:
        """Who holds the lease, alive or not; None where nobody does."""
        ...

    async def append(
        self,
        lease: Lease,
        facts: Sequence[Fact],
        *,
        at: float,
        actor: str,
        settled: Sequence[Settlement] = (),
    ) -> list[Event]:
        """Append facts of the leased execution, and settle commands, in one transaction."""
        ...

    async def state(self, execution_id: str) -> ExecutionState:
        """The execution with its steps as of the last event."""
        ...

    async def cached(
        self, pipeline: str, step: str, digest: str = "", *, since: float = 0.0
    ) -> StepView | None:
        """The newest result that a step of a pipeline computed itself, with a cache key.

        Args:
            digest: of the cache key; empty for whichever was computed last.
            since: results that ended before this time have expired.
        """
        ...

    async def unfinished(self) -> list[ExecutionView]:
        """Executions that have not ended, oldest first."""
        ...

    async def definition(self, sha: str) -> str:
        """The text of a stored definition."""
        ...

    async def events(self, execution_id: str, after: int = 0, limit: int = 1000) -> list[Event]:
        """Events of one execution with ``seq > after``, oldest first."""
        ...

    async def send(self, execution_id: str, command: Command, *, at: float, actor: str) -> int:
        """Queue a command for the execution's runner; returns its id."""
        ...

    async def commands(self, execution_id: str) -> list[CommandRow]:
        """Commands that wait for a runner, oldest first."""
        ...

    async def register(
        self, lease: Lease, fact: ModelPackageCreated, *, at: float, actor: str
    ) -> ModelPackageView:
        """Register a model package version under the group's next number.

        The same ``key`` returns the version made before and writes nothing.
        """
        ...

    async def decide(
        self, fact: ModelApprovalChanged, *, at: float, actor: str
    ) -> ModelPackageView:
        """Append a ``ModelApprovalChanged``; approvals need no lease, the store serialises them."""
        ...

    async def packages(self, group: str = "") -> list[ModelPackageView]:
        """Model package versions, newest first, of one group or of all."""
        ...

    async def pipeline(self, name: str) -> PipelineView | None:
        """The pipeline of a name, in whatever case, deleted ones too; None where there is none."""
        ...

    async def change_pipeline(
        self, name: str, change: PipelineChange, definition: str = "", *, at: float, actor: str
    ) -> PipelineView:
        """Append what ``change`` makes of a pipeline; nobody else changes it meanwhile.

        Args:
            definition: the text of the definition that the fact names, where it names one.

        Errors: those of ``change``.
        """
        ...

    async def rebuild(self) -> int:
        """Drop all projections and fold them anew; returns how many events were folded."""
        ...

    async def close(self) -> None:
        """Give back what the store holds."""
        ...
