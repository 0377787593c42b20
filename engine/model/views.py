"""What a person sees of executions, steps and model packages, folded from events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.model.events import IterationContext
from engine.model.status import (
    STEP_RUNNING,
    ApprovalStatus,
    ExecutionStatus,
    StepAction,
    StepStatus,
)


def told_failure(reason: str, cause: str) -> str:
    """FailureReason, or the cause on this host with the error class of the reason before it."""
    kind = reason.partition(":")[0]
    known = kind.endswith("Error") and kind.isidentifier()
    return f"{kind}: {cause}" if cause and known else cause or reason


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One attempt of a step."""

    number: int
    status: StepStatus
    started_at: float
    ended_at: float | None = None
    directory: str = ""
    """The attempt's folder: ``job.log``, ``exit.json``, ``ml/``. Empty where no job runs."""
    handle: dict[str, Any] = field(default_factory=dict)
    failure_reason: str = ""
    lost: bool = False
    """Its job was gone without a trace, or had never started; nobody's fault."""
    executing_at: float | None = None
    """When its job started; None before, and where there is none."""
    finalising_at: float | None = None
    """When its job had ended, and what it left was dealt with."""
    retried_as: str = ""
    """The class of its failure (ExceptionType) by which the step ran again."""
    failure_cause: str = ""
    """What went wrong on this host, in one line."""

    @property
    def failure(self) -> str:
        """Why it failed, for a person: with the cause where it is known."""
        return told_failure(self.failure_reason, self.failure_cause)


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of an execution, started or not."""

    execution_id: str
    index: int
    """Position in the definition; steps of iterations come after those."""
    name: str
    type: str
    status: StepStatus = StepStatus.WAITING
    display_name: str = ""
    action: StepAction = StepAction.RUN
    reason: str = ""
    """Why it is planned, skipped or blocked the way it is."""
    stand_in: str = ""
    doing: str = ""
    """What the running attempt is busy with."""
    attempts: tuple[AttemptView, ...] = ()
    started_at: float | None = None
    ended_at: float | None = None
    failure_reason: str = ""
    failure_code: str = ""
    failure_cause: str = ""
    """What went wrong on this host, in one line; ``failure_reason`` is the service's text."""
    note: str = ""
    arguments: Any = None
    """Arguments with every expression resolved, from the moment the step started."""
    properties: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    source_execution: str = ""
    """Where a reused or cached result comes from."""
    cache_key: dict[str, Any] = field(default_factory=dict)
    """What the result depends on, where the step may be cached."""
    cache_digest: str = ""
    callback_token: str = ""
    """Set while the step waits for an answer."""
    callback_inputs: dict[str, Any] = field(default_factory=dict)
    seq: int = 0
    """The last event that changed it."""
    iteration: IterationContext | None = None
    """Which iteration of a ForEach it belongs to; None for a step of the definition itself."""
    breakpoint: bool = False
    """Whether it is to be held when it could start."""
    held: bool = False
    """Whether it could start, and its breakpoint holds it; its status says nothing of that."""

    @property
    def failure(self) -> str:
        """Why it failed, for a person: with the cause where it is known."""
        return told_failure(self.failure_reason, self.failure_cause)

    @property
    def parent(self) -> str:
        """The ForEach step that it is an iteration's step of; empty where it is none."""
        return self.iteration.parent if self.iteration else ""

    @property
    def declared_name(self) -> str:
        """What the definition calls it: the name of the body step for a step of an iteration."""
        return self.name.removesuffix(f"-{self.iteration.index}") if self.iteration else self.name

    @property
    def attempt(self) -> int:
        """Number of the current attempt, 0 before the first."""
        return self.attempts[-1].number if self.attempts else 0

    @property
    def directory(self) -> str:
        """Folder of the current attempt, empty where there is none."""
        return self.attempts[-1].directory if self.attempts else ""

    @property
    def running(self) -> bool:
        """Whether an attempt is under way."""
        return self.status in STEP_RUNNING

    @property
    def waits_for_answer(self) -> bool:
        """Whether a person has to answer before it goes on."""
        return bool(self.callback_token) and self.running

    @property
    def outcome(self) -> bool | None:
        """What a Condition step decided, None before it did."""
        text = self.metadata.get("Condition", {}).get("Outcome")
        return None if text is None else text == "True"

    @property
    def compared(self) -> list[dict[str, Any]]:
        """What a Condition step compared, in the order of its conditions.

        ``Left``, ``Right`` and ``Result`` of each; ``Result`` and ``Parts`` of a Not and an Or.
        """
        found: list[dict[str, Any]] = self.metadata.get("Condition", {}).get("Compared", [])
        return found


