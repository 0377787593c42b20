"""The ``/opt/ml`` tree of a job, and the texts that come out of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import JobError
from engine.jobs.base import Exit
from engine.steps.container import check_command
from engine.steps.failure import algorithm_error, time_exceeded
from engine.steps.opt_ml import MESSAGE_LIMIT, OptMl, as_text, resource_config, text_map


@pytest.mark.parametrize(
    ("inside", "below"),
    [
        ("/opt/ml", "."),
        ("/opt/ml/", "."),
        ("/opt/ml/processing/input", "processing/input"),
        ("/opt/ml/./model//x/", "model/x"),
    ],
)
def test_a_path_below_opt_ml_lies_in_the_folder_of_the_attempt(inside: str, below: str) -> None:
    assert OptMl(Path("/a")).host_path(inside) == Path("/a") / below


@pytest.mark.parametrize(
    "inside",
    [
        "",
        "/",
        "/opt",
        "/opt/mlx",
        "/opt/ml/../etc",
        "/opt/ml/processing/../../../etc/passwd",
        "opt/ml/x",
        "//opt/ml/x",
        "/etc/passwd",
        "~/x",
        "/opt/ml/a\0b",
    ],
)
def test_any_other_path_is_refused(inside: str) -> None:
    with pytest.raises(JobError) as problem:
        OptMl(Path("/a")).host_path(inside)
    assert problem.value.code == "path-outside-opt-ml"


@given(st.lists(st.sampled_from(["/", "opt", "ml", "..", ".", "x", "//"]), max_size=8).map("".join))
def test_no_path_leads_out_of_the_folder(inside: str) -> None:
    try:
        path = OptMl(Path("/a/ml")).host_path(inside)
    except JobError:
        return
    assert path.is_relative_to("/a/ml")
    assert ".." not in path.parts


def test_files_a_job_reads_are_made_with_their_folders(tmp_path: Path) -> None:
    ml = OptMl(tmp_path)
    ml.write_json("/opt/ml/input/config/hyperparameters.json", {"é": "1"})
    assert json.loads((tmp_path / "input/config/hyperparameters.json").read_text()) == {"é": "1"}
    assert ml.make("/opt/ml/model") == ml.make("/opt/ml/model")
    assert (tmp_path / "model").is_dir()


def test_what_a_job_wrote_is_read_up_to_the_limit(tmp_path: Path) -> None:
    ml = OptMl(tmp_path)
    ml.make("/opt/ml/output")
    failure = tmp_path / "output" / "failure"
    failure.write_bytes("é".encode() * 5000)
    assert ml.read_text("/opt/ml/output/failure") == "é" * MESSAGE_LIMIT
    failure.write_bytes(b"\xff bad")
    assert ml.read_text("/opt/ml/output/failure") == "\ufffd bad"


@pytest.mark.parametrize("made", ["nothing", "folder"])
def test_a_file_that_is_not_there_reads_as_nothing(tmp_path: Path, made: str) -> None:
    if made == "folder":
        (tmp_path / "output" / "failure").mkdir(parents=True)
    assert OptMl(tmp_path).read_text("/opt/ml/output/failure") == ""


def test_hosts_are_named_and_counted_from_one() -> None:
    config = resource_config("ml.m5.large", 1, 3)
    assert config["current_host"] == "algo-2"
    assert config["hosts"] == ["algo-1", "algo-2", "algo-3"]
    assert config["instance_groups"][0]["hosts"] == config["hosts"]


def test_values_of_a_map_become_text_and_nulls_are_left_out() -> None:
    assert text_map({"a": 1, "b": True, "c": 0.5, "d": "x", "e": None, "f": [1]}) == {
        "a": "1",
        "b": "true",
        "c": "0.5",
        "d": "x",
        "f": "[1]",
    }
    assert text_map(None) == {}
    assert as_text("5") == "5"


# Commands and failures


def test_a_command_is_text_as_the_service_writes_it() -> None:
    assert check_command(["run", 5, 0.5, True], "Train") == ("run", "5", "0.5", "true")


@pytest.mark.parametrize("part", [None, ["x"], {"Get": "Parameters.P"}])
def test_a_command_with_anything_else_in_it_is_refused(part: object) -> None:
    with pytest.raises(JobError) as problem:
        check_command(["run", part], "Train")
    assert problem.value.code == "command-invalid"
    assert "Train" in problem.value.message


EXIT = Exit(code=3)


def test_the_failure_file_of_a_job_is_its_reason() -> None:
    reason = algorithm_error(EXIT, "  ValueError: no data\n", "Training")
    assert reason == f"AlgorithmError: ValueError: no data, {EXIT.describe()}"


@pytest.mark.parametrize("kind", ["Processing", "Training"])
def test_a_job_without_a_failure_file_points_at_its_log(kind: str) -> None:
    reason = algorithm_error(EXIT, " \n", kind)
    assert reason.startswith("AlgorithmError: ")
    assert "see job logs" in reason.lower()
    assert reason.endswith(EXIT.describe())


def test_a_reason_is_no_longer_than_the_service_allows() -> None:
    assert len(algorithm_error(EXIT, "x" * 5000, "Training")) == MESSAGE_LIMIT


def test_a_job_that_ran_out_of_time_says_how_much_it_had() -> None:
    assert time_exceeded(3600.0).startswith("MaxRuntimeExceeded: ")
    assert "3600 s" in time_exceeded(3600.0)
