"""Augmented manifests: JSON Lines whose attributes a training job is given through a pipe.

The value of an attribute is given as text, or, where its name ends in ``-ref``, as the content of
the object that it names (developer guide, "Augmented Manifest File Format for Pipe Mode Training").
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.errors import JobError, StorageError
from engine.steps.hosts import Host
from engine.steps.opt_ml import as_text
from engine.storage.transfer import download_local
from engine.storage.tree import LocalTree

DATA_TYPE = "AugmentedManifestFile"
_REFERENCE = "-ref"


def lines_of(
    tree: LocalTree, host: Host, source: Mapping[str, Any], scratch: Path, what: str
) -> Iterator[Sequence[Path | bytes]]:
    """The values that each line of a manifest gives to one host, in the order of AttributeNames.

    Args:
        source: an S3DataSource; with ShardedByS3Key the hosts are dealt the lines in turn.
        scratch: a new folder; a file in it counts until the next line is asked for.
        what: for people, such as ``channel train``.

    Errors: ``JobError`` (``augmented-manifest-invalid``); that of the manifest itself is
    ``download_local``'s.
    """
    names = source.get("AttributeNames")
    if not isinstance(names, list | tuple) or not names:
        raise _invalid(f"{what} names no AttributeNames")
    folder = scratch / "manifest"
    download_local(tree, str(source.get("S3Uri") or ""), folder)
    manifests = [path for path in folder.rglob("*") if path.is_file()]
    if len(manifests) != 1:
        raise _invalid(f"{what}: {source.get('S3Uri')} is not one manifest")
    sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
    step, first = (host.count, host.number) if sharded else (1, 0)
    with manifests[0].open("rb") as file:
        filled = ((number, line) for number, line in enumerate(file, 1) if line.strip())
        for index, (number, line) in enumerate(filled):
            if index % step == first:
                yield _values(tree, line, names, scratch / "values", f"{what}, line {number}")


def _values(
    tree: LocalTree, line: bytes, names: Sequence[Any], scratch: Path, where: str
) -> list[Path | bytes]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        entry = None
    if not isinstance(entry, dict):
        raise _invalid(f"{where} of the manifest is no JSON object")
    values: list[Path | bytes] = []
    for position, name in enumerate(names):
        if name not in entry:
            raise _invalid(f"{where} of the manifest has no attribute {name!r}")
        if not str(name).endswith(_REFERENCE):
            values.append(as_text(entry[name]).encode())
            continue
        if not isinstance(entry[name], str):
            raise _invalid(f"{where} of the manifest: {name} is no S3 URI")
        scratch.mkdir(exist_ok=True)
        target = scratch / str(position)
        try:
            tree.fetch(entry[name], target)
        except StorageError as problem:
            raise _invalid(f"{where} of the manifest: {problem.message}") from problem
        values.append(target)
    return values


def _invalid(problem: str) -> JobError:
    return JobError(
        f"ClientError: {problem}",
        code="augmented-manifest-invalid",
        hint="An augmented manifest has a JSON object on each line, with every one of"
        " AttributeNames; one whose name ends in -ref is the S3 URI of an object.",
    )
