"""S3 as a folder: ``s3://bucket/key`` is ``<root>/<bucket>/<key>``; and plain files beside it.

Everything here is synchronous and cheap, for the runner's hot path; `engine.storage.local` is the
asynchronous face. A link inside the tree is never followed. Because a file and a folder cannot
share a name, the objects ``a`` and ``a/b`` cannot both exist: the second is refused
(``key-conflict``).
"""

from __future__ import annotations

import errno
import os
import secrets
import stat as modes
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from engine.errors import StorageError
from engine.storage import attributes, files
from engine.storage.attributes import Attributes
from engine.storage.base import ObjectInfo, reporting
from engine.storage.location import Location, parse, path_of_key, segment_of

_STAGING = ".staging"
_PUT_ATTEMPTS = 5


class LocalTree:
    """The objects below one folder.

    Args:
        root: the folder that holds a folder per bucket; made on the first write.
        base: the folder that relative paths start from (the definition file's).
    """

    def __init__(self, root: Path, base: Path | None = None) -> None:
        self.root = Path(os.path.realpath(root))
        self._base = os.path.abspath(base) if base else ""

    def locate(self, uri: str) -> Location:
        """The location that ``uri`` names, relative paths taken from the tree's base."""
        return parse(uri, self._base)

    def path_of(self, uri: str | Location) -> Path:
        """The file or folder of a URI: for S3 surely inside the root, without a link on the way.

        Raises:
            StorageError: ``path-is-link``, ``key-segment-too-long`` or a code of `parse`.
        """
        return Path(self._path(uri if isinstance(uri, Location) else self.locate(uri)))

    def place_of(self, uri: str) -> str:
        """The file or folder where a person puts what ``uri`` names."""
        return str(self.path_of(uri))

    def buckets(self) -> Sequence[tuple[str, float]]:
        """The buckets there are, by name, with the time of their last change (epoch seconds)."""
        return [
            (name.rstrip("/"), entry.stat(follow_symlinks=False).st_mtime)
            for name, entry in files.walk(str(self.root), fold=True)
            if name.endswith("/") and not name.startswith(".")
        ]

    def has_bucket(self, bucket: str) -> bool:
        """Whether the bucket has a folder."""
        return os.path.isdir(self._path(Location("s3", bucket, "")))

    def make_bucket(self, bucket: str) -> None:
        """Make a bucket's folder; one that exists is no error."""
        location = Location("s3", bucket, "")
        with reporting(location.uri):
            files.make_folders(self._path(location))

    def drop_bucket(self, bucket: str) -> bool:
        """Remove a bucket's folder unless something is in it; whether it is gone."""
        with reporting(f"s3://{bucket}"):
            try:
                os.rmdir(self._path(Location("s3", bucket, "")))
            except OSError as error:
                if error.errno != errno.ENOTEMPTY:
                    raise
                return False
        return True

    def scan(
        self, prefix: str | Location, *, after: str = "", fold: bool = False
    ) -> Iterator[ObjectInfo]:
        """The objects below a prefix in key order, lazily.

        Args:
            prefix: a URI; in S3 any start of a key, for files a folder or one file.
            after: only keys greater than this one.
            fold: a folder at the prefix's level is one entry whose key ends in ``/`` and whose
                ETag is empty.
        """
        location = prefix if isinstance(prefix, Location) else self.locate(prefix)
        if location.scheme == "file":
            yield from self._scan_files(location)
            return
        path = self._path(location)
        with reporting(location.uri):
            for key, entry in files.walk(
                os.path.dirname(path) if location.key else path,
                stem=location.key[: location.key.rfind("/") + 1],
                prefix=location.key,
                after=after,
                fold=fold,
                segment_of=segment_of,
            ):
                if (info := self._entry(location.bucket, key, entry)) is not None:
                    yield info

    def list(self, prefix: str, *, limit: int | None = None) -> Sequence[ObjectInfo]:
        """The objects below a prefix, at most ``limit`` of them; see `scan`."""
        return [*islice(self.scan(prefix), limit)]

    def stat(self, uri: str | Location) -> ObjectInfo:
        """One object's size, time and ETag."""
        return self.inspect(uri)[0]

    def inspect(self, uri: str | Location) -> tuple[ObjectInfo, Attributes]:
        """One object, and the headers it was stored with."""
        location = uri if isinstance(uri, Location) else self.locate(uri)
        path = self._path(location)
        with reporting(location.uri):
            status = os.lstat(path) if location.scheme == "s3" else os.stat(path)
        if not modes.S_ISREG(status.st_mode):
            raise StorageError(
                f"{location.uri}: there is no such object.",
                code="object-not-found",
                hint="It is a folder or a special file: name a file in it.",
            )
        kept = attributes.read(path, status)
        return _info(location.uri, location.key, status, kept.etag), kept

    def open(self, location: Location) -> tuple[BinaryIO, ObjectInfo, Attributes]:
        """One object open for reading, with what belongs to exactly that content."""
        with reporting(location.uri), ExitStack() as stack:
            file = stack.enter_context(open(self._path(location), "rb"))
            status = os.fstat(file.fileno())
            kept = attributes.read(file.fileno(), status)
            stack.pop_all()
        return file, _info(location.uri, location.key, status, kept.etag), kept

    def read(self, uri: str, start: int = 0, length: int | None = None) -> bytes:
        """An object's bytes from ``start``, at most ``length`` of them."""
        location = self.locate(uri)
        with reporting(location.uri), open(self._path(location), "rb", buffering=0) as file:
            file.seek(start)
            return file.read() if length is None else _read_up_to(file.fileno(), length)

    def fetch(self, uri: str, target: Path) -> int:
        """Copy an object into the file ``target``, whose folder exists; returns its size."""
        location = self.locate(uri)
        with reporting(location.uri):
            path = self._path(location)
            return files.copy_file(os.path.realpath(path), str(target))

    def put(self, uri: str, data: bytes | Path, kept: Attributes | None = None) -> ObjectInfo:
        """Store bytes or a file's content under ``uri``, with one rename at the end."""
        location = self.locate(uri)
        with reporting(location.uri), self.staged(location) as staged:
            if isinstance(data, Path):
                files.copy_file(os.path.realpath(data), staged.path)
            else:
                files.write_file(staged.path, data)
            return staged.commit(kept)

    def staged(self, location: Location) -> StagedObject:
        """A temporary file that `StagedObject.commit` makes the object at ``location``."""
        return StagedObject(self, location, self.staging_file(location))

    def delete(self, uri: str | Location) -> None:
        """Remove an object and the folders that it leaves empty; a missing one is no error."""
        location = uri if isinstance(uri, Location) else self.locate(uri)
        path = self._path(location)
        try:
            with reporting(location.uri):
                os.unlink(path)
        except StorageError as error:
            if error.code != "object-not-found":
                raise
            return
        if location.scheme == "s3":
            self._prune(os.path.dirname(path), str(self.root / location.bucket))

    def copy(self, source: str, target: str) -> ObjectInfo:
        """Copy one object to another URI."""
        return self.put(target, self.path_of(source))

    def place(self, source: str, location: Location, *, exclusive: bool = False) -> None:
        """Rename a complete file to where the object at ``location`` lies.

        Raises:
            StorageError: ``key-empty``, ``key-conflict``, or ``object-exists`` where it is to be
                ``exclusive``.
        """
        path = self._path(location)
        if not location.key or (location.key == "/" and location.scheme == "file"):
            raise StorageError(
                f"{location.uri} names no object.",
                code="key-empty",
                hint="Add a key to the bucket.",
            )
        for left in reversed(range(_PUT_ATTEMPTS)):
            try:
                if exclusive:
                    os.link(source, path)
                else:
                    os.replace(source, path)
                return
            except FileNotFoundError:
                # A new folder; and a delete elsewhere may prune it again before the next try.
                if not left:
                    raise
                self._make_parents(path, location)
            except (IsADirectoryError, NotADirectoryError) as error:
                raise _conflict(location) from error
            except FileExistsError as error:
                if os.path.isdir(path):
                    raise _conflict(location) from error
                raise StorageError(
                    f"{location.uri} exists already.", code="object-exists"
                ) from error

    def staging_file(self, location: Location | None = None) -> str:
        """A new private path on the file system of ``location`` that no listing shows."""
        name = secrets.token_hex(12)
        if location is not None and location.scheme == "file":
            folder, _, last = self._path(location).rpartition("/")
            files.make_folders(folder or "/")
            return f"{folder}/.{last[:200]}.{name}.part"
        folder = str(self.root / _STAGING)
        files.make_folders(folder)
        return f"{folder}/{name}"

    def sweep(self, older_than: float) -> None:
        """Remove what writers that died left behind more than ``older_than`` seconds ago."""
        limit = time.time() - older_than
        for _, entry in files.walk(str(self.root / _STAGING)):
            if entry.stat(follow_symlinks=False).st_mtime < limit:
                os.unlink(entry.path)
                self._prune(os.path.dirname(entry.path), str(self.root / _STAGING))

    def _path(self, location: Location) -> str:
        if location.scheme == "file":
            return location.key
        parts = [location.bucket, *path_of_key(location.key).split("/")]
        path = str(self.root)
        for part in parts if location.key else parts[:1]:
            path = f"{path}/{part}"
            if os.path.islink(path):
                raise StorageError(
                    f"{location.uri}: a symbolic link lies on the way.",
                    code="path-is-link",
                    hint=f"Put the file itself below {self.root}, or name its path, not an S3 URI.",
                )
        return path

    def _scan_files(self, location: Location) -> Iterator[ObjectInfo]:
        path = os.path.realpath(location.key)
        with reporting(location.uri):
            if os.path.isfile(path):
                yield self.stat(location)
                return
            stem = location.key.rstrip("/") + "/"
            for name, entry in files.walk(path, stem=stem):
                if entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    etag = attributes.read(entry.path, status).etag
                    yield _info(f"file://{name}", name, status, etag)

    def _entry(self, bucket: str, key: str, entry: files.Entry) -> ObjectInfo | None:
        uri = f"s3://{bucket}/{key}"
        try:
            key.encode()
            status = entry.stat(follow_symlinks=False)
        except (UnicodeEncodeError, FileNotFoundError):
            return None
        if modes.S_ISREG(status.st_mode):
            return _info(uri, key, status, attributes.read(entry.path, status).etag)
        if modes.S_ISDIR(status.st_mode) and files.holds_file(entry.path):
            return _info(uri, key, status, "")
        return None

    @staticmethod
    def _make_parents(path: str, location: Location) -> None:
        try:
            files.make_folders(os.path.dirname(path))
        except NotADirectoryError as error:
            raise _conflict(location) from error

    @staticmethod
    def _prune(folder: str, top: str) -> None:
        while len(folder) > len(top):
            try:
                os.rmdir(folder)
            except OSError:
                return
            folder = os.path.dirname(folder)


