"""Training jobs against the contract of the service's containers (section 4.2)."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.model.commands import StopExecution
from engine.model.fold import ExecutionState
from engine.model.status import ExecutionStatus, StepStatus
from engine.model.views import StepView
from tests.engine.embedded import HOST_IMAGE, Embedded, definition, processing
from tests.environments import shared_environments

XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"


def training(
    name: str,
    script: str = "",
    *,
    channels: Mapping[str, str] | None = None,
    hyperparameters: Mapping[str, Any] | None = None,
    image: str = HOST_IMAGE,
    **more: Any,
) -> dict[str, Any]:
    """A Training step: a shell script as its entry point, or what its hyperparameters name.

    Channels map a name to an S3 URI; ``algorithm`` and ``arguments`` add to what is made.
    """
    algorithm: dict[str, Any] = {"TrainingImage": image, "TrainingInputMode": "File"}
    if script:
        algorithm["ContainerEntrypoint"] = ["/bin/sh", "-c", script]
    arguments: dict[str, Any] = {
        "AlgorithmSpecification": {**algorithm, **more.pop("algorithm", {})},
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/models"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
        "ResourceConfig": {
            "VolumeSizeInGB": 30, "InstanceCount": 1, "InstanceType": "ml.m5.large"
        },
        "RoleArn": "arn:aws:iam::123456789012:role/R",
        "InputDataConfig": [
            {
                "ChannelName": key,
                "ContentType": "text/csv",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}},
            }
            for key, uri in (channels or {}).items()
        ],
        "HyperParameters": dict(hyperparameters or {}),
        **more.pop("arguments", {}),
    }  # fmt: skip
    return {"Name": name, "Type": "Training", "Arguments": arguments, **more}


async def run(embedded: Embedded, step: dict[str, Any]) -> StepView:
    """Run a definition of one step; returns what became of it."""
    state = await embedded.run(definition(step))
    return state.steps[step["Name"]]


async def run_well(embedded: Embedded, step: dict[str, Any]) -> StepView:
    """The same for a step that is to succeed."""
    view = await run(embedded, step)
    assert view.status is StepStatus.SUCCEEDED, (view.failure_reason, embedded.log(view))
    return view


def artifact(embedded: Embedded, view: StepView, name: str = "model.tar.gz") -> dict[str, str]:
    """Names and texts of the files in an artifact of a job."""
    job = view.properties["TrainingJobName"]
    file = embedded.home.s3 / "bucket/models" / job / "output" / name
    with tarfile.open(file) as archive:
        return {
            member.name: content.read().decode()
            for member in archive.getmembers()
            if (content := archive.extractfile(member)) is not None
        }


def put_source(embedded: Embedded, uri: str, files: Mapping[str, str]) -> None:
    """Put a tar.gz of files into the local S3 tree."""
    embedded.put(uri, "")
    with tarfile.open(embedded.home.s3 / uri.removeprefix("s3://"), "w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))


# -- configuration -----------------------------------------------------------------------------

LOOK = "cp /opt/ml/input/config/*.json /opt/ml/model/"


async def test_hyperparameters_are_a_flat_map_of_texts(embedded: Embedded) -> None:
    given = {"n": 3, "rate": 0.5, "flag": True, "text": "a", "nested": {"a": [1]}, "none": None,
             "rounds": {"Get": "Parameters.Rounds"}}  # fmt: skip
    rounds = {"Name": "Rounds", "Type": "Integer", "DefaultValue": 50}
    step = training("T", LOOK, hyperparameters=given)
    state = await embedded.run(definition(step, parameters=[rounds]))
    view = state.steps["T"]
    found = json.loads(artifact(embedded, view)["hyperparameters.json"])
    assert found == {
        "n": "3", "rate": "0.5", "flag": "true", "text": "a", "nested": '{"a": [1]}',
        "rounds": "50",
    }  # fmt: skip
    assert view.properties["HyperParameters"] == found


async def test_configuration_files_describe_channels_hosts_and_checkpoints(
    embedded: Embedded,
) -> None:
    embedded.put("s3://bucket/in/a.csv", "1")
    step = training("T", LOOK, channels={"train": "s3://bucket/in", "validation": "s3://bucket/in"},
                    arguments={"CheckpointConfig": {"S3Uri": "s3://bucket/ck"}})  # fmt: skip
    train, validation = step["Arguments"]["InputDataConfig"]
    train["InputMode"] = "FastFile"
    validation["DataSource"]["S3DataSource"]["S3DataDistributionType"] = "ShardedByS3Key"
    del validation["ContentType"]
    files = artifact(embedded, await run_well(embedded, step))
    assert json.loads(files["inputdataconfig.json"]) == {
        "train": {
            "TrainingInputMode": "FastFile",
            "ContentType": "text/csv",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
        },
        "validation": {
            "TrainingInputMode": "File",
            "S3DistributionType": "ShardedByS3Key",
            "RecordWrapperType": "None",
        },
    }
    assert json.loads(files["resourceconfig.json"]) == {
        "current_host": "algo-1",
        "hosts": ["algo-1"],
        "current_instance_type": "ml.m5.large",
        "current_group_name": "homogeneousCluster",
        "network_interface_name": "lo",
        "instance_groups": [
            {
                "instance_group_name": "homogeneousCluster",
                "instance_type": "ml.m5.large",
                "hosts": ["algo-1"],
            }
        ],
    }
    assert json.loads(files["checkpointconfig.json"]) == {
        "S3Uri": "s3://bucket/ck",
        "LocalPath": "/opt/ml/checkpoints",
    }


@pytest.mark.parametrize("mode", ["File", "FastFile"])
async def test_channels_are_files_in_folders_of_their_names(embedded: Embedded, mode: str) -> None:
    embedded.put("s3://bucket/in/train/a.csv", "one")
    embedded.put("s3://bucket/in/test/deep/b.csv", "two")
    channels = {"train": "s3://bucket/in/train", "test": "s3://bucket/in/test"}
    step = training(
        "T",
        "cp -r /opt/ml/input/data/. /opt/ml/model/",
        channels=channels,
        algorithm={"TrainingInputMode": mode},
    )
    files = artifact(embedded, await run_well(embedded, step))
    assert files == {"train/a.csv": "one", "test/deep/b.csv": "two"}


async def test_channels_own_input_mode_wins_over_the_algorithms(embedded: Embedded) -> None:
    embedded.put("s3://bucket/in/a.csv", "one")
    step = training("T", "test -f /opt/ml/input/data/train/a.csv",
                    channels={"train": "s3://bucket/in"},
                    algorithm={"TrainingInputMode": "Pipe"})  # fmt: skip
    step["Arguments"]["InputDataConfig"][0]["InputMode"] = "File"
    await run_well(embedded, step)


async def test_job_knows_its_own_name(embedded: Embedded) -> None:
    script = 'echo "$TRAINING_JOB_NAME $TRAINING_JOB_ARN $LEVEL" > /opt/ml/model/who'
    step = training("T", script, arguments={"Environment": {"LEVEL": 3}})
    view = await run_well(embedded, step)
    name, arn = view.properties["TrainingJobName"], view.properties["TrainingJobArn"]
    assert artifact(embedded, view)["who"] == f"{name} {arn} 3\n"
    assert arn.endswith(f":training-job/{name}")
    assert view.metadata == {"TrainingJob": {"Arn": arn}}


# -- commands ----------------------------------------------------------------------------------


async def test_entrypoint_and_arguments_run_code_that_comes_in_channels(
    embedded: Embedded,
) -> None:
    """The form that ModelTrainer of the SDK's third version writes."""
    train = "#!/bin/bash\ncd /opt/ml/input/data/code && source ./train.sh\n"
    embedded.put("s3://bucket/mt/sm_drivers/sm_train.sh", train)
    embedded.put("s3://bucket/mt/code/train.sh", "[[ -f train.sh ]] && echo ok > /opt/ml/model/m\n")
    drivers = "/opt/ml/input/data/sm_drivers/sm_train.sh"
    step = training(
        "T",
        channels={"code": "s3://bucket/mt/code", "sm_drivers": "s3://bucket/mt/sm_drivers"},
        hyperparameters={"epochs": "3"},
        algorithm={
            "ContainerEntrypoint": ["/bin/bash"],
            "ContainerArguments": ["-c", f"chmod +x {drivers} && {drivers}"],
        },
    )
    assert artifact(embedded, await run_well(embedded, step)) == {"m": "ok\n"}


