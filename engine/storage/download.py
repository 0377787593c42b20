"""An object, a folder of objects or a member of an archive, copied to where a person wants it."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from engine.errors import NotFound, StorageError
from engine.storage import archive, files
from engine.storage.base import reporting

SCAN_BYTES = 64 << 30
"""Unpacked bytes of an archive that are read on the way to a member."""


@dataclass(frozen=True, slots=True)
class Downloaded:
    """Where something was copied to, how many files it was, and their bytes."""

    path: str
    files: int
    size: int


Told = Callable[[int], None]
"""Is told how many bytes were copied so far; what it raises ends the copying."""


def download(
    source: Path, member: str, target: Path, *, replace: bool = False, told: Told | None = None
) -> Downloaded:
    """Copy a file, a folder or a member of an archive; it is there whole or not at all.

    Args:
        member: name of a file in the archive ``source``; empty for ``source`` itself.
        target: where to; a folder that exists takes it under its own name.
        replace: whether a file that is there may be replaced. A folder never is.

    Raises:
        StorageError: ``target-exists`` where something is there, or it cannot be written.
        NotFound: there is nothing to copy.
    """
    name = Path(member).name or source.name
    target = target / name if target.is_dir() else target
    if target.is_dir() or (target.exists() and not replace):
        raise StorageError(
            f"{target} is there already",
            code="target-exists",
            hint="Name another place, or say that it may be replaced.",
        )
    if not source.exists():
        raise NotFound(f"{source} is not there", hint="Has the step written it?")
    count = _Counter(told)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with reporting(str(target)):
            target.parent.mkdir(parents=True, exist_ok=True)
            if member:
                _copy_member(source, member, draft, count)
            elif source.is_dir():
                _copy_folder(source, draft, count)
            else:
                with source.open("rb") as opened:
                    count.copy(opened, draft)
            os.replace(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True) if draft.is_dir() else draft.unlink(True)
    return Downloaded(str(target), count.files, count.size)


class _Counter:
    """Copies streams and counts."""

    def __init__(self, told: Told | None) -> None:
        self.files = self.size = 0
        self._told = told

    def copy(self, source: IO[bytes], target: Path) -> None:
        with target.open("xb") as written:
            while block := source.read(files.CHUNK):
                written.write(block)
                self.size += len(block)
                if self._told:
                    self._told(self.size)
        self.files += 1


def _copy_member(source: Path, member: str, target: Path, count: _Counter) -> None:
    with archive.members(source, limit_read=SCAN_BYTES) as members:
        for found, content in members:
            if found.name == member and content is not None:
                count.copy(content, target)
                return
    raise NotFound(f"{source.name} has no file {member!r}")


def _copy_folder(source: Path, target: Path, count: _Counter) -> None:
    target.mkdir()
    for path, folder in _below(source):
        place = target / path.relative_to(source)
        if folder:
            place.mkdir()
            continue
        with path.open("rb") as opened:
            count.copy(opened, place)


def _below(source: Path) -> Iterator[tuple[Path, bool]]:
    """Folders and files below one, links left out."""
    for place, folders, names in os.walk(source):
        for name in folders:
            if not (path := Path(place, name)).is_symlink():
                yield path, True
        for name in names:
            if (path := Path(place, name)).is_file() and not path.is_symlink():
                yield path, False
