"""OutputParameters of Lambda and Callback steps."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.definition.document import OutputParameter, ParameterType
from engine.errors import JobError
from engine.steps.output_parameters import VALUE_LIMIT, typed_outputs


def typed(kind: ParameterType, value: Any) -> Any:
    return typed_outputs([OutputParameter("o", kind)], {"o": value, "more": 1}, "it")["o"]


@pytest.mark.parametrize(
    ("kind", "value", "result"),
    [
        (ParameterType.STRING, "text", "text"),
        (ParameterType.STRING, "", ""),
        (ParameterType.STRING, 5, "5"),
        (ParameterType.STRING, True, "true"),
        (ParameterType.STRING, {"a": [1, None]}, '{"a": [1, null]}'),
        (ParameterType.STRING, ["x"], '["x"]'),
        (ParameterType.INTEGER, 5, 5),
        (ParameterType.INTEGER, "5", 5),
        (ParameterType.INTEGER, 5.0, 5),
        (ParameterType.INTEGER, 10**30, 10**30),
        (ParameterType.FLOAT, 5, 5.0),
        (ParameterType.FLOAT, "1e-3", 0.001),
        (ParameterType.BOOLEAN, False, False),
        (ParameterType.BOOLEAN, "True", True),
    ],
)
def test_a_value_is_read_as_the_declared_type(kind: ParameterType, value: Any, result: Any) -> None:
    read = typed(kind, value)
    assert read == result
    assert type(read) is type(result)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ParameterType.INTEGER, "five"),
        (ParameterType.INTEGER, 5.5),
        (ParameterType.INTEGER, True),
        (ParameterType.INTEGER, None),
        (ParameterType.INTEGER, float("inf")),
        (ParameterType.INTEGER, [5]),
        (ParameterType.FLOAT, "much"),
        (ParameterType.FLOAT, False),
        (ParameterType.FLOAT, float("nan")),
        (ParameterType.FLOAT, 10**400),
        (ParameterType.FLOAT, {}),
        (ParameterType.BOOLEAN, 1),
        (ParameterType.BOOLEAN, "yes"),
        (ParameterType.BOOLEAN, None),
    ],
)
def test_a_value_of_another_type_is_refused(kind: ParameterType, value: Any) -> None:
    with pytest.raises(JobError) as problem:
        typed(kind, value)
    assert problem.value.code == "output-parameter-mistyped"
    assert problem.value.message.startswith("ClientError: it gave ")


def test_a_missing_value_is_named() -> None:
    with pytest.raises(JobError) as problem:
        typed_outputs([OutputParameter("wanted")], {}, "function f")
    assert problem.value.code == "output-parameter-missing"
    assert "function f gave no value for OutputParameter 'wanted'" in problem.value.message


@pytest.mark.parametrize("value", ["x" * (VALUE_LIMIT + 1), ["x" * VALUE_LIMIT]])
def test_an_overlong_value_is_refused(value: Any) -> None:
    with pytest.raises(JobError) as problem:
        typed(ParameterType.STRING, value)
    assert problem.value.code == "output-parameter-too-long"


def test_a_value_of_the_longest_length_is_kept() -> None:
    assert typed(ParameterType.STRING, "x" * VALUE_LIMIT) == "x" * VALUE_LIMIT


def test_only_what_is_declared_is_kept_in_its_order() -> None:
    declared = [OutputParameter("b"), OutputParameter("a")]
    assert list(typed_outputs(declared, {"a": "1", "b": "2", "c": "3"}, "it")) == ["b", "a"]


@given(
    st.sampled_from(ParameterType),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner),
        max_leaves=5,
    ),
)
def test_any_json_value_is_read_or_refused(kind: ParameterType, value: Any) -> None:
    types = {
        ParameterType.STRING: str,
        ParameterType.INTEGER: int,
        ParameterType.FLOAT: float,
        ParameterType.BOOLEAN: bool,
    }
    try:
        assert type(typed(kind, value)) is types[kind]
    except JobError as problem:
        assert problem.code.startswith("output-parameter-")
