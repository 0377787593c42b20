"""EMR and EMRServerless steps: commands and scripts for real, and a spark-submit that tells."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.model.commands import StopExecution
from engine.model.fold import ExecutionState
from engine.model.status import ExecutionStatus, StepStatus
from engine.model.views import StepView
from tests.engine.embedded import Embedded, definition, processing
from tests.engine.refused import refusal
from tests.engine.test_execution import wait_until_executing
from tests.environments import shared_environments
from tests.shared import DEFINITIONS, needs_shared

CLUSTER = {"ClusterId": "j-1ABCDEFG2HIJK"}
TELL = '#!/bin/sh\nfor word in "$@"; do echo "<$word>"; done\n'
RUNNER = "command-runner.jar"
SCRIPTS = "s3://us-east-1.elasticmapreduce/libs/script-runner/script-runner.jar"


def emr(
    *args: Any, jar: str = RUNNER, cluster: dict[str, Any] | None = None, **jar_step: Any
) -> dict[str, Any]:
    """An EMR step."""
    config = {"HadoopJarStep": {"Jar": jar, "Args": list(args), **jar_step}}
    arguments = {"StepConfig": config, **(CLUSTER if cluster is None else cluster)}
    return {"Name": "Spark", "Type": "EMR", "Arguments": arguments}


def serverless(entry: Any, *args: str, parameters: str = "", **more: Any) -> dict[str, Any]:
    """An EMRServerless step; ``more`` goes into its JobConfig."""
    driver = {"entryPoint": entry, "entryPointArguments": list(args)}
    if parameters:
        driver["sparkSubmitParameters"] = parameters
    job = {"executionRoleArn": "arn:r", "jobDriver": {"sparkSubmit": driver}, **more}
    arguments = {"ExecutionRoleArn": "arn:r", "JobConfig": job, "ApplicationId": "00f1abcdexample"}
    return {"Name": "Spark", "Type": "EMRServerless", "Arguments": arguments}


def spark_submit(embedded: Embedded, text: str = TELL, settings: str = "") -> Path:
    """Configure a spark-submit that does what ``text`` says."""
    program = embedded.folder / "spark" / "spark-submit"
    program.parent.mkdir()
    program.write_text(text, encoding="utf-8")
    program.chmod(0o700)
    (embedded.folder / "pipetui.toml").write_text(
        f'[emr]\nspark_submit = "{program}"\n{settings}\n', encoding="utf-8"
    )
    return program


def words(embedded: Embedded, view: StepView) -> list[str]:
    """What ``spark-submit`` was given, after the settings that every job gets."""
    assert view.status is StepStatus.SUCCEEDED, view.failure_reason
    given = [line[1:-1] for line in embedded.log(view).splitlines()]
    assert given[2:4] == ["--deploy-mode", "client"]
    assert given[4:8:2] == ["--conf", "--conf"]
    return given[:2] + given[8:]


async def run(embedded: Embedded, *steps: dict[str, Any], **more: Any) -> StepView:
    """Run a definition; returns what became of its step ``Spark``."""
    state: ExecutionState = await embedded.run(definition(*steps, **more))
    return state.steps["Spark"]


def path(embedded: Embedded, key: str) -> str:
    """Where an object lies."""
    return f"{embedded.home.s3}/{key}"


# -- commands and scripts ------------------------------------------------------------------------


async def test_command_of_a_cluster_runs_on_this_host(embedded: Embedded) -> None:
    use = processing("Use", 'echo "$ID"', arguments={
        "Environment": {"ID": {"Get": "Steps.Spark.ClusterId"}}
    })  # fmt: skip
    step = emr("bash", "-c", 'echo "hello from $0"; echo $AWS_ENDPOINT_URL; pwd')
    state = await embedded.run(definition(step, use))
    view = state.steps["Spark"]
    hello, endpoint, folder = embedded.log(view).splitlines()
    assert hello == "hello from bash"
    assert endpoint.startswith("http://127.0.0.1:")
    assert folder == view.directory
    assert view.stand_in == "this host, without Hadoop, in place of the EMR cluster"
    assert embedded.log(state.steps["Use"]) == "j-1ABCDEFG2HIJK\n"


async def test_properties_are_a_step_of_emr_and_metadata_names_its_log(embedded: Embedded) -> None:
    step = emr("echo", "done", Properties=[{"Key": "k", "Value": "2"}])
    view = await run(embedded, step)
    about = view.metadata["EMR"]
    assert about["ClusterId"] == view.properties["ClusterId"] == "j-1ABCDEFG2HIJK"
    assert about["StepId"] == view.properties["Id"]
    assert about["StepId"].startswith("s-LOCAL")
    assert about["StepName"] == view.properties["Name"]
    assert about["LogFilePath"] == f"{view.directory}/job.log"
    assert embedded.log(view) == "done\n"
    assert view.properties["Status"] == {"State": "COMPLETED"}
    assert view.properties["Config"] == {
        "Jar": RUNNER, "Properties": {"k": "2"}, "MainClass": "", "Args": ["echo", "done"]
    }  # fmt: skip


async def test_new_cluster_gets_an_id_that_says_it_is_local(embedded: Embedded) -> None:
    view = await run(embedded, emr("true", cluster={"ClusterConfig": {"Instances": {}}}))
    assert view.status is StepStatus.SUCCEEDED, view.failure_reason
    assert view.properties["ClusterId"].startswith("j-LOCAL")


@pytest.mark.parametrize("first", ["#!/bin/bash\n", ""])
async def test_script_from_s3_runs_with_its_arguments_as_they_are(
    embedded: Embedded, first: str
) -> None:
    embedded.put("s3://bucket/setup.sh", f'{first}echo "$1 and $2"\n')
    view = await run(embedded, emr("s3://bucket/setup.sh", "s3://a/b", "c d", jar=SCRIPTS))
    assert view.status is StepStatus.SUCCEEDED, view.failure_reason
    assert embedded.log(view) == "s3://a/b and c d\n"


async def test_failed_command_fails_the_step_and_what_follows(embedded: Embedded) -> None:
    after = processing("After", "true", DependsOn=["Spark"])
    state = await embedded.run(definition(emr("sh", "-c", "echo no >&2; exit 4"), after))
    view = state.steps["Spark"]
    assert view.status is StepStatus.FAILED
    assert view.failure_reason.startswith("AlgorithmError: ")
    assert view.failure_reason.endswith("exit code 4")
    assert state.steps["After"].status is StepStatus.BLOCKED
    assert embedded.log(view) == "no\n"


async def test_a_script_that_is_not_there_fails_the_step_and_says_where_to_put_it(
    embedded: Embedded,
) -> None:
    view = await run(embedded, emr("s3://bucket/none.sh", jar=SCRIPTS))
    assert view.status is StepStatus.FAILED
    assert view.failure_reason == "ClientError: the program s3://bucket/none.sh is not there"
    assert view.note == f"Put the file at {path(embedded, 'bucket/none.sh')}."


async def test_stop_ends_the_command(embedded: Embedded) -> None:
    execution = await embedded.create(definition(emr("sleep", "1000")))
    running = asyncio.create_task(embedded.go_on(execution))
    await wait_until_executing(embedded, execution, "Spark")
    await embedded.send(execution, StopExecution())
    state = await running
    assert state.execution.status is ExecutionStatus.STOPPED
    assert state.steps["Spark"].status is StepStatus.STOPPED


# -- Spark ---------------------------------------------------------------------------------------


async def test_spark_submit_gets_the_configured_master_and_paths_for_s3(embedded: Embedded) -> None:
    spark_submit(embedded, settings='master = "local[2]"')
    embedded.put("s3://bucket/code/count.py", "pass")
    step = emr(
        *("spark-submit", "--deploy-mode", "cluster", "--master", "yarn"),
        *("--py-files", "s3://bucket/a.zip,s3a://bucket/b.zip"),
        *("--conf", "spark.executor.memory=2g", "s3://bucket/code/count.py"),
        *("--output=s3://bucket/out/", "s3://bucket/dt=2024/in,2", "plain", 3),
    )
    view = await run(embedded, step)
    assert words(embedded, view) == [
        *("--master", "local[2]"),
        *("--py-files", f"{path(embedded, 'bucket/a.zip')},{path(embedded, 'bucket/b.zip')}"),
        *("--conf", "spark.executor.memory=2g", path(embedded, "bucket/code/count.py")),
        *(f"--output={path(embedded, 'bucket/out/')}", path(embedded, "bucket/dt=2024/in") + ",2"),
        *("plain", "3"),
    ]  # fmt: skip
    assert view.stand_in == "local Spark in place of the EMR cluster"


async def test_what_spark_writes_to_its_output_is_in_s3_for_the_next_step(
    embedded: Embedded,
) -> None:
    spark_submit(
        embedded, '#!/bin/sh\nfor out in "$@"; do :; done\nmkdir -p "$out"; echo 7 > "$out/p"\n'
    )
    embedded.put("s3://bucket/x.py", "pass")
    use = processing("Use", "cat /opt/ml/processing/in/p", inputs={"in": "s3://bucket/res"},
                     DependsOn=["Spark"])  # fmt: skip
    target = {"Std:Join": {"On": "/", "Values": ["s3://bucket", "res"]}}
    step = emr("spark-submit", "s3://bucket/x.py", target)
    state = await embedded.run(definition(step, use))
    assert embedded.log(state.steps["Use"]) == "7\n", state.steps["Spark"].failure_reason


async def test_settings_of_the_new_cluster_are_sparks_defaults(embedded: Embedded) -> None:
    spark_submit(embedded)
    defaults = {"spark.sql.shuffle.partitions": "2", "spark.master": "yarn"}
    cluster = {
        "Instances": {},
        "ReleaseLabel": "emr-6.15.0",
        "Configurations": [
            {"Classification": "spark-defaults", "Properties": defaults},
            {"Classification": "hive-site", "Properties": {"a": "b"}},
        ],
    }
    step = emr("spark-submit", "/opt/app.py", cluster={"ClusterConfig": cluster})
    view = await run(embedded, step)
    expected = ["--master", "local[*]", "--conf", "spark.sql.shuffle.partitions=2", "/opt/app.py"]
    assert words(embedded, view) == expected


async def test_a_jar_of_ones_own_is_an_application_for_spark_submit(embedded: Embedded) -> None:
    spark_submit(embedded)
    embedded.put("s3://bucket/my.jar", "")
    step = emr("--in", "s3://bucket/d", jar="s3://bucket/my.jar", MainClass="com.my.Main",
               Properties=[{"Key": "m.max", "Value": "2"}])  # fmt: skip
    view = await run(embedded, step)
    assert words(embedded, view)[2:] == [
        *("--conf", "spark.hadoop.m.max=2", "--class", "com.my.Main"),
        *(path(embedded, "bucket/my.jar"), "--in", path(embedded, "bucket/d")),
    ]


async def test_an_application_that_is_not_there_fails_the_step(embedded: Embedded) -> None:
    spark_submit(embedded)
    view = await run(embedded, emr("spark-submit", "s3://bucket/none.py"))
    assert view.failure_reason == "ClientError: the program s3://bucket/none.py is not there"


async def test_a_command_finds_the_configured_spark_submit_on_its_path(embedded: Embedded) -> None:
    program = spark_submit(embedded)
    view = await run(embedded, emr("sh", "-c", "command -v spark-submit"))
    assert embedded.log(view) == f"{program}\n"


# -- EMR Serverless ------------------------------------------------------------------------------


async def test_a_job_run_is_submitted_with_its_parameters(embedded: Embedded) -> None:
    spark_submit(embedded)
    embedded.put("s3://bucket/x.py", "pass")
    overrides = {
        "applicationConfiguration": [
            {"classification": "spark-defaults", "properties": {"spark.cores.max": "1"}}
        ]
    }
    step = serverless(
        {"Get": "Parameters.Script"}, "--a", "s3://bucket/in",
        parameters="--conf spark.executor.cores=1 --name 'a job'",
        name="nightly", configurationOverrides=overrides,
    )  # fmt: skip
    script = {"Name": "Script", "Type": "String", "DefaultValue": "s3://bucket/x.py"}
    view = await run(embedded, step, parameters=[script])
    assert words(embedded, view)[2:] == [
        *("--conf", "spark.cores.max=1", "--conf", "spark.executor.cores=1", "--name", "a job"),
        *(path(embedded, "bucket/x.py"), "--a", path(embedded, "bucket/in")),
    ]
    about = view.metadata["EMRServerless"]
    assert about["ApplicationId"] == "00f1abcdexample"
    assert about["JobRunName"] == "nightly"
    assert about["LogFilePath"] == f"{view.directory}/job.log"
    job_run = view.properties["jobRun"]
    assert job_run["jobRunId"] == about["JobRunId"]
    assert (job_run["state"], job_run["executionTimeoutMinutes"]) == ("SUCCESS", 720)
    assert view.stand_in == "local Spark in place of the EMR Serverless application"


async def test_a_limit_that_is_no_number_fails_the_step(embedded: Embedded) -> None:
    spark_submit(embedded)
    view = await run(embedded, serverless("/opt/x.py", executionTimeoutMinutes="soon"))
    assert view.failure_reason == "ClientError: executionTimeoutMinutes cannot be 'soon'"


async def test_parameters_that_cannot_be_read_fail_the_step(embedded: Embedded) -> None:
    spark_submit(embedded)
    view = await run(embedded, serverless("/opt/x.py", parameters="--name 'open"))
    assert view.failure_reason.startswith(
        'ClientError: sparkSubmitParameters "--name \'open" cannot'
    )


# -- refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "code", "told"),
    [
        (emr("true", cluster={}), "emr-cluster-invalid", "no cluster"),
        (emr("true", cluster={**CLUSTER, "ClusterConfig": {"a": 1}}), "emr-cluster-invalid", "two"),
        (emr("true", jar=""), "emr-command-missing", "no Jar"),
        (emr(), "emr-command-missing", "command-runner.jar is given no Args"),
        (emr("s3-dist-cp", "--src=s3://a/b"), "emr-program-missing", "s3-dist-cp"),
        (emr("true", None), "command-invalid", "None"),
    ],
)  # fmt: skip
async def test_what_cannot_run_is_refused_before_anything_runs(
    embedded: Embedded, step: dict[str, Any], code: str, told: str
) -> None:
    problem = await refusal(embedded, definition(step))
    assert problem.code == code
    assert problem.message.startswith("Spark")
    assert told in problem.message
    assert problem.hint


async def test_spark_without_java_is_refused_with_the_reason(
    embedded: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(embedded.folder))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    for step in (emr("spark-submit", "/opt/x.py"), serverless("/opt/x.py")):
        problem = await refusal(embedded, definition(step))
        assert problem.code == "java-missing"
        assert problem.message == "Spark: Spark needs Java, and there is no java on this host"


async def test_a_spark_submit_that_is_not_there_is_refused(embedded: Embedded) -> None:
    spark_submit(embedded).unlink()
    problem = await refusal(embedded, definition(emr("spark-submit", "/opt/x.py")))
    assert problem.code == "spark-submit-missing"


async def test_hive_and_a_second_application_are_refused(embedded: Embedded) -> None:
    hive = serverless("/x")
    hive["Arguments"]["JobConfig"]["jobDriver"] = {"hive": {"query": "s3://b/q"}}
    assert (await refusal(embedded, definition(hive))).code == "emr-driver-unsupported"
    two = serverless("/x")
    two["Arguments"]["ApplicationConfig"] = {"releaseLabel": "emr-6.15.0"}
    assert (await refusal(embedded, definition(two))).code == "emr-application-invalid"


async def test_container_jobs_are_refused_because_there_is_no_image(embedded: Embedded) -> None:
    (embedded.folder / "pipetui.toml").write_text('[jobs]\nrunner = "container"\n')
    for step in (emr("true"), serverless("/opt/x.py")):
        assert (await refusal(embedded, definition(step))).code == "job-needs-image"


@needs_shared
async def test_job_runs_of_the_sdk_run_with_a_local_spark(embedded: Embedded) -> None:
    spark_submit(embedded)
    embedded.put("s3://bucket/x.py", "pass")
    document = json.loads((DEFINITIONS / "v3-emr-serverless.json").read_text(encoding="utf-8"))
    document["Steps"] = [one for one in document["Steps"] if one["Type"] == "EMRServerless"]
    state = await embedded.run(document, {"Script": "s3://bucket/x.py"})
    assert state.execution.status is ExecutionStatus.SUCCEEDED, state.execution.failure_reason
    about = state.steps["SparkNewApp"].metadata["EMRServerless"]
    assert about["ApplicationId"].startswith("LOCAL")


# -- the real thing ------------------------------------------------------------------------------

COUNT = """
import sys
from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
rows = spark.read.csv(sys.argv[1], header=True, inferSchema=True)
rows.groupBy("kind").sum("n").orderBy("kind").coalesce(1).write.csv(sys.argv[2])
print("spark", spark.version, "master", spark.sparkContext.master)
"""


@pytest.mark.environments
@pytest.mark.network
async def test_pyspark_counts_in_an_environment_of_its_own(embedded: Embedded) -> None:
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, and there is no java on this host")
    shared_environments(embedded.home)
    (embedded.folder / "pipetui.toml").write_text('[emr]\nmaster = "local[1]"\n')
    embedded.put("s3://bucket/count.py", COUNT)
    embedded.put("s3://bucket/in/rows.csv", "kind,n\na,1\nb,2\na,3\n")
    step = emr("spark-submit", "s3://bucket/count.py", "s3://bucket/in/", "s3://bucket/out")
    view = await run(embedded, step)
    assert view.status is StepStatus.SUCCEEDED, embedded.log(view)
    assert "spark 3.5.3 master local[1]" in embedded.log(view)
    written = {file.name: file for file in (embedded.home.s3 / "bucket/out").iterdir()}
    parts = [name for name in written if name.startswith("part-")]
    assert written.keys() == {"_SUCCESS", *parts}, "there are checksum files among the objects"
    assert [written[name].read_text() for name in parts] == ["a,4\nb,2\n"]
