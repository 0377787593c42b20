"""Runs one execution: takes decisions from the scheduler, acts, and records what happened.

One transaction per turn of the loop holds what ended and what starts because of it; a step acts
only after the event that announces it is durable.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count, takewhile
from pathlib import Path
from typing import Any

from engine.clock import Clock
from engine.definition.document import Definition
from engine.definition.expressions import resolve
from engine.definition.graph import Graph
from engine.errors import PipetuiError
from engine.home import Home
from engine.jobs.base import Gone, JobRunner
from engine.jobs.usage import Sampler
from engine.model import commands as c
from engine.model import events as e
from engine.model.fold import ExecutionState
from engine.model.status import ExecutionStatus, StepStatus
from engine.model.views import AttemptView, StepView
from engine.planning.edits import apply_edits
from engine.planning.retry import (
    DEFAULT_POLICIES,
    failure_class,
    next_retry,
    tried_by,
    user_code_policies,
)
from engine.planning.schedule import Schedule
from engine.runner.announcing import announce
from engine.runner.attempt import CHILDREN, Attempt, Shell, job_name
from engine.runner.faults import reach
from engine.runner.journal import Journal
from engine.runner.loops import Expansion, Loops, failed_loop, readable
from engine.runner.recall import Memory, Recalled
from engine.runner.scope import ExecutionScope
from engine.runner.takeover import Past, answer_of, breakpoint_refusal, past_of
from engine.runner.wakeup import Wakeup
from engine.steps.base import Outcome, Run, Services, failed_by
from engine.steps.handlers import handler_for
from engine.steps.hosts import host_folder
from engine.steps.output_parameters import typed_outputs
from engine.store.base import EventStore, Lease, Settlement

log = logging.getLogger("pipetui.runner")

COMMAND_POLL_S = 2.0
"""How often commands are looked for when no nudge came; nudges normally do."""
LOST_ATTEMPTS = 3
"""Attempts of a step that may be lost (host restart, killed supervisor) before it fails."""


@dataclass(frozen=True, slots=True)
class _Begun:
    """A step that was taken: the facts to record first, and then what to act on.

    ``next``: the attempt to start, how it ended before it could, the result that replaces it, or
    the iterations that it stands for.
    """

    step: str
    facts: tuple[e.Fact, ...]
    next: Attempt | Outcome | StepView | Expansion


class Runner:
    """One execution under one lease.

    Args:
        state: of the execution, as the store folded it; the store keeps it up to date.
        committed: called after each transaction.
    """

    def __init__(
        self,
        home: Home,
        store: EventStore,
        lease: Lease,
        state: ExecutionState,
        definition: Definition,
        graph: Graph,
        services: Services,
        job_runner: JobRunner,
        clock: Clock,
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        view = state.execution
        self._home = home
        self._store = store
        self._lease = lease
        self._state = state
        self._definition = definition
        self._clock = clock
        self._services = services
        self._run_facts = Run(
            view.id, view.arn, view.pipeline, view.created_at, str(Path(view.file).parent)
        )
        self._journal = Journal(store, lease, clock, "runner", committed)
        self._sampler = Sampler()
        self._shell = Shell(
            services,
            clock,
            job_runner,
            self._journal.note,
            self._journal.record,
            self._register,
            store.packages,
            lambda: self._max_parallel,
            self._sampler,
        )
        self._schedule = Schedule(definition, graph, state.steps)
        self._loops = Loops(definition, graph, state.steps, services.config)
        self._results: dict[str, dict[str, Any]] = {
            step.name: step.properties
            for step in state.steps.values()
            if readable(step.status, step.properties)
        }
        self._attempts: dict[str, Attempt] = {}
        self._pauses: dict[str, asyncio.TimerHandle] = {}
        # An outcome of a step, the name of one whose pause is over, or None: look for commands.
        self._inbox: asyncio.Queue[tuple[str, Outcome] | str | None] = asyncio.Queue()
        self._memory = Memory(store, view.pipeline, services.tree, clock)
        self._max_parallel = view.max_parallel or services.config.parallel

    async def run(self) -> ExecutionStatus:
        """Go on with the execution until it ends; returns how it ended.

        Errors: ``StaleLease`` when another runner took over, ``StoreError``.
        """
        loop = asyncio.get_running_loop()
        folder = self._home.execution(self._run_facts.id)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        wakeup = Wakeup(folder, lambda: self._inbox.put_nowait(None))
        wakeup.open(loop)
        try:
            async with asyncio.TaskGroup() as tasks:
                keepers = [tasks.create_task(self._journal.keep()), tasks.create_task(self._poll())]
                status = await self._turns(tasks)
                for keeper in keepers:
                    keeper.cancel()
            return status
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from group
        finally:
            self._sampler.close()
            wakeup.close(loop)

    async def _poll(self) -> None:
        """Look for commands now and then, in case a nudge was lost."""
        while True:
            await asyncio.sleep(COMMAND_POLL_S)
            self._inbox.put_nowait(None)

    async def _turns(self, tasks: asyncio.TaskGroup) -> ExecutionStatus:
        if self._state.execution.stop_requested:
            self._schedule.stop()
        facts: list[e.Fact] = self._schedule.begin()
        facts += await self._resume(tasks)
        self._inbox.put_nowait(None)
        while True:
            await self._launch(tasks, facts)
            if not self._schedule.running:
                ending = self._schedule.ending()
                if ending is not None:
                    ended = e.ExecutionEnded(ending.status, ending.failure_reason)
                    reach("ending")
                    await self._journal.record(*ending.facts, ended)
                    reach("ended")
                    return ending.status
            facts = await self._next()

    async def _next(self) -> list[e.Fact]:
        """Wait for something to happen, and take in all that has; returns what it entails."""
        items = [await self._inbox.get()]
        while not self._inbox.empty():
            items.append(self._inbox.get_nowait())
        facts: list[e.Fact] = []
        for item in items:
            if isinstance(item, str):
                self._end_pause(item)
            elif item is not None:
                facts += self._settle(*item)
        if None in items:
            await self._obey()
        return facts

    async def _launch(self, tasks: asyncio.TaskGroup, facts: Sequence[e.Fact]) -> None:
        """Record ``facts`` and what starts now, then act; again for what follows at once."""
        facts = [*facts, *self._advance()]
        begun = [await self._begin(name) for name in self._schedule.take(self._max_parallel)]
        announced = [*facts, *(fact for one in begun for fact in one.facts)]
        if announced:
            await self._journal.record(*announced)
        if begun:
            reach("announced")
        follow: list[e.Fact] = []
        for one in begun:
            if isinstance(one.next, Attempt):
                self._start(tasks, one.next)
            elif isinstance(one.next, Outcome):
                follow += self._settle(one.step, one.next)
            elif isinstance(one.next, Expansion):
                follow += self._expand(one.step, one.next)
            else:
                follow += self._take_over(one.step, one.next)
        if not all(isinstance(one.next, Attempt) for one in begun):
            await self._launch(tasks, follow)

    async def _begin(self, name: str) -> _Begun:
        """The next attempt of a step with its arguments resolved, or what makes it needless."""
        step = self._loops.step(name)
        number = self._state.steps[name].attempt + 1
        arguments, problem = self._arguments(name, number)
        if step.for_each is not None:
            return self._begin_loop(name, number, arguments, problem)
        recalled = Recalled()
        if problem is None and not self._state.execution.selection:
            resolver = partial(_resolve, self._scope(name, number))
            recalled = await self._memory.recall(step, arguments, resolver)
        if recalled.found is not None:
            found = recalled.found
            origin = found.execution_id
            reused = e.StepReused(name, origin, found.properties, found.metadata, cached=True)
            return _Begun(name, (reused,), found)
        handler = handler_for(step.type)
        directory = Path()
        if handler is not None and handler.runs_jobs:
            directory = self._home.attempt(self._run_facts.id, name, number)
        fact = e.StepStarted(
            name,
            number,
            arguments,
            str(directory) if directory != Path() else "",
            recalled.key,
            recalled.digest,
            recalled.why,
        )
        return _Begun(name, (fact,), problem or self._attempt(name, number, arguments, directory))

    def _begin_loop(
        self, name: str, number: int, arguments: Any, problem: Outcome | None
    ) -> _Begun:
        """The iterations of a ForEach, or why there are none."""
        started = e.StepStarted(name, number, arguments)
        if problem is None:
            try:
                expansion = self._loops.expand(name, arguments)
            except PipetuiError as error:
                problem = failed_by(error, name)
        if problem is not None:
            return _Begun(name, (started,), failed_loop(problem))
        executing = e.StepExecuting(name, number)
        return _Begun(name, (started, *expansion.facts, executing), expansion)

    def _expand(self, name: str, expansion: Expansion) -> list[e.Fact]:
        """Let the first iterations of a ForEach begin; returns the facts that follow."""
        return self._schedule.expand(
            name, expansion.iterations, expansion.concurrency, self._state.steps
        )

    def _advance(self) -> list[e.Fact]:
        """Let iterations begin and end; returns the facts, those of ended ForEach steps too."""
        facts, ended = self._schedule.advance()
        for end in ended:
            outcome = self._loops.outcome(end, self._results, partial(self._scope, end.step, 1))
            facts += self._settle(end.step, outcome)
        return facts

    def _take_over(self, name: str, found: StepView) -> list[e.Fact]:
        """Take another execution's result as a step's own; returns the facts that follow."""
        self._results[name] = found.properties
        return self._schedule.settle(name, StepStatus.SUCCEEDED, found.outcome)

    def _attempt(
        self, name: str, number: int, arguments: Any, directory: Path, past: Past | None = None
    ) -> Attempt:
        return Attempt(
            self._shell,
            self._run_facts,
            self._loops.step(name),
            number,
            arguments,
            directory,
            partial(_resolve, self._scope(name, number)),
            past,
        )

    def _arguments(self, name: str, number: int) -> tuple[Any, Outcome | None]:
        """The arguments of an attempt with every expression resolved, or why they cannot be."""
        step, view = self._loops.step(name), self._state.steps[name]
        edits = self._state.execution.edits.get(view.declared_name, {})
        try:
            edited = apply_edits(step.arguments, edits, view.declared_name)
            if step.for_each is not None:
                # Its Field can be resolved when the iterations have ended.
                edited = {key: edited[key] for key in edited if key != "Selector"}
            return resolve(edited, self._scope(name, number)), None
        except PipetuiError as error:
            return None, failed_by(error, name)

    def _scope(
        self, name: str, number: int, iteration: e.IterationContext | None = None
    ) -> ExecutionScope:
        return ExecutionScope(
            self._definition,
            self._run_facts,
            self._state.execution.parameters,
            self._results,
            self._services.tree,
            self._clock.now,
            job_name(self._run_facts.id, self._loops.step(name), number),
            iteration or self._state.steps[name].iteration,
        )

    def _start(self, tasks: asyncio.TaskGroup, attempt: Attempt) -> None:
        self._attempts[attempt.step.name] = attempt
        tasks.create_task(self._act(attempt))

    async def _act(self, attempt: Attempt) -> None:
        """Run the handler, and have its outcome settled in a turn of the loop."""
        handler = handler_for(attempt.step.type)
        assert handler is not None, "planning refuses types without a handler"
        self._inbox.put_nowait((attempt.step.name, await attempt.act(handler)))

    def _settle(self, name: str, outcome: Outcome) -> list[e.Fact]:
        """The facts that an outcome makes, and those that follow from it."""
        attempt = self._attempts.pop(name, None)
        number = attempt.attempt if attempt else 1
        lost = sum(one.lost for one in self._tried(name)) + outcome.lost
        if outcome.lost and lost < LOST_ATTEMPTS and not (attempt and attempt.stopping):
            self._schedule.reopen(name)
            return [e.AttemptLost(name, number, outcome.reason)]
        if again := self._retry(name, number, outcome):
            return [again]
        fact = _ended(name, outcome)
        if readable(outcome.status, outcome.properties):
            self._results[name] = outcome.properties
        verdict = outcome.metadata.get("Condition", {}).get("Outcome")
        return [
            fact,
            *self._schedule.settle(
                name, outcome.status, None if verdict is None else verdict == "True"
            ),
        ]

    def _tried(self, name: str) -> list[AttemptView]:
        """The attempts of a step since it was last told to run, by a start or a retry."""
        view = self._state.steps[name]
        return [one for one in view.attempts if one.started_at >= (view.started_at or 0.0)]

    def _retry(self, name: str, number: int, outcome: Outcome) -> e.Fact | None:
        """See to it that a failed step runs again where a policy of its says so."""
        if outcome.status is not StepStatus.FAILED or self._schedule.stopping:
            return None
        step, view = self._loops.step(name), self._state.steps[name]
        own = user_code_policies(self._services.config.retry_user_code)
        policies = (*(step.retry_policies or DEFAULT_POLICIES), *own)
        failure = failure_class(outcome.code)
        retry = next_retry(
            policies,
            step.type,
            failure,
            tried=tried_by(policies, failure, (one.retried_as for one in self._tried(name))),
            since_start_s=self._clock.now() - (view.started_at or self._clock.now()),
        )
        if retry is None or failure is None:
            return None
        loop = asyncio.get_running_loop()
        self._pauses[name] = loop.call_later(retry.delay_s, self._inbox.put_nowait, name)
        return e.AttemptFailed(
            name,
            number,
            outcome.reason,
            outcome.code,
            retry.delay_s,
            str(failure),
            outcome.cause,
        )

    def _end_pause(self, name: str) -> None:
        """Let a step that waits for its next attempt start as soon as there is room."""
        if timer := self._pauses.pop(name, None):
            timer.cancel()
            self._schedule.reopen(name)

    async def _resume(self, tasks: asyncio.TaskGroup) -> list[e.Fact]:
        """Take over the attempts that an earlier runner left running.

        An attempt whose job had not started is given up; the step starts anew. Returns the facts
        that say so.
        """
        facts: list[e.Fact] = []
        left = [step for step in self._state.steps.values() if step.running]
        events = await self._events() if left else []
        for view in left:
            reach("resuming")
            if view.arguments is not None and self._loops.known(view.name):
                facts += self._expand(view.name, self._loops.expand(view.name, view.arguments))
                continue
            if lost := self._never_started(view):
                facts.append(e.AttemptLost(view.name, view.attempt, lost))
                self._schedule.reopen(view.name)
                continue
            arguments, problem = view.arguments, None
            if arguments is None:
                arguments, problem = self._arguments(view.name, view.attempt)
            if problem is not None:
                facts += self._settle(view.name, problem)
                continue
            past = past_of(view, events)
            attempt = self._attempt(view.name, view.attempt, arguments, Path(view.directory), past)
            if self._state.execution.stop_requested:
                self._stop_attempt(attempt)
            self._start(tasks, attempt)
        return facts

    def _never_started(self, view: StepView) -> str:
        """Why nothing of an attempt can have started, or can from now on; empty where it may."""
        if self._loops.step(view.name).for_each is not None:
            return "its iterations had not begun"
        directory, adopt = Path(view.directory), self._shell.job_runner.adopt
        never = view.directory and all(
            isinstance(adopt(None, str(host)), Gone)
            for folder in (directory, *sorted((directory / CHILDREN).glob("*")))
            for host in takewhile(Path.is_dir, (host_folder(folder, n) for n in count()))
        )
        return "its job had not started" if never else ""

    async def _events(self) -> list[e.Event]:
        """All events of the execution so far."""
        found: list[e.Event] = []
        while events := await self._store.events(self._run_facts.id, found[-1].seq if found else 0):
            found += events
        return found

    async def _obey(self) -> None:
        """Carry out the commands that wait."""
        for row in await self._store.commands(self._run_facts.id):
            state, result = c.CommandState.ACCEPTED, ""
            facts: list[e.Fact] = []
            after: Callable[[], object] = _nothing
            match row.command:
                case c.StopExecution(reason):
                    facts, after = self._stop(reason)
                case c.ChangeParallelism(number):
                    facts = [e.ParallelismChanged(number)]
                    self._max_parallel = number or self._services.config.parallel
                case c.RenameExecution(display_name, description):
                    facts = [e.ExecutionRenamed(display_name, description)]
                case c.ChangeBreakpoint() as command:
                    facts, result = self._change_breakpoint(command)
                    state = c.CommandState.REJECTED if result else state
                case c.AnswerCallback() as command:
                    facts, after, result = self._answer(command, row.actor)
                    state = c.CommandState.REJECTED if result else state
                case c.RetryExecution():
                    state, result = c.CommandState.REJECTED, "the execution has not ended"
            await self._journal.record(
                *facts, settled=[Settlement(row.id, state, result)], actor=row.actor
            )
            reach("obeyed")
            after()

    def _stop(self, reason: str) -> tuple[list[e.Fact], Callable[[], object]]:
        if self._state.execution.stop_requested:
            return [], _nothing
        self._schedule.stop()
        running = list(self._attempts.values())
        facts: list[e.Fact] = [e.StopRequested(reason)]
        names = (*self._schedule.loops, *(attempt.step.name for attempt in running))
        facts += [e.StepStopping(name) for name in names]

        def act() -> None:
            for attempt in running:
                self._stop_attempt(attempt)
            for name in list(self._pauses):
                self._end_pause(name)

        return facts, act

    def _change_breakpoint(self, command: c.ChangeBreakpoint) -> tuple[list[e.Fact], str]:
        """Hold a step, or let it go; returns the facts, or why that cannot be done."""
        name = command.step
        refusal = breakpoint_refusal(self._state, name) if command.hold else ""
        if refusal:
            return [], refusal
        view = self._state.steps.get(name)
        if view is None or view.breakpoint == command.hold:
            return [], "" if view else f"the execution has no step {name}"
        if command.hold:
            return [e.BreakpointSet(name), *self._schedule.hold(name)], ""
        self._schedule.release(name)
        return [e.BreakpointCleared(name)], ""

    @staticmethod
    def _stop_attempt(attempt: Attempt) -> None:
        handler = handler_for(attempt.step.type)
        attempt.stop(interruptible=handler is None or handler.interruptible)

    def _answer(
        self, command: c.AnswerCallback, actor: str
    ) -> tuple[list[e.Fact], Callable[[], object], str]:
        for name, attempt in self._attempts.items():
            if attempt.callback_token == command.token and self._waits(name):
                if problem := _missing_output(attempt, command):
                    return [], _nothing, problem
                if not attempt.accept_answer():
                    return [], _nothing, f"the token of {name} has expired"
                fact = e.CallbackAnswered(
                    name,
                    command.token,
                    command.success,
                    command.outputs,
                    command.reason,
                    command.comment,
                    command.client,
                )
                return [fact], partial(attempt.take_answer, answer_of(fact, actor)), ""
        return [], _nothing, f"no step waits for token {command.token}"

    def _waits(self, name: str) -> bool:
        return self._state.steps[name].waits_for_answer

    async def _register(self, fact: e.ModelPackageCreated) -> Any:
        package = await self._store.register(
            self._lease, fact, at=self._clock.now(), actor=self._state.execution.created_by
        )
        await announce(self._store, self._home)
        return package


def _missing_output(attempt: Attempt, command: c.AnswerCallback) -> str:
    """What an approval lacks; it is refused, for the step would only fail of it."""
    if not command.success:
        return ""
    try:
        typed_outputs(attempt.step.output_parameters, command.outputs, "the answer")
    except PipetuiError as problem:
        return problem.message.removeprefix("ClientError: ")
    return ""


def _nothing() -> None:
    """For a command that needs no act."""


def _resolve(scope: ExecutionScope, value: Any) -> Any:
    return resolve(value, scope)


def _ended(name: str, outcome: Outcome) -> e.Fact:
    match outcome.status:
        case StepStatus.SUCCEEDED:
            return e.StepSucceeded(name, outcome.properties, outcome.metadata, outcome.note)
        case StepStatus.STOPPED:
            return e.StepStopped(name, outcome.reason, outcome.properties, outcome.metadata)
        case _:
            return e.StepFailed(
                name,
                outcome.reason,
                outcome.code,
                outcome.properties,
                outcome.metadata,
                outcome.note,
                outcome.cause,
            )
