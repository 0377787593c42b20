"""Which line was written when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipetui.logview.moments import line_at, time_near
from tests.unit.logview.fakes import MemoryLine, MemoryLog


class TimedLog(MemoryLog):
    """Lines whose text is the time they state, or nothing."""

    def lines(self, start: int, count: int) -> Sequence[MemoryLine]:
        return [
            replace(line, at=float(line.text) if line.text else None)
            for line in super().lines(start, count)
        ]


def log(*times: float | None) -> TimedLog:
    return TimedLog(["" if time is None else str(time) for time in times])


@pytest.mark.parametrize(
    ("at", "on", "back"), [(0, 0, 0), (10, 1, 2), (11, 3, 2), (95, 5, 4), (100, 5, 5), (900, 5, 5)]
)
def test_a_moment_is_found_from_both_sides(at: float, on: int, back: int) -> None:
    source = log(0, 10, 10, 20, 90, 100)
    assert line_at(source, at, 1) == on and line_at(source, at, -1) == back


@given(
    steps=st.lists(st.integers(0, 5), min_size=1, max_size=200),
    at=st.integers(0, 400),
    direction=st.sampled_from([1, -1]),
)
def test_it_is_what_looking_at_every_line_finds(steps: list[int], at: int, direction: int) -> None:
    times = [float(sum(steps[: n + 1])) for n in range(len(steps))]
    if direction > 0:
        wanted = next((n for n, time in enumerate(times) if time >= at), len(times) - 1)
    else:
        wanted = next((n for n in reversed(range(len(times))) if times[n] <= at), 0)
    assert line_at(log(*times), at, direction) == wanted


def test_lines_without_a_time_take_that_of_the_line_above_or_else_below() -> None:
    source = log(None, 5, None, None, 9)
    assert [time_near(source, line) for line in range(5)] == [5, 5, 5, 5, 9]
    assert time_near(log(None, None), 1) is None


def test_lines_without_a_time_are_passed_over() -> None:
    source = log(None, 5, None, None, 9, None)
    assert line_at(source, 9, 1) == 4
    assert line_at(source, 10, 1) == 5
    assert line_at(log(), 3, 1) == 0 and line_at(log(None, None), 3, -1) == 0