async def test_unknown_image_without_a_script_is_refused_at_plan_time(embedded: Embedded) -> None:
    step = training("T", image="123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1")
    with pytest.raises(ExceptionGroup) as caught:
        await embedded.run(definition(step))
    problem = caught.value.exceptions[0]
    assert getattr(problem, "code", "") == "image-program-missing"
    assert "mine:1" in str(problem)
    assert "sagemaker_program" in getattr(problem, "hint", "")


async def test_unknown_image_out_of_a_parameter_fails_the_step(embedded: Embedded) -> None:
    step = training("T", image="placeholder")
    step["Arguments"]["AlgorithmSpecification"]["TrainingImage"] = {"Get": "Parameters.Image"}
    image = {"Name": "Image", "Type": "String", "DefaultValue": "mine:1"}
    state = await embedded.run(definition(step, parameters=[image]))
    assert state.steps["T"].failure_code == "image-program-missing"


# -- script mode -------------------------------------------------------------------------------

SCRIPT = """
import json, os, sys
kept = {name: text for name, text in os.environ.items() if name.startswith("SM_")}
with open(os.path.join(os.environ["SM_MODEL_DIR"], "seen.json"), "w") as file:
    json.dump({"argv": sys.argv[1:], "environment": kept, "files": sorted(os.listdir("."))}, file)
with open(os.path.join(os.environ["SM_OUTPUT_DATA_DIR"], "plot.txt"), "w") as file:
    file.write("plot")
"""


