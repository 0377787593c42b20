from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from engine.errors import StorageError
from engine.storage.tree import LocalTree


@pytest.fixture
def tree(tmp_path: Path) -> LocalTree:
    return LocalTree(tmp_path / "home" / "s3", base=tmp_path / "definitions")


def code_of(raised: pytest.ExceptionInfo[StorageError]) -> str:
    return raised.value.code


def everything_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_an_object_is_the_file_at_bucket_and_key(tree: LocalTree) -> None:
    tree.put("s3://bucket/a/b.csv", b"1,2")
    assert (tree.root / "bucket/a/b.csv").read_bytes() == b"1,2"
    assert tree.place_of("s3://bucket/a/b.csv") == str(tree.root / "bucket/a/b.csv")


def test_files_and_folders_are_for_the_owner_alone_whatever_the_umask(tree: LocalTree) -> None:
    before = os.umask(0)
    try:
        tree.put("s3://bucket/a/b", b"x")
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in tree.root.rglob("*") if path.is_dir()}
    assert modes == {0o700}
    assert tree.root.stat().st_mode & 0o777 == 0o700
    assert (tree.root / "bucket/a/b").stat().st_mode & 0o777 == 0o600


def test_relative_paths_and_file_uris_start_from_the_definitions_folder(
    tree: LocalTree, tmp_path: Path
) -> None:
    (tmp_path / "definitions/data").mkdir(parents=True)
    (tmp_path / "definitions/data/x").write_bytes(b"x")
    assert tree.read("data/x") == tree.read("file://data/x") == b"x"
    assert [info.key for info in tree.list("data")] == [str(tmp_path / "definitions/data/x")]


def test_a_link_inside_the_tree_is_never_followed(tree: LocalTree, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    tree.put("s3://bucket/real", b"x")
    (tree.root / "bucket/folder").symlink_to(outside)
    (tree.root / "bucket/file").symlink_to(outside / "secret")
    assert [info.key for info in tree.list("s3://bucket/")] == ["real"]
    for act in (
        lambda: tree.read("s3://bucket/folder/secret"),
        lambda: tree.read("s3://bucket/file"),
        lambda: tree.put("s3://bucket/folder/new", b"x"),
        lambda: tree.put("s3://bucket/file", b"x"),
        lambda: tree.delete("s3://bucket/folder/secret"),
    ):
        with pytest.raises(StorageError) as raised:
            act()
        assert code_of(raised) == "path-is-link"
    assert everything_below(outside) == {"secret"}
    assert (outside / "secret").read_bytes() == b"secret"


@pytest.mark.parametrize("key", ["../../x", "..", "a/../../../x", "/etc/x", "%../x", "./x"])
def test_a_climbing_key_stays_in_its_bucket_and_comes_back(
    tree: LocalTree, tmp_path: Path, key: str
) -> None:
    tree.put(f"s3://bucket/{key}", b"x")
    assert [info.key for info in tree.list("s3://bucket/")] == [key]
    assert {path.name for path in tmp_path.iterdir()} == {"home"}
    assert {path.name for path in tree.root.iterdir()} == {"bucket", ".staging"}


def test_names_that_differ_only_in_case_are_two_objects(tree: LocalTree) -> None:
    tree.put("s3://bucket/Key", b"1")
    tree.put("s3://bucket/key", b"2")
    assert tree.read("s3://bucket/Key") == b"1"


def test_a_file_and_a_folder_of_one_name_conflict(tree: LocalTree) -> None:
    tree.put("s3://bucket/a", b"x")
    tree.put("s3://bucket/b/c", b"x")
    for uri in ("s3://bucket/a/b", "s3://bucket/b"):
        with pytest.raises(StorageError) as raised:
            tree.put(uri, b"y")
        assert code_of(raised) == "key-conflict"
    assert [info.key for info in tree.list("s3://bucket/")] == ["a", "b/c"]


def test_a_refused_write_leaves_nothing_behind(tree: LocalTree) -> None:
    tree.put("s3://bucket/a", b"x")
    with pytest.raises(StorageError):
        tree.put("s3://bucket/a/b", b"y")
    with pytest.raises(StorageError):
        tree.put("s3://bucket", b"y")
    assert everything_below(tree.root) == {".staging", "bucket", "bucket/a"}


def test_deleting_the_last_object_of_a_folder_removes_the_folder_but_not_the_bucket(
    tree: LocalTree,
) -> None:
    tree.put("s3://bucket/a/b/c", b"x")
    tree.delete("s3://bucket/a/b/c")
    assert everything_below(tree.root) == {".staging", "bucket"}


def test_listing_is_lazy_in_key_order_and_starts_after_a_key(tree: LocalTree) -> None:
    keys = ["a-b", "a/b", "a/c/d", "a0", "b", "z/%/y"]
    for key in keys:
        tree.put(f"s3://bucket/{key}", b"")
    assert [info.key for info in tree.scan("s3://bucket/")] == sorted(keys)
    assert [info.key for info in tree.scan("s3://bucket/", after="a/b")] == sorted(keys)[2:]
    assert [info.key for info in tree.scan("s3://bucket/a/", after="")] == ["a/b", "a/c/d"]
    folded = [info.key for info in tree.scan("s3://bucket/", fold=True)]
    assert folded == ["a-b", "a/", "a0", "b", "z/"]


def test_special_files_and_unreadable_names_are_no_objects(tree: LocalTree) -> None:
    tree.put("s3://bucket/a", b"x")
    os.mkfifo(tree.root / "bucket/pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tree.root / "bucket/socket"))
    with open(os.fsencode(tree.root) + b"/bucket/\xff", "wb"):
        pass
    (tree.root / "bucket/empty").mkdir()
    assert [info.key for info in tree.list("s3://bucket/")] == ["a"]
    assert [info.key for info in tree.scan("s3://bucket/", fold=True)] == ["a"]


def test_an_edited_file_gets_another_etag(tree: LocalTree) -> None:
    first = tree.put("s3://bucket/a", b"x")
    assert tree.stat("s3://bucket/a").etag == first.etag
    (tree.root / "bucket/a").write_bytes(b"xy")
    assert tree.stat("s3://bucket/a").etag != first.etag


def test_what_a_dead_writer_left_is_swept_once_it_is_old(tree: LocalTree) -> None:
    old, new = Path(tree.staging_file()), Path(tree.staging_file())
    old.write_bytes(b"x")
    new.write_bytes(b"x")
    os.utime(old, (0, 0))
    tree.sweep(3600)
    assert [path.name for path in (tree.root / ".staging").iterdir()] == [new.name]


def test_a_full_disk_is_told_apart(tree: LocalTree) -> None:
    tree.put("s3://bucket/a", b"x")
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    with pytest.raises(StorageError) as raised:
        tree.fetch("s3://bucket/a", Path("/dev/full"))
    assert code_of(raised) == "disk-full"
