"""Processing jobs against the contract of the service's containers (section 4.1)."""

from __future__ import annotations

import gzip
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.errors import PlanError
from engine.model.status import ExecutionStatus, StepStatus
from engine.model.views import StepView
from engine.sources.artifacts import artifacts_of, entries_of
from engine.storage.tree import LocalTree
from tests.engine.embedded import HOST_IMAGE, Embedded, definition, processing

OUT = {"out": "s3://bucket/out"}
TREE = "cd /opt/ml/processing/in && find . -type f | sort | cut -c3- > ../out/tree.txt"


async def run(embedded: Embedded, step: dict[str, Any], **more: Any) -> StepView:
    """Run a definition of one step; returns what became of it."""
    state = await embedded.run(definition(step), **more)
    return state.steps[step["Name"]]


async def run_well(embedded: Embedded, step: dict[str, Any], **more: Any) -> StepView:
    """The same for a step that is to succeed."""
    view = await run(embedded, step, **more)
    assert view.status is StepStatus.SUCCEEDED, view.failure_reason
    return view


def reading(uri: Any, **source: Any) -> dict[str, Any]:
    """A step that lists the files of its one input in ``tree.txt``."""
    step = processing("Read", TREE, inputs={"in": ""}, outputs=OUT)
    given = step["Arguments"]["ProcessingInputs"][0]["S3Input"]
    given |= {"S3Uri": uri, **source}
    return step


def listed(embedded: Embedded) -> list[str]:
    return embedded.get("s3://bucket/out/tree.txt").split()


def log_of(view: StepView, host: str = "") -> bytes:
    return Path(view.directory, host, "job.log").read_bytes()


def processes_of(job: str) -> list[Path]:
    """The live processes that carry the mark of a job."""
    found = []
    for file in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"PIPETUI_JOB={job}".encode() in file.read_bytes():
                found.append(file)
        except OSError:
            continue
    return found


