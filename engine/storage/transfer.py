"""Bringing a job's inputs from an object store into a folder, and its outputs back.

What a URI selects is SageMaker's: an object that has exactly that key comes alone and keeps its
file name; otherwise every object whose key starts with it, placed at the rest of its key. Inputs
are always copied, never linked, because a job may write to them. Links and special files are not
followed, and named in the result as skipped.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import shutil
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Literal, TypedDict, Unpack

from engine.errors import StorageError
from engine.storage import files
from engine.storage.base import ObjectInfo, ObjectStore, bounded, reporting
from engine.storage.local import LocalStore
from engine.storage.location import Location, parse, relative_path
from engine.storage.tree import LocalTree

_WIDTH = 16
_MANIFEST_HINT = 'A manifest is [{"prefix": "s3://bucket/folder/"}, "file-1", "file-2"].'


@dataclass(frozen=True, slots=True)
class Transfer:
    """How many files and bytes were copied, and what was not (links, sockets), by relative name."""

    files: int
    bytes: int
    skipped: tuple[str, ...] = ()


class InputOptions(TypedDict, total=False):
    """How an input is read, in the words of SageMaker's S3DataSource and ProcessingS3Input.

    Attributes:
        data_type: ``S3Prefix`` (the default, and what ``Converse`` is) or ``ManifestFile``.
        distribution: ``FullyReplicated`` (the default) or ``ShardedByS3Key``: objects are dealt out
            in key order, one to each host in turn.
        host_index: 0-based number of this host among ``host_count``.
        host_count: number of hosts, 1 by default.
        compression: ``None`` (the default) or ``Gzip``: unpacked, a final ``.gz`` dropped.
    """

    data_type: Literal["S3Prefix", "ManifestFile", "AugmentedManifestFile", "Converse"]
    distribution: Literal["FullyReplicated", "ShardedByS3Key"]
    host_index: int
    host_count: int
    compression: Literal["None", "Gzip"]


@dataclass(frozen=True, slots=True)
class Item:
    """An object to fetch, and the path it gets inside the input folder."""

    uri: str
    relative: str


def download_local(
    tree: LocalTree, uri: str, into: Path, **options: Unpack[InputOptions]
) -> Transfer:
    """Copy what ``uri`` selects from the local tree into the folder ``into``, made where missing.

    Raises:
        StorageError: ``input-not-found`` (the hint says where to put the file),
            ``manifest-invalid``, ``data-type-unsupported``, ``key-unsafe``, ``key-conflict``,
            ``gzip-invalid``, or a code of the store.
    """
    with _input(tree, uri):
        if _is_manifest(uri, options):
            items = manifest_items(tree.read(uri), uri)
        else:
            items = prefix_items(tree.locate(uri), _listed(tree, uri))
        items = _share(items, uri, options)
    _make_folders(into, items)
    total = 0
    for item in items:
        target = into / item.relative
        with _input(tree, item.uri):
            total += tree.fetch(item.uri, target)
        _unpack(target, options)
    return Transfer(len(items), total)


async def download(
    store: ObjectStore, uri: str, into: Path, **options: Unpack[InputOptions]
) -> Transfer:
    """Copy what ``uri`` selects into the folder ``into``; see `download_local`."""
    if isinstance(store, LocalStore):
        return await asyncio.to_thread(download_local, store.tree, uri, into, **options)
    with _input(store, uri):
        if _is_manifest(uri, options):
            items = manifest_items(await store.read(uri), uri)
        else:
            items = prefix_items(parse(uri), await store.list(uri))
        items = _share(items, uri, options)
    _make_folders(into, items)

    async def fetch(item: Item) -> int:
        target = into / item.relative
        with _input(store, item.uri):
            size = await store.fetch(item.uri, target)
        await asyncio.to_thread(_unpack, target, options)
        return size

    return Transfer(len(items), sum(await bounded(fetch, items, _WIDTH)))


def upload_local(tree: LocalTree, folder: Path, uri: str) -> Transfer:
    """Store every file below ``folder`` under ``uri`` at its relative name; none is no error."""
    names, skipped = _outputs(folder)
    target = tree.locate(uri)
    total = sum(tree.put(target.child(name).uri, folder / name).size for name in names)
    return Transfer(len(names), total, skipped)


async def upload(store: ObjectStore, folder: Path, uri: str) -> Transfer:
    """Store every file below ``folder`` under ``uri`` at its relative name; none is no error."""
    if isinstance(store, LocalStore):
        return await asyncio.to_thread(upload_local, store.tree, folder, uri)
    names, skipped = await asyncio.to_thread(_outputs, folder)
    target = parse(uri)

    async def put(name: str) -> int:
        return (await store.put(target.child(name).uri, folder / name)).size

    return Transfer(len(names), sum(await bounded(put, names, _WIDTH)), skipped)


def prefix_items(location: Location, objects: Sequence[ObjectInfo]) -> list[Item]:
    """What an S3Prefix selects among the objects listed below it; folder markers are left out."""
    if any(found.key == location.key for found in objects) and location.name:
        return [Item(location.uri, relative_path(location.name))]
    return [
        Item(found.uri, relative_path(found.key[len(location.key) :]))
        for found in objects
        if not found.key.endswith("/")
    ]


def manifest_items(content: bytes, uri: str) -> list[Item]:
    """What a manifest names: its entries below its prefix, each at its own relative name."""
    try:
        head, *entries = json.loads(content)
        if not all(isinstance(entry, str) and entry for entry in entries):
            raise TypeError
        prefix: str = head["prefix"] + ""
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise StorageError(
            f"{uri} is not a manifest.", code="manifest-invalid", hint=_MANIFEST_HINT
        ) from error
    return [Item(prefix + entry, relative_path(entry)) for entry in entries]


def _is_manifest(uri: str, options: InputOptions) -> bool:
    data_type = options.get("data_type", "S3Prefix")
    if data_type not in ("S3Prefix", "ManifestFile", "Converse"):
        raise StorageError(
            f"{uri}: the S3 data type {data_type} cannot be read as files.",
            code="data-type-unsupported",
            hint="Use S3Prefix or ManifestFile; an augmented manifest is for training channels in"
            " Pipe mode alone, on AWS too.",
        )
    return data_type == "ManifestFile"


def _share(items: list[Item], uri: str, options: InputOptions) -> list[Item]:
    """This host's part of the items; all of them must fit into one folder."""
    if not items:
        raise StorageError(f"Nothing lies at {uri}.", code="object-not-found")
    names = {item.relative for item in items}
    for name in names:
        parents = accumulate(name.split("/")[:-1], "{}/{}".format)
        if conflict := next((parent for parent in parents if parent in names), ""):
            raise StorageError(
                f"{uri} holds both {conflict!r} and {name!r}: a file and a folder of one name.",
                code="key-conflict",
                hint="Use a longer prefix, or rename one of the objects.",
            )
    if options.get("distribution") == "ShardedByS3Key":
        return items[options.get("host_index", 0) :: options.get("host_count", 1)]
    return items


