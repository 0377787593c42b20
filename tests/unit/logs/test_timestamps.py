from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.logs.timestamps import Clock

NEAR = datetime(2026, 3, 1, 0, 30, tzinfo=UTC).timestamp()
CLOCK = Clock(NEAR, UTC)


def at(*parts: int, micro: int = 0) -> float:
    return datetime(*parts, microsecond=micro, tzinfo=UTC).timestamp()  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "expected", "rest"),
    [
        ("2026-01-31T10:00:01Z INFO x", at(2026, 1, 31, 10, 0, 1), "INFO x"),
        (
            "2026-01-31 10:00:01,250 - x",
            at(2026, 1, 31, 10, 0, 1, micro=250_000),
            "x",
        ),
        ("[2026-01-31T10:00:01.5+02:00] x", at(2026, 1, 31, 8, 0, 1, micro=500_000), "x"),
        ("2026/01/31 10:00:01 x", at(2026, 1, 31, 10, 0, 1), "x"),
        ("\x1b[2m2026-01-31T10:00:01Z\x1b[0m x", at(2026, 1, 31, 10, 0, 1), "x"),
        ("2026-01-31 10:00:01", at(2026, 1, 31, 10, 0, 1), ""),
        ("1767225600 x", 1_767_225_600.0, "x"),
        ("1767225600.25: x", 1_767_225_600.25, "x"),
        ("1767225600250 x", 1_767_225_600.25, "x"),
        ("Feb 28 23:59:59 host x", at(2026, 2, 28, 23, 59, 59), "host x"),
        ("Dec 31 23:59:59 host x", at(2025, 12, 31, 23, 59, 59), "host x"),
        ("I0228 23:59:59.000001 7 f.go:1] x", at(2026, 2, 28, 23, 59, 59, micro=1), None),
        ("23:59:58 x", at(2026, 2, 28, 23, 59, 58), "x"),
        ("00:10:00.5 | x", at(2026, 3, 1, 0, 10, 0, micro=500_000), "x"),
        ('{"ts": 1767225600.5, "msg": "x"}', 1_767_225_600.5, None),
        ('{"msg": "x", "timestamp": "2026-01-31T10:00:01Z"}', at(2026, 1, 31, 10, 0, 1), None),
        ('time="2026-01-31T10:00:01Z" level=info', at(2026, 1, 31, 10, 0, 1), None),
        ("INFO 2026-01-31 10:00:01 x", at(2026, 1, 31, 10, 0, 1), None),
    ],
)
def test_common_shapes_of_time_are_read(text: str, expected: float, rest: str | None) -> None:
    stamp = CLOCK.read(text)
    assert stamp is not None and stamp.at == pytest.approx(expected, abs=1e-6)
    assert text[stamp.size :] == (text if rest is None else rest)


@pytest.mark.parametrize(
    "text",
    [
        *("", " indented 2026-01-31 10:00:01", "no time", "2026-13-01 10:00:00 x", "12:99:00 x"),
        *("123 lines", "17672256001 x", "Feb 30 10:00:00 x", "0000-00-00 00:00:00", "[41] rmse:2"),
    ],
)
def test_what_states_no_time_has_none(text: str) -> None:
    assert CLOCK.read(text) is None


def test_a_line_without_a_zone_is_in_the_given_one() -> None:
    east = Clock(NEAR, timezone(timedelta(hours=2)))
    stamp = east.read("2026-01-31 10:00:01 x")
    assert stamp is not None and stamp.at == at(2026, 1, 31, 8, 0, 1)


def test_a_leap_day_without_a_year_is_in_a_leap_year() -> None:
    leap = Clock(at(2028, 3, 1), UTC).read("Feb 29 10:00:00 x")
    assert leap is not None and leap.at == at(2028, 2, 29, 10)


@given(moment=st.datetimes(datetime(1980, 1, 1), datetime(2090, 1, 1)), text=st.text(max_size=20))
def test_a_time_that_is_written_is_read_back(moment: datetime, text: str) -> None:
    aware = moment.replace(tzinfo=UTC)
    stamp = CLOCK.read(f"{aware.isoformat(timespec='microseconds')} {text}")
    assert stamp is not None and stamp.at == pytest.approx(aware.timestamp(), abs=1e-5)


@given(text=st.text(alphabet=st.sampled_from('0123456789:-/TZ.,[] JanFeb{"ts=}+'), max_size=60))
def test_any_text_has_a_time_or_none(text: str) -> None:
    stamp = CLOCK.read(text)
    assert stamp is None or 0 <= stamp.size <= len(text)
