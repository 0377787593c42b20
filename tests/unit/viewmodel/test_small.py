"""Times, bars, sizes and filters as a person reads and types them."""

from __future__ import annotations

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipetui.viewmodel.filters import Filter, fuzzy
from pipetui.viewmodel.progress import bar
from pipetui.viewmodel.sizes import size
from pipetui.viewmodel.times import TimeMode, clock, elapsed, exact, moment, since_start, waiting

NOON = 1_790_078_400.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (-3, "00:00"),
        (4.9, "00:04"),
        (131, "02:11"),
        (3731, "1:02:11"),
        (273_600, "3d 04h"),
    ],
)
def test_elapsed(seconds: float | None, text: str) -> None:
    assert elapsed(seconds) == text


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (-9, "now"),
        (4, "now"),
        (59, "59s ago"),
        (130, "2m ago"),
        (7300, "2h ago"),
        (90_000, "yesterday"),
        (200_000, "2d ago"),
    ],
)
def test_moments_are_relative_at_first(ago: float, text: str) -> None:
    assert moment(NOON - ago, NOON, TimeMode.RELATIVE) == text


def test_absolute_moments_leave_out_what_today_says() -> None:
    assert moment(NOON - 61, NOON, TimeMode.UTC) == "11:58:59Z"
    assert moment(NOON - 86_400, NOON, TimeMode.UTC) == "09-21 12:00Z"
    assert moment(NOON - 86_400, NOON, TimeMode.LOCAL, UTC) == "09-21 12:00"
    assert moment(NOON - 400 * 86_400, NOON, TimeMode.UTC) == "2025-08-18"
    assert clock(NOON, TimeMode.UTC) == "2026-09-22 12:00:00Z"


@pytest.mark.parametrize(
    ("after", "text"),
    [
        (0, "+00:00.0"),
        (3.21, "+00:03.2"),
        (59.96, "+01:00.0"),
        (3725, "+1:02:05"),
        (-1, "+00:00.0"),
    ],
)
def test_events_are_told_from_the_start(after: float, text: str) -> None:
    assert since_start(1000.0 + after, 1000.0, TimeMode.RELATIVE) == text


def test_events_have_the_day_where_it_is_another_than_that_of_the_start() -> None:
    assert since_start(1000.0, 900.0, TimeMode.UTC, UTC) == "00:16:40Z"
    assert since_start(87_400.0, 900.0, TimeMode.LOCAL, UTC) == "02 00:16:40"


@pytest.mark.parametrize(
    ("ago", "text"),
    [(4, "4s ago"), (252, "4m 12s ago"), (7500, "2h 05m ago"), (273_600, "3d 04h ago")],
)
def test_actions_of_the_same_hour_are_told_apart(ago: float, text: str) -> None:
    assert exact(1_000_000.0 - ago, 1_000_000.0, TimeMode.RELATIVE) == text


def test_actions_have_date_and_time_on_demand() -> None:
    assert exact(1000.0, 2000.0, TimeMode.UTC, UTC) == "01-01 00:16:40Z"
    assert exact(1000.0, 40_000_000.0, TimeMode.LOCAL, UTC) == "1970-01-01 00:16"


def test_a_wait_is_told_to_the_minute() -> None:
    said = [waiting(seconds) for seconds in (3, 725, 3900, 273_600)]
    assert said == ["now", "12m", "1h 05m", "3d 04h"]


def test_modes_go_round() -> None:
    assert TimeMode.RELATIVE.next.next.next is TimeMode.RELATIVE


@given(st.floats(-1, 2), st.integers(2, 30), st.booleans())
def test_a_bar_fills_its_width_and_is_full_only_when_all_is_done(
    done: float, width: int, unicode: bool
) -> None:
    text = bar(done, width, unicode=unicode)
    assert len(text) == width
    full = {"█"} if unicode else {"#"}
    assert (set(text) == full) == (done >= 1)
    if 0 < done < 1:
        assert text[0] not in "·"


def test_sizes() -> None:
    found = [size(count) for count in (0, 999, 1000, 12_400, 999_999, 1_200_000_000, 5 * 10**12)]
    assert found == ["0 B", "999 B", "1.0 kB", "12.4 kB", "1.0 MB", "1.2 GB", "5.0 TB"]


@pytest.mark.parametrize(
    ("typed", "matches"),
    [
        ("", True),
        ("!", True),
        ("~", True),
        ("TRAIN", True),
        ("chu.*9dk", True),
        ("!failed", False),
        ("!green", True),
        ("~chtr9", True),
        ("~9tr", False),
        ("[", False),
    ],
)
def test_filters(typed: str, matches: bool) -> None:
    assert Filter(typed).matches("churn-train 9dk2 failed") is matches


@given(st.text(max_size=12), st.text(max_size=30))
def test_no_filter_text_is_an_error(typed: str, text: str) -> None:
    assert Filter(typed).matches(text) in (True, False)


def test_fuzzy_prefers_letters_that_stand_together_at_the_start() -> None:
    ranked = sorted(["strain", "train", "t-r-a-i-n"], key=lambda name: fuzzy("train", name) or 0)
    assert ranked == ["train", "strain", "t-r-a-i-n"]
    assert fuzzy("nart", "train") is None