def on_hosts(step: dict[str, Any], count: int) -> dict[str, Any]:
    step["Arguments"]["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = count
    return step


# -- configuration -----------------------------------------------------------------------------


async def test_configuration_files_have_every_key_of_the_contract(embedded: Embedded) -> None:
    embedded.put("s3://bucket/in/a", "a")
    step = processing(
        "Look",
        "cp /opt/ml/config/* /opt/ml/processing/out",
        inputs={"in": "s3://bucket/in"},
        outputs=OUT,
        arguments={
            "Environment": {"A": "b"},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            "NetworkConfig": {"EnableNetworkIsolation": False},
        },
    )
    view = await run_well(embedded, step)
    job = json.loads(embedded.get("s3://bucket/out/processingjobconfig.json"))
    assert job == {
        "ProcessingJobName": view.properties["ProcessingJobName"],
        "ProcessingJobArn": view.metadata["ProcessingJob"]["Arn"],
        **step["Arguments"],
    }
    resources = json.loads(embedded.get("s3://bucket/out/resourceconfig.json"))
    assert resources["current_host"] == "algo-1"
    assert resources["hosts"] == ["algo-1"]
    assert resources["current_instance_type"] == "ml.m5.large"


async def test_configuration_keys_that_the_request_leaves_out_are_there_all_the_same(
    embedded: Embedded,
) -> None:
    look = "cp /opt/ml/config/processingjobconfig.json /opt/ml/processing/out/"
    await run_well(embedded, processing("Look", look, outputs=OUT))
    job = json.loads(embedded.get("s3://bucket/out/processingjobconfig.json"))
    assert job["Environment"] == {}
    assert job["ProcessingInputs"] == []
    assert "MaxRuntimeInSeconds" in job["StoppingCondition"]
    assert job["NetworkConfig"] is None


async def test_environment_values_reach_the_job_as_text(embedded: Embedded) -> None:
    values = {"INT": 3, "FLOAT": 6.0, "FLAG": True, "TEXT": "a b", "NONE": None}
    step = processing(
        "Env",
        'echo "$INT|$FLOAT|$FLAG|$TEXT|${NONE-unset}" > /opt/ml/processing/out/env',
        outputs=OUT,
        arguments={"Environment": values},
    )
    view = await run_well(embedded, step)
    assert embedded.get("s3://bucket/out/env") == "3|6.0|true|a b|unset\n"
    assert view.properties["Environment"]["INT"] == "3"


async def test_arguments_may_be_numbers_and_expressions(embedded: Embedded) -> None:
    step = processing("Args", 'echo "$*" > /opt/ml/processing/out/args', outputs=OUT)
    step["Arguments"]["AppSpecification"]["ContainerArguments"] = [
        "--rows", 5, "--ratio", 0.5, "--fast", False,
        {"Get": "Parameters.Rate"},
        {"Std:Join": {"On": "-", "Values": ["id", {"Get": "Parameters.Count"}]}},
    ]  # fmt: skip
    # The first argument after the script is the shell's $0.
    step["Arguments"]["AppSpecification"]["ContainerEntrypoint"].append("sh")
    parameters = [
        {"Name": "Rate", "Type": "Float", "DefaultValue": 0.25},
        {"Name": "Count", "Type": "Integer", "DefaultValue": 7},
    ]
    state = await embedded.run(definition(step, parameters=parameters))
    assert state.steps["Args"].status is StepStatus.SUCCEEDED
    said = embedded.get("s3://bucket/out/args")
    assert said == "--rows 5 --ratio 0.5 --fast false 0.25 id-7\n"


async def test_argument_that_is_an_object_is_refused_with_its_value(embedded: Embedded) -> None:
    step = processing("Args", "true")
    step["Arguments"]["AppSpecification"]["ContainerArguments"] = [{"rows": 5}]
    view = await run(embedded, step)
    assert view.failure_code == "command-invalid"
    assert "{'rows': 5}" in view.failure_reason


async def test_arguments_without_an_entrypoint_name_the_way_out(embedded: Embedded) -> None:
    step = processing("Args", "true")
    step["Arguments"]["AppSpecification"] = {
        "ImageUri": HOST_IMAGE,
        "ContainerArguments": ["--rows", "5"],
    }
    with pytest.raises(ExceptionGroup) as refused:
        await run(embedded, step)
    (problem,) = refused.value.exceptions
    assert isinstance(problem, PlanError)
    assert problem.code == "entrypoint-missing"
    assert problem.message.startswith("Args names no ContainerEntrypoint")
    assert "ContainerEntrypoint" in problem.hint and "podman or docker" in problem.hint


async def test_job_name_keeps_a_custom_prefix(embedded: Embedded) -> None:
    step = processing("Prep", "true", arguments={"ProcessingJobName": "MyPrefix"})
    state = await embedded.run(definition(step))
    name = state.steps["Prep"].properties["ProcessingJobName"]
    assert name.startswith(f"MyPrefix-{state.execution.id}-")
    assert state.steps["Prep"].metadata["ProcessingJob"]["Arn"].endswith(f":processing-job/{name}")


@pytest.mark.parametrize("count", [0, -1, "two", {"a": 1}])
async def test_instance_count_that_is_no_number_above_zero_is_refused(
    embedded: Embedded, count: Any
) -> None:
    view = await run(embedded, on_hosts(processing("Many", "true"), count))
    assert view.failure_code == "job-setting-invalid"
    assert "InstanceCount" in view.failure_reason


# -- inputs ------------------------------------------------------------------------------------


async def test_single_object_keeps_its_file_name(embedded: Embedded) -> None:
    embedded.put("s3://bucket/raw/data.csv", "1")
    embedded.put("s3://bucket/raw/data.csv.bak", "2")
    await run_well(embedded, reading("s3://bucket/raw/data.csv"))
    assert listed(embedded) == ["data.csv"]


async def test_prefix_keeps_what_follows_it_in_the_keys(embedded: Embedded) -> None:
    for key in ("day=1/a.csv", "day=1/deep/b.csv", "day=10/c.csv", "other/d.csv"):
        embedded.put(f"s3://bucket/raw/{key}", key)
    await run_well(embedded, reading("s3://bucket/raw/day=1/"))
    assert listed(embedded) == ["a.csv", "deep/b.csv"]
    await run_well(embedded, reading("s3://bucket/raw/day=1"))
    assert listed(embedded) == ["0/c.csv", "a.csv", "deep/b.csv"]


async def test_manifest_names_the_files(embedded: Embedded) -> None:
    for key in ("a.csv", "b/c.csv", "unlisted.csv"):
        embedded.put(f"s3://bucket/raw/{key}", key)
    manifest = [{"prefix": "s3://bucket/raw/"}, "a.csv", "b/c.csv"]
    embedded.put("s3://bucket/list.manifest", json.dumps(manifest))
    await run_well(embedded, reading("s3://bucket/list.manifest", S3DataType="ManifestFile"))
    assert listed(embedded) == ["a.csv", "b/c.csv"]


async def test_gzip_input_is_unpacked(embedded: Embedded) -> None:
    embedded.put("s3://bucket/raw/a.csv.gz", "")
    (embedded.home.s3 / "bucket/raw/a.csv.gz").write_bytes(gzip.compress(b"one,two\n"))
    step = reading("s3://bucket/raw/", S3CompressionType="Gzip")
    step["Arguments"]["AppSpecification"]["ContainerEntrypoint"][2] += " && cp a.csv ../out"
    await run_well(embedded, step)
    assert listed(embedded) == ["a.csv"]
    assert embedded.get("s3://bucket/out/a.csv") == "one,two\n"


@pytest.mark.parametrize("form", ["data/in", "./data/in/", "file://data/in", "absolute", "file"])
async def test_files_beside_the_definition_are_inputs_too(embedded: Embedded, form: str) -> None:
    folder = embedded.folder / "data" / "in"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("1")
    forms = {"absolute": str(folder), "file": folder.as_uri()}
    await run_well(embedded, reading(forms.get(form, form)))
    assert listed(embedded) == ["a.csv"]


async def test_input_is_given_by_a_parameter(embedded: Embedded) -> None:
    embedded.put("s3://bucket/january/a.csv", "1")
    embedded.put("s3://bucket/february/b.csv", "2")
    uri = {"Std:Join": {"On": "/", "Values": ["s3://bucket", {"Get": "Parameters.Month"}, ""]}}
    month = {"Name": "Month", "Type": "String", "DefaultValue": "january"}
    document = definition(reading(uri), parameters=[month])
    await embedded.run(document, {"Month": "february"})
    assert listed(embedded) == ["b.csv"]


async def test_job_may_change_its_inputs_without_changing_their_source(embedded: Embedded) -> None:
    embedded.put("s3://bucket/raw/a.csv", "source")
    step = processing("Edit", "echo changed > /opt/ml/processing/in/a.csv",
                      inputs={"in": "s3://bucket/raw"})  # fmt: skip
    await run_well(embedded, step)
    assert embedded.get("s3://bucket/raw/a.csv") == "source"


@pytest.mark.parametrize(
    "path", ["/etc/x", "/opt/ml/../x", "/opt/ml/processing/../../../x", "processing/in",
             "/opt/ml/config"]
)  # fmt: skip
async def test_input_path_outside_the_processing_folder_is_refused(
    embedded: Embedded, path: str
) -> None:
    embedded.put("s3://bucket/raw/a", "1")
    view = await run(embedded, reading("s3://bucket/raw", LocalPath=path))
    assert view.failure_code == "path-outside-opt-ml"
    assert path in view.failure_reason
    assert "/opt/ml/processing" in view.note


async def test_output_path_outside_of_opt_ml_is_refused_before_the_job_starts(
    embedded: Embedded,
) -> None:
    step = processing("Out", f"touch {embedded.folder}/ran", outputs=OUT)
    outputs = step["Arguments"]["ProcessingOutputConfig"]["Outputs"]
    outputs[0]["S3Output"]["LocalPath"] = "/opt/ml/../../etc"
    view = await run(embedded, step)
    assert view.failure_code == "path-outside-opt-ml"
    assert not (embedded.folder / "ran").exists()


async def test_input_without_a_uri_names_the_input(embedded: Embedded) -> None:
    view = await run(embedded, reading(None))
    assert view.failure_code == "input-uri-missing"
    assert "input in" in view.failure_reason


# -- hosts -------------------------------------------------------------------------------------


async def test_two_hosts_share_the_keys_and_run_side_by_side(embedded: Embedded) -> None:
    """Each host waits for the other, so the job ends only if both run at once."""
    for number in range(5):
        embedded.put(f"s3://bucket/raw/{number}.csv", str(number))
    meet = embedded.folder / "meet"
    meet.mkdir()
    script = f"""
        me=$(sed -n 's/.*"current_host": "\\(.*\\)",/\\1/p' /opt/ml/config/resourceconfig.json)
        touch {meet}/$me
        while [ ! -e {meet}/algo-1 ] || [ ! -e {meet}/algo-2 ]; do sleep 0.01; done
        ls /opt/ml/processing/in > /opt/ml/processing/out/$me.txt
        cp /opt/ml/config/resourceconfig.json /opt/ml/processing/out/$me.json
        echo "I am $me"
    """
    step = processing("Shards", script, inputs={"in": "s3://bucket/raw/"}, outputs=OUT)
    source = step["Arguments"]["ProcessingInputs"][0]["S3Input"]
    source["S3DataDistributionType"] = "ShardedByS3Key"
    view = await run_well(embedded, on_hosts(step, 2))
    assert embedded.get("s3://bucket/out/algo-1.txt").split() == ["0.csv", "2.csv", "4.csv"]
    assert embedded.get("s3://bucket/out/algo-2.txt").split() == ["1.csv", "3.csv"]
    for host in ("algo-1", "algo-2"):
        resources = json.loads(embedded.get(f"s3://bucket/out/{host}.json"))
        assert resources["current_host"] == host
        assert resources["hosts"] == ["algo-1", "algo-2"]
    assert embedded.log(view) == "I am algo-1\n"
    assert log_of(view, "algo-2") == b"I am algo-2\n"


async def test_reason_is_that_of_the_host_that_failed_not_of_the_one_stopped_for_it(
    embedded: Embedded,
) -> None:
    script = """
        if grep -q '"current_host": "algo-2"' /opt/ml/config/resourceconfig.json
        then echo 'algo-2 has no rows' > /opt/ml/output/failure; exit 9
        fi
        exec sleep 600
    """
    view = await run(embedded, on_hosts(processing("Two", script), 2))
    assert view.status is StepStatus.FAILED
    assert view.failure_reason == "AlgorithmError: algo-2 has no rows, exit code 9"
    assert view.properties["ProcessingJobStatus"] == "Failed"


# -- outputs -----------------------------------------------------------------------------------


async def test_outputs_are_uploaded_recursively(embedded: Embedded) -> None:
    script = "cd /opt/ml/processing/out && mkdir -p a/b && echo 1 > a/b/c.txt && echo 2 > d.txt"
    await run_well(embedded, processing("Out", script, outputs=OUT))
    assert embedded.get("s3://bucket/out/a/b/c.txt") == "1\n"
    assert embedded.get("s3://bucket/out/d.txt") == "2\n"


@pytest.mark.parametrize("mode", ["EndOfJob", "Continuous"])
async def test_outputs_of_either_upload_mode_are_there_at_the_end_of_the_job(
    embedded: Embedded, mode: str
) -> None:
    step = processing("Out", "echo 1 > /opt/ml/processing/out/x", outputs=OUT)
    outputs = step["Arguments"]["ProcessingOutputConfig"]["Outputs"]
    outputs[0]["S3Output"]["S3UploadMode"] = mode
    await run_well(embedded, step)
    assert embedded.get("s3://bucket/out/x") == "1\n"


async def test_outputs_of_a_failed_job_are_uploaded_too(embedded: Embedded) -> None:
    step = processing("Bad", "echo half > /opt/ml/processing/out/x; exit 4", outputs=OUT)
    view = await run(embedded, step)
    assert view.status is StepStatus.FAILED
    assert embedded.get("s3://bucket/out/x") == "half\n"


@pytest.mark.parametrize(
    "script",
    [
        "rm -r /opt/ml/processing/out",
        "rm -r /opt/ml/processing/out && touch /opt/ml/processing/out",
        "rm -r /opt/ml/processing/out && ln -s /etc /opt/ml/processing/out",
        "rm -r /opt/ml/processing && ln -s /etc /opt/ml/processing",
    ],
)
async def test_output_folder_that_is_none_any_more_leaves_nothing(
    embedded: Embedded, script: str
) -> None:
    await run_well(embedded, processing("Gone", script, outputs=OUT))
    assert not (embedded.home.s3 / "bucket/out").exists()


async def test_links_in_an_output_are_not_followed(embedded: Embedded) -> None:
    script = (
        "cd /opt/ml/processing/out && echo 1 > real && ln -s /etc/passwd file"
        " && ln -s /etc folder && ln -s real inside"
    )
    await run_well(embedded, processing("Links", script, outputs=OUT))
    stored = sorted(path.name for path in (embedded.home.s3 / "bucket/out").iterdir())
    assert stored == ["real"]


async def test_message_file_becomes_the_exit_message(embedded: Embedded) -> None:
    script = "printf 'seen 3 rows\\n' > /opt/ml/output/message"
    view = await run_well(embedded, processing("Say", script))
    assert view.properties["ExitMessage"] == "seen 3 rows"


async def test_message_is_cut_where_the_service_cuts_it(embedded: Embedded) -> None:
    script = "head -c 5000 /dev/zero | tr '\\0' x > /opt/ml/output/message"
    view = await run_well(embedded, processing("Say", script))
    assert view.properties["ExitMessage"] == "x" * 1024


@pytest.mark.parametrize("kind", ["mkfifo {0}", "ln -s /etc/passwd {0}", "mkdir {0}"])
async def test_message_and_failure_are_read_from_plain_files_only(
    embedded: Embedded, kind: str
) -> None:
    make = "; ".join(kind.format(f"/opt/ml/output/{name}") for name in ("message", "failure"))
    view = await run(embedded, processing("Odd", f"{make}; exit 2"))
    assert view.failure_reason.startswith("AlgorithmError: See job logs")
    assert "ExitMessage" not in view.properties


async def test_results_that_cannot_be_stored_do_not_hide_why_the_job_failed(
    embedded: Embedded,
) -> None:
    embedded.put("s3://bucket/out", "an object where the folder should be")
    script = "echo x > /opt/ml/processing/out/x; echo 'no rows' > /opt/ml/output/failure; exit {}"
    bad = await run(embedded, processing("Bad", script.format(1), outputs=OUT))
    assert bad.failure_reason == "AlgorithmError: no rows, exit code 1"
    assert "could not be stored" in bad.note
    good = await run(embedded, processing("Good", script.format(0), outputs=OUT))
    assert good.failure_code == "key-conflict"


# -- ends --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 3", "exit code 3"),
        ("kill -9 $$", "killed by SIGKILL (perhaps out of memory)"),
        ("kill -TERM $$", "killed by SIGTERM"),
        ("kill -SEGV $$", "killed by SIGSEGV"),
        ("no-such-program", "exit code 127 (the command was not found)"),
        ("exec /etc/passwd", "exit code 126 (the command cannot be executed)"),
    ],
)
async def test_failure_reason_says_how_the_job_ended(
    embedded: Embedded, script: str, words: str
) -> None:
    view = await run(embedded, processing("Bad", script))
    assert view.status is StepStatus.FAILED
    expected = f"AlgorithmError: See job logs for more information, {words}"
    assert view.failure_reason == expected
    assert view.properties["FailureReason"] == expected
    assert view.failure_code == "algorithm-error"


