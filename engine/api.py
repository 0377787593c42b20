"""The one face of the engine towards a UI: views, sources of executions, and actions on them.

Every name loads on first use: importing this module costs nothing, and neither AWS code nor asyncio
is loaded before somebody needs it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from engine.clock import timestamp
    from engine.comparison.contents import Content, ContentDifference, compare_contents
    from engine.comparison.executions import (
        Area,
        Difference,
        ExecutionDifference,
    )
    from engine.comparison.trees import Change, FileEntry, TreeDifference, compare_trees
    from engine.comparison.values import ValueDifference, compare_values
    from engine.definition.document import Definition
    from engine.definition.loader import Examination
    from engine.doctor import Check, State, diagnose
    from engine.errors import PipetuiError, Refused
    from engine.home import Home
    from engine.jobs.shell import Shell
    from engine.lineage.graph import Branch, lineage_document
    from engine.lineage.query import lineage_of
    from engine.logs.base import LogSource
    from engine.logs.folded import FoldedLog
    from engine.logs.masked import MaskedLog
    from engine.logs.merged import MergedLog
    from engine.logs.secrets import known_secrets, without_secrets
    from engine.logs.templates import template
    from engine.model.codec import encode, fact_kind
    from engine.model.events import Event
    from engine.model.pipelines import PipelineVersionView, PipelineView
    from engine.model.status import (
        EXECUTION_ENDED,
        EXECUTION_RETRYABLE,
        STEP_ENDED,
        STEP_NOT_LISTED,
        STEP_RUNNING,
        STEP_SETTLED,
        ApprovalStatus,
        ExecutionStatus,
        StepAction,
        StepStatus,
    )
    from engine.model.views import Approval, AttemptView, ExecutionView, ModelPackageView, StepView
    from engine.pipelines.changes import VersionChange
    from engine.planning.edits import value_at
    from engine.replay.report import (
        OutputDifference,
        Replay,
        ReplayReport,
        ReplayRequest,
        Verdict,
    )
    from engine.replay.run import begin_replay, finish_replay, replay, stop_replay
    from engine.runner.resume import resume_orphans
    from engine.runner.spawn import dismiss, launch
    from engine.serving.endpoints import (
        Endpoint,
        Invocation,
        delete_endpoint,
        invoke,
        list_endpoints,
        stop_endpoint,
    )
    from engine.sources.aws_shapes import (
        StatusChanges,
        describe_execution,
        list_executions,
        list_packages,
        list_steps,
    )
    from engine.sources.base import (
        Artifact,
        ArtifactEntry,
        Capabilities,
        Control,
        Graph,
        GraphEdge,
        GraphNode,
        Inbox,
        ParameterView,
        PlannedStep,
        PlanView,
        Problem,
        RerunRequest,
        Source,
        StartRequest,
        WaitingCallback,
    )
    from engine.sources.history import History
    from engine.sources.pipeline_shapes import list_pipelines, list_versions
    from engine.sources.pipelines import LocalPipelines
    from engine.sources.reader import LocalReader
    from engine.sources.series import MetricSeries, Origin, Point
    from engine.sources.shells import shell_of
    from engine.sources.trials import Trial
    from engine.sources.usage import Sample, Usage
    from engine.storage.download import Downloaded, Told
    from engine.storage.picture import Picture
    from engine.storage.preview import Preview, Table
    from engine.watching import written

_PLACES = {
    "engine.clock": "timestamp",
    "engine.comparison.contents": "Content ContentDifference compare_contents",
    "engine.comparison.trees": "Change FileEntry TreeDifference compare_trees",
    "engine.comparison.values": "ValueDifference compare_values",
    "engine.comparison.executions": "Area Difference ExecutionDifference",
    "engine.doctor": "Check State diagnose",
    "engine.home": "Home",
    "engine.jobs.shell": "Shell",
    "engine.lineage.graph": "Branch lineage_document",
    "engine.lineage.query": "lineage_of",
    "engine.logs.base": "LogSource",
    "engine.logs.folded": "FoldedLog",
    "engine.logs.masked": "MaskedLog",
    "engine.logs.merged": "MergedLog",
    "engine.logs.secrets": "known_secrets without_secrets",
    "engine.logs.templates": "template",
    "engine.model.codec": "encode fact_kind",
    "engine.model.events": "Event",
    "engine.model.pipelines": "PipelineVersionView PipelineView",
    "engine.model.status": (
        "ApprovalStatus EXECUTION_ENDED EXECUTION_RETRYABLE ExecutionStatus STEP_ENDED "
        "STEP_NOT_LISTED STEP_RUNNING STEP_SETTLED StepAction StepStatus"
    ),
    "engine.model.views": "Approval AttemptView ExecutionView ModelPackageView StepView",
    "engine.pipelines.changes": "VersionChange",
    "engine.planning.edits": "value_at",
    "engine.replay.report": "OutputDifference Replay ReplayReport ReplayRequest Verdict",
    "engine.replay.run": "begin_replay finish_replay replay stop_replay",
    "engine.runner.resume": "resume_orphans",
    "engine.errors": "Refused",
    "engine.runner.spawn": "dismiss launch",
    "engine.serving.endpoints": (
        "Endpoint Invocation delete_endpoint invoke list_endpoints stop_endpoint"
    ),
    "engine.sources.aws_shapes": (
        "StatusChanges describe_execution list_executions list_packages list_steps"
    ),
    "engine.sources.base": (
        "Artifact ArtifactEntry Capabilities Control Graph GraphEdge GraphNode Inbox "
        "ParameterView PlanView PlannedStep Problem RerunRequest Source StartRequest "
        "WaitingCallback"
    ),
    "engine.sources.history": "History",
    "engine.sources.pipeline_shapes": "list_pipelines list_versions",
    "engine.sources.pipelines": "LocalPipelines",
    "engine.sources.reader": "LocalReader",
    "engine.sources.shells": "shell_of",
    "engine.sources.series": "MetricSeries Origin Point",
    "engine.sources.trials": "Trial",
    "engine.sources.usage": "Sample Usage",
    "engine.storage.download": "Downloaded Told",
    "engine.storage.picture": "Picture",
    "engine.storage.preview": "Preview Table",
    "engine.watching": "written",
}
_MODULE_OF = {name: module for module, names in _PLACES.items() for name in names.split()}

__all__ = [
    "EXECUTION_ENDED",
    "EXECUTION_RETRYABLE",
    "STEP_ENDED",
    "STEP_NOT_LISTED",
    "STEP_RUNNING",
    "STEP_SETTLED",
    "Approval",
    "ApprovalStatus",
    "Area",
    "Artifact",
    "ArtifactEntry",
    "AttemptView",
    "Branch",
    "Capabilities",
    "Change",
    "Check",
    "Content",
    "ContentDifference",
    "Control",
    "Difference",
    "Downloaded",
    "Endpoint",
    "Event",
    "ExecutionDifference",
    "ExecutionStatus",
    "ExecutionView",
    "FileEntry",
    "FoldedLog",
    "Graph",
    "GraphEdge",
    "GraphNode",
    "History",
    "Home",
    "Inbox",
    "Invocation",
    "LocalPipelines",
    "LocalReader",
    "LogSource",
    "MaskedLog",
    "MergedLog",
    "MetricSeries",
    "ModelPackageView",
    "Origin",
    "OutputDifference",
    "ParameterView",
    "Picture",
    "PipelineVersionView",
    "PipelineView",
    "PlanView",
    "PlannedStep",
    "Point",
    "Preview",
    "Problem",
    "Refused",
    "Replay",
    "ReplayReport",
    "ReplayRequest",
    "RerunRequest",
    "Sample",
    "Shell",
    "Source",
    "StartRequest",
    "State",
    "StatusChanges",
    "StepAction",
    "StepStatus",
    "StepView",
    "Table",
    "Told",
    "TreeDifference",
    "Trial",
    "Usage",
    "ValueDifference",
    "Verdict",
    "VersionChange",
    "WaitingCallback",
    "begin_replay",
    "compare_contents",
    "compare_trees",
    "compare_values",
    "delete_endpoint",
    "describe_execution",
    "diagnose",
    "dismiss",
    "encode",
    "examine_file",
    "fact_kind",
    "finish_replay",
    "graph_of_file",
    "invoke",
    "known_secrets",
    "launch",
    "lineage_document",
    "lineage_of",
    "list_endpoints",
    "list_executions",
    "list_packages",
    "list_pipelines",
    "list_steps",
    "list_versions",
    "open_control",
    "open_local",
    "open_pipelines",
    "open_reader",
    "open_replay",
    "parameters_of_file",
    "replay",
    "resume_orphans",
    "serve",
    "shell_of",
    "start",
    "stop_endpoint",
    "stop_replay",
    "template",
    "timestamp",
    "value_at",
    "without_secrets",
    "written",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_MODULE_OF[name]), name)
    return value


async def open_local(home: Home) -> tuple[Source, Control]:
    """The executions of a home on this host, and the actions on them.

    Errors: ``ConfigError`` and ``StoreError`` where the home or its store cannot be used.
    """
    from engine.sources.local import LocalSource

    return await LocalSource.open(home.prepare()), cast("Control", _LaterControl(home))


class _LaterControl:
    """A control that loads when it is first asked for something: who looks needs none of it."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def __getattr__(self, name: str) -> Any:
        return getattr(open_control(self._home), name)


