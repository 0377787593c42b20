"""Facts and commands as JSON and back, those of other versions too."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from hypothesis import given

from engine.model import codec
from engine.model.commands import (
    AnswerCallback,
    ChangeBreakpoint,
    ChangeParallelism,
    Command,
    RetryExecution,
    StopExecution,
)
from engine.model.events import Fact, StepFailed, StepSucceeded, UnknownFact
from engine.model.fold import fold
from engine.model.views import ExecutionView, StepView
from tests.unit.model.facts import CREATED, FACTS, numbered


@given(FACTS)
def test_every_fact_survives_being_stored(fact: Fact) -> None:
    kind, text = codec.fact_kind(fact), codec.encode_fact(fact)
    again = codec.decode_fact(kind, text)
    assert again == fact
    assert codec.encode_fact(again) == text


def test_the_creation_of_an_execution_survives_with_its_steps() -> None:
    assert codec.decode_fact("ExecutionCreated", codec.encode_fact(CREATED)) == CREATED


def test_a_kind_of_a_newer_version_is_kept_as_it_was_written() -> None:
    fact = codec.decode_fact("StepTeleported", b'{"step":"A","far":[1,2]}')
    assert fact == UnknownFact("StepTeleported", {"step": "A", "far": [1, 2]})
    assert codec.fact_kind(fact) == "StepTeleported"
    assert json.loads(codec.encode_fact(fact)) == {"step": "A", "far": [1, 2]}


def test_a_field_of_a_newer_version_is_passed_over() -> None:
    assert codec.decode_fact("StepFailed", b'{"step":"A","reason":"r","mood":"bad"}') == StepFailed(
        "A", "r"
    )


@pytest.mark.parametrize("text", [b'{"step":5}', b'{"step":"A","properties":[1]}', b"[]"])
def test_a_known_kind_in_a_shape_of_a_newer_version_is_unknown(text: bytes) -> None:
    assert isinstance(codec.decode_fact("StepSucceeded", text), UnknownFact)


def test_a_field_that_is_missing_has_its_default() -> None:
    assert codec.decode_fact("StepSucceeded", b'{"step":"A"}') == StepSucceeded("A")


def test_facts_have_names_of_their_own() -> None:
    names = [kind.__name__ for kind in get_args(Fact)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    "command",
    [
        StopExecution("why"),
        RetryExecution(3),
        AnswerCallback("t", False, {"o": 1}, "r", "c", "1.2.3.4"),
        ChangeParallelism(2),
        ChangeBreakpoint("Train", True),
    ],
)
def test_every_command_survives_being_stored(command: Command) -> None:
    assert codec.decode_command(*codec.encode_command(command)) == command


@pytest.mark.parametrize(
    ("kind", "text"),
    [("Fly", b"{}"), ("StopExecution", b'{"reason":1}'), ("AnswerCallback", b"{}")],
)
def test_a_command_that_cannot_be_read_is_none(kind: str, text: bytes) -> None:
    assert codec.decode_command(kind, text) is None


@given(FACTS)
def test_views_survive_being_stored(fact: Fact) -> None:
    state = fold(numbered([CREATED, fact]))
    assert state is not None
    assert codec.decode(codec.encode(state.execution), ExecutionView) == state.execution
    for step in state.steps.values():
        assert codec.decode(codec.encode(step), StepView) == step
