"""The seam towards a UI: where executions are read from, and where actions go."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from engine.model.events import Event
from engine.model.status import ApprovalStatus
from engine.model.views import ExecutionView, ModelPackageView, StepView

if TYPE_CHECKING:
    from engine.comparison.executions import Difference, ExecutionDifference
    from engine.jobs.shell import Shell
    from engine.lineage.graph import Branch
    from engine.logs.base import LogSource
    from engine.sources.series import MetricSeries
    from engine.sources.trials import Trial
    from engine.sources.usage import Usage
    from engine.storage.download import Downloaded, Told
    from engine.storage.preview import Preview


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a source lets a person do.

    ``refused`` maps an action (``start``, ``stop``, ``retry``, ``rerun``, ``answer``, ``decide``,
    ``parallelism``, ``breakpoint``) to the reason it cannot be done; an action that is not in it
    can.
    """

    name: str
    refused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A step as the graph shows it."""

    name: str
    type: str
    display_name: str = ""
    parent: str = ""
    """The Condition or ForEach step whose branch or body it belongs to."""


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """``target`` waits for ``source``. ``kind``: reference, depends_on, if, else or body."""

    source: str
    target: str
    kind: str


@dataclass(frozen=True, slots=True)
class Graph:
    """The steps of a definition and what waits for what."""

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]


@dataclass(frozen=True, slots=True)
class Artifact:
    """Something a step read or wrote."""

    role: str
    """``input``, ``output``, ``model``, ``report`` or ``log``."""
    name: str
    uri: str
    path: str = ""
    """Where it lies on this host; empty where it does not."""
    exists: bool = True
    size: int = 0
    """Bytes, summed over a folder."""
    files: int = 1
    folder: bool = False
    modified_at: float = 0.0
    """When it, or the last file in it, was written; 0 where that is not known."""


@dataclass(frozen=True, slots=True)
class ArtifactEntry:
    """One line of a listing under an artifact's URI."""

    name: str
    uri: str
    folder: bool
    size: int
    modified_at: float


