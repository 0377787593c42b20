"""A folder that is kept in the tree while it is written to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.errors import StorageError
from engine.storage.mirror import Mirror
from engine.storage.tree import LocalTree


@pytest.fixture
def tree(tmp_path: Path) -> LocalTree:
    return LocalTree(tmp_path / "s3")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep/a").write_text("1")
    return folder


def stored(tree: LocalTree) -> dict[str, str]:
    return {one.key: tree.read(one.uri).decode() for one in tree.list("s3://bucket/out")}


def test_a_file_is_stored_once_nobody_writes_to_it_any_more(tree: LocalTree, folder: Path) -> None:
    mirror = Mirror(tree, "s3://bucket/out")
    assert mirror.settled(folder) == 0
    (folder / "growing").write_text("ha")
    assert mirror.settled(folder) == 1
    (folder / "growing").write_text("half")
    assert mirror.settled(folder) == 0
    assert stored(tree) == {"out/deep/a": "1"}
    assert mirror.settled(folder) == 1
    assert stored(tree) == {"out/deep/a": "1", "out/growing": "half"}


def test_all_stores_what_settles_never_and_nothing_twice(tree: LocalTree, folder: Path) -> None:
    mirror = Mirror(tree, "s3://bucket/out/")
    for _ in range(2):
        mirror.settled(folder)
    (folder / "late").write_text("2")
    assert mirror.all(folder) == 1
    assert mirror.all(folder) == 0
    assert stored(tree) == {"out/deep/a": "1", "out/late": "2"}


def test_a_file_replaced_by_one_of_the_same_size_and_time_is_stored_again(
    tree: LocalTree, folder: Path
) -> None:
    mirror = Mirror(tree, "s3://bucket/out")
    mirror.all(folder)
    before = (folder / "deep/a").stat()
    (folder / "new").write_text("2")
    os.utime(folder / "new", ns=(before.st_atime_ns, before.st_mtime_ns))
    (folder / "new").rename(folder / "deep/a")
    assert mirror.all(folder) == 1
    assert stored(tree) == {"out/deep/a": "2"}


def test_links_and_pipes_are_left_out_and_what_was_removed_stays(
    tree: LocalTree, folder: Path
) -> None:
    mirror = Mirror(tree, "s3://bucket/out")
    (folder / "link").symlink_to("/etc/hostname")
    os.mkfifo(folder / "pipe")
    mirror.all(folder)
    (folder / "deep/a").unlink()
    assert mirror.all(folder) == 0
    assert stored(tree) == {"out/deep/a": "1"}


def test_what_cannot_be_stored_ends_nothing_meanwhile_and_is_an_error_at_the_end(
    tree: LocalTree, folder: Path
) -> None:
    tree.put("s3://bucket/out/deep", b"a file where a folder is wanted")
    mirror = Mirror(tree, "s3://bucket/out")
    assert [mirror.settled(folder) for _ in range(2)] == [0, 0]
    with pytest.raises(StorageError) as raised:
        mirror.all(folder)
    assert raised.value.code == "key-conflict"
