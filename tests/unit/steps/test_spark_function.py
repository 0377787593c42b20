"""Functions for Spark: what their driver's ``smspark-submit`` becomes."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.config import Config
from engine.definition.document import Step
from engine.errors import JobError
from engine.steps.function import FunctionStep
from engine.steps.spark_function import is_spark_function, submit_line
from engine.storage.tree import LocalTree

CHANNEL = "/opt/ml/input/data/sagemaker_remote_function_bootstrap"
APPLICATION = f"{CHANNEL}/spark_app.py"
OWN = [
    "--s3_base_uri", "s3://bucket/p", "--pipeline_step_name", "F", "--func_step_s3_dir", "now",
    "--client_python_version", f"{sys.version_info.major}.{sys.version_info.minor}",
]  # fmt: skip


def spark_function(*options: str) -> dict[str, Any]:
    """Arguments of a function whose driver is given these options of ``spark-submit``."""
    return {
        "AlgorithmSpecification": {
            "TrainingImage": "local/host:latest",
            "ContainerEntrypoint": ["/bin/bash", f"{CHANNEL}/job_driver.sh", *options],
            "ContainerArguments": OWN,
        }
    }


@pytest.fixture
def program(tmp_path: Path) -> str:
    """A ``spark-submit`` whose Hadoop can mount buckets."""
    for name in ("bin/spark-submit", "jars/hadoop-client-api-3.3.4.jar"):
        file = tmp_path / "spark" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
        file.chmod(0o700)
    return str(tmp_path / "spark/bin/spark-submit")


def line(program: str, tree: LocalTree, *options: str, **settings: str) -> tuple[str, ...]:
    config = Config(emr_master="local[2]")
    return submit_line("F", spark_function(*options), config, tree, program, settings)


def test_the_application_in_the_entry_point_makes_a_function_for_spark() -> None:
    assert is_spark_function(spark_function(APPLICATION))
    assert not is_spark_function(spark_function())
    assert not is_spark_function({})


def test_options_are_sparks_and_the_functions_own_arguments_stay_as_they_are(
    tmp_path: Path, program: str
) -> None:
    tree = LocalTree(tmp_path / "s3")
    given = line(program, tree, "--py-files", "s3://bucket/a.py", "--master", "yarn", APPLICATION)
    assert given[:5] == (program, "--master", "local[2]", "--deploy-mode", "client")
    at = given.index(APPLICATION)
    assert given[at - 2 : at] == ("--py-files", str(tree.path_of("s3://bucket/a.py")))
    assert list(given[at + 1 :]) == OWN
    assert "yarn" not in given


def test_event_logs_become_settings_and_their_folder_is_there(tmp_path: Path, program: str) -> None:
    tree = LocalTree(tmp_path / "s3")
    given = line(program, tree, "--spark-event-logs-s3-uri", "s3://bucket/events", APPLICATION)
    assert "spark.eventLog.dir=s3://bucket/events" in given
    assert "--spark-event-logs-s3-uri" not in given
    assert (tmp_path / "s3/bucket/events").is_dir()


def test_buckets_that_only_the_stored_function_names_are_mounted(
    tmp_path: Path, program: str
) -> None:
    tree = LocalTree(tmp_path / "s3")
    payload = pickle.dumps({"code": "s3://only-in-the-payload/rows"})
    tree.put("s3://bucket/p/F/now/function/payload.pkl", payload)
    mounts = [word for word in line(program, tree, APPLICATION) if "mounttable" in word]
    assert any("only-in-the-payload" in word for word in mounts)
    assert any(".bucket." in word for word in mounts)


def test_a_driver_without_an_application_is_an_error(tmp_path: Path, program: str) -> None:
    with pytest.raises(JobError) as caught:
        line(program, LocalTree(tmp_path), "--jars", "s3://bucket/a.jar")
    assert caught.value.code == "spark-application-missing"


def test_without_java_it_is_refused_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    step = Step("F", "Training", spark_function(APPLICATION))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    problem = FunctionStep().refuse(step, Config())
    assert problem is not None
    assert problem.code == "java-missing"
    java = Config(emr_spark_submit="/bin/sh")
    assert FunctionStep().refuse(step, java) is None
    assert FunctionStep().stand_in(step, java) == "local Spark in place of the image's"
