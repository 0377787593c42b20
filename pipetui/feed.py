"""The only door to the engine while the app runs: one pump in, immutable snapshots out.

The pump asks the source for what changed four to ten times a second, sooner when the source says
that something did, and hands on one ``Update`` for however many events there were.
"""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Iterator,
    Sequence,
)
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from engine.api import (
    ApprovalStatus,
    Control,
    Event,
    ExecutionView,
    Graph,
    History,
    Home,
    Inbox,
    ParameterView,
    Source,
    StepView,
    encode,
    known_secrets,
    open_local,
    open_replay,
    template,
    without_secrets,
)
from engine.errors import PipetuiError
from pipetui.action_door import ActionDoor
from pipetui.artifact_door import ArtifactDoor
from pipetui.pages import PAGE, Pages
from pipetui.updates import Update
from pipetui.viewmodel.executions import title, told, untold
from pipetui.viewmodel.secrets import LOG_MASK

if TYPE_CHECKING:
    from engine.api import (
        Branch,
        Difference,
        ExecutionDifference,
        FoldedLog,
        LogSource,
        MetricSeries,
        ModelPackageView,
        Trial,
        Usage,
        WaitingCallback,
    )

__all__ = ["Feed", "PipetuiError", "Update", "facts"]

FASTEST, SLOWEST = 0.1, 0.25
"""Seconds between two looks at the source while much and while nothing happens."""
IDLE = 1.0
"""The same while nothing runs; a source that tells of changes is looked at when it does."""
_RETRY = (1.0, 2.0, 5.0)
_RUNNERS_EVERY, _RUNNERS_RARELY = 2.0, 60.0
"""Seconds between two looks for dead runners; doubled by each that is found, up to the second."""
_RUNNING_SHOWN = 20
_LOGS_READ = 50
_COMPARED = 100_000
"""Lines at the end of a log that are compared with another log."""
_OF_MODELS = frozenset({"ModelPackageCreated", "ModelApprovalChanged"})
_ENDINGS = frozenset({"StepSucceeded", "StepFailed", "StepStopped", "AttemptLost", "AttemptFailed"})