def script_mode(source: str, *, encoded: bool, **hyperparameters: Any) -> dict[str, Any]:
    """A step whose hyperparameters name a script, JSON-encoded as v2 writes them or raw."""
    code = {"sagemaker_program": "train.py", "sagemaker_submit_directory": source}
    own = {name: json.dumps(text) if encoded else text for name, text in code.items()}
    return training("T", hyperparameters={**own, **hyperparameters})


@pytest.mark.parametrize(
    ("source", "encoded"),
    [
        ("s3://bucket/code/source.tar.gz", True),
        ("s3://bucket/code/source.tar.gz", False),
        ("s3://bucket/code/", True),
        ("src", False),
    ],
)
async def test_script_mode_takes_its_source_from_archive_prefix_or_folder(
    embedded: Embedded, source: str, encoded: bool
) -> None:
    files = {"train.py": SCRIPT, "pack/helper.py": ""}
    if source.endswith(".tar.gz"):
        put_source(embedded, source, files)
    elif source.startswith("s3:"):
        for name, text in files.items():
            embedded.put(source + name, text)
    else:
        (embedded.folder / "src/pack").mkdir(parents=True)
        for name, text in files.items():
            (embedded.folder / "src" / name).write_text(text)
    view = await run_well(embedded, script_mode(source, encoded=encoded))
    seen = json.loads(artifact(embedded, view)["seen.json"])
    assert seen["files"] == ["pack", "train.py"]
    assert seen["environment"]["SM_MODULE_DIR"] == source
    assert artifact(embedded, view, "output.tar.gz") == {"plot.txt": "plot"}


