"""Where jobs run in containers: steps of PipeTUI's own programs, and programs in an image."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from engine.model.status import ExecutionStatus, StepStatus
from engine.serving.endpoints import delete_endpoint, invoke
from tests.engine.embedded import Embedded, definition
from tests.engine.images import IMAGE, Podman, left, podman
from tests.engine.serving import container, model_step, pack_model
from tests.engine.test_automl import TRAIN, automl, bought, rows
from tests.engine.test_checks import ROWS, quality_check
from tests.engine.test_clarify_checks import FIRST, clarify_check
from tests.engine.test_emr import serverless
from tests.engine.test_endpoints import NAME, endpoint_steps, step
from tests.engine.test_job_step import configure, job, pipeline
from tests.environments import shared_environments

__all__ = ["left", "podman"]

pytestmark = pytest.mark.container
BIAS = {
    "headers": ["bought", "sex"],
    "label": "bought",
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "sex", "value_or_threshold": ["f"]}],
    "methods": {"pre_training_bias": {"methods": "all"}},
}
COUNT = """
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("lines:", spark.read.text(sys.argv[1]).count())
"""
ON_HOST = ("namespace", "rewrite", "process")


@pytest.fixture
def containers(tmp_path: Path, left: Podman) -> Embedded:
    embedded = Embedded(tmp_path)
    embedded.home.config.write_text('[jobs]\nrunner = "container"\ngrace_s = 2\n')
    return embedded


@pytest.mark.environments
async def test_checks_and_searches_run_beside_containers(containers: Embedded) -> None:
    shared_environments(containers.home)
    containers.put("s3://data/rows.csv", ROWS)
    containers.put(f"{TRAIN}/train.csv", rows(200, bought))
    quality = quality_check("Quality", SkipCheck=True, RegisterNewBaseline=True)
    state = await containers.run(definition(quality, automl()))
    reasons = {name: view.failure_reason for name, view in state.steps.items()}
    assert state.execution.status is ExecutionStatus.SUCCEEDED, reasons
    assert {view.environment["Runner"] for view in state.steps.values()} <= set(ON_HOST)
    assert "not in a container" in state.steps["Search"].stand_in
    containers.put("s3://data/rows.csv", "1,m\n0,f\n1,m\n1,f\n0,m\n")
    containers.put("s3://data/analysis_config.json", json.dumps(BIAS))
    view = (await containers.run(definition(clarify_check("DATA_BIAS", **FIRST)))).steps["Check"]
    assert view.status is StepStatus.SUCCEEDED, view.failure_reason
    assert "pre_training_bias_metrics" in containers.get("s3://out/analysis.json")


@pytest.mark.environments
async def test_spark_runs_beside_containers(containers: Embedded) -> None:
    if not shutil.which("java"):
        pytest.skip("Spark needs Java, and there is no java on this host")
    shared_environments(containers.home)
    containers.put("s3://bucket/in/a.txt", "one\ntwo\n")
    containers.put("s3://bucket/count.py", COUNT)
    spark = serverless("s3://bucket/count.py", "s3://bucket/in/")
    view = (await containers.run(definition(spark))).steps["Spark"]
    assert view.status is StepStatus.SUCCEEDED, view.failure_reason
    assert view.environment["Runner"] in ON_HOST
    assert "lines: 2" in containers.log(view)


async def test_a_job_of_a_category_runs_in_the_image_that_is_named(containers: Embedded) -> None:
    script = (
        "test -x /usr/local/bin/serve && cat /opt/ml/config/document.json"
        """ && echo '{"JobConfigDocument": {"Made": 3}}' >$SM_OUTPUT_DIR/job.json"""
    )
    words = json.dumps(["/bin/sh", "-c", script])
    configure(containers.folder, f'AgentRFT = {{command = {words}, image = "{IMAGE}"}}')
    view = (await containers.run(pipeline(job()))).steps["Tune"]
    assert view.status is StepStatus.SUCCEEDED, view.failure_reason
    assert view.environment["Runner"] == "container"
    assert "s3://bucket/job" in containers.log(view)
    assert json.loads(view.properties["JobConfigDocument"])["Made"] == 3


async def test_an_inference_component_is_one_more_container_of_the_endpoint(
    containers: Embedded, left: Podman
) -> None:
    def scale(factor: str) -> dict[str, object]:
        data = pack_model(containers.home, f"s3://bucket/{factor}/model.tar.gz", "", factor=factor)
        return container(data, IMAGE)

    component = step(
        "Add",
        "InferenceComponent",
        InferenceComponentName="extra",
        EndpointName={"Get": "Steps.Serve.EndpointName"},
        VariantName="v0",
        Specification={"ModelName": {"Get": "Steps.More.ModelName"}},
    )
    more = model_step("More", scale("9"))
    state = await containers.run(definition(*endpoint_steps(scale("2")), more, component))
    reasons = {name: view.failure_reason for name, view in state.steps.items()}
    assert state.execution.status is ExecutionStatus.SUCCEEDED, reasons
    assert len(left.names()) == 2
    home, answers = containers.home.root, []
    for name in ("", "extra"):
        answers.append(
            await asyncio.to_thread(
                invoke, home, NAME, b"3", content_type="text/csv", component=name
            )
        )
    assert [one.body for one in answers] == [b"6\n", b"27\n"]
    await delete_endpoint(home, NAME)
