from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.definition.conditions import OPERATORS, evaluate
from engine.errors import ExpressionError


def same(value: Any) -> Any:
    return value


def compare(kind: str, left: Any, right: Any) -> dict[str, Any]:
    return {"Type": kind, "LeftValue": left, "RightValue": right}


@pytest.mark.parametrize(
    ("condition", "outcome"),
    [
        (compare("Equals", "a", "a"), True),
        (compare("Equals", 1, 1.0), True),
        (compare("Equals", True, False), False),
        (compare("NotEquals", "a", "b"), True),
        (compare("GreaterThan", 2, 1.5), True),
        (compare("GreaterThan", 1, 1), False),
        (compare("GreaterThanOrEqualTo", 1, 1), True),
        (compare("LessThan", 1, 1), False),
        (compare("LessThan", "a", "b"), True),
        (compare("LessThanOrEqualTo", 1, 1), True),
        ({"Type": "In", "QueryValue": "a", "Values": ["b", "a"]}, True),
        ({"Type": "In", "Value": "a", "In": ["b"]}, False),
        ({"Type": "In", "Value": 1, "In": [1.0]}, True),
        ({"Type": "In", "Value": 1, "In": []}, False),
        ({"Type": "NotIn", "Value": "a", "In": ["b"]}, True),
        ({"Type": "NotIn", "QueryValue": "a", "Values": ["a"]}, False),
        ({"Type": "Not", "Condition": compare("Equals", 1, 2)}, True),
        ({"Type": "Or", "Conditions": [compare("Equals", 1, 2), compare("Equals", 1, 1)]}, True),
        ({"Type": "Or", "Conditions": []}, False),
        (
            {
                "Type": "Not",
                "Condition": {"Type": "Or", "Conditions": [compare("Equals", "a", "a")]},
            },
            False,
        ),
    ],
)
def test_each_operator_in_both_spellings(condition: Any, outcome: bool) -> None:
    assert evaluate([condition], same).outcome is outcome


def test_all_conditions_must_hold_and_none_is_true() -> None:
    yes, no = compare("Equals", 1, 1), compare("Equals", 1, 2)
    assert evaluate([], same).outcome
    assert evaluate([yes, yes], same).outcome
    verdict = evaluate([no, yes], same)
    assert not verdict.outcome
    assert [comparison.result for comparison in verdict.comparisons] == [False, True]


def test_a_comparison_keeps_text_values_and_parts() -> None:
    left = {"Get": "Parameters.N"}
    condition = {"Type": "Not", "Condition": compare("GreaterThan", left, 4)}
    (outer,) = evaluate([condition], lambda value: 5 if value == left else value).comparisons
    (inner,) = outer.parts
    assert (inner.text, inner.left, inner.right, inner.operator, inner.result) == (
        "Parameters.N > 4",
        5,
        4,
        "GreaterThan",
        True,
    )
    assert (outer.text, outer.result) == ("not (Parameters.N > 4)", False)


@pytest.mark.parametrize(
    "condition",
    [
        compare("Equals", "1", 1),
        compare("Equals", True, 1),
        compare("NotEquals", "a", False),
        compare("LessThan", "a", 1),
        compare("LessThan", False, True),
        compare("Equals", None, None),
        compare("Equals", [1], [1]),
        {"Type": "In", "Value": 1, "In": ["a"]},
        {"Type": "In", "Value": True, "In": [1]},
    ],
)
def test_values_of_different_kinds_are_an_error_that_names_the_condition(condition: Any) -> None:
    with pytest.raises(ExpressionError, match=r"the condition .* cannot be evaluated") as raised:
        evaluate([condition], same)
    assert raised.value.code == "condition-types"


@pytest.mark.parametrize(
    "condition",
    [
        None,
        {},
        {"Type": "Between"},
        {"Type": ["Or"]},
        {"Type": "Equals", "LeftValue": 1},
        {"Type": "In", "Value": 1},
        {"Type": "In", "QueryValue": 1, "In": [1]},
        {"Type": "Not"},
        {"Type": "Or", "Conditions": {}},
    ],
)
def test_a_malformed_condition_is_an_error(condition: Any) -> None:
    with pytest.raises(ExpressionError):
        evaluate([condition], same)


VALUES = st.integers() | st.floats(allow_nan=False) | st.text() | st.booleans() | st.none()
CONDITIONS = st.recursive(
    st.builds(compare, st.sampled_from(sorted(OPERATORS)), VALUES, VALUES)
    | st.fixed_dictionaries(
        {"Type": st.sampled_from(["In", "NotIn"]), "Value": VALUES, "In": st.lists(VALUES)}
    ),
    lambda inner: (
        st.builds(lambda item: {"Type": "Not", "Condition": item}, inner)
        | st.builds(lambda items: {"Type": "Or", "Conditions": items}, st.lists(inner))
    ),
)


@given(CONDITIONS)
def test_negation_flips_the_outcome_or_fails_alike(condition: Any) -> None:
    def outcome(item: Any) -> bool | None:
        try:
            return evaluate([item], same).outcome
        except ExpressionError:
            return None

    plain, negated = outcome(condition), outcome({"Type": "Not", "Condition": condition})
    assert (plain is None and negated is None) or negated is (not plain)
