"""What a training job leaves: model, output data and checkpoints, stored where it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.steps.base import StepContext
from engine.steps.hosts import Host
from engine.steps.inputs import section
from engine.steps.kept_outputs import KeptOutput, store_all
from engine.steps.training_input import MODEL, OUTPUT, checkpoint_config
from engine.storage.archive import pack
from engine.storage.mirror import Mirror
from engine.storage.transfer import upload_local

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """URIs of what was stored; empty for what the job did not leave."""

    model: str = ""
    output: str = ""


def expected_model(arguments: Json, job_name: str) -> str:
    """Where a job's model goes; empty where the request names no place.

    Its key has the job's name, so that jobs with one S3OutputPath do not overwrite each other.
    """
    base = _base(arguments, job_name)
    name = "model/" if _uncompressed(arguments) else "model.tar.gz"
    return f"{base}/{name}" if base else ""


def checkpoints_of(context: StepContext, hosts: Sequence[Host]) -> list[KeptOutput]:
    """The checkpoints of each host, which are stored while the job runs; none without a place."""
    uri, local = checkpoint_config(context.arguments)
    tree = context.services.tree
    return [KeptOutput(host, local, Mirror(tree, uri), True) for host in hosts if uri]


def store_results(
    context: StepContext, hosts: Sequence[Host], checkpoints: Sequence[KeptOutput]
) -> Kept:
    """Store what the job left; a failed or stopped job's results too, as the service does.

    Model and output are those of the first host, checkpoints those of all.
    """
    arguments: Json = context.arguments
    store_all(checkpoints)
    model = expected_model(arguments, context.job_name)
    if not model:
        return Kept()
    output = f"{_base(arguments, context.job_name)}/output.tar.gz"
    return Kept(_store(context, hosts[0], MODEL, model), _store(context, hosts[0], OUTPUT, output))


def _base(arguments: Json, job_name: str) -> str:
    path = str(section(arguments, "OutputDataConfig").get("S3OutputPath") or "").rstrip("/")
    return f"{path}/{job_name}/output" if path else ""


def _uncompressed(arguments: Json) -> bool:
    return section(arguments, "OutputDataConfig").get("CompressionType") == "NONE"


def _store(context: StepContext, host: Host, local: str, uri: str) -> str:
    """Store a folder of the job at ``uri``: packed, or as it is where that ends in a slash."""
    folder = host.ml.left(local)
    if folder is None or not any(folder.iterdir()):
        return ""
    tree = context.services.tree
    if uri.endswith("/"):
        upload_local(tree, folder, uri)
        return uri
    archive = context.directory / uri.rpartition("/")[2]
    pack(folder, archive)
    tree.put(uri, archive)
    archive.unlink()
    return uri
