"""Parameters of an execution: the values given at start, checked and typed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from engine.definition.document import Parameter, ParameterType, Scalar
from engine.definition.names import listed, quote, suggestion
from engine.errors import DefinitionError

MAX_LENGTH = 1024
"""Characters of a start value (StartPipelineExecution)."""

_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_BOOLEANS = {"true": True, "false": False}
_EXAMPLES = {
    ParameterType.STRING: "any text",
    ParameterType.INTEGER: "a whole number such as 6",
    ParameterType.FLOAT: "a finite number such as 0.5",
    ParameterType.BOOLEAN: "true or false",
}


def bind(parameters: Mapping[str, Parameter], given: Mapping[str, object]) -> dict[str, Scalar]:
    """The value of every declared parameter: the given one, else the default.

    Values arrive as strings, as in StartPipelineExecution, or already typed; ``"6"`` serves an
    Integer and a Float, ``true``, ``True`` and ``TRUE`` a Boolean.

    Raises:
        DefinitionError: ``parameter-unknown``, ``parameter-missing``, ``parameter-empty``,
            ``parameter-too-long``, ``parameter-type`` or ``parameter-not-in-enum``.
    """
    for name in given:
        if name not in parameters:
            raise DefinitionError(
                f"There is no parameter {quote(name)}.",
                code="parameter-unknown",
                hint=suggestion(str(name), parameters, "parameters"),
            )
    missing = [
        name
        for name, parameter in parameters.items()
        if not parameter.has_default and name not in given
    ]
    if missing:
        raise DefinitionError(
            f"No value is given for {listed(missing)}, which {_have(missing)} no default.",
            code="parameter-missing",
            hint=f"Start with -p {quote(missing[0])[1:-1]}=VALUE.",
        )
    return {
        name: _given(parameter, given[name]) if name in given else _default(parameter)
        for name, parameter in parameters.items()
    }


def default_problem(parameter: Parameter) -> tuple[str, str] | None:
    """The code and the sentence for what is wrong with a default; None where nothing is."""
    value = parameter.default
    if not _fits(parameter.type, value):
        return (
            "default-type-mismatch",
            f"The default {quote(value)} of parameter {quote(parameter.name)} "
            f"is not of type {parameter.type}.",
        )
    if parameter.enum_values and value not in parameter.enum_values:
        return (
            "default-not-in-enum",
            f"The default {quote(value)} of parameter {quote(parameter.name)} "
            f"is not one of its EnumValues.",
        )
    return None


def _default(parameter: Parameter) -> Scalar:
    if problem := default_problem(parameter):
        raise _refused(parameter, *problem)
    return _typed(parameter, parameter.default)


def _given(parameter: Parameter, value: object) -> Scalar:
    name = quote(parameter.name)
    if value == "":
        raise _refused(parameter, "parameter-empty", f"The value of parameter {name} is empty.")
    if isinstance(value, str) and len(value) > MAX_LENGTH:
        raise _refused(
            parameter,
            "parameter-too-long",
            f"The value of parameter {name} has {len(value)} characters; {MAX_LENGTH} are allowed.",
        )
    typed = _parsed(parameter.type, value) if isinstance(value, str) else value
    if not _fits(parameter.type, typed):
        raise _refused(
            parameter,
            "parameter-type",
            f"{quote(value)} is not a value for parameter {name} of type {parameter.type}.",
        )
    result = _typed(parameter, typed)
    if parameter.enum_values and result not in parameter.enum_values:
        raise _refused(
            parameter,
            "parameter-not-in-enum",
            f"{quote(value)} is not among the values that parameter {name} allows.",
        )
    return result


def _refused(parameter: Parameter, code: str, message: str) -> DefinitionError:
    allowed = [str(value) for value in parameter.enum_values]
    wanted = f"one of {listed(allowed)}" if allowed else _EXAMPLES[parameter.type]
    return DefinitionError(message, code=code, hint=f"Give {wanted}.", path=parameter.path)


def _parsed(kind: ParameterType, text: str) -> object:
    """The typed value of a start value, or None where the text is not one."""
    match kind:
        case ParameterType.INTEGER:
            return int(text) if _INTEGER.fullmatch(text) else None
        case ParameterType.FLOAT:
            return float(text) if _FLOAT.fullmatch(text) else None
        case ParameterType.BOOLEAN:
            return _BOOLEANS.get(text.lower())
    return text


def _fits(kind: ParameterType, value: object) -> bool:
    if isinstance(value, bool):
        return kind is ParameterType.BOOLEAN
    if isinstance(value, int):
        within = -(2**63) <= value < 2**63
        return within and kind in (ParameterType.INTEGER, ParameterType.FLOAT)
    if isinstance(value, float):
        return kind is ParameterType.FLOAT and math.isfinite(value)
    return kind is ParameterType.STRING and isinstance(value, str)


def _typed(parameter: Parameter, value: Any) -> Scalar:
    typed: Scalar = float(value) if parameter.type is ParameterType.FLOAT else value
    return typed


def _have(names: list[str]) -> str:
    return "has" if len(names) == 1 else "have"