def _listed(tree: LocalTree, uri: str) -> Sequence[ObjectInfo]:
    """What a prefix selects; for one object its folder, which may be large, is not read."""
    if tree.locate(uri).name:
        try:
            return [tree.stat(uri)]
        except StorageError as error:
            if error.code != "object-not-found":
                raise
    return tree.list(uri)


@contextmanager
def _input(store: ObjectStore | LocalTree, uri: str) -> Iterator[None]:
    """Say of a missing input where it has to be put."""
    try:
        yield
    except StorageError as error:
        if error.code not in ("object-not-found", "bucket-not-found"):
            raise
        raise StorageError(
            f"The input {uri} is not there.",
            code="input-not-found",
            hint=f"Put the file or folder at {store.place_of(uri)}, or change the input's URI.",
        ) from error


def _make_folders(into: Path, items: Sequence[Item]) -> None:
    with reporting(str(into)):
        for folder in {str(into), *(os.path.dirname(into / item.relative) for item in items)}:
            files.make_folders(folder)


def _unpack(path: Path, options: InputOptions) -> None:
    """Replace a fetched Gzip file by its content, without its ``.gz``."""
    if options.get("compression", "None") == "None":
        return
    packed = path.with_name(f".{path.name[:200]}.packed")
    with reporting(str(path)):
        os.rename(path, packed)
        target = path.with_name(path.name.removesuffix(".gz") or path.name)
        try:
            with gzip.open(packed) as source, open(files.create(str(target)), "wb") as sink:
                shutil.copyfileobj(source, sink, files.CHUNK)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise StorageError(
                f"{path.name} is not a complete Gzip file.",
                code="gzip-invalid",
                hint="Set CompressionType to None, or compress the input.",
            ) from error
        finally:
            packed.unlink()


def _outputs(folder: Path) -> tuple[list[str], tuple[str, ...]]:
    names: list[str] = []
    skipped: list[str] = []
    with reporting(str(folder)):
        for name, entry in files.walk(os.path.realpath(folder)):
            (names if entry.is_file(follow_symlinks=False) else skipped).append(name)
    return names, tuple(skipped)
