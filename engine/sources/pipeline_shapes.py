"""Pipelines and their versions in the shapes of the AWS API (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from engine.clock import timestamp
from engine.model.pipelines import PipelineVersionView, PipelineView
from engine.model.views import ExecutionView

Json = dict[str, Any]


def describe_pipeline(
    view: PipelineView,
    version: PipelineVersionView,
    definition: str,
    executions: Sequence[ExecutionView],
) -> Json:
    """A pipeline and one of its versions as DescribePipeline gives them.

    Args:
        executions: of the pipeline, newest first.
    """
    return {
        **_present(
            PipelineArn=view.arn,
            PipelineName=view.name,
            PipelineDisplayName=view.display_name,
            PipelineDescription=view.description,
            PipelineDefinition=definition,
            RoleArn=view.role_arn,
            PipelineStatus=str(view.status),
            CreationTime=timestamp(view.created_at),
            LastModifiedTime=timestamp(view.modified_at),
            LastRunTime=_last_run(executions),
            CreatedBy=_present(UserProfileName=view.created_by),
            LastModifiedBy=_present(UserProfileName=view.modified_by),
            ParallelismConfiguration=_present(MaxParallelExecutionSteps=view.max_parallel),
            PipelineVersionDisplayName=version.display_name,
            PipelineVersionDescription=version.description,
            PipelineVersionAliases=list(version.aliases),
        ),
        "Local": _version_extras(version),
    }


def list_pipelines(pipelines: Iterable[tuple[PipelineView, Sequence[ExecutionView]]]) -> Json:
    """Pipelines, each with its executions, as ListPipelines gives them, in the given order."""
    return {
        "PipelineSummaries": [
            {
                **_present(
                    PipelineArn=view.arn,
                    PipelineName=view.name,
                    PipelineDisplayName=view.display_name,
                    PipelineDescription=view.description,
                    RoleArn=view.role_arn,
                    CreationTime=timestamp(view.created_at),
                    LastModifiedTime=timestamp(view.modified_at),
                    LastExecutionTime=_last_run(executions),
                ),
                "Local": {
                    "CreatedBy": view.created_by,
                    "Executions": len(executions),
                    "NewestVersion": view.newest.number,
                    "MaxParallelExecutionSteps": view.max_parallel,
                },
            }
            for view, executions in pipelines
        ]
    }


def list_versions(
    view: PipelineView,
    versions: Iterable[PipelineVersionView],
    executions: Sequence[ExecutionView],
) -> Json:
    """Versions as ListPipelineVersions gives them, in the given order.

    Args:
        executions: of the pipeline, newest first.
    """
    last: dict[int, str] = {}
    for one in executions:
        last.setdefault(one.pipeline_version, one.arn)
    return {
        "PipelineVersionSummaries": [
            {
                **_present(
                    PipelineArn=view.arn,
                    PipelineVersionId=one.number,
                    CreationTime=timestamp(one.created_at),
                    PipelineVersionDescription=one.description,
                    PipelineVersionDisplayName=one.display_name,
                    PipelineVersionAliases=list(one.aliases),
                    LastExecutionPipelineExecutionArn=last.get(one.number, ""),
                ),
                "Local": _version_extras(one),
            }
            for one in versions
        ]
    }


def _version_extras(version: PipelineVersionView) -> Json:
    return {
        "CreatedBy": version.created_by,
        "DefinitionSha256": version.definition,
        "File": version.file,
    }


def _last_run(executions: Sequence[ExecutionView]) -> str:
    return timestamp(executions[0].created_at) if executions else ""


def _present(**members: Any) -> Json:
    """The members that have a value; AWS leaves out what is empty."""
    return {name: value for name, value in members.items() if value not in (None, "", 0, {}, [])}