async def test_script_sees_the_toolkits_arguments_and_variables(embedded: Embedded) -> None:
    put_source(embedded, "s3://bucket/source.tar.gz", {"train.py": SCRIPT})
    embedded.put("s3://bucket/in/a.csv", "1")
    step = script_mode(
        "s3://bucket/source.tar.gz",
        encoded=True,
        epochs="3",
        n="5",
        optimizer='"adam"',
        plain="text",
        rate="0.1",
        grid='{"a": 1, "b": 2}',
        sagemaker_container_log_level="20",
        sagemaker_region='"us-east-1"',
    )
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/in"}}
    step["Arguments"]["InputDataConfig"] = [{"ChannelName": "train", "DataSource": source}]
    view = await run_well(embedded, step)
    seen = json.loads(artifact(embedded, view)["seen.json"])
    arguments = ["--epochs", "3", "--grid", "a=1,b=2", "-n", "5", "--optimizer", "adam",
                 "--plain", "text", "--rate", "0.1"]  # fmt: skip
    assert seen["argv"] == arguments
    found = seen["environment"]
    expected = {
        "SM_MODEL_DIR": "/opt/ml/model",
        "SM_OUTPUT_DATA_DIR": "/opt/ml/output/data",
        "SM_OUTPUT_DIR": "/opt/ml/output",
        "SM_INPUT_DIR": "/opt/ml/input",
        "SM_INPUT_CONFIG_DIR": "/opt/ml/input/config",
        "SM_CHANNEL_TRAIN": "/opt/ml/input/data/train",
        "SM_CURRENT_HOST": "algo-1",
        "SM_HP_EPOCHS": "3",
        "SM_HP_OPTIMIZER": "adam",
        "SM_LOG_LEVEL": "20",
        "SM_MODULE_NAME": "train",
        "SM_USER_ENTRY_POINT": "train.py",
    }
    assert {name: found[name] for name in expected} == expected
    assert json.loads(found["SM_CHANNELS"]) == ["train"]
    assert json.loads(found["SM_HOSTS"]) == ["algo-1"]
    assert json.loads(found["SM_USER_ARGS"]) == arguments
    assert "sagemaker_program" not in json.loads(found["SM_HPS"])
    assert json.loads(found["SM_HPS"])["grid"] == {"a": 1, "b": 2}
    assert json.loads(found["SM_TRAINING_ENV"])["job_name"] == view.properties["TrainingJobName"]


async def test_exception_of_the_script_is_the_failure_reason(embedded: Embedded) -> None:
    put_source(embedded, "s3://bucket/s.tar.gz", {"train.py": "raise ValueError('no rows')"})
    view = await run(embedded, script_mode("s3://bucket/s.tar.gz", encoded=True))
    assert view.failure_reason.startswith("AlgorithmError: ExecuteUserScriptError:\nExitCode 1")
    assert "ValueError: no rows" in view.failure_reason
    assert "Traceback" in embedded.log(view)


async def test_archive_that_leads_out_of_its_folder_is_refused(embedded: Embedded) -> None:
    put_source(embedded, "s3://bucket/s.tar.gz", {"train.py": SCRIPT, "../evil.py": "bad"})
    view = await run(embedded, script_mode("s3://bucket/s.tar.gz", encoded=True))
    assert view.status is StepStatus.FAILED
    assert view.failure_code == "archive-unsafe"
    assert "../evil.py" in view.failure_reason
    assert not list(embedded.home.root.rglob("evil.py"))


async def test_missing_source_says_where_to_put_it(embedded: Embedded) -> None:
    view = await run(embedded, script_mode("s3://bucket/none.tar.gz", encoded=True))
    assert view.failure_code == "input-not-found"
    assert "s3://bucket/none.tar.gz" in view.failure_reason
    assert "bucket/none.tar.gz" in view.note


# -- results -----------------------------------------------------------------------------------


async def test_model_and_output_lie_below_the_jobs_name(embedded: Embedded) -> None:
    script = "mkdir /opt/ml/model/sub; echo m > /opt/ml/model/sub/m; echo d > /opt/ml/output/data/d"
    view = await run_well(embedded, training("T", script))
    base = f"s3://bucket/models/{view.properties['TrainingJobName']}/output"
    assert view.properties["ModelArtifacts"] == {"S3ModelArtifacts": f"{base}/model.tar.gz"}
    assert artifact(embedded, view) == {"sub/m": "m\n"}
    assert artifact(embedded, view, "output.tar.gz") == {"d": "d\n"}
    assert view.properties["TrainingJobStatus"] == "Completed"
    assert view.properties["SecondaryStatus"] == "Completed"


