"""The states of executions, steps and model packages, and which of them are final.

The names are those of the SageMaker API. ``Waiting``, ``Skipped`` and ``Blocked`` are ours: the
service does not list a step before it starts, a person wants to see it all the same.
"""

from __future__ import annotations

from enum import StrEnum


class ExecutionStatus(StrEnum):
    """PipelineExecutionStatus of the SageMaker API."""

    EXECUTING = "Executing"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    FAILED = "Failed"
    SUCCEEDED = "Succeeded"
    COMPLETED_WITH_FAILURES = "CompletedWithFailures"


class StepStatus(StrEnum):
    """StepStatus of the SageMaker API, and three states of steps the service does not list."""

    WAITING = "Waiting"
    """Not started yet: waits for a dependency or for a free slot."""
    STARTING = "Starting"
    """Its attempt is logged; inputs and environment are being prepared."""
    EXECUTING = "Executing"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    FAILED = "Failed"
    SUCCEEDED = "Succeeded"
    SKIPPED = "Skipped"
    """In, or downstream of, a branch that was not taken."""
    BLOCKED = "Blocked"
    """Will not start in this run: something upstream failed, or the run stopped."""


class StepAction(StrEnum):
    """What the plan of an execution does with a step."""

    RUN = "run"
    REUSED = "reused"
    CACHED = "cached"
    SKIPPED = "skipped"


class ApprovalStatus(StrEnum):
    """ModelApprovalStatus of the SageMaker API."""

    PENDING = "PendingManualApproval"
    APPROVED = "Approved"
    REJECTED = "Rejected"


EXECUTION_ENDED = frozenset(
    {
        ExecutionStatus.STOPPED,
        ExecutionStatus.FAILED,
        ExecutionStatus.SUCCEEDED,
        ExecutionStatus.COMPLETED_WITH_FAILURES,
    }
)
EXECUTION_RETRYABLE = frozenset({ExecutionStatus.STOPPED, ExecutionStatus.FAILED})
STEP_RUNNING = frozenset({StepStatus.STARTING, StepStatus.EXECUTING, StepStatus.STOPPING})
STEP_ENDED = frozenset({StepStatus.STOPPED, StepStatus.FAILED, StepStatus.SUCCEEDED})
STEP_NOT_LISTED = frozenset({StepStatus.WAITING, StepStatus.SKIPPED, StepStatus.BLOCKED})
"""Steps that ListPipelineExecutionSteps leaves out."""
STEP_SETTLED = STEP_ENDED | {StepStatus.SKIPPED, StepStatus.BLOCKED}
"""Steps that this run will not touch again (a retry may)."""