async def open_replay(recording: Path, now: Callable[[], float]) -> tuple[Source, Control]:
    """Recorded executions, played as time passes, and what a person can do to them in memory.

    Args:
        recording: the archive.
        now: gives the present, in seconds since the epoch.
    """
    from engine.sources.replay import ReplaySource
    from engine.sources.replay_control import ReplayControl

    source = await ReplaySource.open(recording, now)
    return source, ReplayControl(source)


def open_control(home: Home) -> Control:
    """The actions on the executions of a home that is prepared."""
    from engine.sources.control import LocalControl

    return LocalControl(home)


def open_pipelines(home: Home) -> LocalPipelines:
    """The changes of the pipelines of a home that is prepared."""
    from engine.sources.pipelines import LocalPipelines

    return LocalPipelines(home)


def open_reader(home: Home) -> LocalReader:
    """The executions of a home, to be read without an event loop.

    Errors: ``ConfigError`` and ``StoreError`` where the home or its store cannot be used.
    """
    from engine.sources.reader import LocalReader

    return LocalReader(home.prepare())


def start(home: Home, request: StartRequest, runner: subprocess.Popen[bytes] | None = None) -> str:
    """Start an execution; returns its id.

    Args:
        runner: a process that ``launch`` gave; a new one where there is none.

    Errors: ``Refused`` with every reason, ``StoreError``.
    """
    import msgspec

    from engine.actor import actor
    from engine.runner import spawn
    from engine.runner.process import RunnerRequest

    asked = msgspec.json.encode(RunnerRequest(str(home.root), actor(), request))
    return spawn.ask(runner or spawn.launch(), asked)


