"""``artifacts``, ``get``, ``diff``, ``shell`` and masked ``logs``, on two runs of one pipeline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engine.test_cli import Cli, host, new_home

__all__ = ["host"]

pytestmark = pytest.mark.network

SCRIPT = (
    "mkdir -p /opt/ml/processing/out/deep && cd /opt/ml/processing/out &&"
    " echo $WORD > word.txt && echo more > deep/more.txt && tar czf deep/all.tgz word.txt &&"
    " echo opened with $DB_PASSWORD"
)
SECRET = "hunter2-and-more"


def definition(word: str) -> str:
    return json.dumps({
        "Version": "2020-12-01",
        "Metadata": {},
        "Parameters": [],
        "Steps": [{
            "Name": "Write",
            "Type": "Processing",
            "Arguments": {
                "ProcessingResources": {
                    "ClusterConfig": {"InstanceCount": 1, "InstanceType": "local"}
                },
                "AppSpecification": {
                    "ImageUri": "local/host:latest",
                    "ContainerEntrypoint": ["/bin/sh", "-c", SCRIPT],
                },
                "Environment": {"WORD": word, "DB_PASSWORD": SECRET},
                "ProcessingOutputConfig": {"Outputs": [{
                    "OutputName": "out",
                    "AppManaged": False,
                    "S3Output": {
                        "S3Uri": f"s3://bucket/{word}",
                        "LocalPath": "/opt/ml/processing/out",
                        "S3UploadMode": "EndOfJob",
                    },
                }]},
                "RoleArn": "arn:aws:iam::123456789012:role/R",
            },
        }],
    })  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, host: str) -> Cli:
    """A home with two executions of one pipeline; the later one has another word."""
    folder = tmp_path_factory.mktemp("written")
    cli = new_home(folder, host)
    for word in ("one", "two"):
        (folder / "pipeline.json").write_text(definition(word))
        cli.json("run", str(folder / "pipeline.json"))
    return cli


def test_artifacts_are_listed_with_their_sizes(written: Cli) -> None:
    found = {one["Name"]: one for one in written.json("artifacts", "@last", "Write")["Artifacts"]}
    assert found["out"]["Uri"] == "s3://bucket/two" and found["out"]["Role"] == "output"
    assert found["out"]["Folder"] and found["out"]["Files"] == 3
    assert found["job.log"]["Role"] == "log" and found["job.log"]["SizeBytes"] > 0
    text = written("artifacts", "@last", "Write").stdout
    assert text.split("\n")[0].split() == ["ROLE", "NAME", "SIZE", "FILES", "URI"]


def test_an_unknown_step_is_refused(written: Cli) -> None:
    assert written.error("artifacts", "@last", "Rite", code=2)["code"] == "step-not-found"


@pytest.mark.parametrize(
    ("name", "file", "text"),
    [
        ("out/word.txt", "word.txt", "two\n"),
        ("output/out/deep/more.txt", "more.txt", "more\n"),
        ("out/deep/all.tgz/word.txt", "word.txt", "two\n"),
    ],
)
def test_a_file_in_an_artifact_is_copied(
    written: Cli, tmp_path: Path, name: str, file: str, text: str
) -> None:
    done = written.json("get", "@last", "Write", name, str(tmp_path))
    assert (tmp_path / file).read_text() == text
    assert done == {"Path": str(tmp_path / file), "Files": 1, "SizeBytes": len(text)}


def test_a_folder_is_copied_whole_and_nothing_is_replaced_unasked(
    written: Cli, tmp_path: Path
) -> None:
    done = written.json("get", "@last", "Write", "out", str(tmp_path / "copy"))
    assert done["Files"] == 3
    assert (Path(done["Path"]) / "deep" / "more.txt").read_text() == "more\n"
    target = tmp_path / "word.txt"
    target.write_text("mine")
    with pytest.raises(AssertionError):
        written.json("get", "@last", "Write", "out/word.txt", str(target))
    assert target.read_text() == "mine"
    written.json("get", "@last", "Write", "out/word.txt", str(target), "--force")
    assert target.read_text() == "two\n"


@pytest.mark.parametrize("name", ["nothing", "out/nothing", "out/deep/nothing"])
def test_what_is_not_there_is_told_with_what_is(written: Cli, tmp_path: Path, name: str) -> None:
    error = written.error("get", "@last", "Write", name, str(tmp_path), code=2)
    assert error["code"] == "artifact-not-found" and error["hint"].startswith("It h")


def test_a_difference_is_told_and_is_an_exit_code(written: Cli) -> None:
    found = written.json("diff", "@last", code=12)
    told = json.dumps(found["Differences"])
    assert "one" in told and "two" in told and found["Before"] != found["Now"]
    assert written.json("diff", "@last", "--step", "Write", code=12)["Now"] == found["Now"]


def test_an_execution_does_not_differ_from_itself(written: Cli) -> None:
    assert written.json("diff", "@last", "@last")["Differences"] == []


def test_the_first_execution_has_none_to_be_compared_with(written: Cli) -> None:
    first = written.json("ls")["PipelineExecutionSummaries"][-1]["PipelineExecutionArn"]
    error = written.error("diff", first, code=2)
    assert error["code"] == "execution-not-found" and "diff EXECUTION OTHER" in error["hint"]


def test_a_command_runs_where_the_job_ran_and_its_exit_code_is_the_answer(written: Cli) -> None:
    words = 'echo "$WORD" "$DB_PASSWORD"; echo changed > /opt/ml/processing/out/word.txt; exit 7'
    done = written("shell", "@last", "Write", "--", "sh", "-c", words, code=7)
    assert done.stdout.endswith(f"two {SECRET}\n")
    again = written("shell", "@last", "Write", "--", "cat", "/opt/ml/processing/out/word.txt")
    assert again.stdout == "two\n"


def test_a_log_is_printed_without_the_secrets_the_step_was_given(written: Cli) -> None:
    found = written.json("logs", "@last", "Write")["events"]
    assert [one["message"] for one in found] == ["opened with ******"]
