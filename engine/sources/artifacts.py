"""What a step reads and writes, found in its resolved arguments and properties."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.errors import StorageError
from engine.jobs.attempt import LOG
from engine.model.views import StepView
from engine.sources.base import Artifact, ArtifactEntry
from engine.storage.base import reporting
from engine.storage.location import segment_of
from engine.storage.tree import LocalTree

COUNT_LIMIT = 10_000
"""Files counted below an artifact; a larger one is shown as at least that many."""


def artifacts_of(tree: LocalTree, step: StepView) -> list[Artifact]:
    """Inputs, outputs, model, reports and log of a step, in the order of its arguments."""
    found = [
        _measured(tree, role, name, uri) for role, name, uri in dict.fromkeys(_uris(step)) if uri
    ]
    return found + list(_logs(step))


def _logs(step: StepView) -> Iterator[Artifact]:
    """The log of each host of the step's last attempt."""
    if not step.directory:
        return
    folder = Path(step.directory)
    for log in (folder / LOG, *sorted(folder.glob(f"algo-*/{LOG}"))):
        with suppress(OSError):
            name, state = str(log.relative_to(folder)), log.stat()
            uri, size, written = log.absolute().as_uri(), state.st_size, state.st_mtime
            yield Artifact("log", name, uri, str(log), True, size, modified_at=written)


def _uris(step: StepView) -> Iterator[tuple[str, str, str]]:
    """Role, name and URI of everything the step's arguments and properties point at."""
    arguments = step.arguments
    for entry in _list(arguments, "ProcessingInputs"):
        yield "input", _text(entry, "InputName"), _text(entry, "S3Input", "S3Uri")
        for kind in ("AthenaDatasetDefinition", "RedshiftDatasetDefinition"):
            uri = _text(entry, "DatasetDefinition", kind, "OutputS3Uri")
            yield "input", _text(entry, "InputName"), uri
    for channel in _list(arguments, "InputDataConfig"):
        uri = _text(channel, "DataSource", "S3DataSource", "S3Uri")
        yield "input", _text(channel, "ChannelName"), uri
    transform = _text(arguments, "TransformInput", "DataSource", "S3DataSource", "S3Uri")
    yield "input", "transform", transform
    for output in _list(arguments, "ProcessingOutputConfig", "Outputs"):
        yield "output", _text(output, "OutputName"), _text(output, "S3Output", "S3Uri")
    yield "output", "transform", _text(arguments, "TransformOutput", "S3OutputPath")
    yield "model", "model", _text(step.properties, "ModelArtifacts", "S3ModelArtifacts")
    yield "output", "output", _text(step.properties, "OutputDataLocation")
    yield "output", "checkpoints", _text(arguments, "CheckpointConfig", "S3Uri")
    containers = [_at(arguments, "PrimaryContainer"), *_list(arguments, "Containers")]
    containers += _list(arguments, "InferenceSpecification", "Containers")
    for number, container in enumerate(filter(None, containers)):
        yield "model", f"container {number + 1}", _text(container, "ModelDataUrl")
    yield from _reports(_at(arguments, "ModelMetrics"))


def _reports(value: Any, name: str = "") -> Iterator[tuple[str, str, str]]:
    if isinstance(value, Mapping):
        if isinstance(value.get("S3Uri"), str):
            yield "report", name, value["S3Uri"]
            return
        for key, inner in value.items():
            yield from _reports(inner, f"{name}.{key}" if name else key)


def _at(value: Any, *path: str) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _text(value: Any, *path: str) -> str:
    found = _at(value, *path)
    return found if isinstance(found, str) else ""


def _list(value: Any, *path: str) -> list[Any]:
    found = _at(value, *path)
    return list(found) if isinstance(found, list | tuple) else []


def _folder(uri: str) -> str:
    """The URI of a folder; with a slash at its end it would be that of the folder's marker."""
    return uri.rstrip("/") if uri.strip("/") else uri


def _measured(tree: LocalTree, role: str, name: str, uri: str) -> Artifact:
    try:
        path = tree.path_of(_folder(uri))
    except StorageError:
        return Artifact(role, name, uri, exists=False, files=0)
    if path.is_file():
        state = path.stat()
        return Artifact(role, name, uri, str(path), True, state.st_size, 1, False, state.st_mtime)
    if not path.is_dir():
        return Artifact(role, name, uri, str(path), False, 0, 0)
    size, files, latest = 0, 0, 0.0
    for folder, _, names in os.walk(path):
        for one in names:
            with suppress(OSError):  # a job may remove it meanwhile
                state = os.lstat(os.path.join(folder, one))
                size, files = size + state.st_size, files + 1
                latest = max(latest, state.st_mtime)
        if files > COUNT_LIMIT:
            break
    return Artifact(role, name, uri, str(path), True, size, files, True, latest)


def entries_of(tree: LocalTree, uri: str) -> list[ArtifactEntry]:
    """What lies directly under a URI, folders first.

    Errors: ``StorageError`` where it cannot be read.
    """
    place = tree.locate(_folder(uri))
    path = tree.path_of(place)
    if not path.is_dir():
        return []
    found = []
    with reporting(uri), os.scandir(path) as entries:
        for entry in entries:
            name = segment_of(entry.name) if place.scheme == "s3" else entry.name
            if not name or entry.is_symlink():
                continue
            with suppress(FileNotFoundError):
                state = entry.stat(follow_symlinks=False)
                folder = entry.is_dir(follow_symlinks=False)
                below = f"{uri.rstrip('/')}/{name}"
                found.append(ArtifactEntry(name, below, folder, state.st_size, state.st_mtime))
    return sorted(found, key=lambda one: (not one.folder, one.name))
