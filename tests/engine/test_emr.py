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
from tests.engine.embedded import (
    Embedded,
    definition,
    podman_that_runs_nothing,
    processing,
)
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


# -- Hive and s3-dist-cp ------------------------------------------------------------------------


def with_hadoop(program: Path, version: str = "3.3.4") -> None:
    """Put the file beside a spark-submit that tells which Hadoop it has."""
    jars = program.parent.parent / "jars"
    jars.mkdir()
    (jars / f"hadoop-client-api-{version}.jar").touch()


async def test_a_hive_script_runs_with_spark_sql_and_its_variables(embedded: Embedded) -> None:
    program = spark_submit(embedded)
    with_hadoop(program)
    embedded.put("s3://bucket/q.sql", "SELECT * FROM t LOCATION 's3a://named-inside/x'")
    step = emr(
        *("hive-script", "--run-hive-script", "--hive-versions", "latest", "--args"),
        *("-f", "s3://bucket/q.sql", "-d", {"Std:Join": {"On": "=", "Values": ["IN", "s3://b/x"]}}),
        *("-hiveconf", "hive.metastore.warehouse.dir=s3://bucket/tables"),
    )
    view = await run(embedded, step)
    assert view.status is StepStatus.SUCCEEDED, view.failure_reason
    given = [line[1:-1] for line in embedded.log(view).splitlines()]
    assert given[-8:] == [
        *("--class", "org.apache.spark.sql.hive.thriftserver.SparkSQLCLIDriver"),
        *("-f", path(embedded, "bucket/q.sql"), "--define", "IN=s3://b/x"),
        *("--hiveconf", "hive.metastore.warehouse.dir=s3://bucket/tables"),
    ]
    assert "spark.sql.warehouse.dir=s3://bucket/tables" in given
    for bucket in ("bucket", "named-inside"):
        mount = f"spark.hadoop.fs.viewfs.mounttable.{bucket}.linkFallback"
        assert f"{mount}=pipetui-tree://{path(embedded, bucket)}" in given
    told = "Spark SQL in place of Hive, and this host in place of the EMR cluster"
    assert view.stand_in == told


async def test_a_serverless_hive_query_runs_after_its_first_file(embedded: Embedded) -> None:
    spark_submit(embedded)
    for name in ("q", "init"):
        embedded.put(f"s3://bucket/{name}.sql", "SELECT 1")
    step = serverless("/x")
    hive = {"query": "s3://bucket/q.sql", "initQueryFile": "s3://bucket/init.sql",
            "parameters": "--hiveconf a=b"}  # fmt: skip
    step["Arguments"]["JobConfig"]["jobDriver"] = {"hive": hive}
    view = await run(embedded, step)
    assert view.status is StepStatus.SUCCEEDED, view.failure_reason
    given = [line[1:-1] for line in embedded.log(view).splitlines()]
    assert given[-6:] == [
        *("--hiveconf", "a=b", "-i", path(embedded, "bucket/init.sql")),
        *("-f", path(embedded, "bucket/q.sql")),
    ]
    assert view.stand_in.startswith("Spark SQL in place of Hive, ")
    assert view.properties["jobRun"]["jobDriver"] == {"hive": hive}


async def test_a_hive_script_that_is_not_there_fails_the_step(embedded: Embedded) -> None:
    spark_submit(embedded)
    view = await run(embedded, emr("hive-script", "--args", "-f", "s3://bucket/none.sql"))
    assert view.failure_reason == "ClientError: the program s3://bucket/none.sql is not there"


async def test_s3_dist_cp_copies_what_its_pattern_matches(embedded: Embedded) -> None:
    for key in ("a.csv", "deep/b.csv", "c.txt"):
        embedded.put(f"s3://bucket/in/{key}", key)
    source = {"Std:Join": {"On": "=", "Values": ["--src", "s3://bucket/in/"]}}
    step = emr("s3-dist-cp", source, "--dest", "s3://other/out", r"--srcPattern=.*\.csv")
    view = await run(embedded, step)
    assert view.status is StepStatus.SUCCEEDED, embedded.log(view)
    out = embedded.home.s3 / "other/out"
    copied = {str(file.relative_to(out)) for file in out.rglob("*") if file.is_file()}
    assert copied == {"a.csv", "deep/b.csv"}
    assert embedded.get("s3://other/out/deep/b.csv") == "deep/b.csv"
    assert embedded.log(view).endswith("s3-dist-cp: 2 objects\n")
    told = "a copy in the local S3 tree in place of s3-dist-cp, and this host in place of"
    assert view.stand_in.startswith(told)


async def test_s3_dist_cp_without_a_source_fails_and_moves_what_it_is_told_to(
    embedded: Embedded,
) -> None:
    places = ("--src=s3://bucket/in", "--dest=s3://bucket/out")
    view = await run(embedded, emr("s3-dist-cp", *places))
    assert view.status is StepStatus.FAILED
    assert "there is nothing at s3://bucket/in" in embedded.log(view)
    embedded.put("s3://bucket/in/a", "1")
    view = await run(embedded, emr("s3-dist-cp", *places, "--deleteOnSuccess"))
    assert view.status is StepStatus.SUCCEEDED
    assert embedded.get("s3://bucket/out/a") == "1"
    assert not (embedded.home.s3 / "bucket/in/a").exists()


async def test_steps_of_a_cluster_share_its_hdfs_and_other_executions_begin_without(
    embedded: Embedded,
) -> None:
    embedded.put("s3://bucket/in/a", "1")
    into = emr("s3-dist-cp", "--src=s3://bucket/in", "--dest=hdfs:///tmp/in")
    back = {
        **emr("s3-dist-cp", "--src=hdfs://node:8020/tmp/in/", "--dest=s3://bucket/back"),
        "Name": "Back",
        "DependsOn": ["Spark"],
    }
    state = await embedded.run(definition(into, back))
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    assert embedded.get("s3://bucket/back/a") == "1"
    told = "a folder of the execution in place of the cluster's HDFS"
    assert told in state.steps["Spark"].stand_in
    alone = await embedded.run(definition({**back, "DependsOn": []}))
    assert "nothing at hdfs://node:8020/tmp/in/" in embedded.log(alone.steps["Back"])


