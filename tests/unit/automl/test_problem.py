"""What is to be learned, inferred from labels."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.environments.algorithms.automl.problem import (
    OBJECTIVES,
    AutoMLError,
    Plan,
    Problem,
    class_name,
    define,
    infer,
)


def plan(**given: Any) -> Plan:
    usual: dict[str, Any] = {
        "job": "job",
        "target": "y",
        "problem": "",
        "objective": "",
        "content_type": "text/csv",
        "max_candidates": 3,
        "job_s": None,
        "candidate_s": None,
        "validation_fraction": 0.2,
        "algorithms": [],
        "seed": 0,
    }
    return Plan.of({**usual, **given})


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (["0", "1", "0"], "BinaryClassification"),
        (["no", "yes"], "BinaryClassification"),
        (["1.5", "2.5"], "BinaryClassification"),
        (["1", "1.0", "2"], "BinaryClassification"),
        (["a", "b", "c"], "MulticlassClassification"),
        (["1", "2", "three"], "MulticlassClassification"),
        (["1", "2", "3.0"], "MulticlassClassification"),
        ([str(value) for value in range(20)], "MulticlassClassification"),
        ([str(value) for value in range(21)], "Regression"),
        (["1", "2", "3.5"], "Regression"),
    ],
)
def test_the_kind_of_problem_follows_from_the_labels(labels: list[str], kind: str) -> None:
    assert infer(labels) == kind


def test_a_problem_has_the_services_default_objective_and_its_classes_in_order() -> None:
    labels = [*["10"] * 9, *["9"] * 8, *["2.0"] * 7]
    assert define(labels, plan()) == Problem(
        "MulticlassClassification", "Accuracy", ["2", "9", "10"]
    )
    assert define(labels, plan(problem="Regression")) == Problem("Regression", "MSE", ())
    assert define(["no", "yes"] * 10, plan(objective="AUC")) == Problem(
        "BinaryClassification", "AUC", ["no", "yes"]
    )


@pytest.mark.parametrize(
    ("labels", "given", "reason"),
    [
        (["a", "b"] * 9, {}, "has 18 rows with a value in y; at least 20"),
        (["a"] * 20, {}, "y has one class, 'a', in every row"),
        (["a", "b", "c"] * 9, {"problem": "BinaryClassification"}, "has 3 classes"),
        ([*["a", "b"] * 10, "c", "c"], {}, "Class 'c' of y has 2 rows; each class needs 3"),
        (["1", "x"] * 10, {"problem": "Regression"}, "holds 'x'"),
        (["3"] * 20, {"problem": "Regression"}, "the same value in every row"),
        (["a", "b"] * 10, {"objective": "MSE"}, "MSE is no objective of a BinaryClassification"),
        (["a", "b"] * 10, {"problem": "Ranking"}, "not Ranking"),
    ],
)
def test_labels_that_nothing_can_be_learned_from_are_refused(
    labels: list[str], given: dict[str, Any], reason: str
) -> None:
    with pytest.raises(AutoMLError, match=reason.replace("'", ".")):
        define(labels, plan(**given))


@given(st.sampled_from([(kind, one) for kind, names in OBJECTIVES.items() for one in names]))
def test_a_value_is_better_in_its_objectives_own_direction(case: tuple[str, str]) -> None:
    kind, objective = case
    problem = Problem(kind, objective, ())
    smaller_wins = objective in {"MSE", "RMSE", "MAE"}
    assert problem.better(1.0, 2.0) is smaller_wins
    assert problem.better(2.0, 1.0) is not smaller_wins
    assert not problem.better(1.0, 1.0)
    assert problem.better(1.0, float("nan")) and not problem.better(float("nan"), 1.0)


@given(st.integers(-(10**9), 10**9))
def test_a_class_has_one_name_however_its_number_is_written(value: int) -> None:
    assert class_name(str(value)) == class_name(f"{value}.0") == str(value)
