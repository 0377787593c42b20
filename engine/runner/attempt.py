"""One attempt of one step: what its handler works with, and how it is stopped."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine import ids
from engine.clock import Clock
from engine.definition.document import Step, StepType
from engine.errors import PipetuiError, StoreError
from engine.jobs.base import Exit, Finished, Gone, Handle, Job, JobRunner, Running
from engine.jobs.usage import Sampler
from engine.model.events import (
    CallbackMessageSent,
    CallbackRequested,
    Fact,
    ModelPackageCreated,
    StepExecuting,
    StepProgressed,
)
from engine.model.status import StepStatus
from engine.model.views import ModelPackageView
from engine.runner.causes import read_cause
from engine.runner.expiry import Expiry, lasting
from engine.runner.faults import reach
from engine.runner.takeover import Past
from engine.steps.base import (
    Answer,
    JobsEnd,
    Outcome,
    Run,
    Services,
    StepHandler,
    failed,
    failed_by,
)

log = logging.getLogger("pipetui.runner")

CHILDREN = "children"
"""Folder of an attempt that holds one folder per child."""

Register = Callable[[ModelPackageCreated], Any]
Send = Callable[[str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Shell:
    """What all attempts of an execution share with their runner."""

    services: Services
    clock: Clock
    job_runner: JobRunner
    note: Callable[..., None]
    """Record facts soon."""
    record: Callable[..., Any]
    """Record facts and wait until they are durable."""
    register: Register
    packages: Callable[[str], Awaitable[list[ModelPackageView]]]
    """Model package versions of a group, newest first."""
    max_parallel: Callable[[], int]
    """How many jobs may run at once, as of now."""
    sampler: Sampler


class Attempt:
    """Implements ``engine.steps.base.StepContext``.

    Args:
        past: what an earlier runner did for this attempt; None where it begins now.
    """

    def __init__(
        self,
        shell: Shell,
        run: Run,
        step: Step,
        number: int,
        arguments: Any,
        directory: Path,
        resolve: Callable[[Any], Any],
        past: Past | None = None,
    ) -> None:
        self.run = run
        self.step = step
        self.attempt = number
        self.arguments = arguments
        self.directory = directory
        self.resolve = resolve
        self.resuming = past is not None
        self.services = shell.services
        self.job_id = f"{run.id}/{step.name}/{number}"
        self.job_name = job_name(run.id, step, number)
        self.callback_token = ids.callback_token(run.id, step.name, number)
        self.stopping = False
        self._shell = shell
        self._past = past or Past()
        self._answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if self._past.answer is not None:
            self._answer.set_result(self._past.answer)
        self._expiry: Expiry | None = None
        self._preparing: asyncio.Task[Any] | None = None
        self._end_jobs = asyncio.Event()
        self._stop_told = asyncio.Event()
        self._timed_out = False
        self._jobs_over = False
        self._sampled = directory
        self._children: list[Attempt] = []
        self._culprit: tuple[Job, Exit] | None = None
        self.cause = ""

    async def act(self, handler: StepHandler) -> Outcome:
        """Run the handler; what happens in it becomes an outcome, unless the store breaks."""
        outcome = await self._handled(handler)
        if outcome.status is StepStatus.FAILED and not outcome.lost:
            self.cause = outcome.cause or await self._find_cause()
            outcome = replace(outcome, cause=self.cause)
        return outcome

    async def _find_cause(self) -> str:
        """What ended the job that failed, or that of the first child that did."""
        if self._culprit is not None:
            return str(await self.in_thread(read_cause, *self._culprit))
        return next((child.cause for child in self._children if child.cause), "")

    async def _handled(self, handler: StepHandler) -> Outcome:
        try:
            self._begin()
            if self.directory != Path():
                os.makedirs(self.directory, mode=0o700, exist_ok=True)
            outcome = await handler.run(self)
            reach("handled")
        except StoreError:
            raise
        except PipetuiError as error:
            return failed_by(error, self.step.name)
        except asyncio.CancelledError:
            if not self.stopping:
                raise
            return Outcome(StepStatus.STOPPED)
        except Exception as error:
            log.exception("step %s: the handler broke", self.step.name)
            text = f"InternalServerError: {type(error).__name__}: {error}"
            return failed(text, "internal-error", note="The traceback is in runner.log.")
        if self.stopping and not handler.interruptible:
            outcome = replace(outcome, status=StepStatus.STOPPED)
        return outcome

    def _begin(self) -> None:
        """Say that this task runs the handler.

        A stop cancels that task until jobs start. One that goes on with an earlier runner's work
        is not cancelled: it has jobs that must be stopped.

        Errors: ``CancelledError`` where the stop came first.
        """
        if self.resuming:
            return
        if self._end_jobs.is_set():
            raise asyncio.CancelledError
        self._preparing = asyncio.current_task()

    @property
    def max_parallel(self) -> int:
        """See ``StepContext.max_parallel``."""
        return self._shell.max_parallel()

    def child(
        self, name: str, arguments: Any, job_name: str, started_at: float | None = None
    ) -> Attempt:
        """See ``StepContext.child``."""
        self._preparing = None
        child = Attempt(
            replace(self._shell, note=self._note_of_child),
            self.run,
            self.step,
            self.attempt,
            arguments,
            self.directory / CHILDREN / name,
            self.resolve,
            None if started_at is None else Past(started_at=started_at),
        )
        child.job_id, child.job_name = f"{self.job_id}/{name}", job_name
        child._sampled = self._sampled
        self._children.append(child)
        if self.stopping:
            child.stop()
        return child

    def _note_of_child(self, *facts: Fact) -> None:
        """The step executes as soon as one of its children does; the rest is the child's own."""
        for fact in facts:
            if isinstance(fact, StepExecuting) and self._past.executing_since is None:
                self._past = replace(self._past, executing_since=self._shell.clock.now())
                self._shell.note(replace(fact, handle={}))

    def doing(self, words: str) -> None:
        """See ``StepContext.doing``."""
        self._shell.note(StepProgressed(self.step.name, words, finalising=self._jobs_over))

    def progress(self, words: str, metadata: Mapping[str, Any]) -> None:
        """See ``StepContext.progress``."""
        self._shell.note(StepProgressed(self.step.name, words, dict(metadata)))

    async def in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """See ``StepContext.in_thread``."""
        return await asyncio.to_thread(function, *arguments)

    async def register(self, fact: ModelPackageCreated) -> ModelPackageView:
        """See ``StepContext.register``."""
        package: ModelPackageView = await self._shell.register(fact)
        return package

    async def packages(self, group: str) -> list[ModelPackageView]:
        """See ``StepContext.packages``."""
        return await self._shell.packages(group)

    async def answer(self, token: str, queue: str, inputs: Mapping[str, Any], send: Send) -> Answer:
        """See ``StepContext.answer``."""
        if self._past.asked_at is None:
            facts: list[Fact] = [
                StepExecuting(self.step.name, self.attempt),
                CallbackRequested(self.step.name, token, queue, dict(inputs)),
            ]
            events = await self._shell.record(*facts)
            self._past = replace(self._past, asked_at=events[-1].at)
        expiry = Expiry(self._shell.clock, self._past.asked_at or 0.0, self._lifetime, self._expire)
        self._expiry = expiry
        expiry.watch()
        await self._tell(token, "Executing", send)
        stopped = asyncio.ensure_future(self._stop_told.wait())
        try:
            ends: list[asyncio.Future[Any]] = [self._answer, stopped]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            await self._tell(token, "Stopping", send)
            return await self._answer
        finally:
            stopped.cancel()
            expiry.cancel()

    @property
    def _lifetime(self) -> float:
        return self.services.config.callback_expire_after_s

    def _expire(self) -> None:
        words = f"{self.step.name}: nobody answered within {lasting(self._lifetime)}"
        reason = f"{words} (callback.expire_after_s); the token has expired"
        self.take_answer(Answer(False, {}, reason, "", expired=True))

    async def _tell(self, token: str, message: str, send: Send) -> None:
        """Send a message of a question that is still open, unless an earlier runner did."""
        if self._answer.done() or message in self._past.told:
            return
        reach("telling")
        reason = await send(message)
        reach("told")
        await self._shell.record(CallbackMessageSent(self.step.name, token, message, reason))

    def accept_answer(self) -> bool:
        """Whether an answer comes in time; it cannot expire then while it is put on record."""
        if self._expiry is not None:
            self._expiry.cancel()
        return not self._answer.done()

    def take_answer(self, answer: Answer) -> None:
        """Hand an answer to the handler; the first one counts."""
        if not self._answer.done():
            self._answer.set_result(answer)

    async def run_jobs(
        self, jobs: Sequence[Job], environment: Mapping[str, Any], max_runtime_s: float | None
    ) -> JobsEnd:
        """See ``StepContext.run_jobs``."""
        self._preparing = None
        self._jobs_over = False
        handles, exits = await self._start_or_adopt(jobs)
        reach("started")
        if self._past.executing_since is None:
            self._shell.note(
                StepExecuting(
                    self.step.name,
                    self.attempt,
                    {"hosts": [handles.get(number, {}) for number in range(len(jobs))]},
                    {"Runner": self._runner_of(handles), **environment},
                )
            )
        timer = self._set_timer(max_runtime_s)
        try:
            await self._wait(handles, exits)
        finally:
            if timer is not None:
                timer.cancel()
        reach("jobs-ended")
        self._jobs_over = True
        ended = tuple(exits[number] for number in range(len(jobs)))
        told = any(not one.ok for one in ended) or self._timed_out
        end = JobsEnd(ended, self.stopping and told, self._timed_out)
        failed_by_itself = not (end.ok or end.stopped or end.timed_out)
        self._culprit = (jobs[end.culprit], end.worst) if failed_by_itself else None
        return end

    def _runner_of(self, handles: Mapping[int, Handle]) -> str:
        """The way that the jobs run: with containers, those without an image run on the host."""
        started = next(iter(handles.values()), {})
        return str(started.get("runner") or self._shell.job_runner.name)

    async def _start_or_adopt(
        self, jobs: Sequence[Job]
    ) -> tuple[dict[int, Handle], dict[int, Exit]]:
        """The jobs that run and those that have ended, by host."""
        handles: dict[int, Handle] = {}
        exits: dict[int, Exit] = {}
        for number, job in enumerate(jobs):
            if self.resuming:
                match self._shell.job_runner.adopt(None, job.directory):
                    case Running(handle):
                        handles[number] = handle
                    case Finished(exit):
                        exits[number] = exit
                    case Gone():
                        note = "it had not started when its runner died"
                        exits[number] = Exit(lost=True, note=note)
            else:
                reach("starting")
                try:
                    handles[number] = await self._start(job)
                except Exception:
                    await self._stop_jobs(handles)
                    raise
        return handles, exits

    async def _start(self, job: Job) -> Handle:
        if self.services.config.job_runner == "process":
            # Chosen by the user for jobs that do not look at /opt/ml: it is laid out, not mounted.
            job = replace(job, ml="", working_directory=job.directory)
        return await self._shell.job_runner.start(job)

    async def _wait(self, handles: Mapping[int, Handle], exits: dict[int, Exit]) -> None:
        """Wait for the hosts of one job; when one fails, the others have nothing left to do."""
        sampler = self._shell.sampler

        async def host(number: int, handle: Handle) -> None:
            sampler.watch(self._sampled, handle)
            try:
                exits[number] = await self._shell.job_runner.wait(handle)
            finally:
                sampler.forget(self._sampled, handle)
            if not exits[number].ok and len(handles) > 1:
                self._end_jobs.set()

        if any(not one.ok for one in exits.values()):
            self._end_jobs.set()
        async with asyncio.TaskGroup() as group:
            stopper = group.create_task(self._stop_when_told(handles))
            async with asyncio.TaskGroup() as hosts:
                for number, handle in handles.items():
                    hosts.create_task(host(number, handle))
            if not self._end_jobs.is_set():
                stopper.cancel()

    async def _stop_when_told(self, handles: Mapping[int, Handle]) -> None:
        await self._end_jobs.wait()
        reach("stopping")
        await self._stop_jobs(handles)

    async def _stop_jobs(self, handles: Mapping[int, Handle]) -> None:
        """Stop the jobs; those that cannot be are awaited all the same."""
        stop, grace_s = self._shell.job_runner.stop, self.services.config.grace_s
        for problem in await asyncio.gather(
            *(stop(handle, grace_s) for handle in handles.values()), return_exceptions=True
        ):
            if problem is not None:
                log.error("step %s: a job cannot be stopped: %s", self.step.name, problem)

    def _set_timer(self, max_runtime_s: float | None) -> asyncio.TimerHandle | None:
        if max_runtime_s is None:
            return None
        now = self._shell.clock.now()
        since = self._past.executing_since or self._past.started_at or now
        left = max(0.0, max_runtime_s - max(0.0, now - since))
        return asyncio.get_running_loop().call_later(left, self._time_up)

    def _time_up(self) -> None:
        self._timed_out = True
        self._end_jobs.set()

    def stop(self, *, interruptible: bool = True) -> None:
        """End the attempt as the service would: jobs are stopped, preparations are cut short.

        A step that cannot be interrupted (Callback, Lambda) goes on to its own end.
        """
        if self.stopping:
            return
        self.stopping = True
        self._stop_told.set()
        if interruptible:
            self._end_jobs.set()
            if self._preparing is not None:
                self._preparing.cancel()
            for child in self._children:
                child.stop()


def job_name(execution: str, step: Step, attempt: int) -> str:
    """Name of the job an attempt runs, which the definition may prefix (section 1.6)."""
    if step.type == StepType.TUNING:
        prefix = step.arguments.get("HyperParameterTuningJobName")
        return ids.tuning_job_name(
            prefix if isinstance(prefix, str) else "", execution, step.name, attempt
        )
    for key in ("ProcessingJobName", "TrainingJobName", "TransformJobName"):
        prefix = step.arguments.get(key)
        if isinstance(prefix, str) and prefix:
            return ids.prefixed_job_name(prefix, execution, step.name, attempt)
    return ids.job_name(execution, step.name, attempt)
