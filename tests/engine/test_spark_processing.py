"""Processing in the Spark images: their program is ``spark-submit`` on this host."""

from __future__ import annotations

from pathlib import Path

from engine.sources.base import StartRequest
from engine.sources.control import LocalControl
from tests.engine.embedded import Embedded, definition, processing

IMAGE = "173754725891.dkr.ecr.us-west-2.amazonaws.com/sagemaker-spark-processing:3.1-cpu-py37-v1.0"
SUBMIT = {
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
    program.write_text('#!/bin/sh\necho "given: $@"\n')
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
    assert step.stand_in == "local Spark in place of the image's"


async def test_a_plan_names_the_spark_that_will_run(embedded: Embedded) -> None:
    file = embedded.write(definition(processing("Spark", "", arguments=SUBMIT)))
    (step,) = (await LocalControl(embedded.home).plan(StartRequest(file))).steps
    assert "pyspark==3.5.3" in step.environment
