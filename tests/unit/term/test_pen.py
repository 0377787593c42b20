"""Styles told as what differs from the one before."""

from __future__ import annotations

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipetui.term.pen import PLAIN, Pen, Style, change, fresh, on_blanks, style

CODES = st.builds(
    lambda attributes, color, background: Style(tuple(attributes), color, background),
    st.lists(st.sampled_from(["1", "3", "4", "7", "9"]), unique=True).map(sorted),
    st.sampled_from(["", "31", "97", "38;5;4", "38;2;1;2;3"]),
    st.sampled_from(["", "41", "48;5;4", "48;2;1;2;3"]),
)


def shown(sequences: str) -> object:
    terminal = pyte.Screen(1, 1)
    pyte.Stream(terminal).feed(f"{sequences}x")
    return terminal.buffer[0][0]


@given(CODES, CODES)
def test_a_change_gives_the_style_in_no_more_bytes(old: Style, new: Style) -> None:
    assert shown(fresh(old) + change(old, new)) == shown(fresh(new))
    assert len(change(old, new)) <= len(fresh(new))


@given(CODES)
def test_codes_are_told_apart_and_put_together(given: Style) -> None:
    assert style(given.codes) == given


def test_only_what_differs_is_told() -> None:
    red = Style(("1",), "31", "48;2;1;2;3")
    assert change(red, Style(("1",), "34", "48;2;1;2;3")) == "\x1b[34m"
    assert change(red, Style((), "31", "48;2;1;2;3")) == "\x1b[22m"
    assert change(Style((), "31"), PLAIN) == "\x1b[0m"


@pytest.mark.parametrize(
    ("codes", "blank"), [("1;31", ""), ("1;31;44", "44"), ("4;31", "4;31"), ("7;31", "7;31")]
)
def test_a_blank_keeps_what_shows_on_it(codes: str, blank: str) -> None:
    assert on_blanks(codes) == blank


def test_a_blank_between_words_costs_a_blank() -> None:
    pen = Pen()
    pen.put(0, 0, ["a", " ", "b"], ["31", "", "31"])
    assert pen.text == "\x1b[1H\x1b[31ma b"


def test_the_shorter_way_is_taken() -> None:
    pen = Pen()
    for x in (0, 2, 5, 99, 105, 7):
        pen.put(3, x, ["a"], [""])
    assert pen.text == "\x1b[4Ha\x1b[Ca\x1b[2Ca\x1b[93Ca\x1b[5Ca\x1b[8Ga"
    pen.put(4, 8, ["a"], [""])
    assert pen.text.endswith("a\x1b[Ba")
    pen.put(3, 7, ["a"], [""])
    assert pen.text.endswith("a\x1b[A\b\ba")


def test_a_step_back_forgets_what_was_written() -> None:
    pen = Pen()
    pen.put(0, 0, ["a"], ["31"])
    before, mark = (pen.text, pen.size, pen.style), pen.mark()
    pen.put(1, 0, ["b"], ["32"])
    pen.back(mark)
    assert (pen.text, pen.size, pen.style) == before
