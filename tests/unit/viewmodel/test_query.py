"""Executions and steps are found by what is typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.api import ExecutionStatus, ExecutionView, StepView
from engine.model.status import StepStatus
from pipetui.viewmodel.query import EXECUTION_KEYS, STEP_KEYS, parse, seconds

NOW = 10_000.0
ONE = ExecutionView(
    "k3f9",
    "churn-train",
    ExecutionStatus.FAILED,
    NOW - 1800,
    parameters={"eta": 0.3, "Kind": "big one", "On": True},
    ended_at=NOW - 1200,
    created_by="ana@host",
    first_failed="evaluate",
)
SEARCH = "churn-train k3f9 failed x evaluate: KeyError"
STEP = StepView("k3f9", 0, "train", "Training", StepStatus.FAILED, started_at=0.0, ended_at=400.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "churn",
        "KeyE.*r",
        "~chtr",
        "status:failed",
        "status:succ,fail",
        "pipeline:CHURN",
        "param:eta>0.1 param:eta<=0.3",
        "param:eta=0.30",
        'param:Kind="big one"',
        'param:"kind=big one"',
        "param:et",
        "param:on=true",
        "took>5m",
        "took<=600s",
        "started<1h",
        "step:eval",
        "step:train",
        "by:ana",
        "!status:succeeded !nightly",
        "status:failed by:ana churn took>9m",
        "nobody|churn",
        'unknown:key|"failed x"',
    ],
)
def test_it_is_found(text: str) -> None:
    assert parse(text).keeps_execution(ONE, SEARCH, NOW, ("train",)), parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "nightly",
        "!churn",
        "status:executing",
        "pipeline:nightly",
        "param:eta>0.5",
        "param:Kind>3",
        "param:none=1",
        "took>11m",
        "started<20m",
        "step:register",
        "by:ben",
        "churn !by:ana",
        "unknown:key",
    ],
)
def test_it_is_not(text: str) -> None:
    assert not parse(text).keeps_execution(ONE, SEARCH, NOW, ("train",)), parse(text)


def test_steps_have_keys_of_their_own() -> None:
    for text in ("status:failed", "type:train took>6m", "!status:succeeded trai"):
        assert parse(text, STEP_KEYS).keeps_step(STEP, "train Training failed", NOW), text
    for text in ("status:waiting", "type:Processing", "took<1m", "by:ana"):
        assert not parse(text, STEP_KEYS).keeps_step(STEP, "train Training failed", NOW), text


def test_a_step_that_has_not_started_took_no_time_at_all() -> None:
    waiting = StepView("k3f9", 0, "train", "Training")
    assert not parse("took<1h", STEP_KEYS).keeps_step(waiting, "train", NOW)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("took>", "took> needs a time: 90s, 5m, 2h, 1d"),
        ("started<soon", "started< needs a time: 90s, 5m, 2h, 1d"),
        ("status:", "status: needs a value"),
        ("param:eta>much", "param:eta> needs a number"),
        ("param:eta=", "param:eta= needs a value"),
        ('"churn', 'a " is not closed'),
    ],
)
def test_what_cannot_be_understood_is_said_and_left_out(text: str, problem: str) -> None:
    query = parse(text)
    assert query.problem == problem
    assert query.keeps_execution(ONE, SEARCH, NOW)


PIECES = st.sampled_from(
    [
        *EXECUTION_KEYS,
        ":",
        ">",
        "<=",
        "!",
        "~",
        '"',
        " ",
        "0.1",
        "5m",
        "failed",
        "eta",
        "[",
        "(",
        "\\",
    ]
)


@given(st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=30))
def test_whatever_is_typed_is_read_and_answers(text: str) -> None:
    query = parse(text)
    assert query.keeps_execution(ONE, SEARCH, NOW) in (True, False)
    assert parse(text, STEP_KEYS).keeps_step(STEP, SEARCH, NOW) in (True, False)


@given(st.lists(PIECES.filter(lambda piece: piece not in ('"', "!", " ")), min_size=1).map("".join))
def test_a_negated_term_keeps_just_what_the_term_does_not(text: str) -> None:
    if parse(text).terms:
        plain = parse(text).keeps_execution(ONE, SEARCH, NOW)
        assert parse(f"!{text}").keeps_execution(ONE, SEARCH, NOW) is not plain


@given(PIECES, PIECES)
def test_terms_all_have_to_hold(one: str, other: str) -> None:
    if '"' not in one + other:
        both = parse(f"{one} {other}").keeps_execution(ONE, SEARCH, NOW)
        each = [parse(text).keeps_execution(ONE, SEARCH, NOW) for text in (one, other)]
        assert both is all(each)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("90", 90),
        ("90s", 90),
        ("5m", 300),
        ("1.5h", 5400),
        ("2D", 172_800),
        ("x", None),
        ("", None),
    ],
)
def test_durations(text: str, value: float | None) -> None:
    assert seconds(text) == value
