"""The evidence of a model version: numbers by short names, whatever the reports look like."""

from __future__ import annotations

import pytest

from pipetui.viewmodel.inbox import numbers, reports

REPORT = {
    "ModelQuality.Statistics": {
        "S3Uri": "s3://b/evaluation.json",
        "Size": 727,
        "Content": {
            "binary_classification_metrics": {
                "auc": {"value": 0.98, "standard_deviation": "NaN"},
                "confusion_matrix": {"0": {"1": 3}},
            }
        },
    }
}


@pytest.mark.parametrize(
    ("evidence", "wanted"),
    [
        (REPORT, {"auc": 0.98, "confusion_matrix.0.1": 3.0}),
        ({"regression_metrics": {"rmse": {"value": 4.4}, "n": {"value": True}}},
         {"regression_metrics.rmse": 4.4}),
        ({"m": {"a": 1, "b": 2}}, {"a": 1.0, "b": 2.0}),
        ({"a": {"x": 1}, "b": {"x": 2}}, {"a.x": 1.0, "b.x": 2.0}),
        ({"Bias.Report": {"S3Uri": "s3://b/x.json"}}, {}),
    ],
)  # fmt: skip
def test_numbers_are_named_by_what_tells_them_apart(
    evidence: dict[str, object], wanted: dict[str, float]
) -> None:
    assert numbers(evidence) == wanted


def test_the_reports_places_are_told() -> None:
    assert reports(REPORT) == ["s3://b/evaluation.json"]
