"""Views and events in the shapes of the AWS API and of EventBridge (pure).

What AWS has no member for stands under the one key ``Local``. Points in time are ISO-8601.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Any

from engine.clock import timestamp
from engine.model.events import Event
from engine.model.fold import ExecutionState, apply
from engine.model.status import STEP_NOT_LISTED, ExecutionStatus, StepAction, StepStatus
from engine.model.views import (
    LOCAL_ACCOUNT,
    LOCAL_REGION,
    ExecutionView,
    ModelPackageView,
    StepView,
    execution_arn,
    local_arn,
)

Json = dict[str, Any]

EXECUTION_CHANGE = "SageMaker Model Building Pipeline Execution Status Change"
STEP_CHANGE = "SageMaker Model Building Pipeline Execution Step Status Change"


def pipeline_arn(pipeline: str) -> str:
    """ARN of a pipeline; the service lower-cases the name in it."""
    return local_arn("pipeline", pipeline.lower())


def describe_execution(view: ExecutionView) -> Json:
    """An execution as DescribePipelineExecution gives it."""
    return _present(
        PipelineArn=pipeline_arn(view.pipeline),
        PipelineExecutionArn=view.arn,
        PipelineExecutionDisplayName=view.display_name,
        PipelineExecutionStatus=str(view.status),
        PipelineExecutionDescription=view.description,
        FailureReason=view.failure_reason,
        CreationTime=timestamp(view.created_at),
        LastModifiedTime=timestamp(view.modified_at),
        CreatedBy=_present(UserProfileName=view.created_by),
        ParallelismConfiguration=_present(MaxParallelExecutionSteps=view.max_parallel),
        SelectiveExecutionConfig=_selective(view),
        PipelineVersionId=view.pipeline_version,
        Local=_execution_extras(view),
    )


def _selective(view: ExecutionView) -> Json:
    if not view.selection:
        return {}
    source = view.source_execution
    return _present(
        SourcePipelineExecutionArn=execution_arn(view.pipeline, source) if source else "",
        SelectedSteps=[{"StepName": name} for name in view.selection],
    )


def _execution_extras(view: ExecutionView) -> Json:
    return {
        "Id": view.id,
        "Pipeline": view.pipeline,
        "File": view.file,
        "DefinitionSha256": view.definition,
        "Parameters": view.parameters,
        "Edits": view.edits,
        "SourceExecution": view.source_execution,
        "EndTime": _time(view.ended_at),
        "FirstFailedStep": view.first_failed,
        "FirstFailure": view.first_failure,
        "FirstFailureCause": view.first_cause,
        "RunnerPid": view.runner_pid,
        "LeaseEpoch": view.epoch,
        "Retries": view.retries,
        "Steps": {
            "Total": view.steps_total,
            "Done": view.steps_done,
            "Running": view.steps_running,
            "Failed": view.steps_failed,
            "Succeeded": view.steps_succeeded,
            "Stopped": view.steps_stopped,
            "Skipped": view.steps_skipped,
            "Reused": view.steps_reused,
            "WaitingForAnswer": view.steps_waiting_for_answer,
            "Held": view.steps_held,
        },
    }


def list_executions(views: Iterable[ExecutionView]) -> Json:
    """Executions as ListPipelineExecutions gives them, in the given order."""
    return {
        "PipelineExecutionSummaries": [
            _present(
                PipelineExecutionArn=view.arn,
                StartTime=timestamp(view.created_at),
                PipelineExecutionStatus=str(view.status),
                PipelineExecutionDescription=view.description,
                PipelineExecutionDisplayName=view.display_name,
                PipelineExecutionFailureReason=view.failure_reason,
                Local=_execution_extras(view),
            )
            for view in views
        ]
    }


def list_steps(
    execution: ExecutionView, steps: Iterable[StepView], usage: Mapping[str, Json] | None = None
) -> Json:
    """Every step as ListPipelineExecutionSteps gives it, in the given order.

    The service leaves out steps that have not started; here they are listed, with the StepStatus
    ``Waiting``, ``Skipped`` or ``Blocked``.

    Args:
        usage: what steps took of the host, by name.
    """
    taken = usage or {}
    return {
        "PipelineExecutionSteps": [
            _step(execution, step, taken.get(step.name, {})) for step in steps
        ]
    }


def _step(execution: ExecutionView, step: StepView, usage: Json) -> Json:
    return _present(
        StepName=step.name,
        StepDisplayName=step.display_name,
        StartTime=_time(step.started_at),
        EndTime=_time(step.ended_at),
        StepStatus=str(step.status),
        CacheHitResult=_origin(execution, step, StepAction.CACHED),
        SelectiveExecutionResult=_origin(execution, step, StepAction.REUSED),
        FailureReason=step.failure_reason,
        Metadata=_metadata(step.metadata),
        IterationContext=_iteration(step),
        AttemptCount=step.attempt,
        Local={
            "StepType": step.type,
            "Action": str(step.action),
            "Reason": step.reason,
            "Doing": step.doing,
            "Note": step.note,
            "Compared": step.compared,
            "StandIn": step.stand_in,
            "FailureCode": step.failure_code,
            "FailureCause": step.failure_cause,
            "Breakpoint": step.breakpoint,
            "Held": step.held,
            "CallbackToken": step.callback_token,
            "SourceExecution": step.source_execution,
            "Environment": step.environment,
            "Usage": usage,
            "Attempts": [
                {
                    "Number": attempt.number,
                    "Status": str(attempt.status),
                    "StartTime": _time(attempt.started_at),
                    "EndTime": _time(attempt.ended_at),
                    "Folder": attempt.directory,
                    "FailureReason": attempt.failure_reason,
                    "FailureCause": attempt.failure_cause,
                }
                for attempt in step.attempts
            ],
        },
    )


def _origin(execution: ExecutionView, step: StepView, action: StepAction) -> Json:
    if step.action is not action or not step.source_execution:
        return {}
    return {"SourcePipelineExecutionArn": execution_arn(execution.pipeline, step.source_execution)}


def _iteration(step: StepView) -> Json:
    """IterationContext; the API has the item as text."""
    if step.iteration is None:
        return {}
    item = step.iteration.item
    return {
        "ParentStepName": step.iteration.parent,
        "Index": step.iteration.index,
        "Item": item if isinstance(item, str) else json.dumps(item),
    }


def _metadata(metadata: Mapping[str, Any]) -> Json:
    """Metadata with the values of OutputParameters as text, which the API says they are."""
    shaped: Json = {}
    for kind, about in metadata.items():
        outputs = about.get("OutputParameters") if isinstance(about, Mapping) else None
        if isinstance(outputs, Sequence):
            about = {**about, "OutputParameters": [_output(one) for one in outputs]}
        elif kind == "Condition":
            about = {name: value for name, value in about.items() if name == "Outcome"}
        shaped[kind] = about
    return shaped


def _output(one: Mapping[str, Any]) -> Json:
    value = one.get("Value")
    return {**one, "Value": value if isinstance(value, str) else json.dumps(value)}


def list_packages(packages: Iterable[ModelPackageView]) -> Json:
    """Model package versions as ListModelPackages gives them, in the given order."""
    return {
        "ModelPackageSummaryList": [
            _present(
                ModelPackageGroupName=package.group,
                ModelPackageVersion=package.version,
                ModelPackageArn=package.arn,
                ModelPackageDescription=package.request.get("ModelPackageDescription"),
                CreationTime=timestamp(package.created_at),
                ModelPackageStatus="Completed",
                ModelApprovalStatus=str(package.approval),
                ModelLifeCycle=package.request.get("ModelLifeCycle"),
                Local={
                    "Execution": package.execution_id,
                    "Step": package.step,
                    "CreatedBy": package.created_by,
                    "CustomerMetadataProperties": package.request.get(
                        "CustomerMetadataProperties", {}
                    ),
                    "Evidence": package.evidence,
                    "Approvals": [
                        {
                            "Time": timestamp(entry.at),
                            "By": entry.actor,
                            "Client": entry.client,
                            "Previous": str(entry.previous),
                            "Approval": str(entry.approval),
                            "Comment": entry.comment,
                        }
                        for entry in package.approvals
                    ],
                },
            )
            for package in packages
        ]
    }


class StatusChanges:
    """Folds one execution's events, and tells the status changes in them as EventBridge does."""

    def __init__(self) -> None:
        self._state: ExecutionState | None = None

    @property
    def state(self) -> ExecutionState | None:
        """The execution after the events so far."""
        return self._state

    def take(self, event: Event) -> list[Json]:
        """The EventBridge events that the next event of the execution makes, mostly one or none.

        Steps that the service does not list (Waiting, Skipped, Blocked) make none.
        """
        before = self._state.execution.status if self._state else None
        earlier = self._state.steps.get(event.step) if self._state and event.step else None
        self._state, touched = apply(self._state, event)
        if self._state is None:
            return []
        found = []
        view = self._state.execution
        if view.status != before:
            found.append(_told(view, event, EXECUTION_CHANGE, _execution_detail(view, before)))
        for name in touched:
            step = self._state.steps[name]
            previous = earlier.status if earlier else None
            if step.status is not previous and step.status not in STEP_NOT_LISTED:
                detail = _step_detail(view, step, previous)
                found.append(_told(view, event, STEP_CHANGE, detail))
        return found


