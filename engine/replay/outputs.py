"""What a replay wrote to S3, read and compared with what the recorded step had written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from engine.comparison.trees import (
    Change,
    FileEntry,
    compare_trees,
    undecided,
)
from engine.errors import StorageError
from engine.model.views import StepView
from engine.replay.report import OutputDifference, Replay
from engine.replay.scratch import below, outputs_of, overlay_of, real_tree
from engine.sources.base import Artifact
from engine.sources.folders import compare_files
from engine.storage.base import ObjectInfo
from engine.storage.tree import LocalTree

CONTENTS = 20
"""Changed files of an output whose contents are compared."""

Objects = dict[str, ObjectInfo]
"""Objects by their name inside an output."""


def compare_outputs(replay: Replay, now: StepView) -> list[OutputDifference]:
    """The declared outputs of a step before and now, then what was written to S3 elsewhere.

    Args:
        now: the step as the replay left it.
    """
    real, overlay = real_tree(replay), overlay_of(replay)
    pairs = _pairs(outputs_of(real, replay.recorded), outputs_of(real, now))
    found = []
    declared: set[str] = set()
    for then, after in pairs:
        old = _named(real, then.uri, below(real, then.uri))
        new = _named(overlay, after.uri, below(overlay, after.uri, overlay.written))
        declared |= {one.uri for one in new.values()}
        found.append(_difference(real, then.role, then.name, then.uri, old, overlay, new))
    others: dict[str, Objects] = {}
    for one in overlay.all_written():
        if one.uri not in declared:
            place = overlay.locate(one.uri)
            top = f"s3://{place.bucket}/" if place.scheme == "s3" else "file:///"
            others.setdefault(top, {})[place.key.lstrip("/")] = one
    for top, new in others.items():
        old = {name: info for name, one in new.items() if (info := _stat(real, one.uri))}
        name = top.removeprefix("s3://").rstrip("/")
        found.append(_difference(real, "other", name, top, old, overlay, new))
    return found


def _pairs(before: Sequence[Artifact], now: Sequence[Artifact]) -> list[tuple[Artifact, Artifact]]:
    """The outputs of both by role and name; one that only one of them names stands for both."""
    old = {(one.role, one.name): one for one in before}
    new = {(one.role, one.name): one for one in now}
    return [(old.get(key) or new[key], new.get(key) or old[key]) for key in {**old, **new}]


def _named(tree: LocalTree, uri: str, found: Iterable[ObjectInfo]) -> Objects:
    objects = list(found)
    if not objects:
        return {}
    key = tree.locate(uri).key
    folder = key.rstrip("/") + "/" if key else ""
    last = folder.rstrip("/").rpartition("/")[2]
    return {one.key[len(folder) :] or last: one for one in objects}


def _stat(tree: LocalTree, uri: str) -> ObjectInfo | None:
    with suppress(StorageError):
        return tree.stat(uri)
    return None


def _difference(
    real: LocalTree,
    role: str,
    name: str,
    uri: str,
    old: Objects,
    overlay: LocalTree,
    new: Objects,
) -> OutputDifference:
    before, now = _entries(old), _entries(new)
    unsure = set(undecided(before, now))
    tree = compare_trees(_digested(real, before, old, unsure), _digested(overlay, now, new, unsure))
    changed = [one.name for one in tree.files if one.change is Change.CHANGED]
    contents = {
        file: compare_files(file, _path(real, old[file]), _path(overlay, new[file]))
        for file in changed[:CONTENTS]
    }
    return OutputDifference(role, name, uri, tree, contents)


def _entries(objects: Objects) -> list[FileEntry]:
    return [FileEntry(name, one.size) for name, one in objects.items()]


def _digested(
    tree: LocalTree, entries: list[FileEntry], objects: Objects, names: set[str]
) -> list[FileEntry]:
    """The entries, with a digest for those of ``names``."""
    return [
        replace(one, digest=_digest(_path(tree, objects[one.name]))) if one.name in names else one
        for one in entries
    ]


def _path(tree: LocalTree, found: ObjectInfo) -> Path:
    return tree.path_of(found.uri)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def same(outputs: Iterable[OutputDifference]) -> bool:
    """Whether every output is the same."""
    return all(one.tree.same for one in outputs)
