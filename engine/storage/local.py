"""The asynchronous face of the local tree: small work at once, large work in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from engine.storage.base import ObjectInfo
from engine.storage.tree import LocalTree

# Below this many bytes a read or write costs less than handing it to a thread (about 50 us).
INLINE_BYTES = 64 * 1024


class LocalStore:
    """An `engine.storage.base.ObjectStore` over a `LocalTree`."""

    def __init__(self, tree: LocalTree) -> None:
        self.tree = tree

    async def list(self, prefix: str, *, limit: int | None = None) -> Sequence[ObjectInfo]:
        """The objects below a prefix; see `LocalTree.scan`."""
        return await asyncio.to_thread(self.tree.list, prefix, limit=limit)

    async def stat(self, uri: str) -> ObjectInfo:
        """One object's size, time and ETag."""
        return self.tree.stat(uri)

    async def read(self, uri: str, start: int = 0, length: int | None = None) -> bytes:
        """An object's bytes from ``start``, at most ``length`` of them."""
        wanted = self.tree.stat(uri).size if length is None else length
        if wanted <= INLINE_BYTES:
            return self.tree.read(uri, start, length)
        return await asyncio.to_thread(self.tree.read, uri, start, length)

    async def fetch(self, uri: str, target: Path) -> int:
        """Copy an object into the file ``target``; returns its size."""
        return await asyncio.to_thread(self.tree.fetch, uri, target)

    async def put(self, uri: str, data: bytes | Path) -> ObjectInfo:
        """Store bytes or a file's content."""
        if isinstance(data, bytes) and len(data) <= INLINE_BYTES:
            return self.tree.put(uri, data)
        return await asyncio.to_thread(self.tree.put, uri, data)

    async def delete(self, uri: str) -> None:
        """Remove an object; a missing one is no error."""
        self.tree.delete(uri)

    async def copy(self, source: str, target: str) -> ObjectInfo:
        """Copy one object to another URI."""
        return await asyncio.to_thread(self.tree.copy, source, target)

    def place_of(self, uri: str) -> str:
        """The file or folder where a person puts what ``uri`` names."""
        return self.tree.place_of(uri)
