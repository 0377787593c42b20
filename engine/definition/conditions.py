"""The conditions of a Condition step: evaluated, with what was compared kept for people."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from engine.definition.expressions import Problem, describe
from engine.definition.names import listed, quote
from engine.definition.paths import child, kind_of
from engine.errors import ExpressionError

Resolve = Callable[[Any], Any]

_ORDERED: Mapping[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "GreaterThan": (">", operator.gt),
    "GreaterThanOrEqualTo": (">=", operator.ge),
    "LessThan": ("<", operator.lt),
    "LessThanOrEqualTo": ("<=", operator.le),
}
_EQUAL: Mapping[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "Equals": ("=", operator.eq),
    "NotEquals": ("!=", operator.ne),
}
_COMPARED = {**_ORDERED, **_EQUAL}
_MEMBER: Mapping[str, str] = {"In": "in", "NotIn": "not in"}
OPERATORS = frozenset({*_COMPARED, *_MEMBER, "Not", "Or"})
_MAX_DEPTH = 100
_KEYS = {
    "Not": "Condition",
    "Or": "Conditions, a list",
    "In": "QueryValue or Values, a list",
    "NotIn": "QueryValue or Values, a list",
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One condition with its result.

    Args:
        text: the condition as written: ``Parameters.N > 4``.
        left: the resolved left or queried value; None for Not and Or.
        right: the resolved right value, or the list that was searched; None for Not and Or.
        operator: the ``Type`` of the condition.
        parts: the conditions inside a Not or an Or.
    """

    text: str
    left: Any
    right: Any
    operator: str
    result: bool
    parts: tuple[Comparison, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a Condition step and, one for each of its conditions, why."""

    outcome: bool
    comparisons: tuple[Comparison, ...]


def evaluate(conditions: Sequence[Any], resolve: Resolve) -> Verdict:
    """Whether all conditions hold; no condition at all is true.

    Every condition is evaluated, also behind one that decides already, so that the verdict can be
    shown in full.

    Args:
        resolve: gives the value of an expression or literal.

    Raises:
        ExpressionError: a value does not resolve, two values cannot be compared (a string with a
            number, a boolean with a number), or a condition is malformed; the message names it.
    """
    comparisons = tuple(_evaluate(condition, resolve, 0) for condition in conditions)
    return Verdict(all(comparison.result for comparison in comparisons), comparisons)


def problems(condition: Any, path: str) -> list[Problem]:
    """What is malformed in a condition that stands at ``path``, nested ones included."""
    found: list[Problem] = []
    waiting = [(condition, path)]
    while waiting:
        item, at = waiting.pop()
        try:
            inner = _parts(item)
        except ExpressionError as error:
            found.append(Problem.of(error, at))
            continue
        for index, part in enumerate(inner):
            here = child(at, "Conditions" if item["Type"] == "Or" else "Condition")
            waiting.append((part, child(here, index) if item["Type"] == "Or" else here))
    return found


def _parts(condition: Any) -> list[Any]:
    """The conditions inside a Not or Or, none for the others; an error where it is malformed."""
    kind = condition.get("Type") if isinstance(condition, dict) else None
    if not isinstance(kind, str) or kind not in OPERATORS:
        raise ExpressionError(
            f"There is no condition of type {quote(kind)}.",
            code="condition-type-unknown",
            hint=f"Use one of {listed(sorted(OPERATORS))}.",
        )
    match condition:
        case {"Type": "Not", "Condition": inner}:
            return [inner]
        case {"Type": "Or", "Conditions": list(inner)}:
            return inner
        case {"Type": "In" | "NotIn"} if isinstance(_searched(condition)[1], list):
            return []
        case {"LeftValue": _, "RightValue": _} if kind in _COMPARED:
            return []
    raise ExpressionError(
        f"The condition {kind} lacks {_KEYS.get(kind, 'LeftValue or RightValue')}.",
        code="condition-malformed",
        hint="Write it as the SageMaker SDK does.",
    )


def _searched(condition: Mapping[str, Any]) -> tuple[Any, Any]:
    """The queried value and the list, in the SDK's spelling or in that of the official schema."""
    if "QueryValue" in condition:
        return condition["QueryValue"], condition.get("Values")
    return condition.get("Value"), condition.get("In") if "Value" in condition else None


def _evaluate(condition: Any, resolve: Resolve, depth: int) -> Comparison:
    if depth > _MAX_DEPTH:
        raise ExpressionError("The conditions are nested too deep.", code="condition-too-deep")
    parts = tuple(_evaluate(part, resolve, depth + 1) for part in _parts(condition))
    kind = condition["Type"]
    if kind == "Not":
        return Comparison(f"not ({parts[0].text})", None, None, kind, not parts[0].result, parts)
    if kind == "Or":
        text = " or ".join(f"({part.text})" for part in parts) or "or of nothing"
        return Comparison(text, None, None, kind, any(part.result for part in parts), parts)
    if kind in _MEMBER:
        return _membership(condition, kind, resolve)
    symbol, compare = _COMPARED[kind]
    left, right = resolve(condition["LeftValue"]), resolve(condition["RightValue"])
    text = f"{describe(condition['LeftValue'])} {symbol} {describe(condition['RightValue'])}"
    _check_comparable(left, right, text, ordered=kind in _ORDERED)
    return Comparison(text, left, right, kind, compare(left, right))


def _membership(condition: Mapping[str, Any], kind: str, resolve: Resolve) -> Comparison:
    queried, values = _searched(condition)
    text = f"{describe(queried)} {_MEMBER[kind]} [{', '.join(map(describe, values))}]"
    left, right = resolve(queried), [resolve(value) for value in values]
    for value in right:
        _check_comparable(left, value, text, ordered=False)
    return Comparison(text, left, right, kind, (left in right) == (kind == "In"))


def _check_comparable(left: Any, right: Any, text: str, *, ordered: bool) -> None:
    kinds = kind_of(left), kind_of(right)
    for kind in kinds:
        if kind not in ("a string", "a number", "a boolean"):
            _incomparable(text, f"{kind} cannot be compared")
    if kinds[0] != kinds[1]:
        _incomparable(text, f"{kinds[0]} ({left!r}) cannot be compared with {kinds[1]} ({right!r})")
    if ordered and kinds[0] == "a boolean":
        _incomparable(text, "booleans have no order")


def _incomparable(text: str, why: str) -> NoReturn:
    raise ExpressionError(
        f"ClientError: the condition {text} cannot be evaluated: {why}.",
        code="condition-types",
        hint="Compare values of one type; a property file keeps the type its JSON has.",
    )
