"""A source and a control in memory: real events, folded by the engine's own fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
    ModelPackageView,
    ParameterView,
    PlannedStep,
    PlanView,
    RerunRequest,
    StartRequest,
    StepView,
)
from engine.errors import PipetuiError
from engine.jobs.shell import Shell
from engine.model import events as e
from engine.model.status import ApprovalStatus, StepAction
from engine.sources.memory import MemorySource
from engine.storage.preview import Preview

NOW = 1_790_000_000.0


class RecordedSource(MemorySource):
    """Events in memory, and whatever else a test hands out; it can break."""

    def __init__(self) -> None:
        super().__init__("recorded")
        self.graphs: dict[str, Graph] = {}
        self.forms: dict[str, list[ParameterView]] = {}
        self.raw: dict[tuple[str, str], Any] = {}
        self.files: dict[str, list[Artifact]] = {}
        self.previewed: list[str] = []
        self.outputs: dict[str, tuple[ParameterView, ...]] = {}
        self.broken: PipetuiError | None = None
        self.closed = False

    def add(
        self, execution_id: str, fact: e.Fact, at: float = NOW, actor: str = "ana@host"
    ) -> None:
        super().add(execution_id, fact, at, actor)

    def refuse(self, refused: Mapping[str, str]) -> None:
        """Refuse actions, each with a reason."""
        self.capabilities = Capabilities("recorded", refused)

    def _check(self) -> None:
        if self.broken is not None:
            raise self.broken

    async def executions(
        self, *, limit: int = 200, before: float = 0.0, pipeline: str = ""
    ) -> list[ExecutionView]:
        self._check()
        return await super().executions(limit=limit, before=before, pipeline=pipeline)

    async def steps(self, execution_id: str, after: int = 0) -> list[StepView]:
        self._check()
        return await super().steps(execution_id, after)

    async def events(self, execution_id: str, after: int = 0, limit: int = 1000) -> list[Event]:
        self._check()
        return await super().events(execution_id, after, limit)

    async def actions(self, *, before: int = 0, limit: int = 500) -> list[Event]:
        self._check()
        return await super().actions(before=before, limit=limit)

    async def graph(self, execution_id: str) -> Graph:
        return self.graphs.get(execution_id) or await super().graph(execution_id)

    async def raw_arguments(self, execution_id: str, step: str) -> Any:
        return self.raw.get((execution_id, step))

    async def parameters(self, execution_id: str) -> list[ParameterView]:
        return self.forms.get(execution_id, [])

    async def artifacts(self, step: StepView) -> list[Artifact]:
        return self.files.get(step.name, [])

    async def entries(self, uri: str) -> list[ArtifactEntry]:
        return _listing(Path(uri))

    async def preview(
        self, uri: str, member: str = "", room: tuple[int, int] = (80, 50)
    ) -> Preview:
        self.previewed.append(uri)
        return await super().preview(uri, member, room)

    def wanted(self, step: StepView) -> tuple[ParameterView, ...]:
        return self.outputs.get(step.name, ())

    async def close(self) -> None:
        self.closed = True


def _listing(folder: Path) -> list[ArtifactEntry]:
    found = sorted(folder.iterdir(), key=lambda path: (path.is_file(), path.name))
    return [
        ArtifactEntry(path.name, str(path), path.is_dir(), path.stat().st_size, NOW)
        for path in found
    ]


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

    async def change_breakpoint(self, execution_id: str, step: str, *, hold: bool) -> None:
        self.asked.append(("change_breakpoint", (execution_id, step, hold)))
        self.source.add(execution_id, e.BreakpointSet(step) if hold else e.BreakpointCleared(step))

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
