"""How much a number grew."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipetui.viewmodel.growth import grown, percent


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (4.61, 4.40, "-4.6%"),
        (0.864, 0.864, "same"),
        (0.987765, 0.987434, "-0.03%"),
        (1.0, 0.9999999999, "- under 0.0001%"),
        (0.0, 2.0, ""),
        (-2.0, -1.0, "+50.0%"),
    ],
)
def test_a_growth_is_told_as_a_part_of_what_was(before: float, now: float, said: str) -> None:
    assert percent(before, now) == said


def test_the_difference_comes_before_the_part_that_it_is() -> None:
    assert grown(0.5, 0.75) == "+0.25  +50.0%"
    assert grown(0, 3) == "+3"


NUMBERS = st.floats(-1e9, 1e9, allow_nan=False)


@given(NUMBERS, NUMBERS)
def test_only_equal_numbers_are_the_same_and_no_growth_is_zero(before: float, now: float) -> None:
    said = percent(before, now)
    assert (said == "same") == (before == now)
    assert not any(zero in said for zero in ("+0.0%", "-0.0%", "+0.00%", "-0.00%"))
