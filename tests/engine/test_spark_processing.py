"""Processing in the Spark images: their program is ``spark-submit`` on this host."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.model.status import StepStatus
from engine.sources.base import StartRequest
from engine.sources.control import LocalControl
from tests.engine.embedded import Embedded, definition, processing
from tests.environments import shared_environments

IMAGE = "173754725891.dkr.ecr.us-west-2.amazonaws.com/sagemaker-spark-processing:3.1-cpu-py37-v1.0"
SUBMIT: dict[str, Any] = {
    "AppSpecification": {
        "ImageUri": IMAGE,
        "ContainerEntrypoint": [
            "smspark-submit", "--local-spark-event-logs-dir", "/opt/ml/processing/events",
            "--py-files", "/opt/ml/processing/input/more.py", "/opt/ml/processing/input/code.py",
        ],
        "ContainerArguments": ["--n", "1"],
    }
}  # fmt: skip


def install(embedded: Embedded) -> None:
    """A program that says what it is given, in place of Spark's."""
    program = Path(embedded.folder, "spark-submit")
    program.write_text('#!/bin/sh\nenv\necho "given: $@"\n')
    program.chmod(0o755)
    embedded.home.config.write_text(f'[emr]\nmaster = "local[2]"\nspark_submit = "{program}"\n')


async def test_the_images_program_becomes_spark_submit_with_the_jobs_arguments(
    embedded: Embedded,
) -> None:
    install(embedded)
    state = await embedded.run(definition(processing("Spark", "", arguments=SUBMIT)))
    step = state.steps["Spark"]
    given = embedded.log(step).partition("given: ")[2]
    assert given.startswith("--master local[2] --deploy-mode client ")
    assert given.endswith(
        "--py-files /opt/ml/processing/input/more.py /opt/ml/processing/input/code.py --n 1\n"
    )
    assert "event-logs" not in given
    assert (
        "spark.eventLog.enabled=true --conf spark.eventLog.dir=/opt/ml/processing/events" in given
    )
    assert step.stand_in == "local Spark in place of the image's"


CONFIGURATION: list[dict[str, Any]] = [
    {"Classification": "spark-defaults", "Properties": {"spark.executor.memory": "2g"}},
    {
        "Classification": "spark-env",
        "Properties": {},
        "Configurations": [{"Classification": "export", "Properties": {"FROM_CONF": "yes"}}],
    },
    {
        "Classification": "spark-log4j",
        "Properties": {"rootLogger.level": "error", "logger.x.level": "debug"},
    },
    {"Classification": "yarn-site", "Properties": {"a": "b"}},
]


def configured() -> dict[str, Any]:
    """A step with a configuration, as the SDK gives it."""
    step = processing("Spark", "", arguments=SUBMIT)
    source = {
        "S3Uri": "s3://bucket/conf/configuration.json",
        "LocalPath": "/opt/ml/processing/input/conf",
    }
    step["Arguments"]["ProcessingInputs"] = [{"InputName": "conf", "S3Input": source}]
    return step


async def test_the_sdks_configuration_is_applied_and_what_has_no_effect_is_named(
    embedded: Embedded,
) -> None:
    install(embedded)
    embedded.put("s3://bucket/conf/configuration.json", json.dumps(CONFIGURATION))
    state = await embedded.run(definition(configured()))
    step = state.steps["Spark"]
    log = embedded.log(step)
    assert "--conf spark.executor.memory=2g --conf spark.log.level=ERROR" in log
    assert "FROM_CONF=yes" in log.splitlines()
    (note,) = [one for one in step.environment["Notes"] if "without effect" in one]
    assert note == "without effect here: spark-log4j logger.x.level, yarn-site"


async def test_a_configuration_that_is_no_json_fails_the_step(embedded: Embedded) -> None:
    install(embedded)
    embedded.put("s3://bucket/conf/configuration.json", "{")
    state = await embedded.run(definition(configured()))
    reason = state.steps["Spark"].failure_reason
    assert reason.startswith("ClientError: s3://bucket/conf/configuration.json is no JSON: ")


async def test_event_logs_that_go_to_s3_have_their_folder_there(embedded: Embedded) -> None:
    install(embedded)
    entry = ["smspark-submit", "--spark-event-logs-s3-uri=s3://bucket/events", "/opt/x.py"]
    specification = {**SUBMIT["AppSpecification"], "ContainerEntrypoint": entry}
    step = processing("Spark", "", arguments={"AppSpecification": specification})
    state = await embedded.run(definition(step))
    events = embedded.home.s3 / "bucket/events"
    assert f"spark.eventLog.dir={events} " in embedded.log(state.steps["Spark"])
    assert events.is_dir()


SUM = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("memory", spark.conf.get("spark.executor.memory"), spark.range(4).count())
"""


@pytest.mark.environments
@pytest.mark.network
async def test_a_real_spark_has_its_configuration_and_writes_its_event_log(
    embedded: Embedded,
) -> None:
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, and there is no java on this host")
    shared_environments(embedded.home)
    embedded.home.config.write_text('[emr]\nmaster = "local[1]"\n')
    embedded.put("s3://bucket/conf/configuration.json", json.dumps(CONFIGURATION[0]))
    embedded.put("s3://bucket/code/sum.py", SUM)
    events = "/opt/ml/processing/spark-events/"
    code, step = "/opt/ml/processing/input/code", configured()
    arguments = step["Arguments"]
    source = {"S3Uri": "s3://bucket/code/sum.py", "LocalPath": code}
    arguments["ProcessingInputs"].append({"InputName": "code", "S3Input": source})
    entry = ["smspark-submit", "--local-spark-event-logs-dir", events, f"{code}/sum.py"]
    arguments["AppSpecification"] = {"ImageUri": IMAGE, "ContainerEntrypoint": entry}
    target = {"S3Uri": "s3://bucket/events", "LocalPath": events, "S3UploadMode": "Continuous"}
    outputs = [{"OutputName": "output-1", "S3Output": target}]
    arguments["ProcessingOutputConfig"] = {"Outputs": outputs}
    view = (await embedded.run(definition(step))).steps["Spark"]
    assert view.status is StepStatus.SUCCEEDED, embedded.log(view)
    assert "memory 2g 4" in embedded.log(view)
    found = (embedded.home.s3 / "bucket/events").iterdir()
    # An upload meanwhile may have met the file under the name that it has while Spark runs.
    (written,) = (file for file in found if file.suffix != ".inprogress")
    assert "SparkListenerApplicationEnd" in written.read_text()


async def test_a_plan_names_the_spark_that_will_run(embedded: Embedded) -> None:
    file = embedded.write(definition(processing("Spark", "", arguments=SUBMIT)))
    (step,) = (await LocalControl(embedded.home).plan(StartRequest(file))).steps
    assert "pyspark==3.5.3" in step.environment
