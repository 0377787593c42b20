"""What a step reads and writes, found in its resolved arguments and properties."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.errors import StorageError
from engine.model.views import StepView
from engine.sources.base import Artifact, ArtifactEntry
from engine.storage.tree import LocalTree

COUNT_LIMIT = 10_000
"""Files counted below an artifact; a larger one is shown as at least that many."""


def artifacts_of(tree: LocalTree, step: StepView) -> list[Artifact]:
    """Inputs, outputs, model, reports and log of a step, in the order of its arguments."""
    found = [
        _measured(tree, role, name, uri) for role, name, uri in dict.fromkeys(_uris(step)) if uri
    ]
    log = Path(step.directory) / "job.log" if step.directory else None
    if log is not None and log.exists():
        found.append(Artifact("log", "job.log", log.as_uri(), str(log), True, log.stat().st_size))
    return found


def _uris(step: StepView) -> Iterator[tuple[str, str, str]]:
    """Role, name and URI of everything the step's arguments and properties point at."""
    arguments = step.arguments if isinstance(step.arguments, Mapping) else {}
    for entry in arguments.get("ProcessingInputs") or ():
        yield "input", str(entry.get("InputName", "")), _text(entry, "S3Input", "S3Uri")
    for channel in arguments.get("InputDataConfig") or ():
        uri = _text(channel, "DataSource", "S3DataSource", "S3Uri")
        yield "input", str(channel.get("ChannelName", "")), uri
    transform = _text(arguments, "TransformInput", "DataSource", "S3DataSource", "S3Uri")
    yield "input", "transform", transform
    for output in (arguments.get("ProcessingOutputConfig") or {}).get("Outputs") or ():
        yield "output", str(output.get("OutputName", "")), _text(output, "S3Output", "S3Uri")
    yield "output", "transform", _text(arguments, "TransformOutput", "S3OutputPath")
    yield "model", "model", _text(step.properties, "ModelArtifacts", "S3ModelArtifacts")
    yield "output", "output", _text(step.properties, "OutputDataLocation")
    containers = [arguments.get("PrimaryContainer"), *(arguments.get("Containers") or ())]
    containers += (arguments.get("InferenceSpecification") or {}).get("Containers") or ()
    for number, container in enumerate(filter(None, containers)):
        yield "model", f"container {number + 1}", _text(container, "ModelDataUrl")
    yield from _reports(arguments.get("ModelMetrics"))


def _reports(value: Any, name: str = "") -> Iterator[tuple[str, str, str]]:
    if isinstance(value, Mapping):
        if isinstance(value.get("S3Uri"), str):
            yield "report", name, value["S3Uri"]
            return
        for key, inner in value.items():
            yield from _reports(inner, f"{name}.{key}" if name else key)


def _text(value: Any, *path: str) -> str:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else ""


def _measured(tree: LocalTree, role: str, name: str, uri: str) -> Artifact:
    try:
        path = tree.path_of(uri)
    except StorageError:
        return Artifact(role, name, uri, exists=False, files=0)
    if path.is_file():
        return Artifact(role, name, uri, str(path), True, path.stat().st_size)
    if not path.is_dir():
        return Artifact(role, name, uri, str(path), False, 0, 0)
    size = files = 0
    for folder, _, names in os.walk(path):
        for one in names:
            size += os.lstat(os.path.join(folder, one)).st_size
            files += 1
        if files > COUNT_LIMIT:
            break
    return Artifact(role, name, uri, str(path), True, size, files)


def entries_of(tree: LocalTree, uri: str) -> list[ArtifactEntry]:
    """What lies directly under a URI, folders first.

    Errors: ``StorageError`` where it cannot be read.
    """
    path = tree.path_of(uri)
    if not path.is_dir():
        return []
    found = []
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_symlink():
                continue
            state = entry.stat(follow_symlinks=False)
            folder = entry.is_dir(follow_symlinks=False)
            below = f"{uri.rstrip('/')}/{entry.name}"
            found.append(ArtifactEntry(entry.name, below, folder, state.st_size, state.st_mtime))
    return sorted(found, key=lambda one: (not one.folder, one.name))