class Feed(ArtifactDoor, ActionDoor):
    """A source and a control, and the latest of what a person looks at.

    Args:
        read_only: refuse every action, whatever the source allows.
        home: whose settings definition files are read with; None where none can be run.
    """

    def __init__(
        self,
        source: Source,
        control: Control,
        *,
        read_only: bool = False,
        home: Home | None = None,
    ) -> None:
        self._source = source
        self.home = home
        self._control = control
        self._read_only = read_only
        self._seq = -1
        self._pages = Pages(source)
        self.deeds = []
        self._woken = asyncio.Event()
        self.executions: tuple[ExecutionView, ...] = ()
        self.running: dict[str, str] = {}
        """Execution id -> a step of it that runs."""
        self.inbox = Inbox()
        self._notice = ""
        self._summaries: dict[tuple[str, str], str] = {}
        self._unread: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self.trouble = ""
        """Why the source does not answer; empty while it does."""
        self.watched = ""
        self.steps: dict[str, StepView] = {}
        """The watched execution's steps, in the definition's order."""
        self.steps_seq = 0
        """The last event that changed one of them."""

    @classmethod
    async def open(cls, home: Home, *, read_only: bool = False) -> Feed:
        """The executions of a home.

        Errors: ``ConfigError`` and ``StoreError`` where it cannot be used.
        """
        source, control = await open_local(home)
        return cls(source, control, read_only=read_only, home=home)

    @classmethod
    async def demo(cls, now: Callable[[], float], *, read_only: bool = False) -> Feed:
        """Recorded executions, played from now on; nothing runs, and no home is touched."""
        from pipetui.demo import RECORDING

        source, control = await open_replay(RECORDING, now)
        return cls(source, control, read_only=read_only)

    async def updates(self) -> AsyncGenerator[Update, None]:
        """Updates for ever, the first with everything; never raises for a source that fails."""
        works = (self._listen(), self._keep_runners(), self._read_logs())
        aside = [asyncio.create_task(one) for one in works]
        failures = 0
        pause = 0.0
        try:
            while True:
                woken = await self._wait(pause)
                try:
                    update = await self.poll(everything=woken)
                except (PipetuiError, OSError) as problem:
                    pause = _RETRY[min(failures, len(_RETRY) - 1)]
                    failures += 1
                    update = self._troubled(f"{problem}; trying again")
                else:
                    failures = 0
                    update = replace(update, notice=self._notice)
                    self._notice = ""
                    live = any(one.ended_at is None for one in self.executions)
                    slowest = SLOWEST if live else IDLE
                    pause = FASTEST if update else min(slowest, pause * 1.25 or FASTEST)
                if update:
                    yield update
        finally:
            for task in aside:
                task.cancel()
            await asyncio.gather(*aside, return_exceptions=True)

    async def _wait(self, seconds: float) -> bool:
        """Wait until the source says that something changed, or for a time; whether it did."""
        if seconds:
            with suppress(TimeoutError):
                # Not wait_for: on Python 3.11 it loses a cancellation that meets the wake-up.
                async with asyncio.timeout(seconds):
                    await self._woken.wait()
        woken = self._woken.is_set()
        self._woken.clear()
        return woken

    async def _listen(self) -> None:
        while True:
            with suppress(PipetuiError, OSError):
                async with aclosing(_as_generator(self._source.changes())) as changes:
                    async for _ in changes:
                        self._woken.set()
                        await asyncio.sleep(FASTEST)
            await asyncio.sleep(_RETRY[0])

    async def _read_logs(self) -> None:
        """Read the logs of failed steps whose reason only points there, one after another."""
        while True:
            execution_id, name = await self._unread.get()
            with suppress(PipetuiError, OSError):
                steps = await self._source.steps(execution_id)
                for step in [one for one in steps if one.name == name]:
                    summary = await asyncio.to_thread(_summary, self.log(step))
                    self._summaries[execution_id, name] = summary
                    self._woken.set()

    def _told(self, execution_id: str, step: str, reason: str, cause: str) -> str:
        """A failure reason without a known cause, with what the log says once that is read."""
        if cause or not untold(reason):
            return reason
        failed = (execution_id, step)
        if failed not in self._summaries:
            self._summaries[failed] = ""
            self._unread.put_nowait(failed)
        return told(reason, self._summaries[failed])

    def _told_execution(self, one: ExecutionView) -> ExecutionView:
        reason = self._told(one.id, one.first_failed, one.first_failure, one.first_cause)
        return one if reason == one.first_failure else replace(one, first_failure=reason)

    def _told_step(self, one: StepView) -> StepView:
        reason = self._told(one.execution_id, one.name, one.failure_reason, one.failure_cause)
        return one if reason == one.failure_reason else replace(one, failure_reason=reason)

    async def _keep_runners(self) -> None:
        pause = _RUNNERS_EVERY
        while True:
            await asyncio.sleep(pause)
            with suppress(PipetuiError, OSError):
                if await self.resume():
                    pause = min(2 * pause, _RUNNERS_RARELY)

    async def resume(self) -> bool:
        """Have executions whose runner died taken over; whether there were any.

        Errors: ``StoreError`` where no runner starts.
        """
        known = {one.id: one for one in self.executions}
        if self._read_only or all(one.ended_at for one in known.values()):
            return False
        taken = [
            title(known[name]) if name in known else name for name in await self._control.resume()
        ]
        if taken:
            self._notice = f"runner of {', '.join(taken)} died; a new one took over"
            self._woken.set()
        return bool(taken)

    def _troubled(self, trouble: str) -> Update:
        before, self.trouble = self.trouble, trouble
        return Update(trouble=trouble if trouble != before else None)

    async def poll(self, *, everything: bool = False) -> Update:
        """What changed since the last poll.

        Args:
            everything: look even where no new event is to be seen.
        """
        first = self._seq < 0
        events = [] if first else await self._source.events("", after=self._seq)
        cured = self._troubled("")
        if not (first or events or everything):
            return cured
        for event in events:
            if event.kind == "StepStarted":
                self._summaries.pop((event.execution_id, event.step or ""), None)
        listed = await self._pages.look({event.execution_id for event in events})
        told_ones = [self._told_execution(one) for one in listed[:_LOGS_READ]]
        executions = (*told_ones, *listed[_LOGS_READ:])
        inbox = await self._source.inbox()
        steps = await self._changed_steps() if self.watched else ()
        await self._find_running(executions, events)
        self._seq = max(
            [self._seq, 0, *(event.seq for event in events), *(one.seq for one in executions)]
            if first
            else [self._seq, *(event.seq for event in events)]
        )
        update = Update(
            executions=executions if first or executions != self.executions else None,
            steps=steps,
            events=tuple(one for one in events if one.execution_id == self.watched),
            inbox=inbox if first or inbox != self.inbox else None,
            models=first or any(event.kind in _OF_MODELS for event in events),
            trouble=cured.trouble,
        )
        self.executions, self.inbox = executions, inbox
        return update

    async def read_inbox(self) -> None:
        """Know at once what waits for a person.

        Errors: those of ``Source``.
        """
        self.inbox = await self._source.inbox()

    def question(self, step: StepView) -> WaitingCallback | None:
        """What a Callback step asks; None where nobody is known to be asked."""
        token, asked = step.callback_token, self.inbox.callbacks
        return next((one for one in asked if token and one.step.callback_token == token), None)

    async def _changed_steps(self) -> tuple[StepView, ...]:
        changed = await self._source.steps(self.watched, after=self.steps_seq)
        for step in changed:
            self.steps[step.name] = self.without_secrets(step)
            self.steps_seq = max(self.steps_seq, step.seq)
        names = {step.name for step in changed}
        for name, step in self.steps.items():
            if (now_told := self._told_step(step)) is not step:
                self.steps[name] = now_told
                names.add(name)
        return tuple(step for name, step in self.steps.items() if name in names)

    async def _find_running(
        self, executions: tuple[ExecutionView, ...], events: Sequence[Event]
    ) -> None:
        """Know a running step of each execution, reading its steps only when that one ended."""
        ended = {(one.execution_id, one.step) for one in events if one.kind in _ENDINGS}
        found: dict[str, str] = {}
        for execution_id in [one.id for one in executions if one.steps_running][:_RUNNING_SHOWN]:
            name = self.running.get(execution_id, "")
            if not name or (execution_id, name) in ended:
                steps = await self._source.steps(execution_id)
                name = next((one.name for one in steps if one.running), "")
            found[execution_id] = name
        self.running = found

    @property
    def all_listed(self) -> bool:
        """Whether ``executions`` are all there are."""
        return self._pages.complete

    async def list_more(self) -> bool:
        """Have older executions in ``executions``; whether there were any."""
        found = await self._pages.more()
        self.executions += tuple(found)
        return bool(found)

    async def actions(self, before: int = 0) -> list[Event]:
        """See ``Source.actions``."""
        return await self._source.actions(before=before, limit=PAGE)

    async def watch(self, execution_id: str) -> ExecutionView:
        """Follow an execution from now on: its steps and events are part of the updates.

        Errors: ``NotFound``.
        """
        execution = await self._source.execution(execution_id)
        self.watched, self.steps, self.steps_seq = execution.id, {}, 0
        await self._changed_steps()
        return execution

    def unwatch(self) -> None:
        """Follow no execution."""
        self.watched, self.steps, self.steps_seq = "", {}, 0

    async def execution(self, text: str) -> ExecutionView:
        """See ``Source.execution``."""
        return await self._source.execution(text)

    def earlier_of(self, execution: ExecutionView) -> list[ExecutionView]:
        """The listed executions of a pipeline before one of it, newest first."""
        same = [one for one in self.executions if one.pipeline == execution.pipeline]
        return [one for one in same if one.created_at < execution.created_at]

    async def steps_of(self, execution_id: str) -> list[StepView]:
        """All steps of an execution that is not watched."""
        steps = await self._source.steps(execution_id)
        return [self._told_step(self.without_secrets(one)) for one in steps]

    async def events(self, execution_id: str) -> list[Event]:
        """All events of an execution."""
        found: list[Event] = []
        while part := await self._source.events(execution_id, found[-1].seq if found else 0):
            found += part
        return found

    async def history(self, execution_id: str) -> History:
        """The past of an execution, up to now."""
        return History(await self.events(execution_id))

    async def graph(self, execution_id: str) -> Graph:
        """See ``Source.graph``."""
        return await self._source.graph(execution_id)

    async def raw_arguments(self, step: StepView) -> Any:
        """See ``Source.raw_arguments``."""
        return await self._source.raw_arguments(step.execution_id, step.name)

    async def parameters(self, execution_id: str) -> list[ParameterView]:
        """See ``Source.parameters``."""
        return await self._source.parameters(execution_id)

    async def last_green(self, step: StepView) -> StepView | None:
        """See ``Source.last_green``."""
        return await self._source.last_green(step)

    async def approved(self, package: ModelPackageView) -> ModelPackageView | None:
        """The newest approved version of a package's group but itself."""
        found = await self._source.packages(package.group)
        approved = [one for one in found if one.approval is ApprovalStatus.APPROVED]
        others = [one for one in approved if one.arn != package.arn]
        return max(others, key=lambda one: one.version, default=None)

    async def packages(self) -> list[ModelPackageView]:
        """All model package versions, newest first."""
        return await self._source.packages()

    async def lineage(self, package: ModelPackageView) -> Branch:
        """See ``Source.lineage``."""
        return await self._source.lineage(package)

    async def compare(self, before: str, now: str) -> ExecutionDifference:
        """See ``Source.compare``."""
        return await self._source.compare(before, now)

    async def compare_step(self, before: StepView, now: StepView) -> list[Difference]:
        """See ``Source.compare_step``."""
        return await self._source.compare_step(before, now)

    def secrets(self, step: StepView) -> frozenset[str]:
        """The values that the step was given under names that say that they are secret."""
        given = [one.parameters for one in self.executions if one.id == step.execution_id]
        return known_secrets(step.arguments, *given)

    def without_secrets(self, step: StepView) -> StepView:
        """A step that tells why it failed without the secrets that it was given."""
        if not step.failure_reason or not (secrets := self.secrets(step)):
            return step
        return replace(
            step,
            failure_reason=without_secrets(step.failure_reason, secrets),
            failure_cause=without_secrets(step.failure_cause, secrets),
        )

    def log(self, step: StepView, attempt: int = 0, *, clear: bool = False) -> LogSource:
        """See ``Source.log``; values that are known to be secret are masked unless ``clear``."""
        log = self._source.log(step, attempt)
        if clear or not (secrets := self.secrets(step)):
            return log
        from engine.api import MaskedLog

        return MaskedLog(log, secrets, LOG_MASK)

    def logs(
        self, steps: Sequence[StepView], attempt: int = 0, *, clear: bool = False
    ) -> LogSource:
        """The log of a step, or those of several steps merged by time; see ``log``."""
        if len(steps) == 1:
            return self.log(steps[0], attempt, clear=clear)
        from engine.api import MergedLog

        return MergedLog([(step.name, self.log(step, clear=clear)) for step in steps])

    def folded(self, log: LogSource, *, rare_first: bool) -> FoldedLog:
        """A log with one line for all those that say the same."""
        from engine.api import FoldedLog

        return FoldedLog(log, rare_first=rare_first)

    async def line_at(self, step: StepView, at: float) -> int | None:
        """See ``Source.line_at``."""
        return await self._source.line_at(step, at)

    async def usage(self, step: StepView) -> Usage:
        """See ``Source.usage``."""
        return await self._source.usage(step)

    async def series(self, step: StepView) -> Sequence[MetricSeries]:
        """See ``Source.series``."""
        return await self._source.series(step)

    async def trials(self, step: StepView) -> list[Trial]:
        """See ``Source.trials``."""
        return await self._source.trials(step)

    async def file_written(self, file: str) -> AsyncGenerator[None, None]:
        """Yields each time a file was written or replaced; ends where its folder is not there."""
        from engine.api import written

        path = Path(file)
        if not path.parent.is_dir():
            return
        async with aclosing(written(path.parent, _RUNNERS_RARELY)) as found:
            async for names in found:
                if path.name in names:
                    yield

    async def close(self) -> None:
        """Give back what the source holds."""
        await self._source.close()


