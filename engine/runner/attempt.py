"""One attempt of one step: what its handler works with, and how it is stopped."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import ids
from engine.clock import Clock
from engine.definition.document import Step
from engine.jobs.base import Exit, Finished, Gone, Handle, Job, JobRunner, Running
from engine.model.events import (
    CallbackRequested,
    Fact,
    ModelPackageCreated,
    StepExecuting,
    StepProgressed,
)
from engine.model.views import ModelPackageView
from engine.steps.base import Answer, JobsEnd, Run, Services

Register = Callable[[ModelPackageCreated], Any]


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


class Attempt:
    """Implements ``engine.steps.base.StepContext``.

    Args:
        resuming: an earlier runner began this attempt.
        started_at: when it began, seconds since the epoch.
        answered: the answer to the step's token, where one was given to an earlier runner.
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
        *,
        resuming: bool,
        started_at: float,
        answered: Answer | None = None,
    ) -> None:
        self.run = run
        self.step = step
        self.attempt = number
        self.arguments = arguments
        self.directory = directory
        self.resolve = resolve
        self.resuming = resuming
        self.services = shell.services
        self.job_name = job_name(run.id, step, number)
        self.callback_token = ids.callback_token(run.id, step.name, number)
        self._shell = shell
        self._started_at = started_at
        self._answered = answered
        self._question: asyncio.Future[Answer] | None = None
        self._handles: list[Handle] = []
        self._killers: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[Any] | None = None
        self.stopping = False
        self._timed_out = False

    def own(self, task: asyncio.Task[Any]) -> None:
        """Say which task runs the handler; it is cancelled when there is no job to stop."""
        self._task = task

    def doing(self, words: str) -> None:
        """See ``StepContext.doing``."""
        self._shell.note(StepProgressed(self.step.name, words))

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

    async def answer(self, token: str, queue: str, inputs: Mapping[str, Any]) -> Answer:
        """See ``StepContext.answer``."""
        if self._answered is not None:
            return self._answered
        self._question = asyncio.get_running_loop().create_future()
        if not self.resuming:
            facts: list[Fact] = [
                StepExecuting(self.step.name, self.attempt),
                CallbackRequested(self.step.name, token, queue, dict(inputs)),
            ]
            await self._shell.record(*facts)
        return await self._question

    def take_answer(self, answer: Answer) -> bool:
        """Hand an answer to the waiting handler; False where it does not wait for one."""
        if self._question is None or self._question.done():
            return False
        self._question.set_result(answer)
        return True

    async def run_jobs(
        self, jobs: Sequence[Job], environment: Mapping[str, Any], max_runtime_s: float | None
    ) -> JobsEnd:
        """See ``StepContext.run_jobs``."""
        runner = self._shell.job_runner
        exits: dict[int, Exit] = {}
        for number, job in enumerate(jobs):
            handle = await self._start_or_adopt(runner, job)
            if isinstance(handle, Exit):
                exits[number] = handle
            self._handles.append({} if isinstance(handle, Exit) else handle)
        if not (self.resuming and len(exits) == len(jobs)):
            self._shell.note(
                StepExecuting(
                    self.step.name,
                    self.attempt,
                    {"hosts": list(self._handles)},
                    {"Runner": runner.name, **environment},
                )
            )
        timer = self._set_timer(max_runtime_s)
        try:
            if self.stopping:
                self._kill()
            waiting = [n for n in range(len(jobs)) if n not in exits]
            if len(waiting) == 1:
                exits[waiting[0]] = await runner.wait(self._handles[waiting[0]])
            elif waiting:
                await self._wait_all(runner, waiting, exits)
        finally:
            if timer is not None:
                timer.cancel()
            self._handles = []
        ended = tuple(exits[number] for number in range(len(jobs)))
        told = any(not one.ok for one in ended) or self._timed_out
        return JobsEnd(ended, self.stopping and told, self._timed_out)

    async def _start_or_adopt(self, runner: JobRunner, job: Job) -> Handle | Exit:
        if self.resuming:
            match runner.adopt(None, job.directory):
                case Running(handle):
                    return handle
                case Finished(exit):
                    return exit
                case Gone():
                    return Exit(lost=True, note="it had not started when its runner died")
        os.makedirs(job.directory, mode=0o700, exist_ok=True)
        return await runner.start(job)

    async def _wait_all(
        self, runner: JobRunner, waiting: Sequence[int], exits: dict[int, Exit]
    ) -> None:
        """Wait for the hosts of one job; when one fails, the others have nothing left to do."""

        async def one(number: int) -> None:
            exits[number] = await runner.wait(self._handles[number])
            if not exits[number].ok:
                self._kill()

        async with asyncio.TaskGroup() as group:
            for number in waiting:
                group.create_task(one(number))

    def _set_timer(self, max_runtime_s: float | None) -> asyncio.TimerHandle | None:
        if max_runtime_s is None:
            return None
        spent = max(0.0, self._shell.clock.now() - self._started_at) if self.resuming else 0.0
        left = max(0.0, max_runtime_s - spent)
        return asyncio.get_running_loop().call_later(left, self._time_up)

    def _time_up(self) -> None:
        self._timed_out = True
        self._kill()

    def _kill(self) -> None:
        """Stop every job that runs; the waits end by themselves."""
        grace = self.services.config.grace_s
        for handle in self._handles:
            if handle:
                task = asyncio.create_task(self._shell.job_runner.stop(handle, grace))
                self._killers.add(task)
                task.add_done_callback(self._killers.discard)

    def stop(self, *, interruptible: bool) -> None:
        """End the attempt as the service would: jobs are stopped, preparations are cut short.

        A step that cannot be interrupted (Callback, Lambda) goes on to its own end.
        """
        if self.stopping:
            return
        self.stopping = True
        if not interruptible:
            return
        if self._handles:
            self._kill()
        elif self._task is not None:
            self._task.cancel()


def job_name(execution: str, step: Step, attempt: int) -> str:
    """Name of the job an attempt runs, which the definition may prefix (section 1.6)."""
    for key in ("ProcessingJobName", "TrainingJobName", "TransformJobName"):
        prefix = step.arguments.get(key)
        if isinstance(prefix, str) and prefix:
            return ids.prefixed_job_name(prefix, execution, step.name, attempt)
    return ids.job_name(execution, step.name, attempt)
