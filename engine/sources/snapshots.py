"""The code and the inputs that a step's attempt was given, as they still lie in its folder.

Jobs get copies of their inputs, so that an attempt's folder holds what it really read, whatever
became of the S3 objects since.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.comparison.contents import DEFAULT, Content, ContentDifference, compare_contents
from engine.comparison.executions import FilesDifference
from engine.comparison.trees import Change, FileEntry, compare_trees, undecided
from engine.model.views import StepView

FILES, CONTENTS = 20_000, 8
"""Files of a folder that are listed, and changed ones that are looked into."""
DIGEST_BYTES = 256 << 20
"""Files of the same size above this are taken to be the same."""
_CODE = frozenset(
    {"code", "sm_drivers", "sagemaker_remote_function_bootstrap", "sm_rf_user_ws", "entrypoint"}
)


def compare_snapshots(before: StepView, now: StepView) -> list[FilesDifference]:
    """How code and inputs of two runs of a step differ; those that both have, or one.

    Reads the attempts' folders; call it in a thread.
    """
    old, new = dict(_folders(before)), dict(_folders(now))
    found = []
    for role, name in {**old, **new}:
        was, is_ = old.get((role, name)), new.get((role, name))
        if was is not None and is_ is not None:
            found.append(_difference(role, name, was, is_))
    return found


def _folders(step: StepView) -> Iterator[tuple[tuple[str, str], Path]]:
    """Role and name of each input, and the folder that holds its copy."""
    if not step.directory:
        return
    root = Path(step.directory) / "ml"
    if not root.is_dir():
        root = Path(step.directory) / "algo-1" / "ml"
    arguments = step.arguments if isinstance(step.arguments, Mapping) else {}
    for entry in _entries(arguments, "ProcessingInputs"):
        inside = str((entry.get("S3Input") or {}).get("LocalPath") or "")
        if inside.startswith("/opt/ml/"):
            yield _named(str(entry.get("InputName", ""))), root / inside.removeprefix("/opt/ml/")
    for entry in _entries(arguments, "InputDataConfig"):
        name = str(entry.get("ChannelName", ""))
        yield _named(name), root / "input" / "data" / name
    if (root / "code").is_dir():
        yield ("code", ""), root / "code"


def _named(name: str) -> tuple[str, str]:
    return ("code" if name.lower() in _CODE else "input", name)


def _entries(arguments: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = arguments.get(key)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _difference(role: str, name: str, before: Path, now: Path) -> FilesDifference:
    old, new = list(_listed(before)), list(_listed(now))
    unsure = set(undecided(old, new))
    tree = compare_trees(_digested(before, old, unsure), _digested(now, new, unsure))
    changed = [one.name for one in tree.files if one.change is Change.CHANGED]
    contents = {file: _contents(before / file, now / file) for file in changed[:CONTENTS]}
    return FilesDifference(role, name, tree, contents)


def _listed(folder: Path) -> Iterator[FileEntry]:
    count = 0
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place) / name
            with suppress(OSError):
                yield FileEntry(str(path.relative_to(folder)), path.stat().st_size)
                count += 1
        if count > FILES:
            return


def _digested(folder: Path, entries: list[FileEntry], names: set[str]) -> list[FileEntry]:
    return [
        replace(one, digest=_digest(folder / one.name))
        if one.name in names and one.size <= DIGEST_BYTES
        else one
        for one in entries
    ]


def _digest(path: Path) -> str:
    with suppress(OSError), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
    return ""


def _contents(before: Path, now: Path) -> ContentDifference:
    return compare_contents(now.name, _content(before), _content(now))


def _content(path: Path) -> Content:
    with suppress(OSError), path.open("rb") as file:
        return Content(file.read(DEFAULT.content), path.stat().st_size)
    return Content(b"", 0)
