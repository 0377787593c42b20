"""What a HadoopJarStep and a sparkSubmit driver ask for, and what spark-submit gets of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import Config
from engine.definition.document import Step
from engine.definition.loader import load
from engine.errors import JobError, StorageError
from engine.jobs.base import Exit
from engine.model.status import StepStatus
from engine.steps.base import JobsEnd
from engine.steps.emr import Command, EmrStep, Kind, command_of
from engine.steps.emr_serverless import EmrServerlessStep, submission
from engine.steps.handlers import refuse
from engine.steps.spark import localised, run_outcome, spark_defaults, submit_arguments
from engine.storage.tree import LocalTree
from tests.shared import DEFINITIONS, needs_shared

TREE = LocalTree(Path("/home/s3"))
RUNNER = "command-runner.jar"
SCRIPTS = "s3://eu-west-1.elasticmapreduce/libs/script-runner/script-runner.jar"


@pytest.mark.parametrize(
    ("step", "command"),
    [
        (
            {"Jar": RUNNER, "Args": ["spark-submit", "--x", "a.py"]},
            Command(Kind.SPARK, ("--x", "a.py")),
        ),
        (
            {"Jar": RUNNER, "Args": ["/usr/bin/spark-submit", "a.py"]},
            Command(Kind.SPARK, ("a.py",)),
        ),
        (
            {"Jar": f"/var/lib/aws/emr/{RUNNER}", "Args": ["bash", "-c", "x"]},
            Command(Kind.PROGRAM, ("bash", "-c", "x")),
        ),
        (
            {"Jar": SCRIPTS, "Args": ["s3://b/a.sh", 3]},
            Command(Kind.SCRIPT, ("s3://b/a.sh", "3")),
        ),
        ({"Jar": "s3://bu/a.jar"}, Command(Kind.SPARK, ("s3://bu/a.jar",))),
        (
            {"Jar": "s3://bu/a.jar", "MainClass": "c.M", "Properties": {"k": 1}, "Args": ["x"]},
            Command(
                Kind.SPARK,
                ("--conf", "spark.hadoop.k=1", "--class", "c.M", "s3://bu/a.jar", "x"),
            ),
        ),
    ],
)
def test_the_jar_tells_what_runs(step: dict[str, Any], command: Command) -> None:
    assert command_of(step) == command


@pytest.mark.parametrize(
    "step", [{}, {"Jar": None}, {"Jar": RUNNER}, {"Jar": SCRIPTS, "Args": []}, {"Jar": 3}]
)
def test_a_step_without_a_command_is_an_error(step: dict[str, Any]) -> None:
    with pytest.raises(JobError) as problem:
        command_of(step)
    assert problem.value.code == "emr-command-missing"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("s3://bucket/a.py", "/home/s3/bucket/a.py"),
        ("s3a://bucket/a", "/home/s3/bucket/a"),
        ("s3n://bucket/a", "/home/s3/bucket/a"),
        ("s3://bucket/a/", "/home/s3/bucket/a/"),
        ("s3://bucket", "/home/s3/bucket"),
        ("s3://bucket/in/dt=1/*.csv", "/home/s3/bucket/in/dt=1/*.csv"),
        ("--in=s3://bucket/a", "--in=/home/s3/bucket/a"),
        ("k=s3://bucket/a,s3://bucket/b", "k=/home/s3/bucket/a,/home/s3/bucket/b"),
        ("s3://bucket/env.tgz#env", "/home/s3/bucket/env.tgz#env"),
        ("see s3://bucket/a", "see s3://bucket/a"),
        ('{"in": "s3://bucket/a"}', '{"in": "s3://bucket/a"}'),
        ("hdfs:///a", "hdfs:///a"),
        ("", ""),
    ],
)  # fmt: skip
def test_s3_uris_become_paths_where_they_stand_alone(text: str, meant: str) -> None:
    assert localised(text, TREE) == meant


@given(st.text())
def test_an_argument_never_leaves_the_tree(key: str) -> None:
    try:
        found = localised(f"s3://bucket/{key}", TREE)
    except StorageError:
        return
    first = found.partition(",")[0].partition("#")[0]
    assert ".." not in Path(first).parts
    assert first.startswith("/home/s3/bucket")


SETTINGS = (
    *("--deploy-mode", "client", "--conf", "spark.ui.enabled=false"),
    *("--conf", "spark.hadoop.fs.file.impl=org.apache.hadoop.fs.RawLocalFileSystem"),
)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["a.py"], ["a.py"]),
        (["--master", "yarn", "--deploy-mode", "cluster", "a.py"], ["a.py"]),
        (["--master=yarn", "--deploy-mode=cluster", "a.py"], ["a.py"]),
        (["--conf", "spark.master=yarn", "a.py"], ["a.py"]),
        (["--conf=spark.submit.deployMode=cluster", "a.py"], ["a.py"]),
        (["--verbose", "--name", "n", "a.py", "--master", "x"],
         ["--verbose", "--name", "n", "a.py", "--master", "x"]),
        (["--conf=k=v", "a.py"], ["--conf", "k=v", "a.py"]),
        (["--conf", "k=v=w", "a.py"], ["--conf", "k=v=w", "a.py"]),
    ],
)  # fmt: skip
def test_the_configuration_decides_where_spark_runs(given: list[str], kept: list[str]) -> None:
    config = Config(emr_master="spark://host:7077")
    found = submit_arguments(given, config, TREE, {})
    assert found == ("--master", "spark://host:7077", *SETTINGS, *kept)


def test_a_jobs_own_settings_come_after_those_of_its_cluster() -> None:
    given = ["--conf", "k=mine", "a.py"]
    found = submit_arguments(given, Config(), TREE, {"k": "cluster's"})
    assert found[-5:] == ("--conf", "k=cluster's", "--conf", "k=mine", "a.py")


@pytest.mark.parametrize("given", [[], ["--name"], ["--name", "n"], ["--verbose"]])
def test_without_an_application_there_is_nothing_to_submit(given: list[str]) -> None:
    with pytest.raises(JobError) as problem:
        submit_arguments(given, Config(), TREE, {})
    assert problem.value.code == "spark-application-missing"


@pytest.mark.parametrize(
    ("configurations", "found"),
    [
        ([{"Classification": "spark-defaults", "Properties": {"a": 1}}], {"a": "1"}),
        ([{"classification": "spark-defaults", "properties": {"a": "b"}}], {"a": "b"}),
        ([{"Classification": "hive-site", "Properties": {"a": "b"}}], {}),
        ([{"Classification": "spark-defaults"}], {}),
        ([{"Classification": "spark-defaults", "Properties": {"spark.master": "yarn"}}], {}),
        (None, {}),
    ],
)
def test_settings_of_spark_are_found_among_configurations(
    configurations: Any, found: dict[str, str]
) -> None:
    assert spark_defaults(configurations) == found


def test_parameters_of_a_job_run_are_read_as_a_shell_reads_them() -> None:
    driver = {
        "entryPoint": "s3://bucket/a.py",
        "entryPointArguments": ["x y", 1],
        "sparkSubmitParameters": "--class c.M --conf 'a=b c'",
    }
    assert submission(driver) == (
        *("--class", "c.M", "--conf", "a=b c", "s3://bucket/a.py", "x y", "1"),
    )
    with pytest.raises(JobError):
        submission({"entryPoint": ""})


def test_a_job_run_whose_time_is_up_has_failed() -> None:
    end = JobsEnd((Exit(signal=15, stopped=True),), timed_out=True)
    outcome = run_outcome(end, {"a": 1}, {}, "ClientError: too long")
    assert (outcome.status, outcome.reason) == (StepStatus.FAILED, "ClientError: too long")
    assert outcome.properties == {"a": 1}


def test_a_command_that_is_gone_without_a_trace_may_run_again() -> None:
    assert run_outcome(JobsEnd((Exit(lost=True),)), {}, {}).lost


@needs_shared
@pytest.mark.parametrize(
    ("file", "handler", "labels"),
    [
        ("v2-callback-lambda-emr", EmrStep, {"local Spark in place of the EMR cluster"}),
        (
            "v3-emr-serverless",
            EmrServerlessStep,
            {"local Spark in place of the EMR Serverless application"},
        ),
    ],
)
def test_steps_of_the_sdk_are_accepted(file: str, handler: type[Any], labels: set[str]) -> None:
    text = (DEFINITIONS / f"{file}.json").read_text(encoding="utf-8")
    config = Config(emr_spark_submit="/bin/sh")
    steps = [one for one in load(text).steps.values() if one.type.startswith("EMR")]
    assert len(steps) == 2
    assert [refuse(step, config) for step in steps] == [None, None]
    assert {handler().stand_in(step, config) for step in steps} == labels


def test_expressions_are_not_judged_before_they_are_known() -> None:
    hidden = {"Get": "Parameters.X"}
    for jar_step in (
        {"Jar": hidden, "Args": [hidden]},
        {"Jar": RUNNER, "Args": [hidden, "x"]},
    ):
        arguments = {"ClusterId": hidden, "StepConfig": {"HadoopJarStep": jar_step}}
        document = {
            "Version": "2020-12-01",
            "Parameters": [{"Name": "X", "Type": "String", "DefaultValue": "x"}],
            "Steps": [{"Name": "S", "Type": "EMR", "Arguments": arguments}],
        }
        [step] = load(json.dumps(document)).steps.values()
        assert EmrStep().refuse(step, Config(emr_spark_submit="/bin/sh")) is None


def test_a_step_says_that_a_folder_stands_for_hdfs_where_spark_reads_it() -> None:
    def told(*args: str) -> str:
        jar = {"Jar": RUNNER, "Args": list(args)}
        arguments = {"ClusterId": "j-1", "StepConfig": {"HadoopJarStep": jar}}
        return EmrStep().stand_in(Step("S", "EMR", arguments), Config())

    hdfs = "a folder of the execution in place of the cluster's HDFS"
    assert told("spark-submit", "a.py", "hdfs:///in").startswith(f"{hdfs}, local Spark in place")
    assert hdfs not in told("spark-submit", "a.py") + told("cat", "hdfs:///in")
