"""Local files: walked in key order, copied by the kernel, private; no link is followed."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator

CHUNK = 1 << 20
_KERNEL_COPY_REFUSED = {
    errno.EXDEV,
    errno.EINVAL,
    errno.ENOSYS,
    errno.EOPNOTSUPP,
    errno.EBADF,
    errno.EPERM,
}

Entry = os.DirEntry[str]


def walk(
    folder: str,
    *,
    stem: str = "",
    prefix: str = "",
    after: str = "",
    fold: bool = False,
    folders: bool = False,
    segment_of: Callable[[str], str] = str,
) -> Iterator[tuple[str, Entry]]:
    """Everything below ``folder`` that is no folder, by name in code point order, lazily.

    Args:
        folder: where to start; a missing one is empty.
        stem: what every name starts with (the key of ``folder``, with its slash).
        prefix: only names that start so.
        after: only names greater than this one.
        fold: yield the folders of the first level, as ``name/``, and do not go into them.
        folders: yield folders too, as ``name/``, before what they hold.
        segment_of: from a file name to its part of the name.

    Yields:
        The name and the directory entry, links and special files among them.
    """
    levels = [iter(_entries(folder, stem, prefix, segment_of))]
    while levels:
        found = next(levels[-1], None)
        if found is None:
            levels.pop()
            continue
        name, entry = found
        if not name.endswith("/") or not entry.is_dir(follow_symlinks=False):
            if name.startswith(prefix) and name > after:
                yield found
            continue
        if not name.startswith(prefix) and not prefix.startswith(name):
            continue
        if fold and name.startswith(prefix):
            if name > after:
                yield found
            continue
        if name < after and not after.startswith(name):
            continue
        if folders and name > after:
            yield found
        levels.append(iter(_entries(entry.path, name, prefix, segment_of)))


def _entries(
    folder: str, stem: str, prefix: str, segment_of: Callable[[str], str]
) -> list[tuple[str, Entry]]:
    try:
        with os.scandir(folder) as entries:
            found = [
                (name + "/" * entry.is_dir(follow_symlinks=False), entry)
                for entry in entries
                if (name := stem + segment_of(entry.name)).startswith(prefix)
                or prefix.startswith(name)
            ]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(found, key=lambda item: item[0])


def holds_file(folder: str) -> bool:
    """Whether a regular file lies anywhere below ``folder``."""
    return any(entry.is_file(follow_symlinks=False) for _, entry in walk(folder))


def make_folders(path: str) -> None:
    """Make a folder and those above it, each for the owner alone (0700)."""
    missing = []
    while True:
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            if not os.path.isdir(path):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from None
        except FileNotFoundError:
            missing.append(path)
            path = os.path.dirname(path)
            continue
        if not missing:
            return
        path = missing.pop()


def create(path: str) -> int:
    """Open a file for writing, empty and for the owner alone (0600); never through a link."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(path, flags, 0o600)


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write every byte, however many calls that takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def write_file(path: str, data: bytes) -> None:
    """Write a new private file."""
    target = create(path)
    try:
        write_all(target, data)
    finally:
        os.close(target)


def copy_file(source: str, target: str) -> int:
    """Copy a regular file's bytes, in the kernel where it can; returns how many."""
    reader = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        writer = create(target)
        try:
            return copy_bytes(reader, writer)
        finally:
            os.close(writer)
    finally:
        os.close(reader)


def copy_bytes(reader: int, writer: int) -> int:
    """Copy from one open file to another up to its end; returns how many bytes."""
    copied = 0
    try:
        while count := os.copy_file_range(reader, writer, 1 << 30):
            copied += count
    except OSError as error:
        if error.errno not in _KERNEL_COPY_REFUSED:
            raise
    # The kernel copies nothing from some special file systems: what is left is read and written.
    while chunk := os.read(reader, CHUNK):
        write_all(writer, chunk)
        copied += len(chunk)
    return copied
