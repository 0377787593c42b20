"""How a Clarify analysis is compared with an earlier one.

Source: Amazon SageMaker Developer Guide, "Monitor Bias Drift for Models in Production" and "Monitor
Feature Attribution Drift for Models in Production", and violation files that Clarify has written.
"""

from __future__ import annotations

import math
from typing import Any, Iterator, Mapping, Sequence

ATTRIBUTION_THRESHOLD = 0.9
"""nDCG below which attributions have drifted (developer guide)."""

Json = Mapping[str, Any]


def evaluate(now: Json, before: Json) -> list[Mapping[str, Any]]:
    """What in an analysis violates an earlier analysis.json."""
    found: list[Mapping[str, Any]] = []
    for section in ("pre_training_bias_metrics", "post_training_bias_metrics"):
        found += _bias(now.get(section) or {}, before.get(section) or {})
    found += _attributions(now.get("explanations") or {}, before.get("explanations") or {})
    return found


def _bias(now: Json, before: Json) -> Iterator[Mapping[str, Any]]:
    """Metrics that are farther from 0 than they were; null ones are not compared."""
    earlier = before.get("facets") or {}
    for facet, entries in (now.get("facets") or {}).items():
        for entry, limits in _pairs(entries, earlier.get(facet) or ()):
            known = {metric["name"]: _number(metric.get("value")) for metric in limits["metrics"]}
            for metric in entry["metrics"]:
                value, limit = _number(metric.get("value")), known.get(metric["name"])
                if value is not None and limit is not None and abs(value) > abs(limit):
                    yield {
                        "facet": facet,
                        "facet_value": entry["value_or_threshold"],
                        "metric_name": metric["name"],
                        "constraint_check_type": "bias_drift_check",
                        "description": f"Metric value {value} doesn't meet the baseline constraint"
                        f" requirement {limit}",
                    }


def _pairs(now: Sequence[Json], before: Sequence[Json]) -> list[tuple[Json, Json]]:
    """The entries of a facet that belong together, by value or threshold.

    A threshold is written as an interval up to the data's own maximum, which differs from dataset
    to dataset; one entry on either side is the same one.
    """
    if len(now) == len(before) == 1:
        return [(now[0], before[0])]
    by_value = {entry["value_or_threshold"]: entry for entry in before}
    return [
        (entry, by_value[entry["value_or_threshold"]])
        for entry in now
        if entry["value_or_threshold"] in by_value
    ]


def _number(value: Any) -> float | None:
    """A metric's value; infinities are written as text, and a metric that failed has none."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return None if math.isnan(number) else number


def _attributions(now: Json, before: Json) -> Iterator[Mapping[str, Any]]:
    earlier = before.get("kernel_shap") or {}
    for label, entry in (now.get("kernel_shap") or {}).items():
        known = (earlier.get(label) or {}).get("global_shap_values")
        if not known:
            continue
        score = ndcg(known, entry["global_shap_values"])
        if score < ATTRIBUTION_THRESHOLD:
            yield {
                "label": label,
                "metric_name": "shap",
                "constraint_check_type": "feature_attribution_drift_check",
                "description": f"Feature attribution drift {score} exceeds threshold"
                f" {ATTRIBUTION_THRESHOLD}",
            }


def ndcg(before: Mapping[str, float], now: Mapping[str, float]) -> float:
    """Whether the features still rank as they did: 1 for the same order, less for others.

    nDCG = DCG / iDCG with DCG = sum a(f_i) / log2(i + 1), where a is the earlier attribution and
    f_1, f_2 ... are the features by their present attribution; iDCG takes them by the earlier one
    (developer guide; Järvelin, Kekäläinen 2002). Without any earlier attribution it is 1.
    """
    order = sorted(now, key=lambda feature: -now[feature])
    gained = _discounted([before.get(feature, 0.0) for feature in order])
    ideal = _discounted(sorted(before.values(), reverse=True))
    return gained / ideal if ideal else 1.0


def _discounted(gains: Sequence[float]) -> float:
    return math.fsum(gain / math.log2(place + 1) for place, gain in enumerate(gains, 1))