class StagedObject:
    """An object being written: leaves nothing behind unless it is committed."""

    def __init__(self, tree: LocalTree, location: Location, path: str) -> None:
        self.path = path
        self._tree = tree
        self._location = location

    def __enter__(self) -> StagedObject:
        return self

    def __exit__(self, *_: object) -> None:
        if os.path.lexists(self.path):
            os.unlink(self.path)

    def commit(self, kept: Attributes | None = None, *, exclusive: bool = False) -> ObjectInfo:
        """Put the written file in its place, with the attributes to keep beside it."""
        if kept is not None:
            attributes.write(self.path, kept)
        self._tree.place(self.path, self._location, exclusive=exclusive)
        return self._tree.stat(self._location)


def _read_up_to(descriptor: int, length: int) -> bytes:
    chunks = []
    while length > 0 and (chunk := os.read(descriptor, length)):
        chunks.append(chunk)
        length -= len(chunk)
    return b"".join(chunks)


def _conflict(location: Location) -> StorageError:
    return StorageError(
        f"{location.uri}: here a file and a folder would have the same name.",
        code="key-conflict",
        hint="S3 can hold both 'a' and 'a/b', a folder cannot: choose another key for one of them.",
    )


def _info(uri: str, key: str, status: os.stat_result, etag: str) -> ObjectInfo:
    return ObjectInfo(uri, key, status.st_size, status.st_mtime, etag)
