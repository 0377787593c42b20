from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.definition.document import Parameter, ParameterType
from engine.definition.parameters import bind
from engine.errors import DefinitionError

INTEGER, FLOAT = ParameterType.INTEGER, ParameterType.FLOAT
STRING, BOOLEAN = ParameterType.STRING, ParameterType.BOOLEAN


def one(kind: ParameterType, value: Any, **keys: Any) -> Any:
    return bind({"P": Parameter("P", kind, **keys)}, {"P": value})["P"]


@pytest.mark.parametrize(
    ("kind", "given_value", "bound"),
    [
        (STRING, "6", "6"),
        (INTEGER, "6", 6),
        (INTEGER, "-6", -6),
        (INTEGER, 6, 6),
        (FLOAT, "6", 6.0),
        (FLOAT, "6.5e-1", 0.65),
        (FLOAT, 6, 6.0),
        (BOOLEAN, "True", True),
        (BOOLEAN, "TRUE", True),
        (BOOLEAN, "false", False),
        (BOOLEAN, False, False),
    ],
)
def test_a_start_value_takes_the_declared_type(
    kind: ParameterType, given_value: Any, bound: Any
) -> None:
    result = one(kind, given_value)
    assert result == bound and type(result) is type(bound)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (STRING, 6),
        (STRING, None),
        (INTEGER, "6.0"),
        (INTEGER, "six"),
        (INTEGER, "1_0"),
        (INTEGER, "٣"),
        (INTEGER, 6.0),
        (INTEGER, True),
        (INTEGER, str(2**63)),
        (FLOAT, "nan"),
        (FLOAT, "inf"),
        (FLOAT, "1e999"),
        (FLOAT, float("nan")),
        (FLOAT, 10**400),
        (FLOAT, True),
        (BOOLEAN, "yes"),
        (BOOLEAN, 1),
        (BOOLEAN, []),
    ],
)
def test_a_value_of_another_type_is_refused(kind: ParameterType, value: Any) -> None:
    with pytest.raises(DefinitionError) as raised:
        one(kind, value)
    assert raised.value.code == "parameter-type"
    assert raised.value.hint


@pytest.mark.parametrize(
    ("given_values", "code"),
    [
        ({"Nope": "1"}, "parameter-unknown"),
        ({}, "parameter-missing"),
        ({"P": ""}, "parameter-empty"),
        ({"P": "x" * 1025}, "parameter-too-long"),
        ({"P": "c"}, "parameter-not-in-enum"),
    ],
)
def test_other_start_values_are_refused_with_a_code(given_values: Any, code: str) -> None:
    declared = {"P": Parameter("P", enum_values=("a", "b"))}
    with pytest.raises(DefinitionError) as raised:
        bind(declared, given_values)
    assert raised.value.code == code


def test_a_near_miss_is_suggested_and_all_missing_names_are_told() -> None:
    declared = {name: Parameter(name) for name in ("InputData", "Bucket")}
    with pytest.raises(DefinitionError) as raised:
        bind(declared, {"inputdata": "x"})
    assert raised.value.hint == "Did you mean 'InputData'?"
    with pytest.raises(DefinitionError, match="InputData, Bucket"):
        bind(declared, {})


def test_defaults_fill_in_and_an_integer_default_of_a_float_becomes_one() -> None:
    declared = {
        "F": Parameter("F", FLOAT, default=6, has_default=True),
        "S": Parameter("S", default="", has_default=True),
    }
    bound = bind(declared, {})
    assert bound == {"F": 6.0, "S": ""}
    assert type(bound["F"]) is float


@given(
    kind=st.sampled_from(ParameterType),
    value=st.text() | st.integers() | st.floats() | st.booleans() | st.none() | st.binary(),
)
def test_any_value_binds_to_its_type_or_is_a_definition_error(
    kind: ParameterType, value: Any
) -> None:
    types = {STRING: str, INTEGER: int, FLOAT: float, BOOLEAN: bool}
    try:
        assert type(one(kind, value)) is types[kind]
    except DefinitionError as error:
        assert error.code.startswith("parameter-")