def _execution_detail(view: ExecutionView, previous: ExecutionStatus | None) -> Json:
    return _present(
        pipelineExecutionDisplayName=view.display_name,
        pipelineExecutionDescription=view.description,
        currentPipelineExecutionStatus=str(view.status),
        previousPipelineExecutionStatus=str(previous or ""),
        executionStartTime=timestamp(view.created_at),
        executionEndTime=_time(view.ended_at),
        pipelineArn=pipeline_arn(view.pipeline),
        pipelineExecutionArn=view.arn,
    )


def _step_detail(view: ExecutionView, step: StepView, previous: StepStatus | None) -> Json:
    listed = previous is not None and previous not in STEP_NOT_LISTED
    return _present(
        stepName=step.name,
        stepType=step.type,
        currentStepStatus=str(step.status),
        previousStepStatus=str(previous) if listed else "",
        stepStartTime=_time(step.started_at),
        stepEndTime=_time(step.ended_at),
        failureReason=step.failure_reason,
        cacheHitResult=_lower(_origin(view, step, StepAction.CACHED)),
        metadata=_lower(_metadata(step.metadata)),
        pipelineArn=pipeline_arn(view.pipeline),
        pipelineExecutionArn=view.arn,
    )


def _told(view: ExecutionView, event: Event, kind: str, detail: Json) -> Json:
    subject = f"{view.id}/{event.seq}/{detail.get('stepName', '')}"
    return envelope(subject, event, kind, [pipeline_arn(view.pipeline), view.arn], detail)


