"""Copies files below one folder below another one, as ``s3-dist-cp`` does.

Its one argument is a JSON object: the fields of ``engine.steps.s3_copy.Copy``, and ``places``, the
paths of the URIs among them.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

_MIB = 1 << 20


class CopyError(Exception):
    """A copy that cannot be done."""


class Source(NamedTuple):
    """A file to copy; ``name`` is its path below the folder that is copied."""

    file: Path
    uri: str
    name: str


def sources(asked: dict[str, Any]) -> list[Source]:
    """What to copy, in the order of names.

    Errors: ``CopyError`` where there is nothing at the source, or no manifest.
    """
    previous = manifest(asked)
    if asked["from_manifest"]:
        paths = dict.fromkeys(entry["path"] for entry in previous)
        found = [_listed(asked, path) for path in paths]
    else:
        known = {entry["baseName"] for entry in previous}
        found = [one for one in _below(asked) if one.name not in known]
    prefixes = _prefixes(asked)
    patterns = [asked[name] for name in ("pattern", "group_by") if asked[name]]
    return [
        one
        for one in found
        if all(re.fullmatch(pattern, one.uri) for pattern in patterns)
        and (prefixes is None or one.uri.startswith(prefixes))
    ]


def manifest(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries of the previous manifest; none where none is asked for."""
    uri = asked["previous_manifest"]
    if not uri:
        return []
    try:
        with gzip.open(asked["places"][uri], "rt", encoding="utf-8") as lines:
            return [json.loads(line) for line in lines if line.strip()]
    except FileNotFoundError:
        if asked["require_previous"] or asked["from_manifest"]:
            raise CopyError(f"there is no manifest at {uri}") from None
        return []


def _below(asked: dict[str, Any]) -> Iterator[Source]:
    """The files below the source."""
    uri, source = asked["source"], Path(asked["places"][asked["source"]])
    if source.is_file():
        yield Source(source, uri, source.name)
        return
    if not source.exists():
        raise CopyError(f"there is nothing at {uri}")
    for file in sorted(source.rglob("*")):
        if file.is_file() and not file.is_symlink():
            name = str(file.relative_to(source))
            yield Source(file, uri.rstrip("/") + "/" + name, name)


def _listed(asked: dict[str, Any], path: str) -> Source:
    """A file that a manifest names; only what lies below the source is copied."""
    uri, source = asked["source"].rstrip("/") + "/", Path(asked["places"][asked["source"]])
    name = path[len(uri) :]
    file = source / name
    if not path.startswith(uri) or ".." in file.parts or not file.is_file():
        raise CopyError(f"the manifest names {path}, which is not below {uri}")
    return Source(file, path, name)


def _prefixes(asked: dict[str, Any]) -> tuple[str, ...] | None:
    """Of which one has to begin a file's URI; None for any."""
    uri = asked["prefixes_file"]
    if not uri:
        return None
    try:
        lines = Path(asked["places"][uri]).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise CopyError(f"there is no file of prefixes at {uri}") from None
    return tuple(line.strip() for line in lines if line.strip())


def outputs(asked: dict[str, Any], found: list[Source]) -> dict[str, list[Source]]:
    """What each file below the target is made of, by its name there."""
    grouped: dict[str, list[Source]] = {}
    for one in found:
        name = one.name
        if asked["group_by"]:
            match = re.fullmatch(asked["group_by"], one.uri)
            parts = match.groups() if match else ()
            name = "".join(part or "" for part in parts).rpartition("/")[2] or "group"
        grouped.setdefault(_coded(name, asked["codec"]), []).append(one)
    made: dict[str, list[Source]] = {}
    for name, members in grouped.items():
        made.update(_parts(asked, name, members))
    if asked["number_from"] is None:
        return made
    numbered = enumerate(made.items(), start=asked["number_from"])
    return {_with_base(name, f"{at}{Path(name).name}"): of for at, (name, of) in numbered}


def _parts(asked: dict[str, Any], name: str, members: list[Source]) -> dict[str, list[Source]]:
    """A group's files: one, or several with numbers where it is larger than the target size."""
    limit = asked["target_size"] * _MIB if asked["group_by"] else 0
    first, size = _last_part(asked, name) if limit and asked["append"] else (0, 0)
    parts: list[list[Source]] = [[]]
    for one in members:
        if limit and size >= limit:
            parts.append([])
            size = 0
        parts[-1].append(one)
        size += one.file.stat().st_size
    if len(parts) == 1 and not (limit and asked["append"]):
        return {name: members}
    return {_numbered(name, first + at): of for at, of in enumerate(parts) if of}


def _last_part(asked: dict[str, Any], name: str) -> tuple[int, int]:
    """The number and the size of a group's last file that is there already."""
    folder, last = Path(asked["places"][asked["target"]]), 0
    while (folder / _numbered(name, last + 1)).is_file():
        last += 1
    file = folder / _numbered(name, last)
    return last, file.stat().st_size if file.is_file() else 0


def _numbered(name: str, number: int) -> str:
    stem, dot, suffix = Path(name).name.partition(".")
    return _with_base(name, f"{stem}{number}{dot}{suffix}")


def _with_base(name: str, base: str) -> str:
    return str(Path(name).with_name(base))


def _coded(name: str, codec: str) -> str:
    """The name of a file with this codec."""
    if codec == "keep":
        return name
    bare = name[:-3] if name.endswith(".gz") else name
    return bare + ".gz" if codec == "gz" else bare


def write(asked: dict[str, Any], target: Path, members: list[Source]) -> None:
    """Make a file of its parts: whole or not at all, for whoever reads the folder meanwhile."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name("." + target.name + ".part")
    with open(draft, "wb") as file:
        if asked["append"] and target.is_file():
            with open(target, "rb") as before:
                shutil.copyfileobj(before, file)
        if asked["codec"] == "gz":
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                _pour(members, packed, unpack=True)
        else:
            _pour(members, file, unpack=asked["codec"] == "none")
    os.replace(draft, target)


def _pour(members: list[Source], into: Any, *, unpack: bool) -> None:
    for one in members:
        opener: Any = gzip.open if unpack and one.file.name.endswith(".gz") else open
        with opener(one.file, "rb") as opened:
            shutil.copyfileobj(opened, into)


def copy(asked: dict[str, Any]) -> int:
    """Copy what is asked for; returns how many files were read."""
    found = sources(asked)
    folder, uri = Path(asked["places"][asked["target"]]), asked["target"].rstrip("/")
    written = []
    for name, members in outputs(asked, found).items():
        target = folder / name
        write(asked, target, members)
        path = uri + "/" + name
        for one in members:
            size = one.file.stat().st_size
            written.append({"path": path, "baseName": one.name, "srcDir": uri, "size": size})
            print(one.uri + " -> " + path)
    if asked["output_manifest"]:
        before = [] if asked["from_manifest"] else manifest(asked)
        lines = "".join(json.dumps(entry) + "\n" for entry in [*before, *written])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / asked["output_manifest"]).write_bytes(gzip.compress(lines.encode(), mtime=0))
    if asked["delete"]:
        for one in found:
            one.file.unlink()
    return len(found)


def main() -> int:
    """Copy what the argument says; the exit code is 1 where it cannot be done."""
    try:
        count = copy(json.loads(sys.argv[1]))
    except CopyError as problem:
        print(f"s3-dist-cp: {problem}", file=sys.stderr)
        return 1
    print(f"s3-dist-cp: {count} objects")
    return 0


if __name__ == "__main__":
    sys.exit(main())
