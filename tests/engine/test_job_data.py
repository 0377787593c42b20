"""Data of jobs that only AWS has: what stands for it here, and what is said where nothing does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.config import Config
from engine.definition.document import Step
from engine.model.status import StepStatus
from engine.model.views import StepView
from engine.steps import kept_outputs
from engine.steps.handlers import stand_in
from tests.engine.embedded import Embedded, processing
from tests.engine.test_processing import OUT, TREE, listed, on_hosts, run, run_well
from tests.engine.test_training import artifact, training

ATHENA = {
    "Catalog": "AwsDataCatalog",
    "Database": "sales",
    "QueryString": "SELECT *\n  FROM orders",
    "OutputS3Uri": "s3://bucket/athena/orders",
    "OutputFormat": "PARQUET",
}
REDSHIFT = {
    "ClusterId": "warehouse",
    "Database": "sales",
    "DbUser": "ml",
    "ClusterRoleArn": "arn:aws:iam::123456789012:role/R",
    "QueryString": "SELECT 1",
    "OutputS3Uri": "s3://bucket/athena/orders/",
    "OutputFormat": "CSV",
}


def labels(step: dict[str, Any], config: Config | None = None) -> str:
    return stand_in(Step(step["Name"], step["Type"], step["Arguments"]), config or Config())


# -- dataset definitions -------------------------------------------------------------------------


def querying(definition: dict[str, Any], script: str = TREE, **entry: Any) -> dict[str, Any]:
    """A step whose input ``orders`` is a DatasetDefinition at ``/opt/ml/processing/in``."""
    local = {"LocalPath": "/opt/ml/processing/in"}
    given = {"InputName": "orders", "DatasetDefinition": {**local, **definition}, **entry}
    return processing("Read", script, outputs=OUT, arguments={"ProcessingInputs": [given]})


@pytest.mark.parametrize(
    ("definition", "service"),
    [
        ({"AthenaDatasetDefinition": ATHENA}, "Athena"),
        ({"RedshiftDatasetDefinition": REDSHIFT}, "Redshift"),
    ],
)
async def test_what_lies_at_the_output_uri_stands_for_the_result_of_a_query(
    embedded: Embedded, definition: dict[str, Any], service: str
) -> None:
    embedded.put("s3://bucket/athena/orders/a.parquet", "1")
    embedded.put("s3://bucket/athena/orders/deep/b.parquet", "2")
    embedded.put("s3://bucket/athena/orders-of-last-year", "3")
    step = querying(definition)
    await run_well(embedded, step)
    assert listed(embedded) == ["a.parquet", "deep/b.parquet"]
    label = labels(step)
    assert "s3://bucket/athena/orders" in label
    assert f"the {service} query of input orders, which does not run" in label


@pytest.mark.parametrize(
    ("more", "expected"),
    [({}, ["ac", "b"]), ({"DataDistributionType": "FullyReplicated"}, ["abc", "abc"])],
)
async def test_hosts_share_a_querys_result_unless_it_is_to_be_replicated(
    embedded: Embedded, more: dict[str, Any], expected: list[str]
) -> None:
    for name in "abc":
        embedded.put(f"s3://bucket/athena/orders/{name}", name)
    out = "/opt/ml/processing/out/$(cat /proc/sys/kernel/random/uuid)"
    script = f"ls /opt/ml/processing/in | tr -d '\\n' > {out}"
    definition = {"AthenaDatasetDefinition": ATHENA, **more}
    await run_well(embedded, on_hosts(querying(definition, script), 2))
    folder = embedded.home.s3 / "bucket/out"
    assert sorted(path.read_text() for path in folder.iterdir()) == expected


async def test_a_querys_result_is_streamed_in_pipe_mode(embedded: Embedded) -> None:
    embedded.put("s3://bucket/athena/orders/a", "1\n")
    embedded.put("s3://bucket/athena/orders/b", "2\n")
    script = "cat /opt/ml/processing/in_0 > /opt/ml/processing/out/all"
    definition = {"AthenaDatasetDefinition": ATHENA, "InputMode": "Pipe"}
    await run_well(embedded, querying(definition, script))
    assert embedded.get("s3://bucket/out/all") == "1\n2\n"


@pytest.mark.parametrize(
    ("definition", "code", "words"),
    [
        (
            {"AthenaDatasetDefinition": ATHENA},
            "dataset-missing",
            ["nothing lies at s3://bucket/athena/orders/", "Athena", "SELECT * FROM orders"],
        ),
        ({"RedshiftDatasetDefinition": REDSHIFT}, "dataset-missing", ["Redshift", "SELECT 1"]),
        ({"LocalPath": None, "AthenaDatasetDefinition": ATHENA}, "dataset-definition-invalid",
         ["LocalPath"]),
        ({}, "dataset-definition-invalid", ["either Athena's or Redshift's"]),
        ({"AthenaDatasetDefinition": ATHENA, "RedshiftDatasetDefinition": REDSHIFT},
         "dataset-definition-invalid", ["either Athena's or Redshift's"]),
        ({"AthenaDatasetDefinition": "orders"}, "dataset-definition-invalid", ["either"]),
        ({"AthenaDatasetDefinition": {**ATHENA, "OutputS3Uri": ""}},
         "dataset-definition-invalid", ["OutputS3Uri"]),
    ],
)  # fmt: skip
async def test_a_dataset_that_cannot_be_had_fails_the_step_with_its_name(
    embedded: Embedded, definition: dict[str, Any], code: str, words: list[str]
) -> None:
    view = await run(embedded, querying(definition, f"touch {embedded.folder}/ran"))
    assert view.failure_code == code
    assert view.failure_reason.startswith("ClientError: Read: input orders: ")
    assert all(word in view.failure_reason for word in words), view.failure_reason
    assert view.note
    assert not (embedded.folder / "ran").exists()


async def test_a_dataset_that_the_script_reads_itself_is_left_to_it(embedded: Embedded) -> None:
    await run_well(embedded, querying({"AthenaDatasetDefinition": ATHENA}, "true", AppManaged=True))


# -- feature store outputs -----------------------------------------------------------------------


def featuring(script: str = "true", **output: Any) -> dict[str, Any]:
    """A step with an output to the feature group ``orders``."""
    store = {"FeatureStoreOutput": {"FeatureGroupName": "orders"}, "AppManaged": True}
    given = {"OutputName": "features", **store, **output}
    return processing("Put", script, arguments={"ProcessingOutputConfig": {"Outputs": [given]}})


async def test_a_job_with_a_feature_store_output_runs_and_says_where_records_go(
    embedded: Embedded,
) -> None:
    step = featuring()
    await run_well(embedded, step)
    assert "s3://pipetui/feature-store/orders/ stand for the feature group orders" in labels(step)


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ({"AppManaged": False}, "AppManaged"),
        ({"FeatureStoreOutput": {"FeatureGroupName": "../x"}}, "'../x'"),
        ({"FeatureStoreOutput": {"FeatureGroupName": 3}}, "3"),
        ({"FeatureStoreOutput": "orders"}, "None"),
    ],
)
async def test_a_feature_store_output_that_the_service_would_refuse_fails_the_step(
    embedded: Embedded, output: dict[str, Any], words: str
) -> None:
    view = await run(embedded, featuring(f"touch {embedded.folder}/ran", **output))
    assert view.failure_code == "feature-store-output-invalid"
    assert view.failure_reason.startswith("ClientError: Put: output features: ")
    assert words in view.failure_reason
    assert not (embedded.folder / "ran").exists()


# -- file systems --------------------------------------------------------------------------------

FS = "fs-0123456789abcdef0"


def mounting(script: str, mode: str = "ro", **source: Any) -> dict[str, Any]:
    """A Training step whose channel ``train`` is the folder ``/data`` of a file system."""
    step = training("T", script, channels={"train": ""})
    given = {"FileSystemId": FS, "FileSystemType": "EFS", "FileSystemAccessMode": mode,
             "DirectoryPath": "/data", **source}  # fmt: skip
    step["Arguments"]["InputDataConfig"][0]["DataSource"] = {"FileSystemDataSource": given}
    return step


def share(embedded: Embedded) -> Path:
    """The folder that stands for the file system, with a file in it."""
    folder = embedded.home.root / "file-systems" / FS / "data"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("1\n")
    return folder


def configure(embedded: Embedded, text: str) -> None:
    embedded.home.config.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("runner", ["namespace", "rewrite", "process"])
@pytest.mark.parametrize("mode", ["ro", "rw"])
async def test_a_folder_of_this_host_stands_for_a_file_system(
    embedded: Embedded, runner: str, mode: str
) -> None:
    folder = share(embedded)
    configure(embedded, f'[jobs]\nrunner = "{runner}"\n')
    data = "ml/input/data/train" if runner == "process" else "/opt/ml/input/data/train"
    model = "ml/model" if runner == "process" else "/opt/ml/model"
    script = f"cat {data}/* > {model}/read; echo 2 > {data}/b.csv || echo sealed > {model}/tried"
    step = mounting(script, mode)
    view: StepView = await run_well(embedded, step)
    sealed = mode == "ro" and runner == "namespace"
    assert artifact(embedded, view)["read"] == "1\n"
    assert ("tried" in artifact(embedded, view)) is sealed
    assert (folder / "b.csv").exists() is not sealed
    label = labels(step, Config(job_runner=runner))
    assert f"a folder of this host stands for the EFS {FS} of channel train" in label
    assert ("may write to" in label) is (mode == "ro" and runner != "namespace")


async def test_the_configuration_names_the_folder_of_a_file_system(embedded: Embedded) -> None:
    (embedded.home.root / "lake").mkdir()
    (embedded.home.root / "lake/a.csv").write_text("here\n")
    configure(embedded, f'[file_systems]\n{FS} = "lake"\n')
    script = "cp /opt/ml/input/data/train/a.csv /opt/ml/input/config/*.json /opt/ml/model"
    step = mounting(script, DirectoryPath="/", FileSystemType="FSxLustre")
    step["Arguments"]["AlgorithmSpecification"]["TrainingInputMode"] = "Pipe"
    files = artifact(embedded, await run_well(embedded, step))
    assert files["a.csv"] == "here\n"
    assert json.loads(files["inputdataconfig.json"])["train"]["TrainingInputMode"] == "File"


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [
        ({}, "file-system-missing", [FS, f"file-systems/{FS}/data", "/data"]),
        ({"DirectoryPath": "/data/../../.."}, "file-system-invalid", ["/data/../../.."]),
        ({"DirectoryPath": 7}, "file-system-invalid", ["DirectoryPath 7"]),
        ({"FileSystemId": "../x"}, "file-system-invalid", ["'../x'"]),
        ({"FileSystemId": None}, "file-system-invalid", ["None"]),
        ({"FileSystemAccessMode": "rwx"}, "file-system-invalid", ["'rwx'"]),
    ],
)
async def test_a_file_system_that_is_not_there_fails_the_step_with_channel_and_key(
    embedded: Embedded, source: dict[str, Any], code: str, words: list[str]
) -> None:
    view = await run(embedded, mounting(f"touch {embedded.folder}/ran", **source))
    assert view.failure_code == code
    assert view.failure_reason.startswith("ClientError: T: channel train: ")
    assert all(word in view.failure_reason for word in words), view.failure_reason
    assert "file_systems" in view.note or code == "file-system-invalid"
    assert not (embedded.folder / "ran").exists()


# -- what is stored while a job runs -------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Running jobs are looked at every few milliseconds."""
    monkeypatch.setattr(kept_outputs, "EVERY_S", 0.01)