def envelope(subject: str, event: Event, kind: str, resources: list[str], detail: Json) -> Json:
    """An event of EventBridge's.

    Args:
        subject: tells it from all others of its home; the same event has the same id however
            often it is told.
        kind: its detail-type.
        resources: the ARNs it is about.
    """
    digest = sha256(subject.encode()).hexdigest()
    cuts = (0, 8, 12, 16, 20, 32)
    return {
        "version": "0",
        "id": "-".join(digest[a:b] for a, b in pairwise(cuts)),
        "detail-type": kind,
        "source": "aws.sagemaker",
        "account": LOCAL_ACCOUNT,
        "time": timestamp(event.at),
        "region": LOCAL_REGION,
        "resources": resources,
        "detail": detail,
        "Local": {"Sequence": event.seq, "Actor": event.actor},
    }


def _lower(value: Any) -> Any:
    """The value with the first letter of every member's name in lower case."""
    if isinstance(value, Mapping):
        return {_camel(str(key)): _lower(item) for key, item in value.items()}
    return [_lower(item) for item in value] if isinstance(value, list) else value


def _camel(name: str) -> str:
    """``ProcessingJob`` as ``processingJob``, ``EMR`` as ``emr``."""
    return name.lower() if name.isupper() else name[:1].lower() + name[1:]


def _time(at: float | None) -> str | None:
    return None if at is None else timestamp(at)


def _present(**members: Any) -> Json:
    """The members that have a value; ``Local`` always stands, AWS leaves out what is empty."""
    return {
        name: value
        for name, value in members.items()
        if name == "Local" or value not in (None, "", 0, {}, [])
    }
