from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipetui.term.sanitize import plain

HOSTILE = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.sampled_from(
            "\x00\x07\x08\x1b\x7f\x9b\x90\r\n\t\u202e\u2066\u200b\ufeff\u2028[]0;mPX\\"
        ),
        st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp"]),
    )
)


@given(HOSTILE)
def test_nothing_is_left_that_a_terminal_could_obey(text: str) -> None:
    shown = plain(text)
    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    shown.encode("utf-8")


@given(HOSTILE)
def test_harmless_text_stays_harmless_and_the_same(text: str) -> None:
    assert plain(plain(text)) == plain(text)


@given(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_printable_ascii_is_untouched(text: str) -> None:
    assert plain(text) is text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1;31mERROR\x1b[0m bad", "ERROR bad"),
        ("\x1b[38:2:1:2:3mcolon colours", "colon colours"),
        ("\x9b31meight bits", "eight bits"),
        ("\x1b]52;c;aGk=\x07", "␛]52;c;aGk=␇"),
        ("\x1b]0;title\x1b\\", "␛]0;title␛\\"),
        ("\x1bPtmux;\x1b\\", "␛Ptmux;␛\\"),
        ("\x1b[2J", "␛[2J"),
        ("a\tb", "a       b"),
        ("a\nb\r\x00", "a␊b␍␀"),
        ("\x7f\x85", "␡<U+0085>"),
        ("user\u202etxt.exe", "user<U+202E>txt.exe"),
        ("zero\u200bwidth", "zero<U+200B>width"),
        ("variation\ufe0f", "variation<U+FE0F>"),
        ("hangul\u3164filler", "hangul<U+3164>filler"),
        ("lone \udc80", "lone \ufffd"),
        ("no\u00a0break", "no break"),
        ("é 日本 ✔ e\u0301", "é 日本 ✔ e\u0301"),
        ("[red]markup[/red]", "[red]markup[/red]"),
    ],
)
def test_what_stands_for_what(text: str, shown: str) -> None:
    assert plain(text) == shown
