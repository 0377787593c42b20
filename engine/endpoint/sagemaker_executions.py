"""Operations of the SageMaker API on executions of pipelines and their steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.clock import timestamp
from engine.endpoint.sagemaker_pages import ordered, page, within
from engine.endpoint.sagemaker_pipelines import (
    Json,
    Operation,
    definition_json,
    parallelism,
    version_text,
)
from engine.errors import NotFound
from engine.model.status import STEP_NOT_LISTED
from engine.model.views import ExecutionView
from engine.sources.aws_shapes import describe_execution, list_executions, list_steps
from engine.sources.base import StartRequest

if TYPE_CHECKING:
    from engine.endpoint.sagemaker import Desk
    from engine.sources.reader import LocalReader


async def start(desk: Desk, given: Json) -> Json:
    """StartPipelineExecution, of the newest version or the one that is named."""
    view = await desk.read(lambda reader: reader.pipeline(given["PipelineName"]))
    selective = given.get("SelectiveExecutionConfig", {})
    source = ""
    if arn := selective.get("SourcePipelineExecutionArn"):
        source = (await desk.read(lambda reader: _execution(reader, arn))).id
    execution_id = await desk.control.start(
        StartRequest(
            file="",
            pipeline=view.name,
            version=version_text(given),
            parameters={one["Name"]: one["Value"] for one in given.get("PipelineParameters", [])},
            display_name=given.get("PipelineExecutionDisplayName", ""),
            description=given.get("PipelineExecutionDescription", ""),
            max_parallel=parallelism(given) or 0,
            selection=tuple(one["StepName"] for one in selective.get("SelectedSteps", [])),
            source_execution=source,
            token=given["ClientRequestToken"],
        )
    )
    return await desk.read(lambda reader: _named(reader.execution(execution_id)))


async def describe(desk: Desk, given: Json) -> Json:
    """DescribePipelineExecution."""
    arn = given["PipelineExecutionArn"]
    return await desk.read(lambda reader: describe_execution(_execution(reader, arn)))


async def describe_definition(desk: Desk, given: Json) -> Json:
    """DescribePipelineDefinitionForExecution."""

    def ask(reader: LocalReader) -> Json:
        view = _execution(reader, given["PipelineExecutionArn"])
        return {
            "PipelineDefinition": definition_json(reader.definition_text(view.definition)),
            "CreationTime": timestamp(view.created_at),
        }

    return await desk.read(ask)


async def list_all(desk: Desk, given: Json) -> Json:
    """ListPipelineExecutions."""

    def ask(reader: LocalReader) -> Json:
        views = reader.executions_of(reader.pipeline(given["PipelineName"]))
        views = ordered(
            within(views, given, lambda one: one.created_at),
            given,
            {
                "CreationTime": lambda one: one.created_at,
                "PipelineExecutionArn": lambda one: one.arn,
            },
        )
        shown, more = page(views, given, lambda one: one.id)
        return list_executions(shown) | more

    return await desk.read(ask)


async def steps(desk: Desk, given: Json) -> Json:
    """ListPipelineExecutionSteps: those that have started, the newest first."""

    def ask(reader: LocalReader) -> Json:
        # The model does not require it.
        view = _execution(reader, given.get("PipelineExecutionArn", ""))
        listed = [one for one in reader.steps(view.id) if one.status not in STEP_NOT_LISTED]
        found = ordered(
            listed, given, {"CreationTime": lambda one: (one.started_at or 0.0, one.index)}
        )
        shown, more = page(found, given, lambda one: one.name)
        return list_steps(view, shown) | more

    return await desk.read(ask)


async def parameters(desk: Desk, given: Json) -> Json:
    """ListPipelineParametersForExecution."""

    def ask(reader: LocalReader) -> Json:
        view = _execution(reader, given["PipelineExecutionArn"])
        shown, more = page(list(view.parameters.items()), given, lambda one: one[0])
        return {"PipelineParameters": [{"Name": n, "Value": str(v)} for n, v in shown], **more}

    return await desk.read(ask)


async def stop(desk: Desk, given: Json) -> Json:
    """StopPipelineExecution."""
    view = await _found(desk, given)
    await desk.control.stop(view.id)
    return _named(view)


async def retry(desk: Desk, given: Json) -> Json:
    """RetryPipelineExecution."""
    view = await _found(desk, given)
    await desk.control.retry(view.id, parallelism(given) or 0)
    return _named(view)


async def update(desk: Desk, given: Json) -> Json:
    """UpdatePipelineExecution: display name, description and parallelism."""
    view = await _found(desk, given)
    name = given.get("PipelineExecutionDisplayName")
    description = given.get("PipelineExecutionDescription")
    limit = parallelism(given)
    if limit is not None:
        await desk.control.change_parallelism(view.id, limit)
    if name is not None or description is not None:
        await desk.control.rename(view.id, name, description)
    return _named(view)


async def send_success(desk: Desk, given: Json) -> Json:
    """SendPipelineExecutionStepSuccess."""
    outputs = {one["Name"]: one["Value"] for one in given.get("OutputParameters", [])}
    return await _answer(desk, given["CallbackToken"], True, outputs, "")


async def send_failure(desk: Desk, given: Json) -> Json:
    """SendPipelineExecutionStepFailure."""
    reason = given.get("FailureReason", "")
    return await _answer(desk, given["CallbackToken"], False, {}, reason)


async def _answer(
    desk: Desk, token: str, success: bool, outputs: dict[str, Any], comment: str
) -> Json:
    def waiting(reader: LocalReader) -> ExecutionView:
        for step in reader.waiting():
            if step.callback_token == token:
                return reader.execution(step.execution_id)
        raise NotFound(f"No step waits for the callback token {token}.", code="token-not-found")

    view = await desk.read(waiting)
    await desk.control.answer(token, success=success, outputs=outputs, comment=comment)
    return _named(view)


async def _found(desk: Desk, given: Json) -> ExecutionView:
    arn = given["PipelineExecutionArn"]
    return await desk.read(lambda reader: _execution(reader, arn))


def _execution(reader: LocalReader, arn: str) -> ExecutionView:
    """The execution of an ARN; a shortened id, good enough for a person, is none here."""
    view = reader.execution(arn)
    if arn not in (view.arn, view.id):
        raise NotFound(f"There is no execution {arn}.", code="execution-not-found")
    return view


def _named(view: ExecutionView) -> Json:
    return {"PipelineExecutionArn": view.arn}


OPERATIONS: dict[str, Operation] = {
    "StartPipelineExecution": start,
    "DescribePipelineExecution": describe,
    "DescribePipelineDefinitionForExecution": describe_definition,
    "ListPipelineExecutions": list_all,
    "ListPipelineExecutionSteps": steps,
    "ListPipelineParametersForExecution": parameters,
    "StopPipelineExecution": stop,
    "RetryPipelineExecution": retry,
    "UpdatePipelineExecution": update,
    "SendPipelineExecutionStepSuccess": send_success,
    "SendPipelineExecutionStepFailure": send_failure,
}
