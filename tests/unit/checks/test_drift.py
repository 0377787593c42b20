"""How an analysis of Clarify is compared with an earlier one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.environments.algorithms.checks.drift import evaluate, ndcg
from tests.shared import SHARED, needs_shared

REAL = SHARED / "data" / "checks" / "clarify_check_step" / "data_bias"
attributions = st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 1), min_size=1)


def analysis(value: Any, facet_value: str = "0", metric: str = "CDDPL") -> dict[str, Any]:
    entry = {"value_or_threshold": facet_value, "metrics": [{"name": metric, "value": value}]}
    return {"post_training_bias_metrics": {"facets": {"Sex": [entry]}}}


@needs_shared
def test_a_real_analysis_violates_only_the_metric_that_was_lowered() -> None:
    good = json.loads((REAL / "good_cases" / "analysis.json").read_text())
    bad = json.loads((REAL / "bad_cases" / "analysis.json").read_text())
    assert evaluate(good, good) == []
    (violation,) = evaluate(good, bad)
    assert (violation["metric_name"], violation["facet"]) == ("KS", "F1")


def test_a_violation_is_worded_as_the_service_does() -> None:
    assert evaluate(analysis(0.37), analysis(0.28)) == [
        {
            "facet": "Sex",
            "facet_value": "0",
            "metric_name": "CDDPL",
            "constraint_check_type": "bias_drift_check",
            "description": "Metric value 0.37 doesn't meet the baseline constraint"
            " requirement 0.28",
        }
    ]


@pytest.mark.parametrize(
    ("now", "before", "violated"),
    [
        (0.2, 0.2, False), (-0.3, 0.2, True), (0.1, -0.2, False), ("Infinity", 5.0, True),
        (None, 0.0, False), (0.5, None, False), ("-Infinity", "Infinity", False),
    ],
)  # fmt: skip
def test_only_a_value_farther_from_zero_violates(now: Any, before: Any, violated: bool) -> None:
    assert bool(evaluate(analysis(now), analysis(before))) is violated


def test_a_threshold_that_ends_at_another_maximum_is_the_same_facet() -> None:
    now, before = analysis(0.4, "(0.5, 0.97]"), analysis(0.3, "(0.5, 0.99]")
    assert len(evaluate(now, before)) == 1


def test_a_facet_without_a_baseline_is_not_compared() -> None:
    assert evaluate(analysis(0.4), {"version": "1.0"}) == []


def test_ndcg_is_that_of_the_developer_guide() -> None:
    before = {"age": 0.70, "income": 0.10, "education": 0.20}
    now = {"age": 0.10, "income": 0.20, "education": 0.70}
    assert ndcg(before, now) == pytest.approx(0.69, abs=0.01)


@given(attributions, attributions)
def test_ndcg_is_one_for_the_same_order_and_never_more(
    before: dict[str, float], now: dict[str, float]
) -> None:
    whole = {name: now.get(name, 0.0) for name in before}
    assert ndcg(before, before) == pytest.approx(1)
    assert 0 <= ndcg(before, whole) <= 1 + 1e-9


def test_attributions_that_changed_order_drift() -> None:
    def explained(**values: float) -> dict[str, Any]:
        return {"explanations": {"kernel_shap": {"label0": {"global_shap_values": values}}}}

    (violation,) = evaluate(explained(a=0.1, b=0.9), explained(a=0.9, b=0.0))
    assert violation["label"] == "label0"
    assert violation["constraint_check_type"] == "feature_attribution_drift_check"
    assert violation["description"].startswith("Feature attribution drift 0.63")
    assert violation["description"].endswith("exceeds threshold 0.9")