async def test_two_jobs_with_one_output_path_keep_apart(embedded: Embedded) -> None:
    steps = [training(name, f"echo {name} > /opt/ml/model/m") for name in ("A", "B")]
    state = await embedded.run(definition(*steps))
    assert [artifact(embedded, state.steps[name])["m"] for name in ("A", "B")] == ["A\n", "B\n"]


async def test_uncompressed_model_is_a_prefix(embedded: Embedded) -> None:
    config = {"S3OutputPath": "s3://bucket/models/", "CompressionType": "NONE"}
    script = "mkdir /opt/ml/model/sub; echo m > /opt/ml/model/sub/m"
    step = training("T", script, arguments={"OutputDataConfig": config})
    use = processing("Use", "cat /opt/ml/processing/in/sub/m", inputs={"in": "s3://unset/x"})
    use["Arguments"]["ProcessingInputs"][0]["S3Input"]["S3Uri"] = {
        "Get": "Steps.T.ModelArtifacts.S3ModelArtifacts"
    }
    state = await embedded.run(definition(step, use))
    view = state.steps["T"]
    uri = f"s3://bucket/models/{view.properties['TrainingJobName']}/output/model/"
    assert view.properties["ModelArtifacts"]["S3ModelArtifacts"] == uri
    assert embedded.log(state.steps["Use"]) == "m\n"


@pytest.mark.parametrize("script", ["true", "rm -r /opt/ml/model /opt/ml/output/data"])
async def test_job_that_leaves_no_model_stores_none(embedded: Embedded, script: str) -> None:
    view = await run_well(embedded, training("T", script))
    assert not (embedded.home.s3 / "bucket").exists()
    assert view.properties["ModelArtifacts"]["S3ModelArtifacts"].endswith("/output/model.tar.gz")


async def test_failure_file_is_the_reason_up_to_what_the_service_keeps(embedded: Embedded) -> None:
    script = "head -c 5000 /dev/zero | tr '\\0' x > /opt/ml/output/failure; exit 1"
    view = await run(embedded, training("T", script))
    assert len(view.failure_reason) == 1024
    assert view.failure_reason.startswith("AlgorithmError: xxx")
    assert view.properties["TrainingJobStatus"] == "Failed"


async def test_failed_job_without_a_failure_file_says_how_it_ended(embedded: Embedded) -> None:
    view = await run(embedded, training("T", "echo half > /opt/ml/model/m; kill -9 $$"))
    assert view.failure_reason == (
        "AlgorithmError: ExecuteUserScriptError: see job logs for more information,"
        " killed by SIGKILL (perhaps out of memory)"
    )
    assert artifact(embedded, view) == {"m": "half\n"}


async def test_metric_of_the_log_decides_a_condition(embedded: Embedded) -> None:
    script = "echo 'epoch 1 acc=0.5'; echo 'epoch 2 acc=0.9' >&2; printf '[1]\\tloss:2e-1\\n'"
    metrics = [
        {"Name": "val:acc", "Regex": "acc=([0-9.]+)"},
        {"Name": "loss", "Regex": "#011loss:([0-9.e-]+)"},
        {"Name": "never", "Regex": "never=([0-9.]+)"},
    ]
    train = training("T", script, algorithm={"MetricDefinitions": metrics})
    check = {
        "Name": "Check",
        "Type": "Condition",
        "Arguments": {
            "Conditions": [
                {
                    "Type": "GreaterThanOrEqualTo",
                    "LeftValue": {"Get": "Steps.T.FinalMetricDataList['val:acc'].Value"},
                    "RightValue": 0.9,
                }
            ],
            "IfSteps": [processing("Good", "true")],
            "ElseSteps": [processing("Bad", "true")],
        },
    }
    state = await embedded.run(definition(train, check))
    found = state.steps["T"].properties["FinalMetricDataList"]
    assert [(one["MetricName"], one["Value"]) for one in found] == [("val:acc", 0.9), ("loss", 0.2)]
    assert all(one["Timestamp"] > 1e9 for one in found)
    assert state.steps["Good"].status is StepStatus.SUCCEEDED
    assert state.steps["Bad"].status is StepStatus.SKIPPED