async def test_where_buckets_are_mounted_an_application_gets_its_uris_as_they_are(
    embedded: Embedded,
) -> None:
    program = spark_submit(embedded)
    with_hadoop(program)
    embedded.put("s3://bucket/x.py", "pass")
    view = await run(embedded, emr("spark-submit", "s3://bucket/x.py", "s3://to-come/out"))
    given = [line[1:-1] for line in embedded.log(view).splitlines()]
    assert given[-2:] == [path(embedded, "bucket/x.py"), "s3://to-come/out"]
    mount = "spark.hadoop.fs.viewfs.mounttable.to-come.linkFallback"
    assert f"{mount}=pipetui-tree://{path(embedded, 'to-come')}" in given
    assert not any("fs.file.impl" in word for word in given)


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
        (emr("hadoop-streaming", "-files"), "emr-program-missing", "hadoop-streaming"),
        (emr("s3-dist-cp", "--src=s3://a/b"), "s3-dist-cp-unsupported", "no --dest"),
        (emr("hive-script", "--args", "-f", "s3://a/q", "-H"), "hive-option-unknown", "-H"),
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


async def test_two_drivers_and_a_second_application_are_refused(embedded: Embedded) -> None:
    both = serverless("/x")
    both["Arguments"]["JobConfig"]["jobDriver"]["hive"] = {"query": "s3://b/q"}
    assert (await refusal(embedded, definition(both))).code == "emr-driver-invalid"
    two = serverless("/x")
    two["Arguments"]["ApplicationConfig"] = {"releaseLabel": "emr-6.15.0"}
    assert (await refusal(embedded, definition(two))).code == "emr-application-invalid"


async def test_a_program_runs_on_the_host_beside_containers(
    embedded: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    podman_that_runs_nothing(embedded.folder, monkeypatch)
    (embedded.folder / "pipetui.toml").write_text('[jobs]\nrunner = "container"\n')
    (view,) = (await embedded.run(definition(emr("true")))).steps.values()
    assert view.status is StepStatus.SUCCEEDED, view.failure_reason
    assert view.environment["Runner"] in ("namespace", "rewrite")


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
print(sys.argv[1], spark.sparkContext.textFile("s3a://bucket/in/rows.csv").count(), "lines")
"""
HIVE = """
CREATE EXTERNAL TABLE given (kind STRING, n INT)
ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION '${INPUT}/';
CREATE TABLE sums AS SELECT kind, sum(n) AS n FROM given GROUP BY kind;
INSERT OVERWRITE DIRECTORY 's3://made/res' ROW FORMAT DELIMITED FIELDS TERMINATED BY ','
SELECT /*+ COALESCE(1) */ kind, n FROM sums ORDER BY kind;
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
    assert "s3://bucket/in/ 4 lines" in embedded.log(view)
    written = {file.name: file for file in (embedded.home.s3 / "bucket/out").iterdir()}
    parts = [name for name in written if name.startswith("part-")]
    assert written.keys() == {"_SUCCESS", *parts}, "there are checksum files among the objects"
    assert [written[name].read_text() for name in parts] == ["a,4\nb,2\n"]


@pytest.mark.environments
@pytest.mark.network
async def test_hiveql_reads_and_writes_s3_with_a_metastore_of_its_own(embedded: Embedded) -> None:
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, and there is no java on this host")
    shared_environments(embedded.home)
    (embedded.folder / "pipetui.toml").write_text('[emr]\nmaster = "local[1]"\n')
    embedded.put("s3://bucket/q.sql", HIVE)
    embedded.put("s3://bucket/in/rows.csv", "a,1\nb,2\na,3\n")
    step = emr("hive-script", "--run-hive-script", "--args", "-f", "s3://bucket/q.sql",
               "-d", "INPUT=s3://bucket/in")  # fmt: skip
    view = await run(embedded, step)
    assert view.status is StepStatus.SUCCEEDED, embedded.log(view)
    found = {file.name: file for file in (embedded.home.s3 / "made/res").iterdir()}
    parts = [name for name in found if name.startswith("part-")]
    assert found.keys() == {"_SUCCESS", *parts}
    assert [found[name].read_text() for name in parts] == ["a,4\nb,2\n"]
    assert (Path(view.directory) / "metastore_db").is_dir()


# What Derby makes, here a file with a line for each script that used it.
DERBY = """#!/bin/sh
[ -f metastore_db/log ] && cat metastore_db/log
mkdir -p metastore_db && echo "$NAME was here" >> metastore_db/log && touch metastore_db/db.lck
pwd
"""


async def test_a_hive_script_finds_the_tables_of_the_one_before_it_on_the_same_cluster(
    embedded: Embedded,
) -> None:
    spark_submit(embedded, DERBY.replace("$NAME", "one"))
    steps = [emr("hive-script", "--args", "-e", "SELECT 1") for _ in range(3)]
    for number, step in enumerate(steps):
        step["Name"] = f"Hive{number}"
        step["DependsOn"] = [f"Hive{number - 1}"] if number else []
    steps[2]["Arguments"]["ClusterId"] = "j-ANOTHER"
    state = await embedded.run(definition(*steps))
    first, second, third = (embedded.log(state.steps[f"Hive{n}"]).splitlines() for n in range(3))
    assert len(first) == len(third) == 1
    assert second[0] == "one was here"
