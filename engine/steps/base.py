"""The seam: what a step type's handler is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from engine.config import Config
from engine.definition.document import Step
from engine.environments.build import Environments
from engine.errors import ExpressionError, PipetuiError, PlanError
from engine.jobs.base import Exit, Job
from engine.model.events import ModelPackageCreated
from engine.model.status import StepStatus
from engine.model.views import ModelPackageView
from engine.storage.tree import LocalTree

REASON_LIMIT = 1024
"""Characters of a FailureReason (API model)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt of a step ended."""

    status: StepStatus
    properties: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    code: str = ""
    note: str = ""
    lost: bool = False
    """The job is gone without a trace: not the step's fault, it may run again."""
    cause: str = ""
    """What went wrong on this host, in one line; empty where ``reason`` says all there is."""


def succeeded(
    properties: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    note: str = "",
) -> Outcome:
    """The step did its work."""
    return Outcome(StepStatus.SUCCEEDED, dict(properties or {}), dict(metadata or {}), note=note)


def failed(
    reason: str,
    code: str,
    properties: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    note: str = "",
) -> Outcome:
    """The step failed; ``reason`` is cut to what the service keeps."""
    return Outcome(
        StepStatus.FAILED,
        dict(properties or {}),
        dict(metadata or {}),
        reason[:REASON_LIMIT],
        code,
        note,
    )


def failed_by(error: PipetuiError, step: str = "") -> Outcome:
    """A step that failed for a reason of ours: in the service's words, with the way out.

    Args:
        step: named in the reason where an expression of the step cannot be resolved: such a
            message speaks of other steps only.
    """
    known = ("ClientError", "AlgorithmError", "InternalServerError")
    text = error.message if error.message.startswith(known) else f"ClientError: {error.message}"
    kind, _, words = text.partition(": ")
    if step and isinstance(error, ExpressionError) and not words.startswith(f"{step}: "):
        text = f"{kind}: {step}: {words}"
    return failed(text, error.code, note=error.hint)


@dataclass(frozen=True, slots=True)
class JobsEnd:
    """How the jobs of an attempt ended: one exit per host, and why they were made to end."""

    exits: tuple[Exit, ...]
    stopped: bool = False
    """Somebody asked for it."""
    timed_out: bool = False
    """MaxRuntimeInSeconds was over."""

    @property
    def ok(self) -> bool:
        """Whether all of them did their work."""
        return not self.stopped and not self.timed_out and all(one.ok for one in self.exits)

    @property
    def lost(self) -> bool:
        """Whether one of them is gone without an exit status."""
        return any(one.lost for one in self.exits)

    @property
    def culprit(self) -> int:
        """The host whose end counts: the first that failed by itself, not one stopped for it."""
        bad = [number for number, one in enumerate(self.exits) if not one.ok]
        return next((number for number in bad if not self.exits[number].stopped), (*bad, 0)[0])

    @property
    def worst(self) -> Exit:
        """The exit to report: that of the culprit."""
        return self.exits[self.culprit]


@dataclass(frozen=True, slots=True)
class Run:
    """What all steps of an execution share."""

    id: str
    arn: str
    pipeline: str
    started_at: float
    base: str
    """Folder of the definition file; relative URIs start here."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody said to a Callback step's token."""

    success: bool
    outputs: Mapping[str, Any]
    reason: str
    note: str
    expired: bool = False
    """Nobody answered in time."""


@dataclass(frozen=True, slots=True)
class Services:
    """What a handler may use of this host; wired in ``engine.runner.main``."""

    config: Config
    tree: LocalTree
    environments: Environments
    job_home: Path
    """HOME of jobs: a folder of our own, so that no job reads the user's AWS profile."""
    aws_environment: Callable[[], Mapping[str, str]]
    """Variables that point a job's AWS clients at the loopback endpoint."""

    @property
    def home(self) -> Path:
        """The home's folder."""
        return self.job_home.parent


class Child(Protocol):
    """One of the jobs that a step runs in folders of their own; see ``StepContext.child``."""

    directory: Path
    stopping: bool
    """It was told to stop."""

    def act(self, handler: StepHandler) -> Awaitable[Outcome]:
        """Run the job as a step of the handler's type; what goes wrong becomes its outcome."""
        ...

    def stop(self) -> None:
        """Stop its job; the outcome follows."""
        ...


class StepContext(Protocol):
    """One attempt of one step, as its handler sees it."""

    run: Run
    step: Step
    attempt: int
    arguments: Any
    """Arguments with every expression resolved."""
    directory: Path
    """The attempt's folder, made by ``engine.steps.attempt``."""
    job_id: str
    """``<execution>/<step>/<attempt>``, or below that for a child: marks its processes."""
    job_name: str
    callback_token: str
    """The same for every runner that works on this attempt."""
    services: Services
    resuming: bool
    """The attempt's job was started by an earlier runner: it may run, or have ended."""
    stopping: bool
    """The run is being stopped: nothing new starts."""

    @property
    def max_parallel(self) -> int:
        """How many jobs may run at once, as of now."""
        ...

    def doing(self, words: str) -> None:
        """Say what the attempt is busy with."""
        ...

    def progress(self, words: str, metadata: Mapping[str, Any]) -> None:
        """Say what the attempt is busy with, and what is known of its job by now."""
        ...

    async def run_jobs(
        self, jobs: Sequence[Job], environment: Mapping[str, Any], max_runtime_s: float | None
    ) -> JobsEnd:
        """Start the jobs of this attempt, or adopt those that run, and wait for all of them.

        They are stopped, with the configured grace, when the run stops or the time is up.
        """
        ...

    def child(
        self, name: str, arguments: Any, job_name: str, started_at: float | None = None
    ) -> Child:
        """A job of this attempt in the folder ``children/<name>``, with arguments of its own.

        It is stopped with the attempt. Once a step has a child, a stop does not cut its handler
        short: it waits for the children's outcomes, and starts no more.

        Args:
            started_at: when an earlier runner began it, seconds since the epoch: it is adopted.
                None where it begins now.
        """
        ...

    async def in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run blocking work off the loop."""
        ...

    async def answer(
        self,
        token: str,
        queue: str,
        inputs: Mapping[str, Any],
        send: Callable[[str], Awaitable[str]],
    ) -> Answer:
        """Ask a person (or a program) and wait for the answer.

        Args:
            send: sends the message with the given status, ``Executing`` at first and ``Stopping``
                when the run is being stopped; returns who did not take it, and why. Called once
                for each, but again where a runner dies before that is on record.
        """
        ...

    def resolve(self, value: Any) -> Any:
        """Resolve expressions outside of Arguments (conditions, check keys)."""
        ...

    async def register(self, fact: ModelPackageCreated) -> ModelPackageView:
        """Register a model package version."""
        ...

    async def packages(self, group: str) -> list[ModelPackageView]:
        """Model package versions of a group, newest first."""
        ...


class StepHandler(Protocol):
    """Runs one SageMaker step type."""

    runs_jobs: bool
    """Whether an attempt has a folder with a job in it."""
    interruptible: bool
    """Whether a stop ends it; Callback and Lambda go on to their own end (section 3.4)."""

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """Why this step cannot run here, found before anything starts; None where it can."""
        ...

    def stand_in(self, step: Step, config: Config) -> str:
        """What stands in for a cloud service; empty where the step is the real thing."""
        ...

    def run(self, context: StepContext) -> Awaitable[Outcome]:
        """Run one attempt. Errors: any ``PipetuiError`` fails the step with its message."""
        ...
