"""A tree over another: all of S3 is seen, and only the upper one is ever written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import StorageError
from engine.storage.location import Location
from engine.storage.overlay import OverlayTree, lay_over, open_tree
from engine.storage.tree import LocalTree


@pytest.fixture
def below(tmp_path: Path) -> LocalTree:
    tree = LocalTree(tmp_path / "below", tmp_path / "definitions")
    for key in ("a", "dir/b", "dir/c", "other/d"):
        tree.put(f"s3://lake/{key}", key.encode())
    return tree


@pytest.fixture
def overlay(below: LocalTree, tmp_path: Path) -> OverlayTree:
    root = tmp_path / "above"
    lay_over(below.root, root)
    tree = open_tree(root, tmp_path / "definitions")
    assert isinstance(tree, OverlayTree)
    return tree


def keys(tree: LocalTree, prefix: str = "s3://lake/", *, fold: bool = False) -> list[str]:
    return [one.key for one in tree.scan(prefix, fold=fold)]


def test_a_folder_that_is_laid_over_nothing_is_a_plain_tree(tmp_path: Path) -> None:
    assert type(open_tree(tmp_path)) is LocalTree


def test_what_is_not_written_is_read_from_below(overlay: OverlayTree, tmp_path: Path) -> None:
    assert overlay.read("s3://lake/dir/b") == b"dir/b"
    assert overlay.fetch("s3://lake/a", tmp_path / "copy") == 1
    assert overlay.stat("s3://lake/a").size == 1
    assert keys(overlay) == ["a", "dir/b", "dir/c", "other/d"]
    assert not list(overlay.all_written())


def test_what_is_written_hides_what_lies_below_and_leaves_it_alone(
    overlay: OverlayTree, below: LocalTree
) -> None:
    overlay.put("s3://lake/dir/b", b"new")
    overlay.put("s3://lake/dir/bb", b"more")
    assert overlay.read("s3://lake/dir/b") == b"new"
    assert below.read("s3://lake/dir/b") == b"dir/b"
    assert keys(overlay, "s3://lake/dir/") == ["dir/b", "dir/bb", "dir/c"]
    assert [one.key for one in overlay.all_written()] == ["dir/b", "dir/bb"]


def test_what_is_removed_is_gone_from_every_view_but_not_from_below(
    overlay: OverlayTree, below: LocalTree
) -> None:
    for key in ("dir/b", "dir/c"):
        overlay.delete(f"s3://lake/{key}")
    assert keys(overlay) == ["a", "other/d"]
    assert keys(overlay, fold=True) == ["a", "other/"]
    assert keys(below, fold=True) == ["a", "dir/", "other/"]
    with pytest.raises(StorageError) as raised:
        overlay.read("s3://lake/dir/b")
    assert raised.value.code == "object-not-found"
    overlay.put("s3://lake/dir/b", b"again")
    assert overlay.read("s3://lake/dir/b") == b"again"


def test_a_path_is_that_of_a_copy_which_counts_as_written_once_it_is_changed(
    overlay: OverlayTree, below: LocalTree
) -> None:
    folder = overlay.path_of("s3://lake/dir")
    assert sorted(os.listdir(folder)) == ["b", "c"]
    assert not list(overlay.all_written())
    (folder / "b").write_text("changed by its path")
    assert below.read("s3://lake/dir/b") == b"dir/b"
    assert [one.key for one in overlay.all_written()] == ["dir/b"]


def test_files_beside_s3_are_written_in_the_overlay_too(
    overlay: OverlayTree, tmp_path: Path
) -> None:
    file = tmp_path / "definitions" / "out" / "n.txt"
    file.parent.mkdir(parents=True)
    file.write_text("old")
    assert overlay.read("out/n.txt") == b"old"
    overlay.put("out/n.txt", b"new")
    overlay.put("out/m.txt", b"m")
    assert overlay.read("out/n.txt") == b"new"
    assert file.read_text() == "old"
    assert [Path(one.key).name for one in overlay.scan("out")] == ["m.txt", "n.txt"]
    assert [one.uri for one in overlay.all_written()] == [
        f"file://{file.parent}/m.txt",
        f"file://{file}",
    ]
    overlay.delete(f"file://{file}")
    assert file.exists()
    with pytest.raises(StorageError):
        overlay.read("out/n.txt")


def test_an_exclusive_write_is_refused_where_the_object_lies_below(overlay: OverlayTree) -> None:
    location = Location("s3", "lake", "a")
    with overlay.staged(location) as staged:
        Path(staged.path).write_bytes(b"x")
        with pytest.raises(StorageError) as raised:
            staged.commit(exclusive=True)
    assert raised.value.code == "object-exists"


def test_buckets_of_both_are_there(overlay: OverlayTree) -> None:
    overlay.make_bucket("mine")
    assert [name for name, _ in overlay.buckets()] == ["lake", "mine"]
    assert overlay.has_bucket("lake")
    assert not overlay.drop_bucket("lake")
    assert overlay.drop_bucket("mine")


NAMES = ["a", "dir/b", "dir/c", "dir/sub/e", "other/d", "z"]
acts = st.lists(st.tuples(st.sampled_from(["put", "delete", "path"]), st.sampled_from(NAMES)))


@given(acts)
@settings(max_examples=60)
def test_an_overlay_behaves_as_a_copy_would(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("overlay")
    below, copy = LocalTree(folder / "below"), LocalTree(folder / "copy")
    for tree in (below, copy):
        for key in NAMES[:4]:
            tree.put(f"s3://lake/{key}", key.encode())
    lay_over(below.root, folder / "above")
    overlay = open_tree(folder / "above")
    for number, (act, key) in enumerate(steps):
        for tree in (overlay, copy):
            uri = f"s3://lake/{key}"
            if act == "put":
                tree.put(uri, f"{number}".encode())
            elif act == "delete":
                tree.delete(uri)
            else:
                tree.path_of("s3://lake/dir")
    for fold in (False, True):
        assert keys(overlay, fold=fold) == keys(copy, fold=fold)
    for key in keys(copy):
        assert overlay.read(f"s3://lake/{key}") == copy.read(f"s3://lake/{key}")
    assert keys(below) == sorted(NAMES[:4])
