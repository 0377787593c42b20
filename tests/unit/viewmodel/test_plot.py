"""Curves stay on their canvas, whatever their values are."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipetui.viewmodel.lines import length, text_of
from pipetui.viewmodel.plot import Curve, bounds_of, framed, number, plot, swatch
from pipetui.viewmodel.sparks import spark

_points = st.lists(st.tuples(st.floats(width=64), st.floats(width=64)), max_size=30)


@given(
    st.lists(_points, max_size=4),
    st.integers(24, 90),
    st.integers(3, 15),
    st.booleans(),
)
def test_every_line_has_the_width_and_nothing_is_raised(
    several: list[list[tuple[float, float]]], width: int, height: int, unicode: bool
) -> None:
    curves = [Curve(points) for points in several]
    lines = framed(curves, width, height, unicode=unicode, letters=True)
    assert len(lines) == (height if bounds_of(curves) else 0)
    for line in lines:
        assert length(line) <= width
        if not unicode:
            assert text_of(line).isascii()


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize(
    "points",
    [
        [(1.0, 2.0)],
        [(1.0, 2.0), (2.0, 2.0), (3.0, 2.0)],
        [(1.0, 2.0), (2.0, math.nan), (3.0, math.inf), (4.0, 1.0)],
    ],
    ids=["one point", "constant", "not finite"],
)
def test_few_or_odd_values_are_drawn(points: list[tuple[float, float]], unicode: bool) -> None:
    curve = Curve(points)
    bounds = bounds_of([curve])
    assert bounds is not None
    drawn = "".join(text_of(line) for line in plot([curve], bounds, 20, 5, unicode=unicode))
    assert drawn.strip()


def test_a_rising_line_ends_at_the_top_right_and_starts_at_the_bottom_left() -> None:
    curve = Curve([(0.0, 0.0), (1.0, 1.0)])
    bounds = bounds_of([curve])
    assert bounds is not None
    lines = [text_of(line) for line in plot([curve], bounds, 10, 4, unicode=False)]
    assert lines[0].endswith("*")
    assert lines[-1].startswith("*")


def test_curves_are_told_apart_without_colour() -> None:
    assert len({swatch(at) for at in range(6)}) == 6
    assert len({swatch(at, unicode=False) for at in range(6)}) == 6
    curves = [Curve([(0.0, 0.0), (9.0, 0.0)]), Curve([(0.0, 1.0), (9.0, 1.0)])]
    bounds = bounds_of(curves)
    assert bounds is not None
    top, *_, bottom = [text_of(line) for line in plot(curves, bounds, 20, 4, letters=True)]
    assert (top[-1], bottom[-1]) == ("b", "a")
    assert set(top[:-1]) != set(bottom[:-1])


@given(st.floats())
def test_numbers_at_the_axis_are_short(value: float) -> None:
    assert len(number(value)) <= 10


@given(st.lists(st.floats(width=64)), st.integers(1, 20), st.booleans())
def test_sparks_fit(values: list[float], width: int, unicode: bool) -> None:
    assert len(spark(values, width, unicode=unicode)) <= width


def test_sparks_show_the_shape() -> None:
    assert spark([1, 2, 3, 4, 5, 6, 7, 8], 8) == "▁▂▃▄▅▆▇█"
    assert spark([8, 1], 8, unicode=False) == "#_"
    assert spark([0.0, 0.0], 8, floor=0.0) == "▁▁"
