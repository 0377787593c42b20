"""Facts: what happened, in the past tense, one frozen class each.

An ``Event`` is a fact with its envelope: where it stands in the store's order, whose execution it
belongs to, when, and by whom. Facts are stored as JSON under their class name; a name this
version does not know decodes to ``UnknownFact`` and is kept, never an error.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.model.status import ApprovalStatus, ExecutionStatus, StepAction

Json = Any
"""A value as ``json`` would give it."""


@dataclass(frozen=True, slots=True)
class IterationContext:
    """Which iteration of a ForEach a step belongs to: IterationContext of the SageMaker API."""

    parent: str
    """The ForEach step."""
    index: int
    item: Json

    def child(self, body: str) -> str:
        """What a step of the body is called in this iteration."""
        return f"{body}-{self.index}"


@dataclass(frozen=True, slots=True)
class StepDeclared:
    """A step of the definition, or of an iteration, and what the plan does with it."""

    name: str
    type: str
    action: StepAction = StepAction.RUN
    reason: str = ""
    display_name: str = ""
    stand_in: str = ""
    """Says what stands in locally for a cloud service; empty where the step is the real thing."""
    iteration: IterationContext | None = None


@dataclass(frozen=True, slots=True)
class ExecutionCreated:
    """An execution was planned; carries all that a runner needs to run it."""

    pipeline: str
    definition: str
    """SHA-256 of the definition's text, which the store keeps."""
    parameters: dict[str, Json]
    steps: tuple[StepDeclared, ...]
    file: str = ""
    """The definition file, absolute; relative URIs in it are relative to its folder."""
    display_name: str = ""
    description: str = ""
    max_parallel: int = 0
    """0 means the host's default."""
    source_execution: str = ""
    """The execution that reused steps come from."""
    selection: tuple[str, ...] = ()
    """The steps that run; empty means all of them."""
    edits: dict[str, dict[str, Json]] = field(default_factory=dict)
    """Step name -> path inside its Arguments -> value that replaces what stands there."""
    token: str = ""
    """ClientRequestToken: the same token never creates a second execution."""
    content: str = ""
    """Digest of what the definition says, however it is laid out; empty: as of its text."""
    pipeline_version: int = 0
    """PipelineVersionId; 0 asks the store for that of the content, a new one where it is new."""
    pinned: bool = False
    """Whether a version was asked for, and not the file as it is."""
    breakpoints: tuple[str, ...] = ()
    """Steps that are held when they could start; ours alone, the service has none."""


@dataclass(frozen=True, slots=True)
class RunnerAttached:
    """A runner process took the lease of an execution."""

    pid: int
    epoch: int
    host: str


@dataclass(frozen=True, slots=True)
class StopRequested:
    """Somebody asked the execution to stop."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class ExecutionRetried:
    """A failed or stopped execution goes on: these steps will run again."""

    steps: tuple[str, ...]
    max_parallel: int = 0


@dataclass(frozen=True, slots=True)
class ParallelismChanged:
    """The number of steps that may run at once was changed."""

    max_parallel: int


@dataclass(frozen=True, slots=True)
class ExecutionRenamed:
    """An execution was given another display name or description; None leaves one as it is."""

    display_name: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class ExecutionEnded:
    """Nothing of the execution runs any more, and nothing will start."""

    status: ExecutionStatus
    failure_reason: str = ""


@dataclass(frozen=True, slots=True)
class StepStarted:
    """An attempt of a step is about to act; logged before the act."""

    step: str
    attempt: int
    arguments: Json = None
    """Arguments with every expression resolved; None when resolving them failed."""
    directory: str = ""
    """The attempt's folder, absolute; empty for steps that run no job."""
    cache_key: dict[str, Json] = field(default_factory=dict)
    """What the result depends on, where the step may be cached; empty where it may not."""
    cache_digest: str = ""
    """Digest of the key; results with the same one stand for each other."""
    reason: str = ""
    """Why it runs although it may be cached; empty where there is nothing to say."""


@dataclass(frozen=True, slots=True)
class StepsExpanded:
    """A running ForEach step was given the steps of its iterations."""

    step: str
    children: tuple[StepDeclared, ...]


