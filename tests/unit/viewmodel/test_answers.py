"""Answers to Callback steps as they are typed in one line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.api import ParameterView
from pipetui.viewmodel.answers import read

BY = ParameterView("By", "String", required=True)
PERCENT = ParameterView("Percent", "Integer", required=True)
CANARY = ParameterView("Canary", "Boolean")
WANTED = (BY, PERCENT, CANARY)


def test_values_come_before_the_dashes_and_the_comment_behind() -> None:
    answer = read("By='Ann Lee' Percent=10 -- looks good, don't wait", WANTED)
    assert (answer.outputs, answer.missing) == ({"By": "Ann Lee", "Percent": 10}, ())
    assert answer.comment == "looks good, don't wait"


def test_only_what_has_to_be_given_is_missing() -> None:
    assert read("Percent=10", WANTED).missing == (BY,)
    assert read("", WANTED).missing == (BY, PERCENT)


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("Percent=ten", "Percent: 'ten' is not a whole number"),
        ("By=", "By: it is wanted, text"),
        ("Canary=perhaps", "Canary: it is true or false"),
        ("Percnt=10", "Percnt is none of By, Percent, Canary"),
    ],
)
def test_a_value_that_cannot_be_is_refused(typed: str, problem: str) -> None:
    with pytest.raises(ValueError) as found:
        read(typed, WANTED)
    assert str(found.value) == problem


def test_without_outputs_every_word_is_comment() -> None:
    assert read("rmse=4.4 is fine", ()).comment == "rmse=4.4 is fine"
    assert read("it isn't ready", WANTED).comment == "it isn't ready"


@given(st.text())
def test_whatever_stands_behind_the_dashes_is_comment(comment: str) -> None:
    assert read(f"-- {comment}", WANTED).comment == " ".join(comment.split())
