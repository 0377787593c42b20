"""What a training job finds: configuration files, channels, code, earlier checkpoints."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from engine.steps.base import StepContext
from engine.steps.file_systems import file_system_of, link_unmounted
from engine.steps.hosts import Host
from engine.steps.inputs import bring, mappings, section
from engine.steps.opt_ml import resource_config, text_map
from engine.steps.pipes import Pipe, stage
from engine.storage.archive import unpack
from engine.storage.transfer import download_local

Json = Mapping[str, Any]
PROGRAM = "sagemaker_program"
SUBMIT_DIRECTORY = "sagemaker_submit_directory"
CONFIG = "/opt/ml/input/config"
CODE = "/opt/ml/code"
MODEL = "/opt/ml/model"
OUTPUT = "/opt/ml/output/data"
_CHECKPOINTS = "/opt/ml/checkpoints"
_ARCHIVES = (".tar.gz", ".tgz")


def lay_out(context: StepContext, hosts: Sequence[Host], pipes: Sequence[Pipe] = ()) -> None:
    """Make ``/opt/ml`` on each host; channels that are not among ``pipes`` are files."""
    arguments: Json = context.arguments
    resources = section(arguments, "ResourceConfig")
    streamed = {pipe.path for pipe in pipes}
    files = {
        "hyperparameters": hyperparameters(arguments),
        "inputdataconfig": data_config(arguments, streamed),
    }
    uri, checkpoints = checkpoint_config(arguments)
    if uri:
        files["checkpointconfig"] = {"S3Uri": uri, "LocalPath": checkpoints}
    instance_type = str(resources.get("InstanceType", "local"))
    for host in hosts:
        host.folder.mkdir(mode=0o700, exist_ok=True)
        resource = resource_config(instance_type, host.number, host.count)
        for name, content in {**files, "resourceconfig": resource}.items():
            host.ml.write_json(f"{CONFIG}/{name}.json", content)
        for folder in (MODEL, OUTPUT, checkpoints):
            host.ml.make(folder)
        for channel in arguments.get("InputDataConfig") or ():
            if _channel_path(channel) not in streamed:
                _bring_channel(context, host, channel)
        stage(context.services.tree, host, pipes)
        if uri and context.services.tree.list(uri, limit=1):
            download_local(context.services.tree, uri, host.ml.make(checkpoints))
        _bring_code(context, host)


def hyperparameters(arguments: Json) -> dict[str, str]:
    """HyperParameters as the job gets them: as text."""
    return text_map(arguments.get("HyperParameters"))


def checkpoint_config(arguments: Json) -> tuple[str, str]:
    """S3 URI of the checkpoints, empty where none are kept, and where the job has them."""
    config = section(arguments, "CheckpointConfig")
    return str(config.get("S3Uri") or ""), str(config.get("LocalPath") or _CHECKPOINTS)


def input_mode(arguments: Json, channel: Json) -> Any:
    """The input mode of a channel: its own, else the algorithm's."""
    general = section(arguments, "AlgorithmSpecification").get("TrainingInputMode")
    return channel.get("InputMode") or general or "File"


def pipes_of(arguments: Json) -> list[Pipe]:
    """The channels whose input mode is Pipe."""
    return [
        Pipe(
            f"channel {_channel_name(channel)}",
            _channel_path(channel),
            section(section(channel, "DataSource"), "S3DataSource"),
            channel.get("CompressionType"),
            channel.get("RecordWrapperType") == "RecordIO",
            _seed(channel),
        )
        for channel in mappings(arguments.get("InputDataConfig"))
        if input_mode(arguments, channel) == "Pipe" and not file_system_of(channel)
    ]


def data_config(arguments: Json, streamed: Collection[str]) -> dict[str, Any]:
    """``inputdataconfig.json``: what each channel holds, and whether it is streamed."""
    found = {}
    for channel in arguments.get("InputDataConfig") or ():
        source = section(section(channel, "DataSource"), "S3DataSource")
        mode = input_mode(arguments, channel)
        if mode == "Pipe" and _channel_path(channel) not in streamed:
            mode = "File"
        entry = {
            "TrainingInputMode": mode,
            "S3DistributionType": source.get("S3DataDistributionType") or "FullyReplicated",
            "RecordWrapperType": channel.get("RecordWrapperType") or "None",
        }
        if channel.get("ContentType"):
            entry["ContentType"] = channel["ContentType"]
        found[_channel_name(channel)] = entry
    return found


def _channel_name(channel: Json) -> str:
    return str(channel.get("ChannelName") or "training")


def _channel_path(channel: Json) -> str:
    return f"/opt/ml/input/data/{_channel_name(channel)}"


def _seed(channel: Json) -> Any:
    """The seed of a channel's ShuffleConfig, empty where it lacks one; None without a config."""
    config = channel.get("ShuffleConfig")
    if not isinstance(config, Mapping):
        return None
    seed = config.get("Seed")
    return "" if seed is None else seed


def _bring_channel(context: StepContext, host: Host, channel: Json) -> None:
    if file_system_of(channel):
        link_unmounted(context, host.ml.make(_channel_path(channel)), channel)
        return
    bring(
        context.services.tree,
        host,
        section(section(channel, "DataSource"), "S3DataSource"),
        host.ml.make(_channel_path(channel)),
        what=f"channel {_channel_name(channel)}",
        compression=channel.get("CompressionType"),
    )


def _bring_code(context: StepContext, host: Host) -> None:
    """Script mode's source: a tar.gz, or (a convenience here) a folder."""
    given = hyperparameters(context.arguments)
    uri = decoded(given.get(SUBMIT_DIRECTORY, ""))
    if PROGRAM not in given or not uri or PurePosixPath(uri).is_relative_to(CODE):
        return
    tree, target = context.services.tree, host.ml.make(CODE)
    if not uri.endswith(_ARCHIVES):
        download_local(tree, uri, target)
        return
    packed = host.folder / "source"
    download_local(tree, uri, packed)
    unpack(packed / PurePosixPath(uri).name, target)
    shutil.rmtree(packed)


def decoded(value: str) -> str:
    """Script mode JSON-encodes its values: ``"train.py"`` arrives with quotes around it."""
    try:
        decoded = json.loads(value)
    except ValueError:
        return value
    return decoded if isinstance(decoded, str) else value
