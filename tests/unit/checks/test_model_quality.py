"""Metrics of predictions, and thresholds on them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.environments.algorithms.checks import classification as classify
from engine.environments.algorithms.checks.dataset import Dataset, read
from engine.environments.algorithms.checks.job import CheckError
from engine.environments.algorithms.checks.model_quality import (
    Problem,
    evaluate,
    regression,
    statistics,
    suggest,
)
from tests.shared import SHARED, needs_shared

REAL = SHARED / "data" / "checks" / "quality_check_step" / "model_quality"
REGRESSION = Problem("Regression", "Prediction", "Label", None, None)
BINARY = Problem("BinaryClassification", "y", "p", None, None)
SCORED = Problem("BinaryClassification", "y", None, "s", 0.5)
MULTICLASS = Problem("MulticlassClassification", "y", "p", None, None)

labels = st.lists(st.tuples(st.sampled_from("01"), st.sampled_from("01")), min_size=1, max_size=60)
classes = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1)


def frame(**columns: list[Any]) -> Dataset:
    return Dataset(columns, len(next(iter(columns.values()))))


def values(group: dict[str, Any]) -> dict[str, Any]:
    return {
        name: one["value"]
        for name, one in group.items()
        if isinstance(one, dict) and "value" in one
    }


@needs_shared
@pytest.mark.parametrize(("case", "violated"), [("good", []), ("bad", ["mse"])])
def test_regression_is_that_of_the_analyzer_digit_for_digit(case: str, violated: list[str]) -> None:
    dataset = read(REAL / "baseline_dataset.csv", {"csv": {"header": True}})
    measured = statistics(dataset, REGRESSION)
    assert json.dumps(measured) == json.dumps(json.loads((REAL / "statistics.json").read_text()))
    good = json.loads((REAL / "good_cases" / "constraints.json").read_text())
    assert json.dumps(suggest(measured, REGRESSION)) == json.dumps(good)
    limits = json.loads((REAL / f"{case}_cases" / "constraints.json").read_text())
    found = evaluate(measured, REGRESSION, limits)
    assert [one["metric_name"] for one in found] == violated


def test_a_violation_says_which_way_the_metric_went() -> None:
    measured = {"regression_metrics": {"r2": {"value": 0.61}, "mae": {"value": 2.0}}}
    limits = {
        "regression_constraints": {
            "r2": {"threshold": 0.66, "comparison_operator": "LessThanThreshold"},
            "mae": {"threshold": 2.0, "comparison_operator": "GreaterThanThreshold"},
        }
    }
    assert evaluate(measured, REGRESSION, limits) == [
        {
            "constraint_check_type": "LessThanThreshold",
            "description": "Metric r2 with 0.61 was LessThanThreshold 0.66",
            "metric_name": "r2",
        }
    ]


def test_labels_without_spread_have_no_r2_and_no_threshold_for_it() -> None:
    measured = statistics(frame(Prediction=["2", "2"], Label=["1", "3"]), REGRESSION)
    assert measured["regression_metrics"]["r2"]["value"] == "NaN"
    limits = suggest(measured, REGRESSION)
    assert set(limits["regression_constraints"]) == {"mae", "mse", "rmse"}
    json.dumps(measured, allow_nan=False)


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=2, max_size=40))
def test_regression_metrics_agree_with_one_another(pairs: list[tuple[float, float]]) -> None:
    truth, predicted = [one for one, _ in pairs], [other for _, other in pairs]
    found = regression(truth, predicted)
    assert found["rmse"] ** 2 == pytest.approx(found["mse"])
    assert found["mae"] <= found["rmse"] * (1 + 1e-9) + 1e-9
    exact = regression(truth, truth)
    assert (exact["mae"], exact["mse"]) == (0.0, 0.0)


# TP 3, FN 1, FP 2, TN 4
TRUTH = ["1"] * 4 + ["0"] * 6
PREDICTED = ["1", "1", "1", "0", "1", "1", "0", "0", "0", "0"]


def test_binary_metrics_follow_from_the_confusion_matrix() -> None:
    measured = statistics(frame(y=TRUTH, p=PREDICTED), BINARY)
    group = measured["binary_classification_metrics"]
    assert group["confusion_matrix"] == {"0": {"0": 4, "1": 2}, "1": {"0": 1, "1": 3}}
    found = values(group)
    assert found["recall"] == found["true_positive_rate"] == 0.75
    assert found["precision"] == 0.6
    assert found["accuracy"] == 0.7
    assert found["true_negative_rate"] == pytest.approx(4 / 6)
    assert found["false_positive_rate"] == pytest.approx(2 / 6)
    assert found["false_negative_rate"] == 0.25
    assert found["f1"] == pytest.approx(2 * 0.6 * 0.75 / 1.35)
    assert found["f2"] == pytest.approx(5 * 0.45 / (4 * 0.6 + 0.75))
    assert found["f0_5"] == pytest.approx(1.25 * 0.45 / (0.25 * 0.6 + 0.75))
    assert found["auc"] == pytest.approx((0.75 + 4 / 6) / 2)
    assert found["recall_best_constant_classifier"] == 1.0
    assert found["precision_best_constant_classifier"] == 0.4
    assert found["accuracy_best_constant_classifier"] == 0.4
    assert list(group) == [
        "confusion_matrix", "recall", "precision", "accuracy", "recall_best_constant_classifier",
        "precision_best_constant_classifier", "accuracy_best_constant_classifier",
        "true_positive_rate", "true_negative_rate", "false_positive_rate", "false_negative_rate",
        "receiver_operating_characteristic_curve", "precision_recall_curve", "auc", "f0_5", "f1",
        "f2", "f0_5_best_constant_classifier", "f1_best_constant_classifier",
        "f2_best_constant_classifier",
    ]  # fmt: skip


def test_a_score_above_the_threshold_is_positive_and_gives_the_curves() -> None:
    scored = frame(y=["1", "0", "1", "0"], s=["0.9", "0.8", "0.7", "0.5"])
    group = statistics(scored, SCORED)["binary_classification_metrics"]
    assert group["confusion_matrix"] == {"0": {"0": 1, "1": 1}, "1": {"0": 0, "1": 2}}
    curve = group["receiver_operating_characteristic_curve"]
    assert curve["false_positive_rates"] == [0.0, 0.0, 0.5, 0.5, 1.0]
    assert curve["true_positive_rates"] == [0.0, 0.5, 0.5, 1.0, 1.0]
    assert group["auc"]["value"] == 0.75
    assert group["precision_recall_curve"]["precisions"] == [1.0, 1.0, 0.5, 2 / 3, 0.5]
    assert group["precision_recall_curve"]["recalls"] == [0.0, 0.5, 0.5, 1.0, 1.0]


@given(labels)
def test_rates_of_a_binary_problem_complement_one_another(pairs: list[tuple[str, str]]) -> None:
    truth, predicted = [one for one, _ in pairs], [other for _, other in pairs]
    found = classify.binary(truth, predicted)
    assert all(0 <= value <= 1 for value in found.values())
    if "1" in truth:
        assert found["true_positive_rate"] + found["false_negative_rate"] == pytest.approx(1)
    if "0" in truth:
        assert found["true_negative_rate"] + found["false_positive_rate"] == pytest.approx(1)
    low, high = sorted((found["precision"], found["recall"]))
    assert low - 1e-9 <= found["f1"] <= high + 1e-9


@given(st.lists(st.tuples(st.sampled_from("01"), st.integers(0, 5)), min_size=2, max_size=40))
def test_the_area_is_the_chance_that_a_positive_ranks_above_a_negative(
    rows: list[tuple[str, int]],
) -> None:
    positive = [score for label, score in rows if label == "1"]
    negative = [score for label, score in rows if label == "0"]
    area = classify.curves([label for label, _ in rows], [float(score) for _, score in rows]).area
    if positive and negative:
        wins = sum((p > n) + (p == n) / 2 for p in positive for n in negative)
        assert area == pytest.approx(wins / (len(positive) * len(negative)))


@given(classes)
def test_weighted_recall_is_accuracy_and_a_perfect_model_scores_one(
    pairs: list[tuple[str, str]],
) -> None:
    truth, predicted = [one for one, _ in pairs], [other for _, other in pairs]
    found = classify.multiclass(truth, predicted)
    assert found["weighted_recall"] == pytest.approx(found["accuracy"])
    assert all(value == pytest.approx(1) for value in classify.multiclass(truth, truth).values())


def test_multiclass_metrics_are_weighted_by_how_often_a_class_occurs() -> None:
    truth, predicted = list("aaabbc"), list("aabbbb")
    group = statistics(frame(y=truth, p=predicted), MULTICLASS)["multiclass_classification_metrics"]
    found = values(group)
    # a: precision 1, recall 2/3; b: precision 1/2, recall 1; c: never predicted
    assert found["weighted_precision"] == pytest.approx(3 / 6 * 1 + 2 / 6 * 0.5)
    assert found["weighted_recall"] == pytest.approx(4 / 6)
    assert found["weighted_f1"] == pytest.approx(3 / 6 * 0.8 + 2 / 6 * (2 / 3))
    assert list(group)[:2] == ["confusion_matrix", "accuracy"]
    assert found["accuracy_best_constant_classifier"] == 0.5


def test_deviations_exist_from_200_rows_on_and_are_the_same_every_time() -> None:
    def deviations(count: int) -> list[Any]:
        truth = [str(number % 10) for number in range(count)]
        predicted = [str(number % 7) for number in range(count)]
        group = statistics(frame(Prediction=truth, Label=predicted), REGRESSION)
        return [one["standard_deviation"] for one in group["regression_metrics"].values()]

    assert deviations(199) == ["NaN"] * 4
    assert all(isinstance(one, float) and one > 0 for one in deviations(200))
    assert deviations(200) == deviations(200)


def test_classes_are_named_alike_however_the_number_is_written() -> None:
    group = statistics(frame(y=["1", "0"], p=["1.0", "0.0"]), BINARY)
    assert values(group["binary_classification_metrics"])["accuracy"] == 1.0


def test_probabilities_given_as_labels_are_refused() -> None:
    with pytest.raises(CheckError, match="name probabilities as probability_attribute"):
        statistics(frame(y=["1", "0"], p=["0.9", "0.2"]), BINARY)


def test_a_column_may_be_named_by_its_index() -> None:
    by_index = Problem("Regression", "1", "0", None, None)
    measured = statistics(frame(a=["1", "2"], b=["1", "4"]), by_index)
    assert measured["regression_metrics"]["mae"]["value"] == 1.0


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"problem_type": "Ranking", "ground_truth_attribute": "y"}, "'Ranking'"),
        ({"problem_type": "Regression"}, "ground_truth_attribute names a column"),
    ],
)
def test_a_job_that_says_too_little_is_refused(environment: dict[str, str], words: str) -> None:
    with pytest.raises(CheckError, match=words):
        Problem.of(environment)
