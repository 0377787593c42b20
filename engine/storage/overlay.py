"""A tree over another one: what is read falls through to it, what is written stays in this one.

Whoever works on an overlay sees one S3; the tree below is only ever read. Objects that are removed
are marked as gone, files beside S3 (``file://`` and relative paths) are written below this root
too, and whoever asks for the path of something gets that of a copy, which is its own to change.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from engine.errors import StorageError
from engine.storage import attributes, files
from engine.storage.attributes import Attributes
from engine.storage.base import ObjectInfo, reporting
from engine.storage.location import Location
from engine.storage.tree import LocalTree

_BELOW = ".below"
_GONE = ".gone"
_COPIED = ".copied"
_FILES = ".files"


def lay_over(below: Path, root: Path) -> None:
    """Make ``root`` the folder of an overlay of the tree ``below``; see ``open_tree``."""
    files.make_folders(str(root))
    (root / _BELOW).symlink_to(os.path.realpath(below))


def open_tree(root: Path, base: Path | None = None) -> LocalTree:
    """The tree in a folder: an overlay where ``lay_over`` made it one."""
    link = root / _BELOW
    return (
        OverlayTree(root, Path(os.readlink(link)), base)
        if link.is_symlink()
        else (LocalTree(root, base))
    )


class _Layer(LocalTree):
    """A tree that keeps the files beside S3 below its own root as well."""

    def _path(self, location: Location) -> str:
        if location.scheme == "file":
            return f"{self.root}/{_FILES}{location.key}"
        return super()._path(location)

    def _scan_files(self, location: Location) -> Iterator[ObjectInfo]:
        top = f"{self.root}/{_FILES}"
        for found in LocalTree(self.root).scan(Location("file", "", f"{top}{location.key}")):
            key = found.key.removeprefix(top)
            yield replace(found, uri=f"file://{key}", key=key)


class OverlayTree(_Layer):
    """What lies below one folder over what lies below another.

    Args:
        root: what is written goes here.
        below: the root of the tree that is only read.
        base: the folder that relative paths start from.
    """

    def __init__(self, root: Path, below: Path, base: Path | None = None) -> None:
        super().__init__(root, base)
        self._below = LocalTree(below, base)
        self._gone = _Layer(self.root / _GONE, base)
        self._copied = _Layer(self.root / _COPIED, base)

    def written(self, prefix: str | Location) -> Iterator[ObjectInfo]:
        """The objects below a prefix that were written here, in key order.

        A copy that was made for somebody who asked for its path, and left alone, is none of them.
        """
        for found in super().scan(prefix):
            if not self._untouched(self.locate(found.uri)):
                yield found

    def all_written(self) -> Iterator[ObjectInfo]:
        """Every object that was written here, files beside S3 among them."""
        for bucket, _ in super().buckets():
            yield from self.written(Location("s3", bucket, ""))
        yield from self.written(Location("file", "", "/"))

    def buckets(self) -> Sequence[tuple[str, float]]:
        """See `LocalTree.buckets`."""
        return sorted({**dict(self._below.buckets()), **dict(super().buckets())}.items())

    def has_bucket(self, bucket: str) -> bool:
        """See `LocalTree.has_bucket`."""
        return super().has_bucket(bucket) or self._below.has_bucket(bucket)

    def drop_bucket(self, bucket: str) -> bool:
        """See `LocalTree.drop_bucket`; one of the tree below stays in the list, empty."""
        if any(True for _ in self.scan(Location("s3", bucket, ""))):
            return False
        return not super().has_bucket(bucket) or super().drop_bucket(bucket)

    def scan(
        self, prefix: str | Location, *, after: str = "", fold: bool = False
    ) -> Iterator[ObjectInfo]:
        """See `LocalTree.scan`."""
        above = super().scan(prefix, after=after, fold=fold)
        below = self._below.scan(prefix, after=after, fold=fold)
        last = None
        merged: Iterable[ObjectInfo] = heapq.merge(
            above, filter(self._shows, below), key=lambda one: one.key
        )
        for found in merged:
            if found.key != last:
                yield found
            last = found.key

    def inspect(self, uri: str | Location) -> tuple[ObjectInfo, Attributes]:
        """See `LocalTree.inspect`."""
        location = uri if isinstance(uri, Location) else self.locate(uri)
        if self._falls_through(location):
            return self._below.inspect(location)
        return super().inspect(location)

    def open(self, location: Location) -> tuple[BinaryIO, ObjectInfo, Attributes]:
        """See `LocalTree.open`."""
        if self._falls_through(location):
            return self._below.open(location)
        return super().open(location)

    def read(self, uri: str, start: int = 0, length: int | None = None) -> bytes:
        """See `LocalTree.read`."""
        if self._falls_through(self.locate(uri)):
            return self._below.read(uri, start, length)
        return super().read(uri, start, length)

    def fetch(self, uri: str, target: Path) -> int:
        """See `LocalTree.fetch`."""
        if self._falls_through(self.locate(uri)):
            return self._below.fetch(uri, target)
        return super().fetch(uri, target)

    def path_of(self, uri: str | Location) -> Path:
        """The file or folder of a URI in this tree, with a copy of what lies there below."""
        location = uri if isinstance(uri, Location) else self.locate(uri)
        folder = location.key.rstrip("/") + "/"
        for found in self._below.scan(location):
            if found.key == location.key or found.key.startswith(folder):
                self._copy_up(self.locate(found.uri))
        return super().path_of(location)

    def place_of(self, uri: str) -> str:
        """Where a person puts what ``uri`` names: in the tree below."""
        return self._below.place_of(uri)

    def delete(self, uri: str | Location) -> None:
        """See `LocalTree.delete`; an object of the tree below is only marked as gone."""
        location = uri if isinstance(uri, Location) else self.locate(uri)
        super().delete(location)
        if self._below.path_of(location).is_file():
            self._gone.put(location.uri, b"")

    def place(self, source: str, location: Location, *, exclusive: bool = False) -> None:
        """See `LocalTree.place`."""
        if exclusive and self._falls_through(location) and self._below.path_of(location).is_file():
            raise StorageError(f"{location.uri} exists already.", code="object-exists")
        super().place(source, location, exclusive=exclusive)

    def _falls_through(self, location: Location) -> bool:
        return not os.path.isfile(self._path(location)) and not self._is_gone(location)

    def _is_gone(self, location: Location) -> bool:
        return self._gone.path_of(location).is_file()

    def _shows(self, found: ObjectInfo) -> bool:
        """Whether an entry of the tree below is to be seen; a folded folder is where it has one."""
        location = self.locate(found.uri)
        if found.etag:
            return not self._is_gone(location)
        return any(self._shows(one) for one in self._below.scan(location))

    def _copy_up(self, location: Location) -> None:
        """Have a copy of an object of the tree below, with its time and its attributes."""
        if not self._falls_through(location):
            return
        source = self._below.path_of(location)
        with reporting(location.uri):
            status = source.stat()
            staged = self.staging_file(location)
            files.copy_file(os.path.realpath(source), staged)
            os.utime(staged, ns=(status.st_atime_ns, status.st_mtime_ns))
            attributes.write(staged, attributes.read(str(source), status))
            self.place(staged, location)
            self._copied.put(location.uri, b"")

    def _untouched(self, location: Location) -> bool:
        """Whether what lies here is a copy of what lies below, as it was made."""
        if not self._copied.path_of(location).is_file():
            return False
        here, there = Path(self._path(location)), self._below.path_of(location)
        try:
            mine, below = here.stat(), there.stat()
        except OSError:
            return False
        return (mine.st_size, mine.st_mtime_ns) == (below.st_size, below.st_mtime_ns)
