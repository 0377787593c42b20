"""Ranges: every share is a value inside, every value has a share, scales have their density."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DefinitionError
from engine.tuning.ranges import Categorical, Numeric, Scaling, read_ranges

shares = st.floats(0, 1)
scalings = st.sampled_from([Scaling.LINEAR, Scaling.LOGARITHMIC, Scaling.REVERSE_LOGARITHMIC])


@st.composite
def numerics(draw: Any) -> Numeric:
    scaling = draw(scalings)
    if draw(st.booleans()) and scaling is not Scaling.REVERSE_LOGARITHMIC:
        low = draw(st.integers(1 if scaling is Scaling.LOGARITHMIC else -1000, 1000))
        return Numeric("n", low, draw(st.integers(low, low + 10_000)), scaling, integer=True)
    bounds = {
        Scaling.LINEAR: (-1e6, 1e6),
        Scaling.LOGARITHMIC: (1e-9, 1e6),
        Scaling.REVERSE_LOGARITHMIC: (0.0, 0.999999),
    }[scaling]
    low, high = sorted(draw(st.tuples(st.floats(*bounds), st.floats(*bounds))))
    return Numeric("n", low, high, scaling)


@given(numerics(), shares)
def test_every_share_is_a_value_inside_the_range(one: Numeric, share: float) -> None:
    text = one.at(share)
    assert one.low <= float(text) <= one.high
    assert not one.integer or text == str(int(text))
    assert one.share(text) is not None


@given(numerics(), shares, shares)
def test_a_greater_share_is_no_smaller_value(one: Numeric, first: float, second: float) -> None:
    low, high = sorted((first, second))
    greater = float(one.at(high))
    assert float(one.at(low)) <= greater + 1e-9 * (1 + abs(greater))


@given(numerics().filter(lambda one: one.integer), shares)
def test_an_integer_keeps_its_value_by_way_of_its_share(one: Numeric, share: float) -> None:
    text = one.at(share)
    back = one.share(text)
    assert back is not None and one.at(back) == text


def test_ends_of_a_range_are_reached() -> None:
    one = Numeric("n", 0.25, 4.0, Scaling.LOGARITHMIC)
    assert (one.at(0.0), one.at(0.5), one.at(1.0)) == ("0.25", "1.0", "4.0")


def test_reverse_logarithmic_is_dense_near_one() -> None:
    one = Numeric("momentum", 0.0, 0.999, Scaling.REVERSE_LOGARITHMIC)
    assert float(one.at(1 / 3)) == pytest.approx(0.9)
    assert float(one.at(2 / 3)) == pytest.approx(0.99)


def test_integers_have_equal_parts_of_a_linear_range() -> None:
    one = Numeric("n", 1, 4, integer=True)
    found = Counter(one.at((k + 0.5) / 400) for k in range(400))
    assert found == {"1": 100, "2": 100, "3": 100, "4": 100}


def test_a_value_outside_of_the_range_has_no_share() -> None:
    one = Numeric("n", 1.0, 2.0)
    assert one.share("2.5") is one.share("0.5") is one.share("many") is None


def test_categories_have_equal_parts() -> None:
    one = Categorical("c", ("a", "b"))
    assert [one.at(share) for share in (0.0, 0.49, 0.5, 1.0)] == ["a", "a", "b", "b"]


@pytest.mark.parametrize(
    ("low", "high", "scaling"),
    [("0.001", "1", "Logarithmic"), ("0.001", "0.9", "Linear"), ("0", "1000", "Linear")],
)
def test_auto_is_logarithmic_over_three_orders_of_magnitude(
    low: str, high: str, scaling: str
) -> None:
    given_range = {"Name": "n", "MinValue": low, "MaxValue": high, "ScalingType": "Auto"}
    (found,) = read_ranges({"ContinuousParameterRanges": [given_range]})
    assert isinstance(found, Numeric) and found.scaling == scaling


@pytest.mark.parametrize(
    "ranges",
    [
        {},
        {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "2", "MaxValue": "1"}]},
        {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "a", "MaxValue": "1"}]},
        {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "inf"}]},
        {"IntegerParameterRanges": [{"Name": "x", "MinValue": "0.5", "MaxValue": "1"}]},
        {"IntegerParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "9",
                                     "ScalingType": "Logarithmic"}]},
        {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1",
                                        "ScalingType": "ReverseLogarithmic"}]},
        {"CategoricalParameterRanges": [{"Name": "x", "Values": []}]},
        {"CategoricalParameterRanges": [{"Name": "x", "Values": ["a"]}] * 2},
    ],
)  # fmt: skip
def test_ranges_that_are_none_are_errors(ranges: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError) as caught:
        read_ranges(ranges)
    assert caught.value.code == "tuning-range-invalid"


def test_ranges_left_to_the_service_are_refused() -> None:
    with pytest.raises(DefinitionError) as caught:
        read_ranges({"AutoParameters": [{"Name": "x", "ValueHint": "1"}]})
    assert caught.value.code == "tuning-ranges-automatic"