async def test_huge_log_and_bytes_that_are_no_text_do_not_disturb(embedded: Embedded) -> None:
    script = "head -c 20000000 /dev/zero | tr '\\0' 'x'; printf '\\377\\376\\033[2J\\n'; exit 5"
    view = await run(embedded, processing("Loud", script))
    assert view.failure_reason.endswith("exit code 5")
    assert len(log_of(view)) > 20_000_000


async def test_processes_left_behind_are_gone_when_the_step_ends(embedded: Embedded) -> None:
    script = 'sleep 600 & setsid sleep 601 & echo "$PIPETUI_JOB"'
    state = await embedded.run(definition(processing("Leave", script)))
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    job = f"{state.execution.id}/Leave/1"
    assert embedded.log(state.steps["Leave"]) == f"{job}\n"
    assert processes_of(job) == []


async def test_step_within_its_time_limit_succeeds(embedded: Embedded) -> None:
    limit = {"StoppingCondition": {"MaxRuntimeInSeconds": "3600"}}
    view = await run_well(embedded, processing("Quick", "true", arguments=limit))
    assert view.properties["ProcessingJobStatus"] == "Completed"


# -- artifacts ---------------------------------------------------------------------------------


async def test_artifacts_are_what_the_step_read_and_wrote_and_the_log_of_each_host(
    embedded: Embedded,
) -> None:
    embedded.put("s3://bucket/in/a.csv", "1234")
    script = (
        "echo hello; mkdir -p /opt/ml/processing/out/sub; echo 1 > /opt/ml/processing/out/sub/x"
    )
    step = processing("Two", script, inputs={"in": "s3://bucket/in/"},
                      outputs={**OUT, "empty": "s3://bucket/empty"})  # fmt: skip
    view = await run_well(embedded, on_hosts(step, 2))
    tree = LocalTree(embedded.home.s3)
    found = {one.name: one for one in artifacts_of(tree, view)}
    assert list(found) == ["in", "out", "empty", "job.log", "algo-2/job.log"]
    assert [one.role for one in found.values()] == ["input", "output", "output", "log", "log"]
    assert (found["in"].size, found["in"].files) == (4, 1)
    assert (found["out"].size, found["out"].files, found["out"].folder) == (2, 1, True)
    assert not found["empty"].exists
    assert found["algo-2/job.log"].size == len("hello\n")
    assert [(one.name, one.folder) for one in entries_of(tree, "s3://bucket/out")] == [
        ("sub", True)
    ]


