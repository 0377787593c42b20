"""The part of the feed that leads to actions: what is refused, what is done, and its record."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from engine.api import ApprovalStatus, RerunRequest, StartRequest, parameters_of_file
from engine.errors import CommandRejected, PipetuiError
from pipetui.viewmodel import deeds

if TYPE_CHECKING:
    from engine.api import (
        Capabilities,
        Control,
        Home,
        ModelPackageView,
        ParameterView,
        PlanView,
        Shell,
        Source,
        StepView,
    )

_NOTHING: Mapping[str, Any] = MappingProxyType({})

T = TypeVar("T")


class ActionDoor:
    """What a person changes, and the commands that do the same."""

    _source: Source
    _control: Control
    _read_only: bool
    home: Home | None
    deeds: list[deeds.Deed]
    """What was done here, as commands, oldest first."""

    @property
    def capabilities(self) -> Capabilities:
        """What the source is called and refuses."""
        return self._source.capabilities

    def refusal(self, needs: str) -> str:
        """Why an action cannot be done here; empty where it can, or where it needs nothing."""
        if not needs:
            return ""
        if self._read_only:
            return "read-only: start without --read-only to act"
        return self.capabilities.refused.get(needs, "")

    @property
    def keeps_masks(self) -> str:
        """Why secrets are not shown here, whoever asks; empty where they are."""
        return "read-only keeps them: start without --read-only" if self._read_only else ""

    def note_shown(self, place: str) -> None:
        """Keep in the session's record that the secrets of a screen were shown."""
        self.deeds.append(deeds.Deed((), note=f"secrets of {place} were shown"))

    async def shell(self, step: StepView) -> Shell:
        """See ``Control.shell``."""
        return await self._act("shell").shell(step)

    def _act(self, needs: str) -> Control:
        if reason := self.refusal(needs):
            raise CommandRejected(reason)
        return self._control

    async def _done(self, command: Sequence[str], deed: Awaitable[T]) -> T:
        """Do something, and keep the command that does the same, with what came of it."""
        try:
            result = await deed
        except PipetuiError as problem:
            self.deeds.append(deeds.Deed(tuple(command), str(problem)))
            raise
        self.deeds.append(deeds.Deed(tuple(command)))
        return result

    async def start(
        self, file: str, pipeline: str, parameters: Mapping[str, Any], max_parallel: int = 0
    ) -> str:
        """Run a definition file; returns the execution's id."""
        request = StartRequest(file, parameters, pipeline, max_parallel=max_parallel)
        command = deeds.run(file, parameters, max_parallel)
        return await self._done(command, self._act("start").start(request))

    async def parameters_of_file(self, file: str) -> list[ParameterView]:
        """The parameters of a definition file; none where files cannot be run here.

        Errors: an ``ExceptionGroup`` of every error where the definition is invalid.
        """
        if self.home is None:
            return []
        return await asyncio.to_thread(parameters_of_file, self.home, file)

    async def plan_start(self, file: str, pipeline: str, parameters: Mapping[str, Any]) -> PlanView:
        """What ``start`` would do."""
        request = StartRequest(file=file, pipeline=pipeline, parameters=parameters)
        return await self._control.plan(request)

    async def rerun(
        self,
        execution_id: str,
        scope: str,
        step: str = "",
        parameters: Mapping[str, Any] = _NOTHING,
        edits: Mapping[str, Mapping[str, Any]] = _NOTHING,
        max_parallel: int = 0,
    ) -> str:
        """Start an execution that reuses another's results; returns its id."""
        asked = (execution_id, scope, step, parameters, edits, max_parallel)
        deed = self._act("rerun").rerun(RerunRequest(*asked))
        return await self._done(deeds.rerun(*asked), deed)

    async def plan_rerun(
        self,
        execution_id: str,
        scope: str,
        step: str = "",
        parameters: Mapping[str, Any] = _NOTHING,
        edits: Mapping[str, Mapping[str, Any]] = _NOTHING,
    ) -> PlanView:
        """What ``rerun`` would do."""
        request = RerunRequest(execution_id, scope, step, parameters, edits)
        return await self._control.plan_rerun(request)

    async def retry(self, execution_id: str, max_parallel: int = 0) -> None:
        """Run what failed or never started again, in the same execution."""
        command = deeds.retry(execution_id, max_parallel)
        await self._done(command, self._act("retry").retry(execution_id, max_parallel))

    async def stop(self, execution_id: str, reason: str) -> None:
        """Stop an execution."""
        command = deeds.stop(execution_id, reason)
        await self._done(command, self._act("stop").stop(execution_id, reason))

    async def change_parallelism(self, execution_id: str, max_parallel: int) -> None:
        """Change how many steps of a running execution run at once."""
        command = deeds.parallelism(execution_id, max_parallel)
        deed = self._act("parallelism").change_parallelism(execution_id, max_parallel)
        await self._done(command, deed)

    async def change_breakpoint(self, execution_id: str, step: str, *, hold: bool) -> None:
        """Hold a step that has not started when it could, or no longer."""
        command = deeds.hold(execution_id, step, hold)
        deed = self._act("breakpoint").change_breakpoint(execution_id, step, hold=hold)
        await self._done(command, deed)

    async def answer(
        self, token: str, *, success: bool, comment: str, outputs: Mapping[str, Any] | None = None
    ) -> None:
        """Answer a waiting Callback step."""
        command = deeds.answer(token, success, comment, outputs or {})
        deed = self._act("answer").answer(token, success=success, outputs=outputs, comment=comment)
        await self._done(command, deed)

    async def decide(self, arn: str, *, approve: bool, comment: str) -> ModelPackageView:
        """Approve or reject a model package version."""
        approval = ApprovalStatus.APPROVED if approve else ApprovalStatus.REJECTED
        command = deeds.answer(arn, approve, comment, {})
        return await self._done(command, self._act("decide").decide(arn, approval, comment))