def waiting_for(path: Path) -> str:
    """A script that goes on once a file is there, and gives up after a minute."""
    return f"n=0; until test -f {path}; do sleep 0.05; n=$((n+1)); test $n -lt 1200 || exit 9; done"


async def test_a_continuous_output_is_stored_while_the_job_runs(
    embedded: Embedded, impatient: None
) -> None:
    place = embedded.home.s3 / "bucket/out"
    script = f"cd /opt/ml/processing/out; echo 1 > a; {waiting_for(place / 'a')}; echo 2 > b"
    step = processing("Out", script, outputs=OUT)
    step["Arguments"]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3UploadMode"] = (
        "Continuous"
    )
    await run_well(embedded, step)
    assert embedded.get("s3://bucket/out/a") == "1\n"
    assert embedded.get("s3://bucket/out/b") == "2\n"


async def test_checkpoints_are_stored_while_the_job_runs(
    embedded: Embedded, impatient: None
) -> None:
    place = embedded.home.s3 / "bucket/ck/epoch-1"
    script = f"echo 1 > /opt/ml/checkpoints/epoch-1; {waiting_for(place)}; exit 5"
    config = {"CheckpointConfig": {"S3Uri": "s3://bucket/ck"}}
    view = await run(embedded, training("T", script, arguments=config))
    assert (view.status, view.failure_reason[-11:]) == (StepStatus.FAILED, "exit code 5")
    assert embedded.get("s3://bucket/ck/epoch-1") == "1\n"
