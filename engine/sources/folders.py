"""Two files or folders on this host, read and compared. Blocking; for a thread."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePath

from engine.comparison.contents import (
    DEFAULT,
    Content,
    ContentDifference,
    compare_archives,
    compare_contents,
)
from engine.comparison.executions import FilesDifference
from engine.comparison.trees import Change, FileEntry, compare_trees, undecided
from engine.errors import StorageError
from engine.storage import archive, files

FILES, CONTENTS = 20_000, 8
"""Files of a folder that are listed, and changed ones that are looked into."""
DIGEST_BYTES = 256 << 20
"""Files of the same size above this are taken to be the same."""
SCAN_BYTES = 256 << 20
"""Unpacked bytes of an archive that are looked at."""
_ARCHIVES = (".tar.gz", ".tgz", ".tar", ".zip")


def compare_folders(role: str, name: str, before: Path, now: Path) -> FilesDifference:
    """How two folders differ, or two files; one that is not there counts as empty.

    Where the only file that is gone and the only one that is new are of one kind, they are one file
    that has another name now.
    """
    old, new = list(_listed(before)), list(_listed(now))
    places = {one.name: _place(before, one.name) for one in old}
    if renamed := _renamed(old, new, one_file=before.is_file() and now.is_file()):
        was, is_ = renamed
        old = [replace(one, name=is_) if one.name == was else one for one in old]
        places[is_] = places.pop(was)
    unsure = set(undecided(old, new))
    tree = compare_trees(
        _digested(places, old, unsure),
        _digested({one.name: _place(now, one.name) for one in new}, new, unsure),
    )
    changed = [one.name for one in tree.files if one.change is Change.CHANGED]
    contents = {
        file: compare_files(file, places[file], _place(now, file)) for file in changed[:CONTENTS]
    }
    return FilesDifference(role, name, tree, contents)


def compare_files(name: str, before: Path, now: Path) -> ContentDifference:
    """How the contents of two files differ; of archives, how their members do.

    Args:
        name: its ending tells what the file is.
    """
    if name.lower().endswith(_ARCHIVES):
        with suppress(StorageError):
            (old, cut), (new, also_cut) = _members(before), _members(now)
            return compare_archives(compare_trees(old, new), more=cut or also_cut)
    return compare_contents(name, _content(before), _content(now))


def _renamed(
    old: list[FileEntry], new: list[FileEntry], *, one_file: bool
) -> tuple[str, str] | None:
    """The name that a file had and the one that it has, where just one was renamed."""
    before, now = {one.name for one in old}, {one.name for one in new}
    gone, added = before - now, now - before
    if len(gone) != 1 or len(added) != 1:
        return None
    was, is_ = gone.pop(), added.pop()
    return (was, is_) if one_file or _kind(was) == _kind(is_) else None


def _kind(name: str) -> tuple[str, str]:
    """The folder and the ending of a file."""
    path = PurePath(name)
    return str(path.parent), "".join(path.suffixes)


def _place(top: Path, name: str) -> Path:
    return top if top.is_file() else top / name


def _listed(top: Path) -> Iterator[FileEntry]:
    if top.is_file():
        yield FileEntry(top.name, top.stat().st_size)
        return
    count = 0
    for place, folders, names in os.walk(top):
        folders.sort()
        for name in sorted(names):
            path = Path(place) / name
            with suppress(OSError):
                yield FileEntry(str(path.relative_to(top)), path.stat().st_size)
                count += 1
        if count > FILES:
            return


def _digested(
    places: Mapping[str, Path], entries: list[FileEntry], names: set[str]
) -> list[FileEntry]:
    return [
        replace(one, digest=_digest(places[one.name]))
        if one.name in names and one.size <= DIGEST_BYTES
        else one
        for one in entries
    ]


def _digest(path: Path) -> str:
    with suppress(OSError), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
    return ""


def _content(path: Path) -> Content:
    with suppress(OSError), path.open("rb") as file:
        return Content(file.read(DEFAULT.content), path.stat().st_size)
    return Content(b"", 0)


def _members(path: Path) -> tuple[list[FileEntry], bool]:
    """The files of an archive with their digests, and whether there are more than were read."""
    found = []
    try:
        with archive.members(path, limit_read=SCAN_BYTES) as members:
            for member, content in members:
                if content is None:
                    continue
                total = hashlib.sha256()
                while block := content.read(files.CHUNK):
                    total.update(block)
                found.append(FileEntry(member.name, member.size, total.hexdigest()))
    except StorageError as problem:
        if problem.code != "archive-too-large":
            raise
        return found, True
    return found, False
