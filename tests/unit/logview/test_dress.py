from __future__ import annotations

import unicodedata
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipetui.logview.dress import Dress, Times, relative
from pipetui.logview.json_lines import compact, parsed, pretty
from pipetui.logview.sgr import INKS, inked
from tests.unit.logview.fakes import MemoryLine

AT = 1_767_225_601.25
STATED = MemoryLine(0, "2026-01-01 00:00:01 \x1b[31mred\x1b[0m text", 0, at=AT, stamp=20)
UNSTATED = MemoryLine(1, "more", 0)


@pytest.mark.parametrize(
    ("times", "stated", "unstated"),
    [
        (Times.WRITTEN, "2026-01-01 00:00:01 red text", "more"),
        (Times.RELATIVE, "+00:00:01.250 red text", " " * 14 + "more"),
        (Times.LOCAL, "01-01 00:00:01.250 red text", " " * 19 + "more"),
        (Times.UTC, "01-01 00:00:01.250 red text", " " * 19 + "more"),
        (Times.HIDDEN, "red text", "more"),
    ],
)
def test_the_time_of_a_line_is_shown_as_wanted(times: Times, stated: str, unstated: str) -> None:
    dress = Dress(times, AT - 1.25, UTC)
    text, inks = dress.line(STATED)
    assert text == stated
    assert [(text[ink.start : ink.end], ink.hue) for ink in inks] == [("red", "red")]
    assert dress.line(UNSTATED)[0] == unstated


def test_without_a_start_there_is_no_time_since_it_and_before_it_is_negative() -> None:
    assert Dress(Times.RELATIVE).line(STATED)[0] == " " * 14 + "red text"
    assert relative(-3661.5) == "-01:01:01.500"
    assert Dress(Times.UTC).line(MemoryLine(0, "x", 0, at=1e300))[0].split() == ["?", "x"]


def test_the_ways_to_show_times_go_round() -> None:
    ways = [Times.WRITTEN]
    for _ in Times:
        ways.append(ways[-1].next)
    assert set(ways) == set(Times) and ways[-1] is Times.WRITTEN


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ('{"time": "t", "level": "info", "msg": "hello you", "n": 1}', "t INFO hello you n=1"),
        ('{"level": 50, "message": "x", "a": {"b": [1]}}', 'ERROR x a={"b":[1]}'),
        ('{"msg": "x", "path": "a b", "none": null}', 'x path="a b" none=null'),
        ("plain {", "plain {"),
        ("{broken", "{broken"),
        ("{}", "{}"),
        ("[1]", "[1]"),
    ],
)
def test_json_lines_in_short(text: str, short: str) -> None:
    assert compact(text) == short


def test_a_short_json_line_leaves_out_the_time_that_stands_before_it() -> None:
    line = MemoryLine(0, '{"ts": 1767225601.25, "msg": "x"}', 0, at=AT)
    assert Dress(Times.UTC, compact=True).line(line)[0] == "01-01 00:00:01.250 x"
    assert Dress(compact=True).line(line)[0] == "1767225601.25 x"


def test_json_is_found_at_the_end_of_a_line_and_laid_out_with_aligned_keys() -> None:
    found = parsed(
        'INFO got [x] {"a": 1, "long": "two\\nlines", "in": {"b": []}, "l": [1, {"c": 2}]}'
    )
    assert pretty(found) == [
        ("a   ", "1"),
        ("long", "two"),
        ("    ", "lines"),
        ("in", ""),
        ("  b", "[]"),
        ("l", ""),
        ("  - ", "1"),
        ("  - c", "2"),
    ]
    assert parsed("no json [at all") is None and parsed('"text"') is None


def test_json_of_any_depth_is_shown_to_a_bounded_one() -> None:
    deep = "[" * 500 + "]" * 500
    assert len(pretty(parsed(deep))) < 100


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a\x1b[31mb\x1b[0mc", [("b", "red", "")]),
        ("\x1b[1;34mx\x1b[22my\x1b[39mz", [("x", "blue", "bold"), ("y", "blue", "")]),
        ("\x1b[38;5;196mr\x1b[38;2;0;200;0mg", [("r", "red", ""), ("g", "green", "")]),
        ("\x1b[38:5:8md\x1b[38;5;240me", [("d", "grey", ""), ("e", "grey", "")]),
        ("\x1b[41;5;8mx", []),
        ("\x1b[48;2;1;2;3;32mx", [("x", "green", "")]),
        ("\x1b[30mx\x1b[97my", [("x", "grey", "")]),
        ("\x9b4mx\x1b[m", [("x", "", "underline")]),
        ("\x1b[38;2mx", []),
    ],
)  # fmt: skip
def test_colours_become_hues_that_a_theme_can_show(
    text: str, parts: list[tuple[str, str, str]]
) -> None:
    shown, inks = inked(text)
    assert [(shown[ink.start : ink.end], ink.hue, ink.manner) for ink in inks] == parts


def test_tabs_stand_where_they_would_without_colours() -> None:
    assert inked("ab\x1b[31m\tc\x1b[0m\td")[0] == "ab\tc\td".expandtabs(8)


@given(
    text=st.lists(
        st.sampled_from(["\x1b[", "\x9b", "m", ";", "38", "5", "\x1b]52;c;a\x07", "\t", "\u202e"])
        | st.text(max_size=5)
    ).map("".join)
)
def test_colours_leave_the_text_harmless_and_cover_parts_of_it(text: str) -> None:
    shown, inks = inked(text)
    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    end = 0
    for ink in inks:
        assert end <= ink.start < ink.end <= len(shown) and ink.hue in {"", *INKS}
        end = ink.end
