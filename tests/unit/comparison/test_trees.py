from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from engine.comparison.trees import (
    Change,
    FileDifference,
    FileEntry,
    compare_trees,
    undecided,
)

entries = st.builds(FileEntry, st.sampled_from("abcdef"), st.integers(0, 3), st.sampled_from("xy"))
listings = st.lists(entries, unique_by=lambda one: one.name)
MIRROR = {Change.ADDED: Change.REMOVED, Change.REMOVED: Change.ADDED}


def mirrored(one: FileDifference) -> FileDifference:
    return FileDifference(
        one.name, MIRROR.get(one.change, one.change), one.size_now, one.size_before
    )


@given(listings)
def test_a_tree_is_the_same_as_itself_in_any_order(tree: list[FileEntry]) -> None:
    found = compare_trees(tree, reversed(tree))
    assert found.same
    assert not found.differing
    assert found.count(Change.SAME) == len(tree)


@given(listings, listings)
def test_looked_at_from_the_other_side_a_difference_is_its_mirror_image(
    before: list[FileEntry], now: list[FileEntry]
) -> None:
    there = compare_trees(before, now).files
    assert tuple(map(mirrored, compare_trees(now, before).files)) == there


@given(listings, listings)
def test_every_file_of_either_tree_is_told_once_in_the_order_of_names(
    before: list[FileEntry], now: list[FileEntry]
) -> None:
    names = [one.name for one in compare_trees(before, now).files]
    assert names == sorted({one.name for one in [*before, *now]})


@given(listings, listings)
def test_only_files_of_one_name_and_size_are_undecided(
    before: list[FileEntry], now: list[FileEntry]
) -> None:
    bare = [[replace(one, digest="") for one in tree] for tree in (before, now)]
    same = {one.name for one in compare_trees(*bare).files if one.change is Change.SAME}
    assert set(undecided(before, now)) == same


def test_files_of_one_size_differ_by_their_digests() -> None:
    found = compare_trees([FileEntry("a", 1, "x")], [FileEntry("a", 1, "y")])
    assert found.files == (FileDifference("a", Change.CHANGED, 1, 1),)
