"""Actions on the executions of a home: runners are started, commands queued, decisions recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.actor import actor, ssh_client
from engine.clock import Clock, SystemClock
from engine.definition.document import Step, StepType
from engine.definition.graph import Graph as DefinitionGraph
from engine.definition.loader import load
from engine.errors import CommandRejected, NotFound, PipetuiError
from engine.home import Home
from engine.model import commands as c
from engine.model.events import ModelApprovalChanged, StepDeclared
from engine.model.fold import ExecutionState
from engine.model.status import EXECUTION_ENDED, ApprovalStatus, StepAction, StepStatus
from engine.model.views import ModelPackageView, StepView
from engine.pipelines import limits
from engine.planning.retry import local_only
from engine.runner import takeover
from engine.runner.announcing import announce
from engine.runner.forecast import forecast
from engine.runner.process import RunnerRequest, alive
from engine.runner.recall import Recalled
from engine.runner.resume import resume_orphans, take_over
from engine.runner.spawn import spawn
from engine.runner.start import Prepared, pinned_definition, prepare
from engine.runner.wakeup import nudge
from engine.sources.base import (
    PlannedStep,
    PlanView,
    Problem,
    RerunRequest,
    StartRequest,
)
from engine.steps.container import engine_for, resolve_image, runs_images
from engine.steps.handlers import handler_for
from engine.steps.spark import spark_resolution
from engine.steps.spark_function import is_spark_function
from engine.steps.spark_processing import submits_spark
from engine.steps.training import image_of, wants_program
from engine.store import queries
from engine.store.connection import connect
from engine.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from engine.jobs.shell import Shell

ANSWER_TIMEOUT_S = 30.0
"""How long a runner may take to deal with a command."""
_POLL_S = 0.02
_OWN_PROGRAMS = frozenset({"ClarifyCheck", "QualityCheck"})
"""Types that name an image and never run in it."""


class LocalControl:
    """``Control`` over one home.

    Args:
        who: who acts, for the record; this process's user where nobody is named.
    """

    def __init__(self, home: Home, clock: Clock | None = None, who: str = "") -> None:
        self._home = home
        self._clock = clock or SystemClock()
        self._who = who or actor()

    async def start(self, request: StartRequest) -> str:
        """See ``Control.start``."""
        return await self._spawn(RunnerRequest(str(self._home.root), self._who, request))

    async def plan(self, request: StartRequest) -> PlanView:
        """See ``Control.plan``."""
        async with await self._store() as store:
            named = request.source_execution
            source = await store.state(named) if named else None
            pinned = await pinned_definition(store, request)
            prepared = await asyncio.to_thread(prepare, self._home, request, source, pinned)
            recalled = await forecast(self._home, store, self._clock, request, prepared)
        return await asyncio.to_thread(_plan_view, prepared, recalled)

    async def rerun(self, request: RerunRequest) -> str:
        """See ``Control.rerun``."""
        return await self.start(await self._rerun_request(request))

    async def plan_rerun(self, request: RerunRequest) -> PlanView:
        """See ``Control.plan_rerun``."""
        return await self.plan(await self._rerun_request(request))

    async def _rerun_request(self, request: RerunRequest) -> StartRequest:
        async with await self._store() as store:
            state = await store.state(request.execution_id)
            definition = load(await store.definition(state.execution.definition))
        selection = _selection(request, state, DefinitionGraph.of(definition))
        execution = state.execution
        edits = {name: dict(values) for name, values in execution.edits.items()}
        for step, values in request.edits.items():
            name = state.steps[step].declared_name if step in state.steps else step
            edits[name] = {**edits.get(name, {}), **values}
        pinned = execution.pinned or not execution.file
        return StartRequest(
            file="" if pinned else execution.file,
            version=str(execution.pipeline_version) if pinned else "",
            parameters={**execution.parameters, **request.parameters},
            pipeline=execution.pipeline,
            max_parallel=request.max_parallel or execution.max_parallel,
            selection=selection,
            source_execution=execution.id if selection else "",
            edits=edits,
        )

    async def retry(self, execution_id: str, max_parallel: int = 0) -> None:
        """See ``Control.retry``."""
        async with await self._store() as store:
            refusal = takeover.retry_refusal(await store.state(execution_id))
            if refusal:
                raise CommandRejected(refusal, code="retry-refused")
            number = await self._send(store, execution_id, c.RetryExecution(max_parallel))
        await self._settle(execution_id, number)

    async def stop(self, execution_id: str, reason: str = "") -> None:
        """See ``Control.stop``."""
        async with await self._store() as store:
            status = (await store.state(execution_id)).execution.status
            if status in EXECUTION_ENDED:
                raise CommandRejected(
                    f"execution {execution_id} is {status}: there is nothing to stop",
                    code="stop-refused",
                )
            number = await self._send(store, execution_id, c.StopExecution(reason))
        await self._settle(execution_id, number)

    async def change_parallelism(self, execution_id: str, max_parallel: int) -> None:
        """See ``Control.change_parallelism``."""
        if max_parallel < 1:
            raise CommandRejected(
                f"{max_parallel} steps at once would start none",
                code="parallelism-invalid",
                hint="1 is the least; to start no step any more, stop the execution.",
            )
        async with await self._store() as store:
            status = (await store.state(execution_id)).execution.status
            if status in EXECUTION_ENDED:
                raise CommandRejected(
                    f"execution {execution_id} is {status}: no step of it starts any more",
                    code="parallelism-refused",
                    hint="A retry takes a new limit: `pipetui retry E --max-parallel N`.",
                )
            number = await self._send(store, execution_id, c.ChangeParallelism(max_parallel))
        await self._settle(execution_id, number)

    async def change_breakpoint(self, execution_id: str, step: str, *, hold: bool) -> None:
        """See ``Control.change_breakpoint``."""
        async with await self._store() as store:
            refusal = takeover.breakpoint_refusal(await store.state(execution_id), step)
            if refusal and hold:
                raise CommandRejected(
                    refusal,
                    code="breakpoint-refused",
                    hint="A breakpoint is for a step of a running execution that has not started.",
                )
            number = await self._send(store, execution_id, c.ChangeBreakpoint(step, hold))
        await self._settle(execution_id, number)

    async def rename(
        self, execution_id: str, display_name: str | None = None, description: str | None = None
    ) -> None:
        """Change the display name or the description of an execution, ended or not.

        Errors: ``DefinitionError`` where one is too long.
        """
        limits.check_execution_name(display_name or "")
        limits.check_description(description or "")
        async with await self._store() as store:
            await store.state(execution_id)
            command = c.RenameExecution(display_name, description)
            number = await self._send(store, execution_id, command)
        await self._settle(execution_id, number)

    async def answer(
        self,
        token: str,
        *,
        success: bool,
        outputs: Mapping[str, Any] | None = None,
        comment: str = "",
    ) -> None:
        """See ``Control.answer``."""
        async with await self._store() as store:
            execution_id = await self._waiting_for(store, token)
            command = c.AnswerCallback(
                token,
                success,
                dict(outputs or {}),
                "" if success else comment,
                comment,
                ssh_client(),
            )
            number = await self._send(store, execution_id, command)
        await self._settle(execution_id, number)

    async def decide(
        self, package: str, approval: ApprovalStatus, comment: str = ""
    ) -> ModelPackageView:
        """See ``Control.decide``."""
        found = await asyncio.to_thread(self._find_package, package)
        if found.approval is approval:
            raise CommandRejected(f"{found.arn} is {approval} already", code="approval-unchanged")
        fact = ModelApprovalChanged(found.arn, found.approval, approval, comment, ssh_client())
        async with await self._store() as store:
            decided = await store.decide(fact, at=self._clock.now(), actor=self._who)
            await announce(store, self._home)
            return decided

    async def resume(self) -> Sequence[str]:
        """See ``Control.resume``."""
        return await asyncio.to_thread(resume_orphans, self._home)

    async def shell(self, step: StepView) -> Shell:
        """See ``Control.shell``."""
        from engine.sources.shells import shell_of

        return await shell_of(self._home, step)

    def _find_package(self, text: str) -> ModelPackageView:
        db = connect(self._home.database, read_only=True)
        try:
            return queries.find_package(db, text)
        finally:
            db.close()

    async def _waiting_for(self, store: SqliteStore, token: str) -> str:
        for execution in await store.unfinished():
            state = await store.state(execution.id)
            if any(step.callback_token == token for step in state.steps.values()):
                return execution.id
        raise NotFound(
            f"no step waits for token {token}",
            code="token-not-found",
            hint="`pipetui models` and the inbox (a) show what waits.",
        )

    async def _send(self, store: SqliteStore, execution_id: str, command: c.Command) -> int:
        return await store.send(execution_id, command, at=self._clock.now(), actor=self._who)

    async def _settle(self, execution_id: str, number: int) -> None:
        """See to it that a runner deals with a command, and raise what it refuses."""
        if not nudge(self._home.execution(execution_id)):
            await asyncio.to_thread(take_over, self._home, execution_id)
        db = connect(self._home.database, read_only=True)
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                while True:
                    state, result = queries.command_outcome(db, number)
                    if state is not c.CommandState.PENDING:
                        break
                    # The runner is another process: its answer is seen in the store only.
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise CommandRejected(
                f"the runner of {execution_id} does not answer",
                code="runner-silent",
                hint="The command stays queued; `pipetui doctor` shows the runner.",
            ) from None
        finally:
            db.close()
        if state is c.CommandState.REJECTED:
            raise CommandRejected(result, code="command-refused")

    async def _spawn(self, request: RunnerRequest) -> str:
        import msgspec

        return await asyncio.to_thread(spawn, msgspec.json.encode(request))

    async def _store(self) -> SqliteStore:
        return await SqliteStore.open(self._home.database, alive)


def _selection(
    request: RerunRequest, state: ExecutionState, graph: DefinitionGraph
) -> tuple[str, ...]:
    """The steps that a rerun's scope means, in the definition's order; empty for all."""
    if request.scope == "whole":
        return ()
    if request.scope == "failed":
        roots = {
            step.parent or step.name
            for step in state.steps.values()
            if step.status not in (StepStatus.SUCCEEDED, StepStatus.SKIPPED)
        }
        if not roots:
            raise CommandRejected(
                f"every step of {request.execution_id} succeeded", code="nothing-failed"
            )
    else:
        if request.step not in state.steps:
            raise NotFound(
                f"execution {request.execution_id} has no step {request.step!r}",
                code="step-not-found",
                hint="`pipetui steps` lists them.",
            )
        # A step of an iteration runs again with the whole ForEach.
        roots = {state.steps[request.step].parent or request.step}
    if request.scope == "only":
        return tuple(roots)
    chosen = roots | graph.downstream(roots)
    return tuple(name for name in state.steps if name in chosen)


def _plan_view(prepared: Prepared, recalled: Mapping[str, Recalled]) -> PlanView:
    refused = {problem.path: problem for problem in prepared.plan.refused}
    steps = []
    for declared in prepared.plan.steps:
        step = prepared.definition.steps[declared.name]
        problem = refused.get(step.path)
        action, reason = _remembered(declared, recalled.get(declared.name))
        runs = action is StepAction.RUN
        steps.append(
            PlannedStep(
                declared.name,
                declared.type,
                action,
                reason,
                _environment(prepared, declared.name) if runs else "",
                declared.stand_in if runs else "",
                problem.message if problem else "",
                _local_retry(prepared, step) if runs else "",
            )
        )
    problems = [_problem(one, warning=True) for one in prepared.warnings]
    problems += [_problem(one) for one in prepared.plan.refused]
    return PlanView(prepared.pipeline, prepared.parameters, tuple(steps), tuple(problems))


def _local_retry(prepared: Prepared, step: Step) -> str:
    handler = handler_for(step.type)
    if handler is None or not (handler.runs_jobs or step.type == StepType.LAMBDA):
        return ""
    return local_only(step.retry_policies, prepared.config.retry_user_code)


def _remembered(declared: StepDeclared, recalled: Recalled | None) -> tuple[StepAction, str]:
    """What becomes of a planned step by what the cache says of it, and why."""
    if recalled is None:
        return declared.action, declared.reason
    if recalled.found is None:
        return declared.action, f"{declared.reason}; {recalled.why}"
    return StepAction.CACHED, f"{declared.reason}; result of {recalled.found.execution_id}"


def _environment(prepared: Prepared, name: str) -> str:
    arguments = prepared.definition.steps[name].arguments
    image = (arguments.get("AppSpecification") or {}).get("ImageUri") or image_of(arguments)
    if not isinstance(image, str) or not image:
        return ""
    short = image.rsplit("/", 1)[-1]
    own = prepared.definition.steps[name].type in _OWN_PROGRAMS
    if runs_images(prepared.config):
        return "" if own else f"{short} in a container"
    specification = arguments.get("AppSpecification") or {}
    program = (
        not specification.get("ContainerEntrypoint")
        if specification
        else wants_program(arguments, prepared.config)
    )
    if not own and (offer := engine_for(image, prepared.config, program)).tool:
        return f"{short} in a container ({offer.words})"
    spark = is_spark_function(arguments) or submits_spark(specification, prepared.config)
    resolution = (spark_resolution if spark else resolve_image)(image, prepared.config)
    if resolution.kind == "refused":
        # Its refusal says why, or what stands in for it.
        return ""
    where = (
        "host's interpreter"
        if resolution.kind == "host"
        else ", ".join(resolution.requirements[:3])
    )
    return f"{short} -> {where} ({resolution.grade.value})"


def _problem(error: PipetuiError, *, warning: bool = False) -> Problem:
    return Problem(error.code, error.message, error.hint, error.path, error.line, warning)
