"""A folder that is kept in an object store while somebody writes to it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from engine.errors import StorageError
from engine.storage import files
from engine.storage.base import reporting
from engine.storage.tree import LocalTree

_Stamp = tuple[int, int, int]
"""Inode, size in bytes, and nanoseconds of the last change."""


class Mirror:
    """Stores the files of a folder below a URI, each again only where it has changed.

    What is removed from the folder stays in the store. Links and special files are left out.

    Args:
        tree: where the objects lie.
        uri: what the files' relative names are put under.
    """

    def __init__(self, tree: LocalTree, uri: str) -> None:
        self._tree = tree
        self._target = tree.locate(uri)
        self._seen: dict[str, _Stamp] = {}
        self._stored: dict[str, _Stamp] = {}

    def settled(self, folder: Path) -> int:
        """Store the files that are as they were at the last call; how many that were.

        A file that cannot be stored, or is gone by then, is tried again at the next call.
        """
        found = _stamps(folder)
        still = {name: stamp for name, stamp in found.items() if self._seen.get(name) == stamp}
        self._seen = found
        count = 0
        for name in self._changed(still):
            with suppress(StorageError):
                self._store(folder, name, still[name])
                count += 1
        return count

    def all(self, folder: Path) -> int:
        """Store every file that is not stored as it is now; how many that were.

        Raises:
            StorageError: a code of the tree.
        """
        found = _stamps(folder)
        changed = self._changed(found)
        for name in changed:
            self._store(folder, name, found[name])
        return len(changed)

    def _changed(self, found: dict[str, _Stamp]) -> list[str]:
        return [name for name, stamp in found.items() if self._stored.get(name) != stamp]

    def _store(self, folder: Path, name: str, stamp: _Stamp) -> None:
        self._tree.put(self._target.child(name).uri, folder / name)
        self._stored[name] = stamp


def _stamps(folder: Path) -> dict[str, _Stamp]:
    found = {}
    with reporting(str(folder)):
        for name, entry in files.walk(os.path.realpath(folder)):
            with suppress(FileNotFoundError):
                if entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    found[name] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return found
