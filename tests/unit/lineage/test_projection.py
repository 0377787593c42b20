"""Lineage read off the views of steps: what serves a model, and what is joined by folders."""

from __future__ import annotations

from typing import Any

from engine.lineage.graph import Branch, Edge, LineageGraph, artifact_arn
from engine.lineage.projection import project
from engine.model.status import ExecutionStatus, StepStatus
from engine.model.views import ExecutionView, StepView, local_arn

RUN = ExecutionView("run1", "pipe", ExecutionStatus.SUCCEEDED, 0.0)
MODEL = "s3://b/models/job/output/model.tar.gz"


def step(name: str, type_: str, at: float, properties: Any, **arns: str) -> StepView:
    """A step that succeeded; ``arns`` is its metadata."""
    return StepView(
        "run1", 0, name, type_, StepStatus.SUCCEEDED, started_at=at, ended_at=at + 1,
        properties=properties, metadata={kind: {"Arn": arn} for kind, arn in arns.items()},
    )  # fmt: skip


def processing(name: str, at: float, reads: str, writes: str) -> StepView:
    properties = {
        "ProcessingInputs": [{"S3Input": {"S3Uri": reads}}],
        "ProcessingOutputConfig": {"Outputs": [{"S3Output": {"S3Uri": writes}}]},
    }
    return step(
        name, "Processing", at, properties, ProcessingJob=local_arn("processing-job", name.lower())
    )


SERVED = (
    step("Model", "Model", 1, {"ModelName": "m", "PrimaryContainer": {"ModelDataUrl": MODEL}}),
    step(
        "Config", "EndpointConfig", 2,
        {"EndpointConfigName": "c", "ProductionVariants": [{"ModelName": "m"}]},
    ),
    step(
        "Endpoint", "Endpoint", 3, {"EndpointName": "e", "EndpointConfigName": "c"},
        Endpoint=local_arn("endpoint", "e"),
    ),
    step(
        "Score", "Transform", 4,
        {"ModelName": "m", "TransformOutput": {"S3OutputPath": "s3://b/scores"}},
        TransformJob=local_arn("transform-job", "score"),
    ),
)  # fmt: skip


def graph(*steps: StepView) -> LineageGraph:
    return project([(RUN, steps)], [])


def types(branch: Branch) -> Any:
    return {child.entity.type: types(child) for child in branch.children}


def test_model_leads_to_the_endpoint_and_to_the_scores() -> None:
    tree = graph(*SERVED).tree(artifact_arn(MODEL), downstream=True)
    assert types(tree) == {
        "ModelDeployment": {"Endpoint": {}},
        "TransformJob": {"DataSet": {}},
    }


def test_endpoint_is_a_context_that_a_deployment_of_the_execution_made() -> None:
    found = graph(*SERVED)
    (context,) = [one for one in found.entities.values() if one.kind == "Context"]
    (child,) = found.tree(context.arn).children
    assert (child.edge, child.entity.generated_by) == (Edge.PRODUCED, RUN.arn)


def test_folder_that_was_read_is_joined_with_the_part_of_it_that_was_written() -> None:
    found = graph(
        processing("A", 1, "s3://b/raw", "s3://b/all/part"),
        processing("B", 3, "s3://b/all", "s3://b/end"),
        processing("C", 5, "s3://b/all-else", "s3://b/other"),
    )
    names = [one.entity.name for one in flat(found.tree(artifact_arn("s3://b/end")))]
    assert names == ["s3://b/end", "b", "s3://b/all", "s3://b/all/part", "a", "s3://b/raw"]
    assert (
        found.artifact_at("s3://b/all/part/x/y") == found.entities[artifact_arn("s3://b/all/part")]
    )
    assert found.artifact_at("s3://b") is None


def test_job_that_reads_what_it_writes_is_shown_once() -> None:
    found = graph(processing("A", 1, "s3://b/x", "s3://b/x/"))
    (job,) = found.tree(artifact_arn("s3://b/x")).children
    assert [(one.entity.name, one.repeated) for one in job.children] == [("s3://b/x", True)]


def flat(branch: Branch) -> list[Branch]:
    return [branch, *(one for child in branch.children for one in flat(child))]
