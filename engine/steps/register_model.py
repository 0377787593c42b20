"""RegisterModel: a new version in a model package group, with the evidence of that moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.config import Config
from engine.definition.document import Step
from engine.errors import JobError, PlanError, StorageError
from engine.model.events import ModelPackageCreated
from engine.model.status import ApprovalStatus
from engine.steps.base import Outcome, StepContext, succeeded
from engine.steps.inputs import section
from engine.steps.json_files import read_json

EVIDENCE_LIMIT = 256 * 1024
"""Bytes of one metrics file that are kept with the version."""


class RegisterModelStep:
    """Registers a model package version; a missing group is made on the way."""

    runs_jobs = False
    interruptible = True

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """Never."""
        return None

    def stand_in(self, step: Step, config: Config) -> str:
        """The registry of this home stands for SageMaker's."""
        return "registered in this home's model registry, not on AWS"

    async def run(self, context: StepContext) -> Outcome:
        """The properties are DescribeModelPackage's."""
        given: Mapping[str, Any] = context.arguments
        origin = {"GeneratedBy": context.run.arn, **section(given, "MetadataProperties")}
        request = {**given, "MetadataProperties": origin}
        approval = _approval(request)
        group = _group_name(request.get("ModelPackageGroupName"))
        fact = ModelPackageCreated(
            key=f"{context.run.id}/{context.step.name}/{context.attempt}",
            group=group,
            version=0,
            arn="",
            approval=approval,
            request=request,
            evidence=await context.in_thread(_evidence, context, request.get("ModelMetrics")),
            execution_id=context.run.id,
            step=context.step.name,
        )
        package = await context.register(fact)
        properties = {
            **request,
            "ModelPackageArn": package.arn,
            "ModelPackageStatus": "Completed",
            "ModelApprovalStatus": str(approval),
            "CreationTime": package.created_at,
        }
        note = package.arn
        if group:
            properties["ModelPackageGroupName"] = package.group
            properties["ModelPackageVersion"] = package.version
            note = f"{package.group} version {package.version}, {approval}"
        return succeeded(properties, {"RegisterModel": {"Arn": package.arn}}, note=note)


def _approval(request: Mapping[str, Any]) -> ApprovalStatus:
    text = request.get("ModelApprovalStatus") or ApprovalStatus.PENDING
    try:
        return ApprovalStatus(text)
    except ValueError:
        raise JobError(
            f"ClientError: ModelApprovalStatus cannot be {text!r}",
            code="approval-status-invalid",
            hint="It is one of " + ", ".join(ApprovalStatus) + ".",
        ) from None


def _group_name(value: Any) -> str:
    """The group's name out of a name or an ARN."""
    return str(value or "").rsplit("/", 1)[-1]


def _evidence(context: StepContext, metrics: Any) -> dict[str, Any]:
    """What each metrics file says now; a later run may overwrite the file, this copy stays."""
    found: dict[str, Any] = {}
    for name, uri in _metric_files(metrics):
        entry: dict[str, Any] = {"S3Uri": uri}
        try:
            info = context.services.tree.stat(uri)
            entry |= {"ETag": info.etag, "Size": info.size}
            if info.size <= EVIDENCE_LIMIT:
                entry["Content"] = read_json(context.services.tree.read(uri))
        except (StorageError, ValueError) as problem:
            entry["Problem"] = str(problem)
        found[name] = entry
    return found


def _metric_files(metrics: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Dotted name and URI of every ``{ContentType, S3Uri}`` below ModelMetrics."""
    if not isinstance(metrics, Mapping):
        return
    for key, value in metrics.items():
        name = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, Mapping) and isinstance(value.get("S3Uri"), str):
            yield name, value["S3Uri"]
        else:
            yield from _metric_files(value, name)
