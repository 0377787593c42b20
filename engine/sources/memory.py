"""A source in memory: events, folded by the engine's own fold; logs and artifacts from the disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import NotFound
from engine.model import events as e
from engine.model.events import Event
from engine.model.fold import ExecutionState, apply, apply_package
from engine.model.status import ApprovalStatus
from engine.model.views import ExecutionView, ModelPackageView, StepView
from engine.sources.base import (
    Artifact,
    ArtifactEntry,
    Capabilities,
    Graph,
    GraphEdge,
    GraphNode,
    Inbox,
    ParameterView,
    WaitingCallback,
)
from engine.sources.measured import MeasuredFiles

if TYPE_CHECKING:
    from engine.comparison.executions import Difference, ExecutionDifference, Side
    from engine.lineage.graph import Branch
    from engine.logs.base import LogSource
    from engine.sources.series import MetricSeries
    from engine.sources.trials import Trial
    from engine.sources.usage import Usage
    from engine.storage.download import Downloaded, Told
    from engine.storage.preview import Preview
    from engine.storage.tree import LocalTree


class MemorySource:
    """``Source`` over a list of events; ``add`` appends one and tells whoever waits for changes.

    Args:
        name: what it is called.
        root: the folder that stands for S3.
    """

    def __init__(self, name: str, root: Path = Path("/nonexistent")) -> None:
        self.capabilities = Capabilities(name)
        self.all: list[Event] = []
        self.states: dict[str, ExecutionState] = {}
        self.models: dict[str, ModelPackageView] = {}
        self._root = root
        self._measured = MeasuredFiles()
        self._bell = asyncio.Event()

    def add(self, execution_id: str, fact: e.Fact, at: float, actor: str) -> None:
        """Append one fact and fold it."""
        event = Event(len(self.all) + 1, execution_id, at, actor, fact)
        self.all.append(event)
        if isinstance(fact, e.ModelPackageCreated | e.ModelApprovalChanged):
            if (package := apply_package(self.models.get(fact.arn), event)) is not None:
                self.models[fact.arn] = package
        else:
            state, _ = apply(self.states.get(execution_id), event)
            if state is not None:
                self.states[execution_id] = state
        self.ring()

    def ring(self) -> None:
        """Say that something changed."""
        self._bell.set()

    def state(self, execution_id: str) -> ExecutionState:
        """An execution with its steps. Errors: ``NotFound``."""
        if execution_id not in self.states:
            raise NotFound(
                f"there is no execution {execution_id}",
                code="execution-not-found",
                hint="The list of executions shows all there are.",
            )
        return self.states[execution_id]

    async def executions(
        self, *, limit: int = 200, before: float = 0.0, pipeline: str = ""
    ) -> list[ExecutionView]:
        """See ``Source.executions``."""
        found = [state.execution for state in self.states.values()]
        found = [one for one in found if not before or one.created_at < before]
        found = [one for one in found if not pipeline or one.pipeline == pipeline]
        return sorted(found, key=lambda one: -one.created_at)[:limit]

    async def execution(self, text: str) -> ExecutionView:
        """See ``Source.execution``."""
        prefix = text.rpartition("/")[2]
        if prefix.endswith("@last"):
            pipeline = prefix.removesuffix("@last")
            if newest := await self.executions(limit=1, pipeline=pipeline):
                return newest[0]
        known = [one for one in self.states if one.startswith(prefix)]
        return self.state(known[0] if known else text).execution

    async def steps(self, execution_id: str, after: int = 0) -> list[StepView]:
        """See ``Source.steps``."""
        return [step for step in self.state(execution_id).steps.values() if step.seq > after]

    async def events(self, execution_id: str, after: int = 0, limit: int = 1000) -> list[Event]:
        """See ``Source.events``."""
        found = (one for one in self.all[after:] if execution_id in ("", one.execution_id))
        return [one for one, _ in zip(found, range(limit), strict=False)]

    async def actions(self, *, before: int = 0, limit: int = 500) -> list[Event]:
        """See ``Source.actions``."""
        found = [one for one in self.all if isinstance(one.fact, e.PEOPLES_ACTIONS)]
        return [one for one in reversed(found) if not before or one.seq < before][:limit]

    async def graph(self, execution_id: str) -> Graph:
        """See ``Source.graph``; here every step comes after the one before it."""
        steps = list(self.state(execution_id).steps.values())
        return Graph(
            tuple(GraphNode(step.name, step.type) for step in steps),
            tuple(GraphEdge(one.name, other.name, "reference") for one, other in pairwise(steps)),
        )

    async def last_green(self, step: StepView) -> StepView | None:
        """See ``Source.last_green``."""
        this = self.state(step.execution_id).execution
        earlier = [
            state
            for state in self.states.values()
            if state.execution.pipeline == this.pipeline
            and state.execution.created_at < this.created_at
        ]
        earlier.sort(key=lambda state: -state.execution.created_at)
        steps = [state.steps[step.name] for state in earlier if step.name in state.steps]
        return next((one for one in steps if one.status == "Succeeded" and one.directory), None)

    async def compare(self, before: str, now: str) -> ExecutionDifference:
        """See ``Source.compare``."""
        from engine.sources.comparing import compare

        return await asyncio.to_thread(compare, self.side(before), self.side(now))

    def side(self, execution_id: str) -> Side:
        """One of two executions that are compared."""
        from engine.comparison.executions import Side

        state = self.state(execution_id)
        return Side(state.execution, state.steps)

    async def compare_step(self, before: StepView, now: StepView) -> list[Difference]:
        """See ``Source.compare_step``."""
        from engine.sources.comparing import compare_runs

        return await asyncio.to_thread(compare_runs, before, now)

    def log(self, step: StepView, attempt: int = 0) -> LogSource:
        """See ``Source.log``."""
        from engine.sources.moments import log_of

        return log_of(step, attempt)

    async def line_at(self, step: StepView, at: float) -> int | None:
        """See ``Source.line_at``."""
        from engine.sources.moments import line_at

        return line_at(self.log(step), self._measured.usage(step), step.directory, at)

    async def usage(self, step: StepView) -> Usage:
        """See ``Source.usage``."""
        return self._measured.usage(step)

    async def series(self, step: StepView) -> Sequence[MetricSeries]:
        """See ``Source.series``."""
        return self._measured.series(step)

    async def trials(self, step: StepView) -> list[Trial]:
        """See ``Source.trials``."""
        from engine.sources.trials import trials_of

        return await asyncio.to_thread(trials_of, step)

    def tree(self, execution_id: str = "") -> LocalTree:
        """Objects in S3, and files beside an execution's definition."""
        from engine.storage.tree import LocalTree

        file = self.state(execution_id).execution.file if execution_id else ""
        return LocalTree(self._root, Path(file).parent if file else None)

    async def artifacts(self, step: StepView) -> list[Artifact]:
        """See ``Source.artifacts``."""
        from engine.sources.artifacts import artifacts_of

        return await asyncio.to_thread(artifacts_of, self.tree(step.execution_id), step)

    async def entries(self, uri: str) -> list[ArtifactEntry]:
        """See ``Source.entries``."""
        from engine.sources.artifacts import entries_of

        return await asyncio.to_thread(entries_of, self.tree(), uri)

    async def preview(
        self, uri: str, member: str = "", room: tuple[int, int] = (80, 50)
    ) -> Preview:
        """See ``Source.preview``."""
        from engine.storage.preview import Limit, preview, preview_member

        path, limit = self.tree().path_of(uri), Limit(picture=room)
        if member:
            return await asyncio.to_thread(preview_member, path, member, limit)
        return await asyncio.to_thread(preview, path, limit)

    async def place(self, uri: str) -> str:
        """See ``Source.place``."""
        path = self.tree().path_of(uri)
        return str(path) if await asyncio.to_thread(path.exists) else ""

    async def download(
        self,
        uri: str,
        member: str,
        target: str,
        *,
        replace: bool = False,
        told: Told | None = None,
    ) -> Downloaded:
        """See ``Source.download``."""
        from engine.storage.download import download

        source = self.tree().path_of(uri.rstrip("/"))
        return await asyncio.to_thread(
            download, source, member, Path(target), replace=replace, told=told
        )

    async def compare_artifact(
        self, before: StepView, now: StepView, role: str, name: str, inside: str = ""
    ) -> list[Difference]:
        """See ``Source.compare_artifact``."""
        from engine.sources.contrast import compare_artifact

        old, new = [(self.tree(step.execution_id), step) for step in (before, now)]
        return await asyncio.to_thread(compare_artifact, old, new, role, name, inside)

    async def raw_arguments(self, execution_id: str, step: str) -> Any:
        """See ``Source.raw_arguments``."""
        return None

    async def parameters(self, execution_id: str) -> list[ParameterView]:
        """See ``Source.parameters``."""
        return []

    async def lineage(self, package: ModelPackageView) -> Branch:
        """See ``Source.lineage``."""
        from engine.lineage.projection import project

        found = [(one.execution, list(one.steps.values())) for one in self.states.values()]
        return project(found, list(self.models.values())).tree(package.arn)

    async def packages(self, group: str = "") -> list[ModelPackageView]:
        """See ``Source.packages``."""
        found = [one for one in self.models.values() if not group or one.group == group]
        return sorted(found, key=lambda one: -one.created_at)

    def wanted(self, step: StepView) -> tuple[ParameterView, ...]:
        """What an approval of a Callback step has to bring."""
        return ()

    async def inbox(self) -> Inbox:
        """See ``Source.inbox``."""
        return Inbox(
            tuple(
                WaitingCallback(state.execution, step, self.wanted(step))
                for state in self.states.values()
                for step in state.steps.values()
                if step.waits_for_answer
            ),
            tuple(one for one in self.models.values() if one.approval is ApprovalStatus.PENDING),
        )

    async def changes(self) -> AsyncIterator[None]:
        """See ``Source.changes``."""
        while True:
            await self._bell.wait()
            self._bell.clear()
            yield

    async def close(self) -> None:
        """See ``Source.close``."""
