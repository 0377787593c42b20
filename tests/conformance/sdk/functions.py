"""Stores functions for the shared definitions with the real SDK, and prints what it defines.

Run by the interpreter of an environment that has the SDK, with an AWS endpoint in the variables.
Arguments: the name of the pipeline, ``FnSteps`` for SDK 2 and ``V3Fn`` for SDK 3, and the image.
The steps are those of ``v2-function-step-decorator`` and ``v3-function-step-indexing``.
"""

from __future__ import annotations

import sys
from typing import Any

import boto3

try:
    from sagemaker.core.workflow.execution_variables import ExecutionVariables
    from sagemaker.core.workflow.parameters import ParameterInteger
    from sagemaker.core.workflow.pipeline_context import PipelineSession
    from sagemaker.mlops.workflow.function_step import step
    from sagemaker.mlops.workflow.pipeline import Pipeline
except ImportError:
    from sagemaker.workflow.execution_variables import ExecutionVariables
    from sagemaker.workflow.function_step import step
    from sagemaker.workflow.parameters import ParameterInteger
    from sagemaker.workflow.pipeline import Pipeline
    from sagemaker.workflow.pipeline_context import PipelineSession

BUCKET = "pipetui-test-bucket"
session = PipelineSession(boto3.Session(region_name="us-east-1"), default_bucket=BUCKET)
common: dict[str, Any] = {
    "role": "arn:aws:iam::123456789012:role/PipelineRole",
    "instance_type": "ml.m5.xlarge",
    "image_uri": sys.argv[2],
}
N = ParameterInteger("N", default_value=3)


@step(name="MakeData", **common)
def make(count: int, execution: str) -> dict[str, list[int]]:
    print("made for", execution)
    return {"x": list(range(count)), "y": [1, 2]}


@step(name="TrainFn", **common)
def train(data: dict[str, list[int]], execution: str) -> float:
    print("trained for", execution)
    return 0.95 if len(data["x"]) > 2 else 0.5


@step(name="PublishFn", **common)
def publish(accuracy: float) -> str:
    print("published", accuracy)
    return "published"


@step(name="A", **common)
def a() -> tuple[int, dict[str, int]]:
    return 7, {"k": 2}


@step(name="B", **common)
def b(first: int, second: dict[str, int]) -> int:
    print("given", first, second)
    return second["k"]


def steps(name: str) -> list[Any]:
    if name == "V3Fn":
        pair = a()
        return [b(pair[0], pair[1])]
    data = make(N, ExecutionVariables.PIPELINE_EXECUTION_ID)
    return [publish(train(data, ExecutionVariables.PIPELINE_EXECUTION_ID))]


print(
    Pipeline(
        sys.argv[1], parameters=[N], steps=steps(sys.argv[1]), sagemaker_session=session
    ).definition()
)