def test_entries_bear_the_names_of_their_keys(embedded: Embedded) -> None:
    tree = LocalTree(embedded.home.s3)
    for key in ("a/", "a/%b", "a/..", "a/c/d"):
        tree.put(f"s3://bucket/{key}", b"1")
    found = entries_of(tree, "s3://bucket/a/")
    assert found == entries_of(tree, "s3://bucket/a")
    assert [one.name for one in found] == ["c", "%b", ".."]
    assert [tree.read(one.uri) for one in found if not one.folder] == [b"1", b"1"]


def test_artifacts_of_arguments_nobody_resolved_are_none(embedded: Embedded) -> None:
    odd: tuple[Any, ...] = (
        None, "text", {"ProcessingInputs": {"Get": "Parameters.X"}}, {"InputDataConfig": ["text"]},
        {"ProcessingOutputConfig": {"Outputs": [None, {"S3Output": "text"}]}},
        {"Containers": "text", "PrimaryContainer": 3},
    )  # fmt: skip
    for arguments in odd:
        view = StepView("e", 0, "Odd", "Processing", arguments=arguments)
        assert artifacts_of(LocalTree(embedded.home.s3), view) == []


# -- scripts -----------------------------------------------------------------------------------

BOTO3 = """
import boto3, json
s3 = boto3.client("s3")
text = s3.get_object(Bucket="bucket", Key="raw/a.txt")["Body"].read().decode()
s3.put_object(Bucket="bucket", Key="made/by/boto3.txt", Body=text.upper().encode())
print(boto3.client("sts").get_caller_identity()["Account"])
"""


