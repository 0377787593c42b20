"""Selectable inference output of the built-in XGBoost algorithm."""

from __future__ import annotations

import math
from array import array

import pytest

from engine.environments.algorithms.serving.xgboost_selection import Selection


class Matrix(list[list[float]]):
    """Rows of numbers, as an array library hands them over."""

    def tolist(self) -> list[list[float]]:
        return list(self)


def test_a_binary_objective_has_labels_and_probabilities() -> None:
    wanted = "predicted_label, labels,probability,probabilities,raw_score,raw_scores"
    rows = Selection(wanted, "binary:logistic", 0).rows(array("d", [0.25, 0.75]))
    assert rows == [
        [0, [0, 1], 0.25, [0.75, 0.25], 0.25, [0.75, 0.25]],
        [1, [0, 1], 0.75, [0.25, 0.75], 0.75, [0.25, 0.75]],
    ]


def test_softprob_has_the_likeliest_class() -> None:
    wanted = "predicted_label,labels,probability,probabilities"
    rows = Selection(wanted, "multi:softprob", 3).rows(Matrix([[0.2, 0.5, 0.3]]))
    assert rows == [[1, [0, 1, 2], 0.5, [0.2, 0.5, 0.3]]]


def test_what_an_objective_does_not_have_is_nan() -> None:
    ((score, label),) = Selection("predicted_score,predicted_label", "reg:linear", 0).rows(
        array("d", [4.5])
    )
    assert score == 4.5 and math.isnan(label)


def test_a_ranking_has_nothing_to_select() -> None:
    with pytest.raises(LookupError, match="rank:pairwise"):
        Selection("predicted_score", "rank:pairwise", 0).rows(array("d", [1.0]))