@dataclass(frozen=True, slots=True)
class ExecutionView:
    """One execution, without its steps."""

    id: str
    pipeline: str
    status: ExecutionStatus
    created_at: float
    definition: str = ""
    """SHA-256 of the definition's text."""
    file: str = ""
    display_name: str = ""
    description: str = ""
    pipeline_version: int = 0
    """PipelineVersionId; 0 for one from before pipelines had versions."""
    pinned: bool = False
    """Whether it was started from that version, and not from its file."""
    parameters: dict[str, Any] = field(default_factory=dict)
    max_parallel: int = 0
    source_execution: str = ""
    selection: tuple[str, ...] = ()
    edits: dict[str, dict[str, Any]] = field(default_factory=dict)
    modified_at: float = 0.0
    ended_at: float | None = None
    failure_reason: str = ""
    created_by: str = ""
    steps_total: int = 0
    steps_done: int = 0
    """Steps that succeeded, were reused, skipped, failed or stopped."""
    steps_running: int = 0
    steps_failed: int = 0
    steps_stopped: int = 0
    steps_skipped: int = 0
    steps_reused: int = 0
    """Steps whose result is another execution's, cached ones included."""
    steps_cached: int = 0
    steps_waiting_for_answer: int = 0
    first_failed: str = ""
    first_failure: str = ""
    """FailureReason of the step that failed first."""
    runner_pid: int = 0
    epoch: int = 0
    retries: int = 0
    stop_requested: bool = False
    seq: int = 0
    first_cause: str = ""
    """What went wrong in that step on this host, in one line."""
    steps_held: int = 0
    """Steps that could start and are held by a breakpoint."""

    @property
    def first_told(self) -> str:
        """Why its first step failed, for a person: with the cause where it is known."""
        return told_failure(self.first_failure, self.first_cause)

    @property
    def steps_succeeded(self) -> int:
        """Steps that succeeded or were reused."""
        other = self.steps_failed + self.steps_stopped + self.steps_skipped
        return self.steps_done - other

    @property
    def arn(self) -> str:
        """ARN in the service's form, with the account number that stands for this machine."""
        return execution_arn(self.pipeline, self.id)


LOCAL_REGION = "local"
LOCAL_ACCOUNT = "000000000000"


def local_arn(kind: str, name: str) -> str:
    """ARN of a local resource: ``arn:aws:sagemaker:local:000000000000:<kind>/<name>``."""
    return f"arn:aws:sagemaker:{LOCAL_REGION}:{LOCAL_ACCOUNT}:{kind}/{name}"


def execution_arn(pipeline: str, execution_id: str) -> str:
    """ARN of an execution; the service lower-cases the pipeline's name in it."""
    return local_arn("pipeline", f"{pipeline.lower()}/execution/{execution_id}")


@dataclass(frozen=True, slots=True)
class Approval:
    """One entry of a model package's approval record."""

    at: float
    actor: str
    previous: ApprovalStatus
    approval: ApprovalStatus
    comment: str = ""
    client: str = ""


@dataclass(frozen=True, slots=True)
class ModelPackageView:
    """One version in a model package group, with its evidence and approval record."""

    arn: str
    group: str
    version: int
    approval: ApprovalStatus
    created_at: float
    created_by: str = ""
    execution_id: str = ""
    step: str = ""
    key: str = ""
    request: dict[str, Any] = field(default_factory=dict)
    evidence: dict[str, Any] = field(default_factory=dict)
    approvals: tuple[Approval, ...] = ()
    seq: int = 0