def serve(home: Home, port: int, ready: Callable[[Mapping[str, str]], None]) -> None:
    """Answer AWS clients on loopback until this process is told to end.

    Args:
        home: prepared.
        port: 0 takes a free one.
        ready: is told the variables that lead a client there.

    Errors: ``StorageError`` (``port-taken``).
    """
    import asyncio

    from engine.endpoint.foreground import serve_until_signal

    asyncio.run(serve_until_signal(home, port, ready))


def examine_file(
    home: Home, file: str, python: str = ""
) -> tuple[tuple[PipetuiError, ...], tuple[PipetuiError, ...]]:
    """Every error and every warning about a definition file, in the order of its text.

    Args:
        python: the interpreter for a Python file; else the configuration's.

    Errors: ``DefinitionError`` where the file cannot be read, ``ConfigError``.
    """
    examination = _examination(home, file, python)
    return examination.errors, examination.warnings


def graph_of_file(home: Home, file: str, python: str = "") -> Graph:
    """What waits for what in a definition file; for ``python`` and errors see ``examine_file``.

    Errors: an ``ExceptionGroup`` of every error where the definition is invalid.
    """
    from engine.sources.local import graph_of

    return graph_of(_valid(home, file, python))


def parameters_of_file(home: Home, file: str, python: str = "") -> list[ParameterView]:
    """The parameters of a definition file; for ``python`` and errors see ``graph_of_file``."""
    from engine.sources.local import parameter_views

    return parameter_views(_valid(home, file, python))


def _valid(home: Home, file: str, python: str) -> Definition:
    examination = _examination(home, file, python)
    if examination.definition is None or examination.errors:
        raise ExceptionGroup(f"{file} is invalid", examination.errors)
    return examination.definition


def _examination(home: Home, file: str, python: str) -> Examination:
    from engine.config import load_config
    from engine.runner.python_file import is_python
    from engine.runner.start import read_definition

    if is_python(file) and not python:
        python = load_config(home.config, file).definition_python
    return read_definition(file, python).examination