@dataclass(frozen=True, slots=True)
class StepProgressed:
    """What a running attempt is busy with, in a few words (``Building environment``)."""

    step: str
    doing: str
    metadata: dict[str, Json] = field(default_factory=dict)
    finalising: bool = False
    """Whether the attempt's jobs have ended, and what they left is being dealt with."""


@dataclass(frozen=True, slots=True)
class StepExecuting:
    """The job of an attempt runs."""

    step: str
    attempt: int
    handle: dict[str, Json] = field(default_factory=dict)
    """What a later runner needs to adopt the job."""
    environment: dict[str, Json] = field(default_factory=dict)
    """Where the job runs: runner, image, grade, interpreter."""
    metadata: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepStopping:
    """A running step was told to stop."""

    step: str


@dataclass(frozen=True, slots=True)
class StepSucceeded:
    """A step did its work; its properties can be referenced from now on."""

    step: str
    properties: dict[str, Json] = field(default_factory=dict)
    """The shape of the step type's Describe call."""
    metadata: dict[str, Json] = field(default_factory=dict)
    """Metadata of ListPipelineExecutionSteps."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class StepFailed:
    """A step failed, after whatever attempts its policies allowed."""

    step: str
    reason: str
    """FailureReason as the service would put it, at most 1024 characters."""
    code: str = ""
    properties: dict[str, Json] = field(default_factory=dict)
    metadata: dict[str, Json] = field(default_factory=dict)
    note: str = ""
    cause: str = ""
    """What went wrong on this host in one line; empty where ``reason`` says all there is."""


@dataclass(frozen=True, slots=True)
class StepStopped:
    """A step ended because it was told to stop, or ran out of time."""

    step: str
    reason: str = ""
    properties: dict[str, Json] = field(default_factory=dict)
    metadata: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepSkipped:
    """A step will not run: it belongs to, or depends on, a branch that was not taken."""

    step: str
    reason: str


@dataclass(frozen=True, slots=True)
class StepBlocked:
    """A step will not start in this run: something it waits for failed, or the run stopped."""

    step: str
    reason: str


@dataclass(frozen=True, slots=True)
class StepReused:
    """A step was not run: its result comes from another execution."""

    step: str
    source_execution: str
    properties: dict[str, Json] = field(default_factory=dict)
    metadata: dict[str, Json] = field(default_factory=dict)
    cached: bool = False
    """True for a cache hit, False for selective execution."""


@dataclass(frozen=True, slots=True)
class AttemptLost:
    """The job of an attempt is gone without an exit status (host restart, killed supervisor)."""

    step: str
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """An attempt failed in a way that a retry policy covers; the step runs again."""

    step: str
    attempt: int
    reason: str
    code: str
    delay_s: float
    """Seconds until the next attempt."""
    exception: str = ""
    """The class of failure that the policy covers; one that begins with ``Local.`` is ours."""
    cause: str = ""
    """See ``StepFailed.cause``."""


@dataclass(frozen=True, slots=True)
class BreakpointSet:
    """Somebody wants a step that has not started to be held when it could."""

    step: str


@dataclass(frozen=True, slots=True)
class BreakpointCleared:
    """Somebody took a step's breakpoint away; one that was held goes on."""

    step: str


@dataclass(frozen=True, slots=True)
class StepHeld:
    """A step could start, but its breakpoint holds it."""

    step: str


@dataclass(frozen=True, slots=True)
class CallbackRequested:
    """A Callback step waits for an answer to its token."""

    step: str
    token: str
    queue: str = ""
    inputs: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallbackMessageSent:
    """A Callback step's message was handed to its queue, and to whoever else is told of it."""

    step: str
    token: str
    message: str
    """The message's own status: Executing, or Stopping for the second one."""
    reason: str = ""
    """Who did not take it, and why; empty where all did."""


@dataclass(frozen=True, slots=True)
class CallbackAnswered:
    """Somebody answered a Callback step's token."""

    step: str
    token: str
    success: bool
    outputs: dict[str, Json] = field(default_factory=dict)
    reason: str = ""
    comment: str = ""
    client: str = ""
    """The SSH client the answer came from, where there was one."""


