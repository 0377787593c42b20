"""Puts a model and its inference code together as the SDK's ``_repack_model.py`` does.

The archive in the channel ``training`` is unpacked into the model folder. The code lies in the
job's code folder, or in the channel ``code`` where SDK 3 made the job. With a source folder, all of
it becomes ``code/``; without one, the inference script alone is added to it.
Dependencies go to ``code/lib/``: a file by itself, and for a folder all of the code, because the
upload flattens it.
"""

from __future__ import annotations

import json
import shutil
import sys
import tarfile
from pathlib import Path
from typing import Any

from ..job import Tree


class RepackError(Exception):
    """The model or its code cannot be used."""


def main(tree: Tree) -> int:
    """Repack the model of a job; returns its exit code."""
    try:
        given = {name: _value(text) for name, text in _hyperparameters(tree).items()}
        archive = _find_archive(tree, str(given.get("model_archive") or "model.tar.gz"))
        print(f"Unpacking {archive.name}", flush=True)
        _unpack(archive, tree.model)
        _add_code(_source(tree), tree.model, given)
        dependencies = str(given.get("dependencies") or "").split()
        _add_dependencies(_source(tree), tree.model, dependencies)
    except (RepackError, OSError) as error:
        print(error, file=sys.stderr, flush=True)
        tree.write_failure(f"The model could not be repacked: {error}")
        return 1
    names = sorted(str(path.relative_to(tree.model)) for path in tree.model.rglob("*"))
    print("The model holds " + ", ".join(names), flush=True)
    return 0


def _hyperparameters(tree: Tree) -> dict[str, Any]:
    return tree.read_config("hyperparameters.json")


def _value(text: Any) -> Any:
    """A value that script mode JSON-encodes; a URI that a step handed on is plain."""
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def _find_archive(tree: Tree, wanted: str) -> Path:
    folder = tree.channel("training")
    archive = folder / wanted.rstrip("/").rpartition("/")[2]
    if not archive.is_file():
        there = sorted(path.name for path in folder.glob("*"))
        raise RepackError(
            f"channel training has no {archive.name}, only {', '.join(there) or 'nothing'}"
        )
    return archive


def _unpack(archive: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(str(archive), "r:*") as packed:
            if hasattr(tarfile, "data_filter"):
                packed.extractall(str(folder), filter="data")
            else:
                packed.extractall(str(folder), _safe_members(packed))
    except (tarfile.TarError, EOFError) as error:
        raise RepackError(f"{archive.name} cannot be unpacked: {error}") from error


def _safe_members(packed: tarfile.TarFile) -> list[tarfile.TarInfo]:
    """The members, for a Python whose ``tarfile`` does not check them itself."""
    members = packed.getmembers()
    for member in members:
        path = Path(member.name)
        inside = not path.is_absolute() and ".." not in path.parts
        if not inside or not (member.isfile() or member.isdir()):
            raise tarfile.ReadError(f"{member.name} is a link or lies outside")
    return members


def _source(tree: Tree) -> Path:
    channel = tree.channel("code")
    return channel if channel.is_dir() else tree.code


def _add_code(source: Path, model: Path, given: dict[str, Any]) -> None:
    code = model / "code"
    if given.get("source_dir"):
        shutil.rmtree(str(code), ignore_errors=True)
        shutil.copytree(str(source), str(code))
        return
    script = str(given.get("inference_script") or "inference.py")
    if not (source / script).is_file():
        raise RepackError(f"there is no {script} in the code of the job")
    code.mkdir(exist_ok=True)
    shutil.copy2(str(source / script), str(code / script))


def _add_dependencies(source: Path, model: Path, dependencies: list[str]) -> None:
    library = model / "code" / "lib"
    for name in dependencies:
        dependency = source / name
        if not dependency.is_file():
            shutil.rmtree(str(library), ignore_errors=True)
            shutil.copytree(str(source), str(library))
            return
        library.mkdir(exist_ok=True)
        shutil.copy2(str(dependency), str(library))