async def test_broken_metric_expression_fails_before_the_job_starts(embedded: Embedded) -> None:
    metrics = [{"Name": "acc", "Regex": "acc=("}]
    step = training("T", f"touch {embedded.folder}/ran", algorithm={"MetricDefinitions": metrics})
    view = await run(embedded, step)
    assert (view.failure_code, "'acc'" in view.failure_reason) == ("metric-regex-invalid", True)
    assert not (embedded.folder / "ran").exists()


@pytest.mark.parametrize("local", ["/opt/ml/checkpoints", "/opt/ml/saved/here"])
async def test_checkpoints_go_on_where_the_last_run_left_them(
    embedded: Embedded, local: str
) -> None:
    script = f"cd {local} && echo round >> log && cp log /opt/ml/model/"
    config = {"S3Uri": "s3://bucket/ck", "LocalPath": local}
    step = training("T", script, arguments={"CheckpointConfig": config})
    await run_well(embedded, step)
    assert embedded.get("s3://bucket/ck/log") == "round\n"
    view = await run_well(embedded, step)
    assert artifact(embedded, view)["log"] == "round\nround\n"
    assert embedded.get("s3://bucket/ck/log") == "round\nround\n"


async def test_job_over_its_time_keeps_its_artifacts(embedded: Embedded) -> None:
    script = "echo half > /opt/ml/model/m; exec sleep 600"
    limit = {"StoppingCondition": {"MaxRuntimeInSeconds": 1}}
    view = await run(embedded, training("T", script, arguments=limit))
    assert view.status is StepStatus.STOPPED
    assert view.failure_reason.startswith("MaxRuntimeExceeded")
    assert view.properties["TrainingJobStatus"] == "Stopped"
    assert view.properties["SecondaryStatus"] == "MaxRuntimeExceeded"
    assert artifact(embedded, view) == {"m": "half\n"}


SAVES_ON_SIGTERM = """
import pathlib, signal, sys
def save(*_):
    pathlib.Path("/opt/ml/model/m").write_text("saved")
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
print("ready", flush=True)
signal.pause()
"""


async def test_stopped_script_saves_its_model_on_sigterm(embedded: Embedded) -> None:
    put_source(embedded, "s3://bucket/s.tar.gz", {"train.py": SAVES_ON_SIGTERM})
    step = script_mode("s3://bucket/s.tar.gz", encoded=True)
    execution_id = await embedded.create(definition(step))
    running = asyncio.create_task(embedded.go_on(execution_id))
    log = embedded.home.attempt(execution_id, "T", 1) / "job.log"
    while "ready" not in (log.read_text() if log.exists() else ""):
        await embedded.events(execution_id)
    await embedded.send(execution_id, StopExecution("enough"))
    view = (await running).steps["T"]
    assert view.status is StepStatus.STOPPED
    assert view.properties["SecondaryStatus"] == "Stopped"
    assert artifact(embedded, view) == {"m": "saved"}


async def test_two_hosts_share_channels_and_keep_the_model_of_the_first(
    embedded: Embedded,
) -> None:
    for number in range(3):
        embedded.put(f"s3://bucket/in/{number}.csv", "")
    script = """
        cd /opt/ml/input/config
        me=$(sed -n 's/.*"current_host": "\\(.*\\)",/\\1/p' resourceconfig.json)
        echo $me > /opt/ml/model/who
        ls /opt/ml/input/data/train > /opt/ml/checkpoints/$me
    """
    step = training("T", script, channels={"train": "s3://bucket/in/"},
                    arguments={"CheckpointConfig": {"S3Uri": "s3://bucket/ck"}})  # fmt: skip
    step["Arguments"]["ResourceConfig"]["InstanceCount"] = 2
    source = step["Arguments"]["InputDataConfig"][0]["DataSource"]["S3DataSource"]
    source["S3DataDistributionType"] = "ShardedByS3Key"
    view = await run_well(embedded, step)
    assert artifact(embedded, view) == {"who": "algo-1\n"}
    assert embedded.get("s3://bucket/ck/algo-1").split() == ["0.csv", "2.csv"]
    assert embedded.get("s3://bucket/ck/algo-2").split() == ["1.csv"]


