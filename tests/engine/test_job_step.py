"""Job steps, and the types whose work only AWS can do: refused before anything runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.definition.expressions import resolve, walk
from engine.definition.loader import load
from engine.errors import ExpressionError
from tests.engine.embedded import Embedded, definition, processing
from tests.engine.refused import refusal

DOCUMENT = {
    "Std:Join": {
        "On": "",
        "Values": ['{"Output": {"Path": "', {"Get": "Parameters.Path"}, '"}, "Tags": ["a", "b"]}'],
    }
}


class Parameters:
    """The parameters of an execution, as expressions see them."""

    def parameter(self, name: str) -> Any:
        return {"Path": "s3://bucket/job"}[name]


def job(document: Any = DOCUMENT, **more: Any) -> dict[str, Any]:
    """A Job step."""
    arguments = {
        "RoleArn": "arn:aws:iam::123456789012:role/R",
        "JobCategory": "SyntheticDataGeneration",
        "JobConfigSchemaVersion": "1.0.0",
        "JobConfigDocument": document,
        **more,
    }
    return {"Name": "Synth", "Type": "Job", "Arguments": arguments}


PATH = {"Name": "Path", "Type": "String", "DefaultValue": "s3://bucket/job"}


def pipeline(*steps: dict[str, Any]) -> dict[str, Any]:
    """A definition of these steps, with the parameter that the document holds."""
    return definition(*steps, parameters=[PATH])


async def test_a_job_of_sagemakers_own_is_refused_with_the_reason(embedded: Embedded) -> None:
    problem = await refusal(embedded, pipeline(processing("First", "true"), job()))
    assert problem.code == "job-needs-aws"
    assert problem.message == (
        "Synth: SyntheticDataGeneration jobs run inside of SageMaker, and there is no program for"
        " them here"
    )
    assert "run the pipeline on AWS" in problem.hint


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ('{"a": ', "is no JSON: "),
        ("[1]", "holds no object"),
        ({"a": 1, "b": 2}, "is no text"),
        (None, "is missing"),
    ],
)
async def test_a_document_that_is_no_json_is_said_first(
    embedded: Embedded, document: Any, told: str
) -> None:
    problem = await refusal(embedded, pipeline(job(document)))
    assert problem.code == "job-document-invalid"
    assert problem.message.startswith(f"Synth: JobConfigDocument {told}")
    assert problem.path == "$.Steps[0].Arguments.JobConfigDocument"


async def test_the_steps_without_it_run(embedded: Embedded) -> None:
    steps = pipeline(processing("First", "true"), job())
    state = await embedded.run(steps, selection=("First",))
    assert state.execution.status == "Succeeded"


def test_expressions_reach_into_the_document_of_a_jobs_resolved_arguments() -> None:
    [step] = load(json.dumps(pipeline(job()))).steps.values()
    arguments = resolve(step.arguments, Parameters())  # type: ignore[arg-type]
    inside = ("JobConfigDocument", "Output", "Path")
    assert walk(arguments, inside, parse_text=True) == "s3://bucket/job"
    assert walk(arguments, ("JobConfigDocument", "Tags", 1), parse_text=True) == "b"
    with pytest.raises(ExpressionError, match="no member 'Model'"):
        walk(arguments, ("JobConfigDocument", "Model"), parse_text=True, root="Steps.Synth")


@pytest.mark.parametrize(
    "type_",
    [
        "Athena",
        "BedrockCustomModel",
        "BedrockCustomModelDeployment",
        "BedrockModelImport",
        "BedrockProvisionedModelThroughput",
        "HubContent",
    ],
)
async def test_types_that_run_on_aws_alone_are_refused_by_name(
    embedded: Embedded, type_: str
) -> None:
    ask = {"Name": "Ask", "Type": type_, "Arguments": {"Q": "x"}}
    problem = await refusal(embedded, definition(ask))
    assert problem.code == "step-type-unsupported"
    assert problem.message == f"Ask: steps of type {type_} run on AWS alone"
