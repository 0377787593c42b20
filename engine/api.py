"""The one face of the engine towards a UI: views, sources of executions, and actions on them.

Importing this module loads no AWS code; what is slow loads on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.clock import timestamp
from engine.home import Home
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
from engine.model.views import (
    Approval,
    AttemptView,
    ExecutionView,
    ModelPackageView,
    StepView,
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

if TYPE_CHECKING:
    from engine.logs.base import LogSource
    from engine.storage.preview import Preview

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
    "Control",
    "Event",
    "ExecutionStatus",
    "ExecutionView",
    "Graph",
    "GraphEdge",
    "GraphNode",
    "Home",
    "Inbox",
    "LogSource",
    "ModelPackageView",
    "ParameterView",
    "PlanView",
    "PlannedStep",
    "Preview",
    "Problem",
    "RerunRequest",
    "Source",
    "StartRequest",
    "StepAction",
    "StepStatus",
    "StepView",
    "WaitingCallback",
    "encode",
    "fact_kind",
    "open_local",
    "timestamp",
]


async def open_local(home: Home) -> tuple[Source, Control]:
    """The executions of a home on this host, and the actions on them.

    Errors: ``ConfigError`` and ``StoreError`` where the home or its store cannot be used.
    """
    from engine.sources.control import LocalControl
    from engine.sources.local import LocalSource

    source = await LocalSource.open(home.prepare())
    return source, LocalControl(home)