@dataclass(frozen=True, slots=True)
class ModelPackageCreated:
    """A model package version was registered.

    ``version`` 0 asks the store for the group's next number; the stored fact carries it. ``key``
    (execution, step, attempt) makes registering idempotent: the same key never makes two.
    """

    key: str
    group: str
    version: int
    arn: str
    approval: ApprovalStatus
    request: dict[str, Json]
    """The resolved CreateModelPackage request."""
    evidence: dict[str, Json] = field(default_factory=dict)
    """What the metrics files said when the version was registered."""
    execution_id: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True)
class ModelApprovalChanged:
    """Somebody approved or rejected a model package version."""

    arn: str
    previous: ApprovalStatus
    approval: ApprovalStatus
    comment: str = ""
    client: str = ""


@dataclass(frozen=True, slots=True)
class PipelineCreated:
    """A pipeline was created; its definition is version 1."""

    pipeline: str
    definition: str
    """SHA-256 of the definition's text, which the store keeps."""
    content: str
    """Digest of what the definition says, however it is laid out."""
    display_name: str = ""
    description: str = ""
    role_arn: str = ""
    max_parallel: int = 0
    """Steps at once where an execution does not say; 0 means the host's default."""
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PipelineUpdated:
    """A pipeline was changed; None leaves a member as it is.

    Content that is not the newest version's makes the next version.
    """

    pipeline: str
    definition: str = ""
    content: str = ""
    display_name: str | None = None
    description: str | None = None
    role_arn: str | None = None
    max_parallel: int | None = None
    tags: dict[str, str] | None = None
    """All of them, as they are from now on."""


@dataclass(frozen=True, slots=True)
class PipelineVersionUpdated:
    """A version was given a name, a description or aliases; None leaves a member as it is.

    An alias of another version moves to this one.
    """

    pipeline: str
    version: int
    display_name: str | None = None
    description: str | None = None
    aliases: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class PipelineDeleted:
    """A pipeline was deleted; its executions stay on record."""

    pipeline: str


@dataclass(frozen=True, slots=True)
class UnknownFact:
    """A fact written by a newer version."""

    kind: str
    data: Json


Fact = (
    ExecutionCreated
    | RunnerAttached
    | StopRequested
    | ExecutionRetried
    | ParallelismChanged
    | ExecutionRenamed
    | ExecutionEnded
    | StepStarted
    | StepsExpanded
    | StepProgressed
    | StepExecuting
    | StepStopping
    | StepSucceeded
    | StepFailed
    | StepStopped
    | StepSkipped
    | StepBlocked
    | StepReused
    | AttemptLost
    | AttemptFailed
    | BreakpointSet
    | BreakpointCleared
    | StepHeld
    | CallbackRequested
    | CallbackMessageSent
    | CallbackAnswered
    | ModelPackageCreated
    | ModelApprovalChanged
    | PipelineCreated
    | PipelineUpdated
    | PipelineVersionUpdated
    | PipelineDeleted
    | UnknownFact
)


@dataclass(frozen=True, slots=True)
class Event:
    """A fact with its envelope."""

    seq: int
    """Position in the store's total order; 0 before it is stored."""
    execution_id: str
    """Empty for what belongs to the registry alone."""
    at: float
    """Seconds since the epoch, UTC."""
    actor: str
    """``user@host``, or ``runner``."""
    fact: Fact

    @property
    def kind(self) -> str:
        """Name of the fact."""
        return self.fact.kind if isinstance(self.fact, UnknownFact) else type(self.fact).__name__

    @property
    def step(self) -> str:
        """Name of the step the fact is about; empty where it is about none."""
        return getattr(self.fact, "step", "")


PEOPLES_ACTIONS = (
    ExecutionCreated,
    StopRequested,
    ExecutionRetried,
    ParallelismChanged,
    ExecutionRenamed,
    BreakpointSet,
    BreakpointCleared,
    CallbackAnswered,
    ModelApprovalChanged,
    PipelineCreated,
    PipelineUpdated,
    PipelineVersionUpdated,
    PipelineDeleted,
)
"""Facts that are there because somebody did something, for an audit."""
