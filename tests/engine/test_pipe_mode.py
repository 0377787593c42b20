"""Pipe mode: inputs out of named pipes, one for each epoch, with real processes."""

from __future__ import annotations

import gzip
import json
import os
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import Config
from engine.environments.algorithms.serving.framing import record_io
from engine.model.status import StepStatus
from engine.model.views import StepView
from engine.steps import pipes
from engine.steps.hosts import Host as LocalHost
from engine.steps.pipes import Pipe, fed, remove, stage
from engine.storage.tree import LocalTree
from tests.contract.job_bench import Bench, bench, image, log, probe
from tests.engine.crash import Host
from tests.engine.crash import host as host  # a fixture
from tests.engine.embedded import Embedded, definition, processing
from tests.engine.test_training import artifact, run, run_well, training

__all__ = ["bench", "image", "probe"]
DATA = "/opt/ml/input/data"
MODEL = "/opt/ml/model"
CHANNELS = {"train": "s3://bucket/in"}


def piped(script: str, channel: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A Training step that reads the channel ``train`` in Pipe mode."""
    algorithm = {"TrainingInputMode": "Pipe"}
    step = training("T", script, channels=CHANNELS, algorithm=algorithm, **more)
    step["Arguments"]["InputDataConfig"][0] |= channel or {}
    return step


def put(embedded: Embedded) -> None:
    """Three objects, one of them in a folder."""
    for name, text in (("b.csv", "3\n"), ("a.csv", "1\n"), ("a/x.csv", "2\n")):
        embedded.put(f"s3://bucket/in/{name}", text)


@pytest.fixture(params=["auto", "rewrite"])
def runner(request: pytest.FixtureRequest, embedded: Embedded) -> str:
    """The job runners that stream."""
    name = str(request.param)
    embedded.home.config.write_text(f'[jobs]\nrunner = "{name}"\n', encoding="utf-8")
    return name


async def test_each_epoch_streams_all_objects_joined_in_order_of_their_keys(
    embedded: Embedded, runner: str
) -> None:
    put(embedded)
    look = f"ls {DATA} > {MODEL}/seen; for n in 0 1 2; do cat {DATA}/train_$n > {MODEL}/$n; done"
    view = await run_well(embedded, piped(f"{look}; cp /opt/ml/input/config/*.json {MODEL}"))
    files = artifact(embedded, view)
    assert [files[n] for n in "012"] == ["1\n2\n3\n"] * 3
    assert "train" not in files["seen"].split()
    config = json.loads(files["inputdataconfig.json"])
    assert config["train"]["TrainingInputMode"] == "Pipe"


async def test_the_pipe_of_the_next_epoch_is_there_before_one_was_read(embedded: Embedded) -> None:
    put(embedded)
    first = f"test -p {DATA}/train_0 && test -p {DATA}/train_1"
    then = f"cat {DATA}/train_0 && head -c 1 {DATA}/train_1 && test -p {DATA}/train_2"
    await run_well(embedded, piped(f"{first} && {then}"))


async def test_a_place_outside_of_the_inputs_is_refused(embedded: Embedded) -> None:
    put(embedded)
    source = {"S3Uri": "s3://bucket/in", "LocalPath": "/opt/ml/model/x", "S3InputMode": "Pipe"}
    inputs = {"ProcessingInputs": [{"InputName": "in", "S3Input": source}]}
    view = await run(embedded, processing("P", "true", arguments=inputs))
    assert view.failure_code == "path-outside-opt-ml"


async def test_a_reader_that_closes_early_is_given_the_next_epoch_from_its_start(
    embedded: Embedded, runner: str
) -> None:
    embedded.put("s3://bucket/in/a.csv", "line\n" * 100_000)
    script = (
        f"head -n 1 {DATA}/train_0 > {MODEL}/0; head -n 2 {DATA}/train_1 > {MODEL}/1;"
        f" wc -l < {DATA}/train_2 > {MODEL}/2"
    )
    view = await run_well(embedded, piped(script))
    files = {name: text.strip() for name, text in artifact(embedded, view).items()}
    assert files == {"0": "line", "1": "line\nline", "2": "100000"}
    assert embedded.log(view) == ""


async def test_a_job_that_reads_no_pipe_ends_and_leaves_none(
    embedded: Embedded, runner: str
) -> None:
    put(embedded)
    view = await run_well(embedded, piped("exit 0"))
    assert _pipes(view) == []


def _pipes(view: StepView) -> list[Path]:
    data = Path(view.directory, "ml/input/data")
    assert data.is_dir()
    return [path for path in data.iterdir() if path.is_fifo()]


async def test_the_exit_code_is_that_of_the_command(embedded: Embedded, runner: str) -> None:
    put(embedded)
    view = await run(embedded, piped(f"head -c 1 {DATA}/train_0; exit 7"))
    assert view.failure_reason.endswith("exit code 7")


async def test_a_command_that_waits_for_its_children_has_none_of_ours(embedded: Embedded) -> None:
    put(embedded)
    code = "import os\ntry: os.wait()\nexcept ChildProcessError: raise SystemExit(0)\nraise 1"
    entry = {"TrainingInputMode": "Pipe", "ContainerEntrypoint": ["python3", "-c", code]}
    await run_well(embedded, training("T", channels=CHANNELS, algorithm=entry))


async def test_each_host_streams_its_share_of_the_keys(embedded: Embedded) -> None:
    put(embedded)
    source = {"S3Uri": "s3://bucket/in", "S3DataDistributionType": "ShardedByS3Key"}
    out = {"OutputName": "out", "S3Output": {"S3Uri": "s3://bucket/out",
                                             "LocalPath": "/opt/ml/processing/out"}}  # fmt: skip
    script = (
        'h=$(sed -n \'s/.*"current_host": *"\\([^"]*\\)".*/\\1/p\''
        " /opt/ml/config/resourceconfig.json); cat /opt/ml/processing/in_0"
        " > /opt/ml/processing/out/$h; cat /opt/ml/processing/in_1 >> /opt/ml/processing/out/$h"
    )
    step = processing("P", script, arguments={
        "ProcessingInputs": [{"InputName": "in", "S3Input": {
            **source, "LocalPath": "/opt/ml/processing/in", "S3InputMode": "Pipe"}}],
        "ProcessingOutputConfig": {"Outputs": [out]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 2, "InstanceType": "ml.m5.large"}},
    })  # fmt: skip
    view = await run(embedded, step)
    assert view.status is StepStatus.SUCCEEDED, (view.failure_reason, embedded.log(view))
    assert embedded.get("s3://bucket/out/algo-1") == "1\n3\n" * 2
    assert embedded.get("s3://bucket/out/algo-2") == "2\n" * 2


async def test_gzip_and_a_manifest_are_as_for_files(embedded: Embedded) -> None:
    packed = embedded.home.s3 / "bucket/raw/a.gz"
    packed.parent.mkdir(parents=True)
    packed.write_bytes(gzip.compress(b"unpacked\n"))
    embedded.put("s3://bucket/list", json.dumps([{"prefix": "s3://bucket/raw/"}, "a.gz"]))
    source = {"S3DataType": "ManifestFile", "S3Uri": "s3://bucket/list"}
    channel = {"DataSource": {"S3DataSource": source}, "CompressionType": "Gzip"}
    view = await run_well(embedded, piped(f"cat {DATA}/train_0 > {MODEL}/x", channel))
    assert artifact(embedded, view) == {"x": "unpacked\n"}


async def test_objects_are_records_where_the_channel_asks_for_recordio(embedded: Embedded) -> None:
    put(embedded)
    channel = {"RecordWrapperType": "RecordIO"}
    view = await run_well(embedded, piped(f"od -An -tx1 -v {DATA}/train_0 > {MODEL}/x", channel))
    data = bytes.fromhex(artifact(embedded, view)["x"])
    assert data == b"".join(
        bytes.fromhex("0a23d7ce") + struct.pack("<I", 2) + text + b"\0\0"
        for text in (b"1\n", b"2\n", b"3\n")
    )


@given(st.lists(st.sampled_from([b"\x0a\x23\xd7\xce", b"a", b"bcd", b"efgh"]), max_size=12))
def test_a_record_holds_no_magic_number_and_is_read_back(parts: list[bytes]) -> None:
    data = b"".join(parts)
    record = b"".join(record_io(data))
    assert len(record) % 4 == 0
    assert _read(record) == data


def _read(record: bytes) -> bytes:
    """What a record holds, read as MXNet's reader does."""
    found, position = b"", 0
    kinds: list[int] = []
    while position < len(record):
        magic, flags = struct.unpack_from("<II", record, position)
        assert magic == 0xCED7230A
        kind, length = flags >> 29, flags & (1 << 29) - 1
        part = record[position + 8 : position + 8 + length]
        assert all(part[at : at + 4] != b"\x0a\x23\xd7\xce" for at in range(0, length, 4))
        found += (b"\x0a\x23\xd7\xce" if kinds else b"") + part
        kinds.append(kind)
        position += 8 + length + -length % 4
    assert kinds == ([0] if len(kinds) == 1 else [1, *[2] * (len(kinds) - 2), 3])
    return found


def test_a_stream_goes_on_where_its_runner_was_killed(host: Host) -> None:
    folder = host.home.s3 / "bucket/in"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("line\n" * 100_000)
    up, gate = host.fifo("up"), host.fifo("gate")
    script = (
        f"exec 3< {DATA}/train_0; head -c 5 <&3 > /dev/null; echo up > {up.path};"
        f" read word < {gate.path}; cat <&3 > /dev/null; wc -l < {DATA}/train_1 > {MODEL}/lines"
    )
    execution_id = host.start(definition(piped(script)))
    assert up.hear() == "up\n"
    job = host.job(execution_id, "T")
    host.kill_runner(execution_id)
    host.take_over(execution_id)
    assert host.job(execution_id, "T") == job
    gate.say()
    view = host.settle(execution_id).steps["T"]
    assert view.status is StepStatus.SUCCEEDED, view.failure_reason
    assert len(view.attempts) == 1


async def test_a_job_that_is_shown_no_opt_ml_has_its_pipes_below_its_folder(
    embedded: Embedded,
) -> None:
    put(embedded)
    embedded.home.config.write_text('[jobs]\nrunner = "process"\n', encoding="utf-8")
    step = piped("cat ml/input/data/train_0 ml/input/data/train_1")
    assert embedded.log(await run_well(embedded, step)) == "1\n2\n3\n" * 2
    source = {
        "S3Uri": "s3://bucket/in",
        "LocalPath": "/opt/ml/processing/in",
        "S3InputMode": "Pipe",
    }
    inputs = {"ProcessingInputs": [{"InputName": "in", "S3Input": source}]}
    step = processing("P", "cat ml/processing/in_0", arguments=inputs)
    view = (await embedded.run(definition(step))).steps["P"]
    assert embedded.log(view) == "1\n2\n3\n"
    assert not [name for name in os.listdir(f"{view.directory}/ml/processing") if "_" in name]


async def test_every_runner_with_an_opt_ml_streams(bench: Bench) -> None:
    if bench.name == "process":
        pytest.skip("a plain process sees no /opt/ml")
    tree = LocalTree(bench.home / "s3")
    tree.put("s3://bucket/in/a", b"1\n")
    tree.put("s3://bucket/in/b", b"2\n")
    job = bench.job("sh", "-c", 'cat "$1_0" "$1_1"; head -n 1 "$1_2"', "sh", f"{DATA}/train")
    place = LocalHost(0, 1, Path(job.directory))
    channels = [Pipe("channel train", f"{DATA}/train", {"S3Uri": "s3://bucket/in"})]
    stage(tree, place, channels)
    end = await bench.runner.wait(await bench.runner.start(fed(job, place, channels, Config())))
    remove([place], channels)
    assert (end.code, log(job)) == (0, b"1\n2\n1\n2\n1\n")
    assert os.listdir(place.ml.host_path(DATA)) == []


# -- augmented manifests -------------------------------------------------------------------------

LABELLED = {"S3DataType": "AugmentedManifestFile", "S3Uri": "s3://bucket/labelled.manifest",
            "AttributeNames": ["image-ref", "is-a-cat", "box"]}  # fmt: skip


def labelled(embedded: Embedded, *lines: Any) -> None:
    """A manifest of these lines; without any of two good ones, whose images are there."""
    for name in "ab":
        embedded.put(f"s3://bucket/images/{name}", f"<{name}>")
    good = [
        {"box": {"w": 1}, "image-ref": f"s3://bucket/images/{name}", "is-a-cat": cat, "more": 0}
        for name, cat in (("a", 1), ("b", "no"))
    ]
    text = "".join(
        f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines or good
    )
    embedded.put("s3://bucket/labelled.manifest", text)


def manifested(script: str, **more: Any) -> dict[str, Any]:
    """A Training step whose channel ``train`` is the manifest."""
    source = {"DataSource": {"S3DataSource": {**LABELLED, **more.pop("source", {})}}}
    return piped(script, {**source, **more.pop("channel", {})}, **more)


async def test_an_augmented_manifest_streams_its_attributes_in_their_order(
    embedded: Embedded,
) -> None:
    labelled(embedded)
    view = await run_well(embedded, manifested(f"cat {DATA}/train_0 > {MODEL}/x"))
    assert artifact(embedded, view) == {"x": '<a>1{"w": 1}<b>no{"w": 1}'}


async def test_each_attribute_is_a_record_where_the_channel_asks_for_recordio(
    embedded: Embedded,
) -> None:
    labelled(embedded)
    script = f"od -An -tx1 -v {DATA}/train_0 > {MODEL}/x"
    step = manifested(
        script,
        source={"AttributeNames": ["image-ref", "is-a-cat"]},
        channel={"RecordWrapperType": "RecordIO"},
    )
    data = bytes.fromhex(artifact(embedded, await run_well(embedded, step))["x"])
    expected = (b"".join(record_io(value)) for value in (b"<a>", b"1", b"<b>", b"no"))
    assert data == b"".join(expected)


async def test_hosts_are_dealt_the_lines_of_an_augmented_manifest(embedded: Embedded) -> None:
    labelled(embedded)
    step = manifested(
        f"cat {DATA}/train_0 > /opt/ml/checkpoints/$(cat /proc/sys/kernel/random/uuid)",
        source={"S3DataDistributionType": "ShardedByS3Key", "AttributeNames": ["image-ref"]},
        arguments={"CheckpointConfig": {"S3Uri": "s3://bucket/ck"}},
    )
    step["Arguments"].setdefault("ResourceConfig", {})["InstanceCount"] = 2
    await run_well(embedded, step)
    folder = embedded.home.s3 / "bucket/ck"
    assert sorted(path.read_text() for path in folder.iterdir()) == ["<a>", "<b>"]


@pytest.mark.parametrize(
    ("source", "lines", "words"),
    [
        ({"AttributeNames": []}, (), "AttributeNames"),
        ({"AttributeNames": "image-ref"}, (), "AttributeNames"),
        ({}, ({"is-a-cat": 1},), "line 1 of the manifest has no attribute 'image-ref'"),
        ({"AttributeNames": ["x"]}, ({"x": 1}, "[1]"), "line 2 of the manifest is no JSON object"),
        ({"AttributeNames": ["x"]}, ("{",), "line 1 of the manifest is no JSON object"),
        ({"AttributeNames": ["x-ref"]}, ({"x-ref": 3},), "x-ref is no S3 URI"),
        ({"AttributeNames": ["x-ref"]}, ({"x-ref": "s3://bucket/none"},), "s3://bucket/none"),
        ({"AttributeNames": ["x-ref"]}, ({"x-ref": "s3://bucket/images"},), "s3://bucket/images"),
        ({"AttributeNames": ["x-ref"]}, ({"x-ref": "ftp://x/y"},), "ftp://x/y"),
        ({"S3Uri": "s3://bucket/images"}, (), "s3://bucket/images is not one manifest"),
    ],
)
async def test_a_bad_augmented_manifest_fails_the_step_with_channel_and_line(
    embedded: Embedded, source: dict[str, Any], lines: tuple[Any, ...], words: str
) -> None:
    labelled(embedded, *lines)
    view = await run(embedded, manifested(f"touch {embedded.folder}/ran", source=source))
    assert view.failure_code == "augmented-manifest-invalid"
    assert view.failure_reason.startswith("ClientError: channel train")
    assert words in view.failure_reason
    assert not (embedded.folder / "ran").exists()


async def test_an_augmented_manifest_in_file_mode_fails_as_on_aws(embedded: Embedded) -> None:
    labelled(embedded)
    view = await run(embedded, manifested("true", channel={"InputMode": "File"}))
    assert view.failure_code == "data-type-unsupported"
    assert "AugmentedManifestFile" in view.failure_reason
    assert "Pipe mode" in view.note


# -- shuffling -----------------------------------------------------------------------------------


async def test_a_shuffled_channel_has_an_order_for_each_epoch_that_its_seed_tells(
    embedded: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipes, "_LINE", 7)
    for number in range(30):
        embedded.put(f"s3://bucket/in/{number:02d}", f"{number}\n")
    script = f"for n in 0 1; do cat {DATA}/train_$n > {MODEL}/$n; done; head -n 1 {DATA}/train_2"
    found = []
    for seed in (7, "7", 8):
        step = piped(script, {"ShuffleConfig": {"Seed": seed}})
        found.append(artifact(embedded, await run_well(embedded, step)))
    epochs = [files[n].split() for files in found for n in "01"]
    assert all(sorted(map(int, epoch)) == [*range(30)] for epoch in epochs)
    assert found[0] == found[1]
    assert len({tuple(epoch) for epoch in epochs}) == 4


async def test_the_lines_of_an_augmented_manifest_are_shuffled(embedded: Embedded) -> None:
    labelled(embedded, *({"n": f"{number}\n"} for number in range(50)))
    source = {"AttributeNames": ["n"]}
    channel = {"ShuffleConfig": {"Seed": 1}}
    step = manifested(f"cat {DATA}/train_0 > {MODEL}/x", source=source, channel=channel)
    found = artifact(embedded, await run_well(embedded, step))["x"].split()
    assert [*map(int, found)] != [*range(50)] == sorted(map(int, found))


@pytest.mark.parametrize("config", [{"Seed": "x"}, {"Seed": None}, {}])
async def test_a_seed_that_is_no_number_fails_the_step_with_the_channel(
    embedded: Embedded, config: dict[str, Any]
) -> None:
    put(embedded)
    view = await run(embedded, piped("true", {"ShuffleConfig": config}))
    assert view.failure_code == "job-setting-invalid"
    assert "channel train" in view.failure_reason
