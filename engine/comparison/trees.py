"""Two listings of files, name by name. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Change(StrEnum):
    """What became of something between before and now."""

    SAME = "same"
    CHANGED = "changed"
    REMOVED = "only before"
    ADDED = "only now"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file: its name inside the tree, its size in bytes, and what its content is known by.

    Args:
        digest: of the content; empty where nobody has computed it.
    """

    name: str
    size: int
    digest: str = ""


@dataclass(frozen=True, slots=True)
class FileDifference:
    """One file of either tree; its sizes in bytes are None where it is not there."""

    name: str
    change: Change
    size_before: int | None
    size_now: int | None


@dataclass(frozen=True, slots=True)
class TreeDifference:
    """Every file of either tree, in the order of the names."""

    files: tuple[FileDifference, ...] = ()

    @property
    def same(self) -> bool:
        """Whether both trees hold the same files."""
        return all(one.change is Change.SAME for one in self.files)

    @property
    def differing(self) -> tuple[FileDifference, ...]:
        """The files that are not the same."""
        return tuple(one for one in self.files if one.change is not Change.SAME)

    def count(self, change: Change) -> int:
        """How many files that happened to."""
        return sum(one.change is change for one in self.files)


def compare_trees(before: Iterable[FileEntry], now: Iterable[FileEntry]) -> TreeDifference:
    """Compare two listings; files of one name and size are the same unless their digests differ.

    Whoever lists has to give digests for such pairs (``undecided``): without both of them the size
    decides.
    """
    old, new = {one.name: one for one in before}, {one.name: one for one in now}
    return TreeDifference(
        tuple(_difference(name, old.get(name), new.get(name)) for name in sorted(old | new))
    )


def undecided(before: Iterable[FileEntry], now: Iterable[FileEntry]) -> list[str]:
    """Names of the files that only their content can tell apart: those of one name and size."""
    sizes = {one.name: one.size for one in before}
    return [one.name for one in now if sizes.get(one.name) == one.size]


def _difference(name: str, before: FileEntry | None, now: FileEntry | None) -> FileDifference:
    if before is None or now is None:
        change = Change.ADDED if before is None else Change.REMOVED
    else:
        known = before.digest and now.digest
        equal = before.size == now.size and (not known or before.digest == now.digest)
        change = Change.SAME if equal else Change.CHANGED
    return FileDifference(name, change, before.size if before else None, now.size if now else None)
