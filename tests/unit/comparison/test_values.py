from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.comparison.trees import Change
from engine.comparison.values import ValueDifference, compare_values

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)
MIRROR = {Change.ADDED: Change.REMOVED, Change.REMOVED: Change.ADDED}


@given(values)
def test_a_value_does_not_differ_from_itself(value: Any) -> None:
    assert compare_values(value, value) == ((), False)


@given(values, values)
def test_looked_at_from_the_other_side_a_difference_is_its_mirror_image(
    before: Any, now: Any
) -> None:
    there, more = compare_values(before, now)
    back, also = compare_values(now, before)
    mirrored = tuple(
        ValueDifference(one.path, MIRROR.get(one.change, one.change), one.now, one.before)
        for one in back
    )
    assert (mirrored, also) == (there, more)


def test_each_place_is_told_with_its_path() -> None:
    before = {"auc": 0.5, "folds": [1, 2], "f1 score": {"a": 1}, "gone": None}
    now = {"auc": 0.6, "folds": [1, 3, 4], "f1 score": {"a": 1, "b": "x"}}
    assert compare_values(before, now)[0] == (
        ValueDifference("auc", Change.CHANGED, "0.5", "0.6"),
        ValueDifference("['f1 score'].b", Change.ADDED, "", '"x"'),
        ValueDifference("folds[1]", Change.CHANGED, "2", "3"),
        ValueDifference("folds[2]", Change.ADDED, "", "4"),
        ValueDifference("gone", Change.REMOVED, "null", ""),
    )


@pytest.mark.parametrize(("before", "now"), [(1, 1.0), (math.nan, math.nan), (0.0, -0.0)])
def test_numbers_are_compared_as_numbers(before: float, now: float) -> None:
    assert compare_values(before, now) == ((), False)


@pytest.mark.parametrize(("before", "now"), [(1, True), (0, False), (None, False), ("1", 1)])
def test_values_of_different_kinds_differ(before: Any, now: Any) -> None:
    assert len(compare_values(before, now)[0]) == 1


def test_what_is_told_is_bounded_and_says_so() -> None:
    told, more = compare_values(list(range(50)), list(range(1, 51)), limit=10)
    assert (len(told), more) == (10, True)
    (one,), _ = compare_values("x" * 1000, "y", width=20)
    assert len(one.before) == 20
    assert one.before.endswith("…")


def test_values_nested_deeper_than_the_stack_are_compared() -> None:
    deep: Any = 1
    other: Any = 2
    for _ in range(3000):
        deep, other = [deep], [other]
    (one,), _ = compare_values(deep, other)
    assert (one.before, one.now) == ("1", "2")
