"""The window: what may be under way to a terminal, whatever the line is like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipetui.term.link import DELAY, FIRST, LEAST, LOST, MOST, PATIENCE, UNKNOWN, Link, badge


class Line:
    """A line of a rate and a way, with a link that paints as much as it may all the time."""

    def __init__(self, rate: float, way: float) -> None:
        self.rate, self.way = rate, way
        self.link = Link(interval=0.0)
        self.now = 0.0
        self.mark = 0
        self.slices: list[tuple[int, float]] = []
        self.paint(10)

    def paint(self, size: int, *, owing: bool = False) -> float:
        """Send, and let the answer come; the seconds that took."""
        self.mark += 1
        self.link.sent(self.now, size, self.mark, owing=owing)
        took = self.way + size / self.rate
        self.now += took
        self.link.answered(self.now, self.mark)
        return took

    def saturate(self, slices: int) -> list[float]:
        """Paint without end; what each slice took on the line alone."""
        found = []
        for _ in range(slices):
            while not (room := self.link.room(self.now, owing=True)):
                self.now += 0.005
            found.append(self.paint(room, owing=True) - self.way)
        return found


@given(st.floats(2e4, 5e6), st.floats(0.0005, 0.5))
def test_what_is_under_way_comes_down_to_the_delay(rate: float, way: float) -> None:
    line = Line(rate, way)
    assert line.saturate(12)[-1] <= max(DELAY * 1.3, LEAST / rate * 1.1)


@given(st.floats(2e4, 5e6), st.floats(0.0005, 0.5))
def test_the_rate_is_found_whatever_the_way_is(rate: float, way: float) -> None:
    line = Line(rate, way)
    line.saturate(20)
    assert line.link.rate == pytest.approx(rate, rel=0.15)


@given(
    st.lists(
        st.tuples(st.sampled_from(["send", "answer", "check", "forget"]), st.integers(0, 100_000),
                  st.floats(0, 20), st.booleans()),
        max_size=60,
    )
)  # fmt: skip
def test_the_window_keeps_its_bounds(moves: list[tuple[str, int, float, bool]]) -> None:
    link, now = Link(), 0.0
    for move, number, passed, urgent in moves:
        now += passed
        if move == "send":
            link.sent(now, number, number % 60, owing=urgent)
        elif move == "answer":
            link.answered(now, number % 60)
        elif move == "check":
            link.check(now)
        else:
            link.forget()
        assert LEAST <= link.window <= MOST
        assert 0 <= link.room(now, urgent=urgent) <= 2 * link.window
        assert link.under_way >= 0


def test_the_first_screen_waits_for_no_answer() -> None:
    link = Link()
    link.sent(0.0, 20, 1)
    assert link.room(0.3, urgent=True) >= UNKNOWN
    assert link.room(0.3) == UNKNOWN - 20


def test_nothing_follows_until_the_answer_comes() -> None:
    link = Link(interval=0.0)
    link.sent(0.0, 200, 1)
    link.answered(0.1, 1)
    link.sent(1.0, 200, 2)
    assert link.room(5.0) == 0
    link.answered(5.0, 2)
    assert link.room(7.0) == FIRST


def test_a_key_does_not_wait_for_the_answer() -> None:
    link = Link(interval=1.0)
    link.sent(0.0, 10, 1)
    link.answered(0.01, 1)
    link.sent(0.02, 9000, 2)
    assert link.room(0.03) == 0
    assert link.room(0.03, urgent=True) == 2 * FIRST - 9000


def test_bytes_that_the_kernel_did_not_take_count() -> None:
    link = Link(interval=0.0, asks=False)
    link.unwritten = 10
    assert link.room(1.0) == 0


def test_a_terminal_that_never_answers_is_painted_blindly() -> None:
    link = Link(interval=0.01)
    link.sent(0.0, 100, 1)
    assert not link.check(PATIENCE + 0.1)
    assert not link.asks
    assert link.room(PATIENCE + 1) == MOST
    link.sent(10.0, 100, 0)
    assert link.room(10.1) == 0
    assert link.room(10.5) > 0


def test_a_lost_answer_is_asked_for_again() -> None:
    link = Link()
    link.sent(0.0, 10, 1)
    link.answered(0.1, 1)
    link.sent(1.0, 10, 2)
    assert not link.check(1.0 + LOST / 2)
    assert link.check(1.1 + LOST)


def test_one_answer_stands_for_those_before_it() -> None:
    link = Link(interval=0.0)
    for mark in (1, 2, 3):
        link.sent(0.0, 100, mark)
    link.answered(0.1, 2)
    assert link.under_way == 100
    link.answered(0.2, 57)
    assert link.under_way == 0


def test_a_slow_link_is_told_and_a_fast_one_is_not() -> None:
    line = Line(40_000, 0.02)
    line.saturate(20)
    assert line.link.slow
    assert badge(line.link).startswith("link 40 kB/s, ")
    line.now += 5
    line.paint(100)
    assert not line.link.slow
    assert badge(line.link) == ""