# -- environments ------------------------------------------------------------------------------


@pytest.mark.environments
async def test_requirements_of_the_source_get_an_environment_of_their_own(
    embedded: Embedded,
) -> None:
    shared_environments(embedded.home)
    script = "import iniconfig; print(iniconfig.__file__, len(iniconfig.__name__))"
    source = {"train.py": script, "requirements.txt": "iniconfig==2.0.0\n"}
    put_source(embedded, "s3://bucket/s.tar.gz", source)
    view = await run_well(embedded, script_mode("s3://bucket/s.tar.gz", encoded=True))
    file, length = embedded.log(view).split()[-2:]
    assert Path(file).parents[5].name in ("environments", "pipetui-test-environments")
    assert length == "9"


def separable(count: int) -> str:
    """CSV rows whose label the first feature gives away."""
    return "".join(f"{n % 2},{n % 2 + n / 1000},{n * 7 % 13}\n" for n in range(count))


async def train_xgboost(embedded: Embedded, **hyperparameters: Any) -> ExecutionState:
    shared_environments(embedded.home)
    for channel in ("train", "validation"):
        embedded.put(f"s3://bucket/{channel}/rows.csv", separable(60))
    metric = {"Name": "validation:rmse", "Regex": ".*\\[[0-9]+\\].*#011validation-rmse:(\\S+)"}
    step = training(
        "T",
        image=XGBOOST,
        channels={name: f"s3://bucket/{name}" for name in ("train", "validation")},
        hyperparameters={"num_round": "4", "nthread": "1", **hyperparameters},
        algorithm={"MetricDefinitions": [metric]},
        arguments={"CheckpointConfig": {"S3Uri": "s3://bucket/ck"}},
    )
    return await embedded.run(definition(step))


@pytest.mark.environments
async def test_built_in_xgboost_trains_and_reports_its_metric(embedded: Embedded) -> None:
    state = await train_xgboost(embedded, objective="reg:squarederror")
    view = state.steps["T"]
    assert state.execution.status is ExecutionStatus.SUCCEEDED, embedded.log(view)
    (metric,) = view.properties["FinalMetricDataList"]
    last = [line for line in embedded.log(view).splitlines() if "validation-rmse" in line][-1]
    assert metric["MetricName"] == "validation:rmse"
    assert f"validation-rmse:{metric['Value']:.5f}" in last
    assert (embedded.home.s3 / "bucket/ck").is_dir()
    job = view.properties["TrainingJobName"]
    assert (embedded.home.s3 / f"bucket/models/{job}/output/model.tar.gz").stat().st_size > 100


@pytest.mark.environments
async def test_built_in_xgboost_refuses_a_wrong_hyperparameter_in_its_own_words(
    embedded: Embedded,
) -> None:
    state = await train_xgboost(embedded, eta="7")
    assert "Hyperparameter eta: 7.0 is not in [0, 1]" in state.steps["T"].failure_reason


async def test_debugger_and_profiler_are_accepted_and_said_not_to_run(embedded: Embedded) -> None:
    watchers = {
        "DebugHookConfig": {"S3OutputPath": "s3://bucket/", "CollectionConfigurations": []},
        "ProfilerConfig": {"S3OutputPath": "s3://bucket/", "DisableProfiler": False},
        "ProfilerRuleConfigurations": [{"RuleConfigurationName": "R", "RuleEvaluatorImage": "i"}],
    }
    view = await run_well(embedded, training("Train", "true", arguments=watchers))
    assert view.stand_in == (
        "Debugger and Profiler do not run here"
        " (DebugHookConfig, ProfilerConfig, ProfilerRuleConfigurations)"
    )
    assert {name: view.properties[name] for name in watchers} == watchers
    off = {"ProfilerConfig": {"DisableProfiler": True}, "DebugRuleConfigurations": []}
    assert not (await run_well(embedded, training("Train", "true", arguments=off))).stand_in