def unseen_lines(log: LogSource, known: LogSource, most: int = 20) -> list[str]:
    """Lines of a log whose like another log does not have; looks at the ends of long ones."""
    templates = {template(text) for text in _last_texts(known)}
    found: dict[str, str] = {}
    for text in _last_texts(log):
        what = template(text)
        if what not in templates and text.strip():
            found.setdefault(what, text)
            if len(found) >= most:
                break
    return list(found.values())


def _last_texts(log: LogSource) -> Iterator[str]:
    while log.refresh() and not log.complete:
        pass
    start = max(0, log.count - _COMPARED)
    while texts := log.texts(start, 2_000):
        yield from texts
        start += len(texts)


def _summary(log: LogSource) -> str:
    """The most telling error of a log in one line, empty where it shows none."""
    while log.refresh() and not log.complete:
        pass
    found = log.first_error()
    return found.summary if found else ""


async def _as_generator(changes: AsyncIterator[None]) -> AsyncGenerator[None, None]:
    """The same as a generator, which can be closed whatever the source's iterator is."""
    async for change in changes:
        yield change


def facts(event: Event) -> dict[str, Any]:
    """An event's fact as plain JSON."""
    decoded = msgspec.json.decode(encode(event.fact))
    return decoded if isinstance(decoded, dict) else {}
