"""Builds a pipeline of functions with the real SDK, version 2 or 3, and prints its definition.

Run by the interpreter of an environment that has the SDK, with an AWS endpoint in the variables:
the SDK stores its payloads there. Arguments: the folder with what is uploaded besides, the name of
the pipeline, and the image.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import boto3

try:
    from sagemaker.core.remote_function import job
    from sagemaker.core.remote_function.spark_config import SparkConfig
    from sagemaker.core.workflow.conditions import ConditionGreaterThan
    from sagemaker.core.workflow.execution_variables import ExecutionVariables
    from sagemaker.core.workflow.parameters import (
        ParameterBoolean,
        ParameterFloat,
        ParameterInteger,
        ParameterString,
    )
    from sagemaker.core.workflow.pipeline_context import PipelineSession
    from sagemaker.mlops.workflow.condition_step import ConditionStep
    from sagemaker.mlops.workflow.fail_step import FailStep
    from sagemaker.mlops.workflow.function_step import step
    from sagemaker.mlops.workflow.pipeline import Pipeline
except ImportError:
    from sagemaker.remote_function import job
    from sagemaker.remote_function.spark_config import SparkConfig
    from sagemaker.workflow.condition_step import ConditionStep
    from sagemaker.workflow.conditions import ConditionGreaterThan
    from sagemaker.workflow.execution_variables import ExecutionVariables
    from sagemaker.workflow.fail_step import FailStep
    from sagemaker.workflow.function_step import step
    from sagemaker.workflow.parameters import (
        ParameterBoolean,
        ParameterFloat,
        ParameterInteger,
        ParameterString,
    )
    from sagemaker.workflow.pipeline import Pipeline
    from sagemaker.workflow.pipeline_context import PipelineSession

os.chdir(sys.argv[1])
session = PipelineSession(boto3.Session(region_name="us-east-1"), default_bucket="bucket")
common: dict[str, Any] = {
    "role": "arn:aws:iam::123456789012:role/R",
    "instance_type": "ml.m5.large",
    "image_uri": sys.argv[3],
}
COUNT = ParameterInteger("Count", default_value=3)
PARAMETERS = [
    COUNT,
    ParameterFloat("Rate", default_value=0.5),
    ParameterBoolean("Flag", default_value=True),
    ParameterString("Text", default_value="it's"),
]


@step(name="Make", pre_execution_commands=["echo made before > before.txt"], **common)
def make(count: int, rate: float, flag: bool, text: str, execution: str) -> tuple[Any, ...]:
    with open("before.txt") as file:
        said = file.read().strip()
    print("received", [count, rate, flag, text], execution, said)
    return {"numbers": list(range(count))}, rate if flag else 0.0, text


@step(name="Sum", dependencies="requirements.txt", **common)
def add(made: dict[str, list[int]], rate: float) -> float:
    import iniconfig

    print("with", iniconfig.__name__)
    return sum(made["numbers"]) * rate


@step(name="Work", **common)
def work() -> str:
    import beside

    answer: str = beside.answer()
    print("work", answer)
    return answer


@step(name="Break", **common)
def break_it(count: int) -> None:
    raise ValueError(f"count is {count}")


@step(name="Unprepared", pre_execution_commands=["echo nothing here >&2", "exit 5"], **common)
def never() -> None:
    print("called")


@step(
    name="Rows",
    role=common["role"],
    instance_type="ml.m5.large",
    spark_config=SparkConfig(
        configuration=[
            {"Classification": "spark-defaults", "Properties": {"spark.executor.memory": "2g"}}
        ],
        spark_event_logs_uri="s3://bucket/events",
    ),
)
def rows(place: str) -> int:
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.getOrCreate()
    frame = spark.read.option("header", True).csv(place)
    frame.write.mode("overwrite").parquet("s3://written-by-spark/rows")
    found: int = frame.count()
    print("memory", spark.conf.get("spark.executor.memory"), "rows", found)
    return found


@step(name="Ranks", dependencies="mpi.txt", instance_count=2, **common)
def ranks() -> int:
    from mpi4py import MPI

    world = MPI.COMM_WORLD
    total: int = world.allreduce(world.rank + 1)
    told = f"rank {world.rank} of {world.size} on {os.environ['SM_CURRENT_HOST']} sum {total}"
    os.write(1, f"{told}\n".encode())
    return total


def with_mpirun() -> Any:
    """``ranks`` with what ``@remote(use_mpirun=True)`` sets, which ``@step`` does not take."""
    original = job._JobSettings.__init__

    def settings(self: Any, *given: Any, **named: Any) -> None:
        original(self, *given, **{**named, "use_mpirun": True, "nproc_per_node": 2})

    job._JobSettings.__init__ = settings
    return ranks()


made = make(*PARAMETERS, ExecutionVariables.PIPELINE_EXECUTION_ID)
total = add(made[0], made[1])
decide = ConditionStep(
    "Decide",
    conditions=[ConditionGreaterThan(left=total, right=1.0)],
    if_steps=[work()],
    else_steps=[FailStep("TooLittle", error_message="too little")],
)
named: dict[str, Callable[[], Any]] = {
    "functions": lambda: decide,
    "broken": lambda: break_it(COUNT),
    "unprepared": never,
    "spark": lambda: rows("s3://bucket/rows.csv"),
    "mpi": with_mpirun,
}
print(
    Pipeline(
        sys.argv[2],
        parameters=PARAMETERS,
        steps=[named[sys.argv[2]]()],
        sagemaker_session=session,
    ).definition()
)
