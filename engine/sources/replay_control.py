"""Actions on recorded executions: they happen in memory, or are refused with a sentence."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.actor import actor
from engine.errors import CommandRejected, NotFound
from engine.model import events as e
from engine.model.status import (
    EXECUTION_ENDED,
    STEP_ENDED,
    ApprovalStatus,
    ExecutionStatus,
    StepAction,
)
from engine.model.views import ModelPackageView, StepView
from engine.sources.base import PlannedStep, PlanView, RerunRequest, StartRequest
from engine.sources.replay import ONLY_RECORDED, Reel, ReplaySource

if TYPE_CHECKING:
    from engine.jobs.shell import Shell


class ReplayControl:
    """``Control`` over a recording: what a person does happens in memory, or is refused."""

    def __init__(self, source: ReplaySource) -> None:
        self._source = source

    async def start(self, request: StartRequest) -> str:
        """See ``Control.start``."""
        raise _refusal()

    async def plan(self, request: StartRequest) -> PlanView:
        """See ``Control.plan``."""
        raise _refusal()

    async def retry(self, execution_id: str, max_parallel: int = 0) -> None:
        """See ``Control.retry``."""
        raise _refusal()

    async def change_parallelism(self, execution_id: str, max_parallel: int) -> None:
        """See ``Control.change_parallelism``."""
        raise _refusal()

    async def change_breakpoint(self, execution_id: str, step: str, *, hold: bool) -> None:
        """See ``Control.change_breakpoint``."""
        raise _refusal()

    async def shell(self, step: StepView) -> Shell:
        """See ``Control.shell``."""
        raise _refusal()

    async def resume(self) -> Sequence[str]:
        """See ``Control.resume``."""
        return ()

    async def plan_rerun(self, request: RerunRequest) -> PlanView:
        """See ``Control.plan_rerun``: a recording is played again as it is."""
        if request.scope != "whole" or request.parameters or request.edits:
            raise CommandRejected(
                "demo: a recorded run is played again whole, and as it was",
                code="demo-refused",
                hint="Take the changes back, and choose the whole.",
            )
        state = self._source.state(request.execution_id)
        steps = (
            PlannedStep(one.name, one.type, StepAction.RUN, "played from the recording")
            for one in state.steps.values()
        )
        return PlanView(state.execution.pipeline, state.execution.parameters, tuple(steps))

    async def rerun(self, request: RerunRequest) -> str:
        """See ``Control.rerun``."""
        await self.plan_rerun(request)
        began = self._source.begin(request.execution_id)
        self._source.play()
        return began

    async def stop(self, execution_id: str, reason: str = "") -> None:
        """See ``Control.stop``."""
        source, now = self._source, self._source.now()
        state = source.state(execution_id)
        if state.execution.status in EXECUTION_ENDED:
            raise CommandRejected(f"execution {execution_id} has ended", code="stop-refused")
        source.reels[execution_id].pending.clear()
        source.add(execution_id, e.StopRequested(reason), now, actor())
        for step in [one for one in state.steps.values() if one.status not in STEP_ENDED]:
            fact = (
                e.StepStopped(step.name, "the execution was stopped")
                if step.running
                else e.StepBlocked(step.name, "the execution was stopped")
            )
            source.add(execution_id, fact, now, "runner")
        source.add(execution_id, e.ExecutionEnded(ExecutionStatus.STOPPED), now, "runner")

    async def answer(
        self,
        token: str,
        *,
        success: bool,
        outputs: Mapping[str, Any] | None = None,
        comment: str = "",
    ) -> None:
        """See ``Control.answer``: the recording goes on as it did after an approval."""
        source, now = self._source, self._source.now()
        waiting = [
            (reel, step)
            for reel in source.reels.values()
            for step in source.state(reel.execution_id).steps.values()
            if reel.held and step.waits_for_answer and step.callback_token == token
        ]
        if not waiting:
            raise NotFound(f"no step waits for token {token}", code="token-not-found")
        reel, step = waiting[0]
        answered = e.CallbackAnswered(
            step.name, token, success, dict(outputs or {}), "" if success else comment, comment
        )
        source.add(reel.execution_id, answered, now, actor())
        if success:
            later = now - reel.pending.popleft()[0]
            reel.pending = deque((at + later, who, fact) for at, who, fact in reel.pending)
            reel.held = False
            source.play()
        else:
            self._reject(reel, step, comment)

    def _reject(self, reel: Reel, step: StepView, comment: str) -> None:
        source, now, name = self._source, self._source.now(), reel.execution_id
        reason = f"Callback step rejected: {comment}" if comment else "Callback step rejected"
        reel.pending.clear()
        source.add(name, e.StepFailed(step.name, reason, "ClientError"), now, "runner")
        for other in list(source.state(name).steps.values()):
            if other.status not in STEP_ENDED:
                blocked = e.StepBlocked(other.name, f"{step.name} failed")
                source.add(name, blocked, now, "runner")
        source.add(name, e.ExecutionEnded(ExecutionStatus.FAILED, reason), now, "runner")

    async def decide(
        self, package: str, approval: ApprovalStatus, comment: str = ""
    ) -> ModelPackageView:
        """See ``Control.decide``."""
        source = self._source
        before = source.models[package].approval
        fact = e.ModelApprovalChanged(package, before, approval, comment)
        source.add("", fact, source.now(), actor())
        return source.models[package]


def _refusal() -> CommandRejected:
    return CommandRejected(
        ONLY_RECORDED,
        code="demo-refused",
        hint="`pipetui run FILE` runs a definition; samples come with the source.",
    )
