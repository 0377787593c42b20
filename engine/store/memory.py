"""The event store in memory: for tests, and for runs that nobody has to find again."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

from engine.errors import StoreError
from engine.model import codec
from engine.model.commands import Command, CommandRow, CommandState
from engine.model.events import (
    Event,
    ExecutionCreated,
    Fact,
    ModelApprovalChanged,
    ModelPackageCreated,
    RunnerAttached,
)
from engine.model.fold import ExecutionState, apply, apply_package
from engine.model.pipelines import PipelineView, apply_pipeline, existing, pipeline_key, pipeline_of
from engine.model.status import EXECUTION_ENDED
from engine.model.views import ExecutionView, ModelPackageView, StepView
from engine.store import rules
from engine.store.base import Alive, Holder, Lease, PipelineChange, Settlement


class MemoryStore:
    """``EventStore`` that forgets when it is closed.

    What cannot fail comes last in every write, so that a refused one leaves nothing behind.

    Args:
        alive: tells whether the process behind a lease still runs.
    """

    def __init__(self, alive: Alive) -> None:
        self._alive = alive
        self._events: list[Event] = []
        self._states: dict[str, ExecutionState] = {}
        self._definitions: dict[str, str] = {}
        self._tokens: dict[str, str] = {}
        self._epochs: dict[str, int] = {}
        self._holders: dict[str, Holder] = {}
        self._commands: dict[int, CommandRow] = {}
        self._packages: dict[str, ModelPackageView] = {}
        self._pipelines: dict[str, PipelineView] = {}

    async def create(
        self, execution_id: str, fact: ExecutionCreated, definition: str, *, at: float, actor: str
    ) -> str:
        made = self._tokens.get(fact.token)
        if made is not None:
            return rules.same_request(self._states[made].execution, fact)
        if execution_id in self._states:
            raise StoreError(f"execution {execution_id} exists already")
        fact = rules.versioned(fact, await self.pipeline(fact.pipeline))
        self._record(execution_id, [fact], at, actor)
        self._definitions.setdefault(fact.definition, definition)
        return execution_id

    async def acquire(self, execution_id: str, holder: Holder, *, at: float) -> Lease | None:
        present = self._holders.get(execution_id)
        if present is not None and present != holder and self._alive(present):
            return None
        await self.state(execution_id)
        epoch = self._epochs[execution_id] = self._epochs.get(execution_id, 0) + 1
        self._holders[execution_id] = holder
        attached = RunnerAttached(holder.pid, epoch, holder.host)
        self._record(execution_id, [attached], at, "runner")
        return Lease(execution_id, epoch)

    async def release(self, lease: Lease) -> None:
        if self._epochs.get(lease.execution_id) == lease.epoch:
            self._holders.pop(lease.execution_id, None)

    async def holder(self, execution_id: str) -> Holder | None:
        return self._holders.get(execution_id)

    async def append(
        self,
        lease: Lease,
        facts: Sequence[Fact],
        *,
        at: float,
        actor: str,
        settled: Sequence[Settlement] = (),
    ) -> list[Event]:
        self._fence(lease)
        events = self._record(lease.execution_id, facts, at, actor)
        for one in settled:
            row = self._commands.get(one.command_id)
            if row is not None:
                self._commands[row.id] = replace(row, state=one.state, result=one.result)
        return events

    async def state(self, execution_id: str) -> ExecutionState:
        state = self._states.get(execution_id)
        if state is None:
            raise rules.no_execution(execution_id)
        return state

    async def cached(
        self, pipeline: str, step: str, digest: str = "", *, since: float = 0.0
    ) -> StepView | None:
        found = [
            view
            for state in self._states.values()
            if state.execution.pipeline == pipeline
            for view in (state.steps.get(step),)
            if view is not None
            and view.cache_digest
            and rules.computed(view)
            and digest in ("", view.cache_digest)
        ]
        newest = max(found, key=lambda view: view.seq, default=None)
        return newest if newest is not None and (newest.ended_at or 0.0) >= since else None

    async def unfinished(self) -> list[ExecutionView]:
        views = [state.execution for state in self._states.values()]
        left = [view for view in views if view.status not in EXECUTION_ENDED]
        return sorted(left, key=lambda view: view.created_at)

    async def definition(self, sha: str) -> str:
        text = self._definitions.get(sha)
        if text is None:
            raise rules.no_definition(sha)
        return text

    async def events(self, execution_id: str, after: int = 0, limit: int = 1000) -> list[Event]:
        later = itertools.islice(self._events, after, None)
        mine = (event for event in later if event.execution_id == execution_id or not execution_id)
        return list(itertools.islice(mine, limit))

    async def send(self, execution_id: str, command: Command, *, at: float, actor: str) -> int:
        codec.encode_command(command)
        number = len(self._commands) + 1
        self._commands[number] = CommandRow(number, execution_id, at, actor, command)
        return number

    async def commands(self, execution_id: str) -> list[CommandRow]:
        return [
            row
            for row in self._commands.values()
            if row.execution_id == execution_id and row.state is CommandState.PENDING
        ]

    async def register(
        self, lease: Lease, fact: ModelPackageCreated, *, at: float, actor: str
    ) -> ModelPackageView:
        self._fence(lease)
        made = next((one for one in self._packages.values() if one.key == fact.key), None)
        if made is not None:
            return made
        group = rules.group_key(fact)
        versions = (one for one in self._packages.values() if rules.group_key(one) == group)
        newest = max(versions, key=lambda one: one.version, default=None)
        numbered = rules.numbered(fact, newest)
        self._record("", [numbered], at, actor)
        return self._packages[numbered.arn]

    async def decide(
        self, fact: ModelApprovalChanged, *, at: float, actor: str
    ) -> ModelPackageView:
        package = self._packages.get(fact.arn)
        if package is None:
            raise rules.no_package(fact.arn)
        self._record("", [replace(fact, previous=package.approval)], at, actor)
        return self._packages[fact.arn]

    async def packages(self, group: str = "") -> list[ModelPackageView]:
        return [
            one
            for one in reversed(self._packages.values())
            if not group or rules.group_key(one) == group.lower()
        ]

    async def pipeline(self, name: str) -> PipelineView | None:
        return self._pipelines.get(pipeline_key(name))

    async def change_pipeline(
        self, name: str, change: PipelineChange, definition: str = "", *, at: float, actor: str
    ) -> PipelineView:
        fact = change(await self.pipeline(name))
        if fact is not None:
            self._record("", [fact], at, actor)
            if sha := getattr(fact, "definition", ""):
                self._definitions.setdefault(sha, definition)
        return await self.pipeline(name) or existing(None, name)

    async def rebuild(self) -> int:
        self._pipelines.clear()
        self._states.clear()
        self._packages.clear()
        for event in self._events:
            self._project(event)
        return len(self._events)

    async def close(self) -> None:
        """Nothing to give back."""

    def _fence(self, lease: Lease) -> None:
        held = lease.execution_id in self._holders
        if not held or self._epochs[lease.execution_id] != lease.epoch:
            raise rules.stale(lease.execution_id)

    def _record(
        self, execution_id: str, facts: Sequence[Fact], at: float, actor: str
    ) -> list[Event]:
        """Keep facts as reading them back gives them, so that no caller's object is shared."""
        kept = [codec.decode_fact(codec.fact_kind(one), codec.encode_fact(one)) for one in facts]
        first = len(self._events) + 1
        events = [
            Event(first + offset, execution_id, at, actor, fact) for offset, fact in enumerate(kept)
        ]
        for event in events:
            self._events.append(event)
            self._project(event)
        return events

    def _project(self, event: Event) -> None:
        fact = event.fact
        if name := pipeline_of(event):
            pipeline = apply_pipeline(self._pipelines.get(name), event)
            if pipeline is not None:
                self._pipelines[name] = pipeline
        if isinstance(fact, ModelPackageCreated | ModelApprovalChanged):
            package = apply_package(self._packages.get(fact.arn), event)
            if package is not None:
                self._packages[fact.arn] = package
            return
        state, _ = apply(self._states.get(event.execution_id), event)
        if state is not None:
            self._states[event.execution_id] = state
        if isinstance(fact, ExecutionCreated) and fact.token:
            self._tokens[fact.token] = event.execution_id
