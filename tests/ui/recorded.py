"""A source and a control in memory: real events, folded by the engine's own fold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engine.api import (
    Artifact,
    ArtifactEntry,
    Capabilities,
    Event,
    ExecutionView,
    Graph,
    GraphEdge,
    GraphNode,
    Inbox,
    MetricSeries,
    ModelPackageView,
    ParameterView,
    PlannedStep,
    PlanView,
    RerunRequest,
    StartRequest,
    StepView,
    Trial,
    Usage,
    WaitingCallback,
)
from engine.comparison.executions import Difference, ExecutionDifference, Side
from engine.errors import NotFound, PipetuiError
from engine.jobs.shell import Shell
from engine.logs.files import FileLog
from engine.model import events as e
from engine.model.fold import ExecutionState, apply, apply_package
from engine.model.status import ApprovalStatus, StepAction
from engine.sources.comparing import compare, compare_runs
from engine.sources.contrast import compare_artifact
from engine.sources.measured import MeasuredFiles
from engine.sources.moments import line_at
from engine.sources.trials import trials_of
from engine.storage.download import Downloaded, Told, download
from engine.storage.preview import Limit, Preview, preview, preview_member
from engine.storage.tree import LocalTree

NOW = 1_790_000_000.0


class RecordedSource:
    """``Source`` over a list of events; ``add`` appends one and tells whoever waits for changes."""

    def __init__(self) -> None:
        self.capabilities = Capabilities("recorded")
        self.all: list[Event] = []
        self.states: dict[str, ExecutionState] = {}
        self.models: dict[str, ModelPackageView] = {}
        self.graphs: dict[str, Graph] = {}
        self.forms: dict[str, list[ParameterView]] = {}
        self.raw: dict[tuple[str, str], Any] = {}
        self.files: dict[str, list[Artifact]] = {}
        self.previewed: list[str] = []
        self.outputs: dict[str, tuple[ParameterView, ...]] = {}
        self.broken: PipetuiError | None = None
        self.closed = False
        self.measured = MeasuredFiles()
        self._bell = asyncio.Event()

    def add(
        self, execution_id: str, fact: e.Fact, at: float = NOW, actor: str = "ana@host"
    ) -> None:
        """Append one fact and fold it."""
        event = Event(len(self.all) + 1, execution_id, at, actor, fact)
        self.all.append(event)
        if isinstance(fact, e.ModelPackageCreated | e.ModelApprovalChanged):
            package = apply_package(self.models.get(fact.arn), event)
            assert package is not None
            self.models[fact.arn] = package
        else:
            state, _ = apply(self.states.get(execution_id), event)
            assert state is not None
            self.states[execution_id] = state
        self.ring()

    def refuse(self, refused: Mapping[str, str]) -> None:
        """Refuse actions, each with a reason."""
        self.capabilities = Capabilities("recorded", refused)

    def ring(self) -> None:
        """Say that something changed."""
        self._bell.set()

    def _check(self) -> None:
        if self.broken is not None:
            raise self.broken

    async def executions(
        self, *, limit: int = 200, before: float = 0.0, pipeline: str = ""
    ) -> list[ExecutionView]:
        self._check()
        found = [state.execution for state in self.states.values()]
        found = [one for one in found if not before or one.created_at < before]
        found = [one for one in found if not pipeline or one.pipeline == pipeline]
        return sorted(found, key=lambda one: -one.created_at)[:limit]

    async def execution(self, text: str) -> ExecutionView:
        for state in self.states.values():
            if state.execution.id.startswith(text):
                return state.execution
        raise NotFound(f"there is no execution {text}")

    async def steps(self, execution_id: str, after: int = 0) -> list[StepView]:
        self._check()
        return [step for step in self.states[execution_id].steps.values() if step.seq > after]

    async def events(self, execution_id: str, after: int = 0, limit: int = 1000) -> list[Event]:
        self._check()
        found = [one for one in self.all if one.seq > after]
        return [one for one in found if not execution_id or one.execution_id == execution_id][
            :limit
        ]

    async def actions(self, *, before: int = 0, limit: int = 500) -> list[Event]:
        self._check()
        found = [one for one in self.all if isinstance(one.fact, e.PEOPLES_ACTIONS)]
        return [one for one in reversed(found) if not before or one.seq < before][:limit]

    async def last_green(self, step: StepView) -> StepView | None:
        this = self.states[step.execution_id].execution
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
        sides = [Side(self.states[one].execution, self.states[one].steps) for one in (before, now)]
        return compare(*sides)

    async def compare_step(self, before: StepView, now: StepView) -> list[Difference]:
        return compare_runs(before, now)

    async def graph(self, execution_id: str) -> Graph:
        return self.graphs.get(execution_id) or _line(
            list(self.states[execution_id].steps.values())
        )

    async def raw_arguments(self, execution_id: str, step: str) -> Any:
        return self.raw.get((execution_id, step))

    async def parameters(self, execution_id: str) -> list[ParameterView]:
        return self.forms.get(execution_id, [])

    def log(self, step: StepView, attempt: int = 0) -> FileLog:
        chosen = next((one for one in step.attempts if one.number == attempt), None)
        folder = chosen.directory if chosen else step.directory
        return FileLog(Path(folder or "/nonexistent") / "job.log")

    async def line_at(self, step: StepView, at: float) -> int | None:
        return line_at(self.log(step), self.measured.usage(step), step.directory, at)

    async def usage(self, step: StepView) -> Usage:
        return self.measured.usage(step)

    async def series(self, step: StepView) -> Sequence[MetricSeries]:
        return self.measured.series(step)

    async def trials(self, step: StepView) -> list[Trial]:
        return trials_of(step)

    async def artifacts(self, step: StepView) -> list[Artifact]:
        return self.files.get(step.name, [])

    async def entries(self, uri: str) -> list[ArtifactEntry]:
        return _listing(Path(uri))

    async def preview(
        self, uri: str, member: str = "", room: tuple[int, int] = (80, 50)
    ) -> Preview:
        self.previewed.append(uri)
        limit = Limit(picture=room)
        return preview_member(Path(uri), member, limit) if member else preview(Path(uri), limit)

    async def place(self, uri: str) -> str:
        return uri if await asyncio.to_thread(Path(uri).exists) else ""

    async def download(
        self,
        uri: str,
        member: str,
        target: str,
        *,
        replace: bool = False,
        told: Told | None = None,
    ) -> Downloaded:
        return await asyncio.to_thread(
            download, Path(uri), member, Path(target), replace=replace, told=told
        )

    async def compare_artifact(
        self, before: StepView, now: StepView, role: str, name: str, inside: str = ""
    ) -> list[Difference]:
        tree = LocalTree(Path("/nonexistent"))
        return compare_artifact((tree, before), (tree, now), role, name, inside)

    async def packages(self, group: str = "") -> list[ModelPackageView]:
        return list(self.models.values())

    async def inbox(self) -> Inbox:
        return Inbox(
            tuple(
                WaitingCallback(state.execution, step, self.outputs.get(step.name, ()))
                for state in self.states.values()
                for step in state.steps.values()
                if step.waits_for_answer
            ),
            tuple(
                model for model in self.models.values() if model.approval is ApprovalStatus.PENDING
            ),
        )

    async def changes(self) -> AsyncIterator[None]:
        while True:
            await self._bell.wait()
            self._bell.clear()
            yield

    async def close(self) -> None:
        self.closed = True


def _listing(folder: Path) -> list[ArtifactEntry]:
    found = sorted(folder.iterdir(), key=lambda path: (path.is_file(), path.name))
    return [
        ArtifactEntry(path.name, str(path), path.is_dir(), path.stat().st_size, NOW)
        for path in found
    ]


def _line(steps: Sequence[StepView]) -> Graph:
    """Every step after the one before it."""
    return Graph(
        tuple(GraphNode(step.name, step.type) for step in steps),
        tuple(GraphEdge(before.name, after.name, "reference") for before, after in pairwise(steps)),
    )


@dataclass
class RecordedControl:
    """``Control`` that keeps what it was asked for."""

    source: RecordedSource
    asked: list[tuple[str, Any]] = field(default_factory=list)
    plan_problem: PipetuiError | None = None
    plan_works: tuple[str, ...] = ()
    """Scopes that ``plan_problem`` does not concern."""
    orphans: list[str] = field(default_factory=list)
    shell_problem: PipetuiError | None = None

    async def start(self, request: StartRequest) -> str:
        self.asked.append(("start", request))
        return self._begin("new1", request.pipeline)

    async def plan(self, request: StartRequest) -> PlanView:
        return PlanView(request.pipeline, {}, ())

    async def rerun(self, request: RerunRequest) -> str:
        self.asked.append(("rerun", request))
        return self._begin("new2", "churn-train")

    def _begin(self, execution_id: str, pipeline: str) -> str:
        steps = (e.StepDeclared("preprocess", "Processing"),)
        self.source.add(execution_id, e.ExecutionCreated(pipeline, "", {}, steps))
        return execution_id

    async def plan_rerun(self, request: RerunRequest) -> PlanView:
        if self.plan_problem is not None and request.scope not in self.plan_works:
            raise self.plan_problem
        steps = list(self.source.states[request.execution_id].steps.values())
        names = [step.name for step in steps]
        first = names.index(request.step) if request.scope == "from" else 0
        return PlanView(
            "churn-train",
            request.parameters,
            tuple(
                PlannedStep(
                    step.name, step.type, StepAction.REUSED if at < first else StepAction.RUN, ""
                )
                for at, step in enumerate(steps)
            ),
        )

    async def retry(self, execution_id: str, max_parallel: int = 0) -> None:
        self.asked.append(("retry", execution_id))

    async def change_parallelism(self, execution_id: str, max_parallel: int) -> None:
        self.asked.append(("change_parallelism", (execution_id, max_parallel)))

    async def stop(self, execution_id: str, reason: str = "") -> None:
        self.asked.append(("stop", (execution_id, reason)))
        self.source.add(execution_id, e.StopRequested(reason))

    async def answer(
        self,
        token: str,
        *,
        success: bool,
        outputs: Mapping[str, Any] | None = None,
        comment: str = "",
    ) -> None:
        self.asked.append(("answer", (token, success, dict(outputs or {}), comment)))
        for state in list(self.source.states.values()):
            for step in list(state.steps.values()):
                if step.callback_token == token:
                    answered = e.CallbackAnswered(step.name, token, success, comment=comment)
                    self.source.add(state.execution.id, answered)
                    note = f"approved by ana@host: {comment}"
                    self.source.add(state.execution.id, e.StepSucceeded(step.name, note=note))

    async def decide(
        self, package: str, approval: ApprovalStatus, comment: str = ""
    ) -> ModelPackageView:
        self.asked.append(("decide", (package, approval, comment)))
        before = self.source.models[package].approval
        self.source.add("", e.ModelApprovalChanged(package, before, approval, comment))
        return self.source.models[package]

    async def resume(self) -> Sequence[str]:
        taken, self.orphans = self.orphans, []
        self.asked += [("resume", execution_id) for execution_id in taken]
        return taken

    async def shell(self, step: StepView) -> Shell:
        self.asked.append(("shell", step.name))
        if self.shell_problem is not None:
            raise self.shell_problem
        folder = TemporaryDirectory(prefix="pipetui-test-shell-")
        return Shell(folder, ("a shell of a test",), ("true",), {})
