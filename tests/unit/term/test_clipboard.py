from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from pipetui.term.clipboard import LIMIT, osc52


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_the_text_comes_back_out_of_the_sequence(text: str) -> None:
    sequence = osc52(text)
    assert sequence is not None
    payload = sequence.removeprefix("\x1b]52;c;").removesuffix("\x07")
    assert base64.b64decode(payload, validate=True).decode() == text


def test_text_is_refused_from_the_limit_on_counted_in_bytes() -> None:
    assert osc52("x" * LIMIT) is not None
    assert osc52("x" * (LIMIT + 1)) is None
    assert osc52("é" * 6, limit=12) is not None
    assert osc52("é" * 6, limit=11) is None


def test_the_longest_sequence_stays_below_what_terminals_take() -> None:
    assert len(osc52("x" * LIMIT) or "") <= 100_000


def test_for_tmux_the_sequence_is_wrapped_with_doubled_escapes() -> None:
    assert osc52("hi", tmux=True) == "\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\"


def test_lone_surrogates_do_not_break_copying() -> None:
    assert osc52("a\udc80b") == osc52("a?b")
