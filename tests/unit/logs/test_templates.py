from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.logs.severity import Level
from engine.logs.templates import Folding, fold, template, unseen

LINES = st.lists(st.text(alphabet=st.sampled_from("ab 12:=/.-\té"), max_size=20), max_size=40)


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("epoch=12 loss=0.25", "epoch=<*> loss=<*>"),
        ("[41]\ttrain-rmse:2.31", "[<*>]\ttrain-rmse:<*>"),
        ("id 123e4567-e89b-12d3-a456-426614174000 0xdeadbeef", "id <*> <*>"),
        ("read /opt/ml/input/data.csv and s3://b/k?v=1", "read <*> and <*>"),
        ("KeyError: 'tenure_months'", "KeyError: 'tenure_months'"),
        ("\x1b[31m5 errors\x1b[0m", "<*> errors"),
        ("either/or stays", "either/or stays"),
    ],
)
def test_what_varies_is_masked(line: str, masked: str) -> None:
    assert template(line) == masked


def test_lines_that_say_the_same_are_counted_as_one() -> None:
    first, second = fold(["epoch 1", "WARNING late", "epoch 20", "epoch 300"])
    assert (first.text, first.first, first.count, first.last) == ("epoch <*>", 0, 3, 3)
    assert (second.count, second.severity, second.example) == (1, Level.WARN, "WARNING late")


@given(lines=LINES, limit=st.integers(1, 5))
def test_folding_counts_every_line_once_in_bounded_memory(lines: list[str], limit: int) -> None:
    found = fold(lines, limit)
    assert sum(one.count for one in found) == len(lines)
    assert len(found) <= 2 * limit + 1
    assert [one.first for one in found] == sorted(one.first for one in found)
    for one in found:
        assert lines[one.first] == one.example and one.first <= one.last < len(lines)


@given(lines=LINES)
def test_lines_are_folded_together_where_their_templates_are_equal(lines: list[str]) -> None:
    assert {one.text for one in fold(lines)} == {template(line) for line in lines}


@given(line=st.text(max_size=80))
def test_a_template_is_its_own_template(line: str) -> None:
    assert template(template(line)) == template(line)


def test_lines_never_seen_are_those_of_unknown_templates() -> None:
    green = {template(line) for line in ("epoch 1", "saved /a/b")}
    news = unseen(["epoch 9", "", "DeprecationWarning: column renamed", "saved /c"], green)
    assert [one.text for one in news] == ["DeprecationWarning: column renamed"]


def test_skeletons_that_are_forgotten_are_counted_on() -> None:
    folding = Folding()
    for number in range(50_000):
        word = "".join(chr(97 + number // 26**place % 26) for place in range(4))
        folding.add(number, f"/{word} seen")
    assert [(one.text, one.count) for one in folding.counts()] == [("<*> seen", 50_000)]
