"""What every object store does, and how it says that it cannot."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from engine.errors import StorageError

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One stored object: URI, key, size in bytes, modification time (epoch seconds), ETag."""

    uri: str
    key: str
    size: int
    modified_at: float
    etag: str


class ObjectStore(Protocol):
    """Objects by URI: the local tree or S3.

    Every method raises `StorageError`: ``object-not-found``, ``bucket-not-found``,
    ``access-denied``, ``disk-full``, a code of `engine.storage.location`, or another that its
    implementation documents.
    """

    async def list(self, prefix: str, *, limit: int | None = None) -> Sequence[ObjectInfo]:
        """The objects whose URI starts with ``prefix``, in key order; none is an empty list."""
        ...

    async def stat(self, uri: str) -> ObjectInfo:
        """One object's size, time and ETag."""
        ...

    async def read(self, uri: str, start: int = 0, length: int | None = None) -> bytes:
        """The object's bytes from ``start``; fewer than ``length`` at its end, none beyond it."""
        ...

    async def fetch(self, uri: str, target: Path) -> int:
        """Copy an object into the file ``target``, whose folder exists; returns its size."""
        ...

    async def put(self, uri: str, data: bytes | Path) -> ObjectInfo:
        """Store bytes or a file's content; a reader sees the old object or the new, never half."""
        ...

    async def delete(self, uri: str) -> None:
        """Remove an object; one that is not there is no error."""
        ...

    async def copy(self, source: str, target: str) -> ObjectInfo:
        """Copy one object to another URI of the same store."""
        ...

    def place_of(self, uri: str) -> str:
        """Where a person puts a file so that it is found under ``uri``."""
        ...


_FAILURES: dict[int, tuple[str, str, str]] = {
    errno.ENOENT: ("object-not-found", "there is no such object", "Check the name."),
    errno.ENOTDIR: ("object-not-found", "there is no such object", "Check the name."),
    errno.EISDIR: ("object-not-found", "this is a folder, no object", "Name a file in it."),
    errno.EACCES: ("access-denied", "access is denied", "Check the owner and mode of the file."),
    errno.EPERM: ("access-denied", "access is denied", "Check the owner and mode of the file."),
    errno.ENOSPC: ("disk-full", "the disk is full", "Free some space, then retry."),
    errno.EDQUOT: ("disk-full", "the disk quota is used up", "Free some space, then retry."),
    errno.EROFS: ("read-only", "the file system is read-only", "Choose another home folder."),
    errno.ELOOP: ("path-is-link", "the path is a symbolic link", "Put the file itself there."),
}


def failure(error: OSError, uri: str) -> StorageError:
    """The typed error for an operating system error met at ``uri``."""
    code, sentence, hint = _FAILURES.get(
        error.errno or 0, ("storage-error", error.strerror or str(error), "")
    )
    return StorageError(f"{uri}: {sentence}.", code=code, hint=hint)


@contextmanager
def reporting(uri: str) -> Iterator[None]:
    """Turn an `OSError` of the block into the `StorageError` for ``uri``."""
    try:
        yield
    except OSError as error:
        raise failure(error, uri) from error


async def bounded(
    work: Callable[[_Item], Awaitable[_Result]], items: Iterable[_Item], width: int
) -> list[_Result]:
    """Do ``work`` on every item, ``width`` at once; the first error ends all of it."""
    pending = enumerate(items)
    results: dict[int, _Result] = {}

    async def worker() -> None:
        for number, item in pending:
            results[number] = await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(width):
                group.create_task(worker())
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [results[number] for number in range(len(results))]