@dataclass(frozen=True, slots=True)
class ParameterView:
    """A parameter of a definition, for a form."""

    name: str
    type: str
    default: Any = None
    required: bool = False
    choices: tuple[Any, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class WaitingCallback:
    """A Callback step that waits for an answer."""

    execution: ExecutionView
    step: StepView
    outputs: tuple[ParameterView, ...] = ()
    """The OutputParameters that an approval has to bring."""


@dataclass(frozen=True, slots=True)
class Inbox:
    """All that waits for a person."""

    callbacks: tuple[WaitingCallback, ...] = ()
    packages: tuple[ModelPackageView, ...] = ()


@dataclass(frozen=True, slots=True)
class StartRequest:
    """What to run.

    Args:
        file: a definition (.json, .yaml) or Python with ``get_pipeline``; absolute. Empty: the
            ``version`` of ``pipeline``.
        parameters: values as given; text is parsed by the declared type.
        pipeline: the pipeline's name; default: the file's folder or stem.
        selection: the steps to run; empty means all. The others are reused from
            ``source_execution``.
        edits: step name -> path inside its Arguments -> value.
        version: a PipelineVersionId or an alias; empty: the newest.
        python: the interpreter for a Python file; default: the configuration's.
        breakpoints: steps that are held when they could start.
    """

    file: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    pipeline: str = ""
    display_name: str = ""
    max_parallel: int = 0
    selection: tuple[str, ...] = ()
    source_execution: str = ""
    edits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    token: str = ""
    description: str = ""
    version: str = ""
    python: str = ""
    breakpoints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RerunRequest:
    """Run part of an execution again, as a new execution with the old one as its source.

    ``scope``: ``whole``, ``from`` (the step and all after it), ``only`` (the step alone) or
    ``failed`` (what did not succeed, and all after it).
    """

    execution_id: str
    scope: str
    step: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    edits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    max_parallel: int = 0


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """What a run would do with a step, and why."""

    name: str
    type: str
    action: str
    reason: str
    environment: str = ""
    """Image, interpreter and grade of the match, in words."""
    stand_in: str = ""
    refused: str = ""
    """Why it cannot run here; empty where it can."""
    local_retry: str = ""
    """Says that it would run again where the service would let it fail; empty where not."""


@dataclass(frozen=True, slots=True)
class Problem:
    """An error or a warning about a definition or a request."""

    code: str
    message: str
    hint: str = ""
    path: str = ""
    line: int | None = None
    warning: bool = False


@dataclass(frozen=True, slots=True)
class PlanView:
    """What a start would do, in the order of the definition."""

    pipeline: str
    parameters: Mapping[str, Any]
    steps: tuple[PlannedStep, ...]
    problems: tuple[Problem, ...] = ()


class Source(Protocol):
    """Where a UI reads from. All methods are cheap and never block the loop."""

    capabilities: Capabilities

    async def executions(
        self, *, limit: int = 200, before: float = 0.0, pipeline: str = ""
    ) -> list[ExecutionView]:
        """Executions, newest first; ``before`` (a creation time) pages on."""
        ...

    async def execution(self, text: str) -> ExecutionView:
        """The execution that an id, a unique prefix, an ARN or ``[PIPELINE]@last`` names."""
        ...

    async def steps(self, execution_id: str, after: int = 0) -> list[StepView]:
        """Steps that changed after event ``after``, in the definition's order."""
        ...

    async def events(self, execution_id: str, after: int = 0, limit: int = 1000) -> list[Event]:
        """Events with ``seq > after``, oldest first; of all executions where the id is empty."""
        ...

    async def actions(self, *, before: int = 0, limit: int = 500) -> list[Event]:
        """Events of ``PEOPLES_ACTIONS``, newest first; ``before`` (a ``seq``) pages on."""
        ...

    async def graph(self, execution_id: str) -> Graph:
        """The definition's steps and edges."""
        ...

    async def raw_arguments(self, execution_id: str, step: str) -> Any:
        """A step's Arguments as the author wrote them, expressions and all.

        What stands beside them in the definition comes with them: ``Conditions`` and
        ``PropertyFiles`` (PropertyFileName, OutputName, FilePath of each).
        """
        ...

    async def parameters(self, execution_id: str) -> list[ParameterView]:
        """The definition's parameters."""
        ...

    async def last_green(self, step: StepView) -> StepView | None:
        """The step's last run before this one that succeeded, in an execution of its pipeline."""
        ...

    async def compare(self, before: str, now: str) -> ExecutionDifference:
        """What differs between two executions; reads the files that their steps were given."""
        ...

    async def compare_step(self, before: StepView, now: StepView) -> list[Difference]:
        """What differs between two runs of a step: files, arguments, environment, metrics."""
        ...

    def log(self, step: StepView, attempt: int = 0) -> LogSource:
        """The log of a step's attempt (0: the current one); empty where there is none yet."""
        ...

    async def line_at(self, step: StepView, at: float) -> int | None:
        """The line of the step's log that was the last at a moment; None where nothing tells."""
        ...

    async def usage(self, step: StepView) -> Usage:
        """CPU time and memory that the step's current attempt took; empty where nobody sampled."""
        ...

    async def series(self, step: StepView) -> Sequence[MetricSeries]:
        """The metrics in the log of the step's current attempt, as curves."""
        ...

    async def trials(self, step: StepView) -> list[Trial]:
        """The training jobs of a tuning step, best first; none for another step."""
        ...

    async def artifacts(self, step: StepView) -> list[Artifact]:
        """What a step reads and writes, in the order of its arguments."""
        ...

    async def entries(self, uri: str) -> list[ArtifactEntry]:
        """What lies under a URI, folders first."""
        ...

    async def preview(
        self, uri: str, member: str = "", room: tuple[int, int] = (80, 50)
    ) -> Preview:
        """A bounded preview of an object, or of a member of an archive.

        Args:
            room: pixels, width and height, that a picture may have.
        """
        ...

    async def place(self, uri: str) -> str:
        """The path on this host of what a URI names; empty where it does not lie here."""
        ...

    async def download(
        self,
        uri: str,
        member: str,
        target: str,
        *,
        replace: bool = False,
        told: Told | None = None,
    ) -> Downloaded:
        """Copy an object, a folder or a member of an archive to a path of this host.

        Errors: ``StorageError`` (``target-exists`` where something is there), ``NotFound``.
        """
        ...

    async def compare_artifact(
        self, before: StepView, now: StepView, role: str, name: str, inside: str = ""
    ) -> list[Difference]:
        """What differs in an artifact, or ``inside`` of it, between two runs of a step.

        Errors: ``NotFound`` where one of them has it no more.
        """
        ...

    async def packages(self, group: str = "") -> list[ModelPackageView]:
        """Model package versions, newest first."""
        ...

    async def lineage(self, package: ModelPackageView) -> Branch:
        """The tree of what a model package version comes from."""
        ...

    async def inbox(self) -> Inbox:
        """All that waits for a person."""
        ...

    def changes(self) -> AsyncIterator[None]:
        """Yields soon after anything was written; may yield for nothing."""
        ...

    async def close(self) -> None:
        """Give back what the source holds."""
        ...


class Control(Protocol):
    """Where actions go. Errors: ``CommandRejected`` with the reason, and what validation finds."""

    async def start(self, request: StartRequest) -> str:
        """Start an execution; returns its id."""
        ...

    async def plan(self, request: StartRequest) -> PlanView:
        """What ``start`` would do, without doing it."""
        ...

    async def rerun(self, request: RerunRequest) -> str:
        """Start an execution that reuses another's results; returns its id."""
        ...

    async def plan_rerun(self, request: RerunRequest) -> PlanView:
        """What ``rerun`` would do, without doing it."""
        ...

    async def retry(self, execution_id: str, max_parallel: int = 0) -> None:
        """Run what failed or never started again, in the same execution."""
        ...

    async def stop(self, execution_id: str, reason: str = "") -> None:
        """Stop an execution."""
        ...

    async def change_parallelism(self, execution_id: str, max_parallel: int) -> None:
        """Change how many steps of a running execution may run at once; what runs goes on."""
        ...

    async def change_breakpoint(self, execution_id: str, step: str, *, hold: bool) -> None:
        """Hold a step that has not started when it could, or no longer: a held one starts."""
        ...

    async def answer(
        self,
        token: str,
        *,
        success: bool,
        outputs: Mapping[str, Any] | None = None,
        comment: str = "",
    ) -> None:
        """Answer a waiting Callback step."""
        ...

    async def decide(
        self, package: str, approval: ApprovalStatus, comment: str = ""
    ) -> ModelPackageView:
        """Approve or reject a model package version."""
        ...

    async def resume(self) -> Sequence[str]:
        """Take over executions whose runner died; returns their ids."""
        ...

    async def shell(self, step: StepView) -> Shell:
        """A shell in the environment of a step's job, ready to be run and closed.

        Errors: ``CommandRejected`` where the step has no job, ``JobError``.
        """
        ...
