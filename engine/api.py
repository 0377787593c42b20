"""The one face of the engine towards a UI: views, sources of executions, and actions on them.

Every name loads on first use: importing this module costs nothing, and neither AWS code nor asyncio
is loaded before somebody needs it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import subprocess

    from engine.clock import timestamp
    from engine.doctor import Check, State, diagnose
    from engine.errors import PipetuiError, Refused
    from engine.home import Home
    from engine.logs.base import LogSource
    from engine.model.codec import encode, fact_kind
    from engine.model.events import Event
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
    from engine.planning.edits import value_at
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
    from engine.sources.reader import LocalReader
    from engine.storage.preview import Preview

_PLACES = {
    "engine.clock": "timestamp",
    "engine.doctor": "Check State diagnose",
    "engine.home": "Home",
    "engine.logs.base": "LogSource",
    "engine.model.codec": "encode fact_kind",
    "engine.model.events": "Event",
    "engine.model.status": (
        "ApprovalStatus EXECUTION_ENDED EXECUTION_RETRYABLE ExecutionStatus STEP_ENDED "
        "STEP_NOT_LISTED STEP_RUNNING STEP_SETTLED StepAction StepStatus"
    ),
    "engine.model.views": "Approval AttemptView ExecutionView ModelPackageView StepView",
    "engine.planning.edits": "value_at",
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
    "engine.sources.reader": "LocalReader",
    "engine.storage.preview": "Preview",
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
    "Artifact",
    "ArtifactEntry",
    "AttemptView",
    "Capabilities",
    "Check",
    "Control",
    "Endpoint",
    "Event",
    "ExecutionStatus",
    "ExecutionView",
    "Graph",
    "GraphEdge",
    "GraphNode",
    "History",
    "Home",
    "Inbox",
    "Invocation",
    "LocalReader",
    "LogSource",
    "ModelPackageView",
    "ParameterView",
    "PlanView",
    "PlannedStep",
    "Preview",
    "Problem",
    "Refused",
    "RerunRequest",
    "Source",
    "StartRequest",
    "State",
    "StatusChanges",
    "StepAction",
    "StepStatus",
    "StepView",
    "WaitingCallback",
    "delete_endpoint",
    "describe_execution",
    "diagnose",
    "dismiss",
    "encode",
    "examine_file",
    "fact_kind",
    "invoke",
    "launch",
    "list_endpoints",
    "list_executions",
    "list_packages",
    "list_steps",
    "open_control",
    "open_local",
    "open_reader",
    "resume_orphans",
    "start",
    "stop_endpoint",
    "timestamp",
    "value_at",
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

    return await LocalSource.open(home.prepare()), open_control(home)


def open_control(home: Home) -> Control:
    """The actions on the executions of a home that is prepared."""
    from engine.sources.control import LocalControl

    return LocalControl(home)


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


def examine_file(file: str) -> tuple[tuple[PipetuiError, ...], tuple[PipetuiError, ...]]:
    """Every error and every warning about a definition file, in the order of its text.

    Errors: ``DefinitionError`` where the file cannot be read.
    """
    from engine.runner.start import read_definition

    _, examination = read_definition(file)
    return examination.errors, examination.warnings
