from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.logs.search import Matcher, required_text

PATTERNS = (
    *(r"abc\d", r"x?abc", "abc*", "ab+c", r"a.bcd", "[ab]bcd", r"\x61bc", "abc|bcd", "(abc)d"),
    *(r"^abc", r"bcd$", "abc{2}d", r"bc\.d", r"\bbcd", "a{,2}bcd", "[]a]bcd", "[^]a]bcd"),
)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"loss=0\.9\d+ acc", "loss=0.9"),
        ("abc?def", "def"),
        ("foo*", "fo"),
        ("a|bcd", ""),
        (r"\x41bc", ""),
        ("[ab]cde", "cde"),
    ],
)
def test_the_text_a_pattern_cannot_do_without(pattern: str, text: str) -> None:
    assert required_text(re.compile(pattern)) == text


@given(
    lines=st.lists(st.text(alphabet=st.sampled_from("aAbBcCdD1.x "), max_size=12), max_size=20),
    pattern=st.sampled_from(PATTERNS),
    fold=st.booleans(),
)
def test_a_search_by_required_text_finds_what_the_expression_finds(
    lines: list[str], pattern: str, fold: bool
) -> None:
    sought = re.compile(pattern, re.IGNORECASE if fold else 0)
    chunk = "".join(f"{line}\n" for line in lines).encode()
    expected = [row for row, line in enumerate(lines) if sought.search(line)]
    assert Matcher(sought).rows(chunk) == expected


@given(
    lines=st.lists(st.sampled_from(["", "a", "xa1", "b", "A", "a\x00"]), max_size=40),
    needle=st.sampled_from(["a", r"a\d", "", "xa1", r"xa1\b"]),
    filler=st.sampled_from([0, 3000]),
    ended=st.booleans(),
)
def test_dense_and_sparse_hits_are_found_alike(
    lines: list[str], needle: str, filler: int, ended: bool
) -> None:
    lines = [*lines, "." * filler, "xa1"]
    chunk = ("\n".join(lines) + "\n" * ended).encode()
    sought = re.compile(needle)
    assert Matcher(sought).rows(chunk) == [n for n, line in enumerate(lines) if sought.search(line)]
