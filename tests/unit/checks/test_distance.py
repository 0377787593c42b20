"""The sketch and the distances between distributions."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.environments.algorithms.checks import distance
from engine.environments.algorithms.checks.sketch import Ranks, Sketch

numbers = st.lists(st.floats(-100, 100), min_size=1, max_size=60)
counts = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 50), min_size=1)


@given(numbers, numbers)
def test_the_numerical_distance_is_the_largest_gap_of_the_distribution_functions(
    first: list[float], second: list[float]
) -> None:
    def share(values: list[float], limit: float) -> float:
        return sum(value <= limit for value in values) / len(values)

    gap = max(abs(share(first, x) - share(second, x)) for x in (*first, *second))
    assert distance.numerical([first], [second], robust=False) == pytest.approx(gap)


@given(numbers, numbers)
def test_distances_are_symmetric_and_robust_ones_are_smaller(
    first: list[float], second: list[float]
) -> None:
    simple = distance.numerical([first], [second], robust=False)
    assert simple == distance.numerical([second], [first], robust=False)
    assert 0 <= distance.numerical([first], [second], robust=True) <= simple <= 1


@given(counts, counts)
def test_the_categorical_distance_is_the_largest_difference_of_a_share(
    first: dict[str, int], second: dict[str, int]
) -> None:
    gap = distance.categorical(first, second, robust=False)
    n, m = sum(first.values()), sum(second.values())
    expected = max(abs(first.get(key, 0) / n - second.get(key, 0) / m) for key in "abcdef")
    assert gap == pytest.approx(expected)
    assert distance.categorical(first, second, robust=True) == pytest.approx(
        max(0.0, gap - 1.8 * math.sqrt((n + m) / (n * m)))
    )


@pytest.mark.parametrize(
    ("a", "x", "expected"),
    # chi-squared table: 5 % points at 1, 2 and 10 degrees of freedom; 1 % at 4
    [(0.5, 3.841459 / 2, 0.05), (1.0, 5.991465 / 2, 0.05), (5.0, 18.307038 / 2, 0.05),
     (2.0, 13.276704 / 2, 0.01), (1.0, 0.0, 1.0)],
)  # fmt: skip
def test_the_gamma_function_gives_the_published_percentage_points(
    a: float, x: float, expected: float
) -> None:
    assert distance.upper_gamma(a, x) == pytest.approx(expected, rel=1e-6)


def test_chi_squared_gives_the_p_value_of_counts() -> None:
    # (60 - 50)^2 / 50 twice is 4; one degree of freedom
    chance = distance.chi_squared({"a": 60, "b": 40}, {"a": 500, "b": 500})
    assert chance == pytest.approx(math.erfc(math.sqrt(4 / 2)))


def test_small_categories_are_merged_before_the_test() -> None:
    merged = distance.chi_squared(
        {"a": 60, "b": 38, "c": 1, "d": 1}, {"a": 50, "b": 48, "c": 1, "d": 1}
    )
    plain = distance.chi_squared({"a": 60, "b": 40}, {"a": 50, "b": 50})
    assert merged == pytest.approx(plain)
    assert math.isnan(distance.chi_squared({"a": 9}, {"a": 9}))


@given(st.lists(st.floats(-10, 10), max_size=200))
def test_a_sketch_that_is_not_full_holds_everything_in_order(items: list[float]) -> None:
    assert Sketch.of(items).levels == [items]


def test_a_full_level_moves_every_second_item_up_in_turns() -> None:
    sketch = Sketch(size=2)  # 4 items fit into the first level
    for item in (5.0, 1.0, 4.0, 2.0, 3.0):
        sketch.add(item)
    assert sketch.levels == [[3.0], [1.0, 4.0]]


@given(st.integers(1, 5000), st.integers(0, 3))
def test_a_sketch_keeps_the_count_and_nearly_the_ranks(count: int, seed: int) -> None:
    items = [float(number) for number in range(count)]
    random.Random(seed).shuffle(items)
    sketch = Sketch(size=64)
    for item in items:
        sketch.add(item)
    ranks = Ranks(sketch.levels)
    assert ranks.total == count
    for value in (count * 0.25, count * 0.5, count * 0.9):
        assert abs(ranks.at_most(value) - (math.floor(value) + 1)) <= 0.1 * count + 1
