"""A rerun is put together from typed text, edited JSON and a scope."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.api import ParameterView
from engine.definition.paths import parse as parse_path
from engine.definition.paths import walk
from pipetui.viewmodel.rerun import (
    Draft,
    Field,
    command_line,
    document,
    fields,
    from_document,
    leaves,
    parse,
    rows,
)

ARGUMENTS = {
    "ProcessingInputs": [{"InputName": "data", "S3Input": {"S3Uri": "s3://b/churn.csv"}}],
    "Environment": {"LOG_LEVEL": "info", "a.b c": "x"},
    "Command": ["--k", "3"],
}
FORM = [
    ParameterView("Rate", "Float", 0.1),
    ParameterView("Kind", "String", "a", choices=("a", "b")),
]
PATH = 'ProcessingInputs["data"].S3Input.S3Uri'


def draft(scope: str = "from", step: str = "evaluate") -> Draft:
    return Draft("abcd", step, scope, fields(FORM, {"Rate": 0.5}, ARGUMENTS))


def test_the_form_has_parameters_with_the_values_of_the_execution_then_arguments() -> None:
    found = [(one.kind, one.name, one.value) for one in draft().fields]
    assert found == [
        ("parameter", "Rate", 0.5),
        ("parameter", "Kind", "a"),
        ("argument", PATH, "s3://b/churn.csv"),
        ("argument", "Environment.LOG_LEVEL", "info"),
        ("argument", 'Environment["a.b c"]', "x"),
        ("argument", "Command[0]", "--k"),
        ("argument", "Command[1]", "3"),
    ]


NAMES = st.text(
    st.characters(codec="ascii", exclude_characters="\"'\\", min_codepoint=32),
    min_size=1,
    max_size=6,
)
VALUES = st.recursive(
    st.one_of(st.integers(), st.booleans(), st.text(max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=3))
def test_every_path_leads_the_engine_to_its_value(value: dict[str, Any]) -> None:
    for text, leaf in leaves(value):
        path = parse_path(text)
        assert path is not None
        assert walk(value, path) == leaf


def test_setting_what_stood_there_takes_the_change_back() -> None:
    changed = draft().with_value("parameter Rate", 0.7)
    assert changed.parameters == {"Rate": 0.7}
    assert changed.with_value("parameter Rate", 0.5) == draft()


def test_edits_belong_to_the_step() -> None:
    changed = draft().with_value(f"argument {PATH}", "s3://b/fixed.csv")
    assert changed.edits == {"evaluate": {PATH: "s3://b/fixed.csv"}}
    assert changed.parameters == {}


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("Integer", "7", 7),
        ("Float", "1e-3", 0.001),
        ("Boolean", "True", True),
        ("String", "7", "7"),
    ],
)
def test_text_becomes_a_value_of_the_declared_type(kind: str, text: str, value: object) -> None:
    assert parse(text, Field("parameter", "x", None, type=kind)) == value


@pytest.mark.parametrize(
    ("known", "text"),
    [
        (Field("parameter", "x", 1, type="Integer"), "1.5"),
        (Field("parameter", "x", 1.0, type="Float"), "much"),
        (Field("argument", "x", True), "perhaps"),
        (Field("parameter", "x", "a", choices=("a", "b")), "c"),
    ],
)
def test_text_of_another_type_is_refused(known: Field, text: str) -> None:
    with pytest.raises(ValueError, match=r"not|is"):
        parse(text, known)


def test_the_command_line_does_the_same() -> None:
    changed = draft().with_value("parameter Rate", 0.7).with_value(f"argument {PATH}", "a b.csv")
    assert shlex.split(command_line(changed)) == [
        *("pipetui", "rerun", "abcd", "evaluate", "--scope", "from"),
        *("-p", "Rate=0.7", "--set", f"{PATH}=a b.csv"),
    ]
    assert command_line(draft("whole")) == "pipetui rerun abcd --scope whole"
    assert command_line(draft("failed")) == "pipetui retry abcd"
    new = replace(draft("new"), file="/w/p.py")
    assert command_line(new) == "pipetui run /w/p.py"


def test_scopes_go_round_and_depend_on_what_is_known() -> None:
    assert draft("failed").with_scope(1).scope == "whole"
    assert draft("whole", step="").scopes == ("whole", "failed")
    assert replace(draft(), file="/w/p.py").scopes[0] == "new"


def test_an_edited_document_changes_what_differs() -> None:
    values = json.loads(document(draft()))
    values["arguments"]["Environment.LOG_LEVEL"] = {"any": "thing"}
    assert from_document(draft(), json.dumps(values)).changed == {
        "argument Environment.LOG_LEVEL": {"any": "thing"}
    }


@pytest.mark.parametrize("text", ["{", "[]", '{"arguments": 3}', '{"parameters": {"New": 1}}'])
def test_a_document_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"JSON|object|not one of"):
        from_document(draft(), text)


def test_secrets_are_not_shown() -> None:
    secret = Draft("abcd", "s", "from", fields([], {}, {"DB_PASSWORD": "hunter2"}))
    assert "hunter2" not in str(rows(secret))