async def test_script_that_calls_boto3_reads_and_writes_the_same_tree(embedded: Embedded) -> None:
    interpreter = json.dumps(str(Path(sys.prefix, "bin", "python")))
    (embedded.folder / "pipetui.toml").write_text(f"[python]\ninterpreter = {interpreter}\n")
    embedded.put("s3://bucket/raw/a.txt", "hello")
    (embedded.folder / "call.py").write_text(BOTO3)
    call = processing("Call", "exec python /opt/ml/processing/code/call.py",
                      inputs={"code": "call.py"})  # fmt: skip
    after = processing(
        "After",
        "cp /opt/ml/processing/in/boto3.txt /opt/ml/processing/out",
        inputs={"in": "s3://bucket/made/by"},
        outputs=OUT,
        DependsOn=["Call"],
    )
    state = await embedded.run(definition(call, after))
    log = embedded.log(state.steps["Call"])
    assert state.execution.status is ExecutionStatus.SUCCEEDED, log
    assert len(log.strip()) == 12
    assert embedded.get("s3://bucket/out/boto3.txt") == "HELLO"


PODMAN = """#!/bin/sh
[ "$1" != run ] || { printf '%s\\n' "$@" > FOLDER/argv; env > FOLDER/environment; }
"""


@pytest.mark.parametrize("runner", ["auto", "container"])
async def test_image_program_gets_the_arguments_where_jobs_run_in_their_images(
    embedded: Embedded, monkeypatch: pytest.MonkeyPatch, runner: str
) -> None:
    tool = embedded.folder / "podman"
    tool.write_text(PODMAN.replace("FOLDER", str(embedded.folder)))
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{embedded.folder}:{os.environ['PATH']}")
    (embedded.folder / "pipetui.toml").write_text(f'[jobs]\nrunner = "{runner}"\n')
    image = f"local/program-for-{runner}:1"
    step = processing("Args", "true", arguments={"Environment": {"LEVEL": "3"}})
    step["Arguments"]["AppSpecification"] = {
        "ImageUri": image,
        "ContainerArguments": ["--rows", "5"],
    }
    await run_well(embedded, step)
    words = (embedded.folder / "argv").read_text().splitlines()
    assert words[-3:] == [image, "--rows", "5"]
    assert "--entrypoint" not in words
    assert "LEVEL" in words
    assert not any(word.startswith(("HOME=", "PATH=")) for word in words)
