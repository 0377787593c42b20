from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipetui.logview.view import FLOORS, Tally, View, search_pattern, status

small = st.integers(0, 300)
TRANSITIONS: st.SearchStrategy[Callable[[View], View]] = st.one_of(
    st.builds(lambda w, h: lambda v: v.resized(w, h), small, small),
    st.builds(lambda n: lambda v: v.grown(n), small),
    st.builds(lambda n: lambda v: v.scrolled_to(n), st.integers(-50, 400)),
    st.builds(lambda n: lambda v: v.scrolled_by(n), st.integers(-50, 50)),
    st.builds(lambda n: lambda v: v.revealed(n), small),
    st.builds(lambda n: lambda v: v.shifted(n), st.integers(-20, 20)),
    st.builds(lambda n: lambda v: v.anchored(n) if v.wrap and v.follow else v, small),
    st.sampled_from([View.followed, View.paused, View.wrapped, View.floored, View.caught_up]),
    st.builds(lambda t: lambda v: v.filtered_by(t), st.sampled_from(["", "!", "x", "!x"])),
)


@given(st.lists(TRANSITIONS, max_size=30))
def test_whatever_is_done_the_view_stays_within_the_log(
    steps: list[Callable[[View], View]],
) -> None:
    view = View()
    for step in steps:
        view = step(view)
        assert 0 <= view.top <= view.bottom
        assert view.left >= 0 and view.new >= 0
        assert view.floor in FLOORS
        if view.follow:
            assert view.new == 0
            assert view.wrap or view.top == view.bottom


@given(st.integers(2, 1000), st.integers(1, 60), st.integers(1, 50), st.integers(0, 99))
def test_scrolling_up_pauses_and_counts_what_comes(
    total: int, height: int, rows: int, more: int
) -> None:
    view = View().resized(80, height).grown(total)
    up = view.scrolled_by(-rows)
    assert up.follow is (view.bottom == 0)
    later = up.grown(total + more)
    assert later.new == (0 if up.follow else more)
    if not up.follow:
        assert later.top == up.top


@given(st.integers(1, 1000), st.integers(1, 60))
def test_coming_back_to_the_end_resumes_following(total: int, height: int) -> None:
    view = View().resized(80, height).grown(total).scrolled_to(0)
    assert view.scrolled_by(total).follow
    assert view.followed().grown(total + 9).top == max(0, total + 9 - height)


@given(st.integers(1, 1000), st.integers(1, 60), st.data())
def test_a_row_that_is_revealed_is_on_the_screen_and_stays(
    total: int, height: int, data: st.DataObject
) -> None:
    view = View(wrap=data.draw(st.booleans())).resized(80, height).grown(total)
    row = data.draw(st.integers(0, total - 1))
    shown = view.revealed(row)
    assert not shown.follow
    assert shown.top <= row < shown.top + height
    assert shown.grown(total + 50).top == shown.top


def test_the_horizontal_place_survives_following_and_growth() -> None:
    view = View().resized(80, 10).grown(50).shifted(16)
    assert view.scrolled_by(-3).followed().grown(99).left == 16


def test_a_truncated_log_leaves_nothing_new_and_the_view_inside() -> None:
    view = View().resized(80, 10).grown(100).scrolled_by(-20).grown(120).grown(5)
    assert (view.top, view.new) == (0, 0)


def test_another_filter_does_not_make_old_rows_new() -> None:
    view = View().resized(80, 10).grown(20).scrolled_by(-5).floored().grown(300)
    assert view.new == 0
    assert view.grown(303).new == 3


def test_the_floor_goes_round() -> None:
    view = View()
    floors = []
    for _ in range(5):
        view = view.floored()
        floors.append(view.floor)
    assert floors == [20, 30, 40, 0, 20]


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        ("loss", "LOSS=1", True),
        ("Loss", "loss=1", False),
        (r"loss=\d", "loss=7", True),
        ("[oops", "an [oops here", True),
        ("(", "f(x)", True),
        ("*", "a*b", True),
        ("[[a]", "[[a]", True),
    ],
)
def test_what_search_text_means(text: str, line: str, found: bool) -> None:
    pattern = search_pattern(text)
    assert pattern is not None
    assert bool(pattern.search(line)) is found


@given(st.text(max_size=30))
def test_any_search_text_is_usable(text: str) -> None:
    pattern = search_pattern(text)
    assert (pattern is None) is (text == "")


@pytest.mark.parametrize(
    ("view", "tally", "text"),
    [
        (View(), Tally(lines=12_031, errors=3), "follow | 12,031 lines | 3 err"),
        (View(follow=False, total=20, seen=8), Tally(lines=20), "paused +12 new | 20 lines"),
        (View(search="x"), Tally(9, hits=9, hit=2), "follow | 9 lines | /x/ 2 of 9"),
        (View(search="x"), Tally(9), "follow | 9 lines | /x/ none"),
        (View(search="x"), Tally(9, scanning=True), "follow | 9+ lines | /x/ 0+"),
        (View(filter="!x", total=4), Tally(9), "follow | 4 of 9 lines | filter !x"),
        (
            View(floor=30, total=1),
            Tally(2),
            "follow | 1 of 2 lines | info and plain hidden",
        ),
        (View(wrap=True, left=8), Tally(), "follow | 0 lines | wrap"),
        (View(left=8), Tally(problem="Gone."), "follow | Gone. | 0 lines | column 9"),
    ],
)
def test_the_status_line(view: View, tally: Tally, text: str) -> None:
    assert status(view, tally) == text
