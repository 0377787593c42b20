"""constraints.json of a dataset, and what in another dataset violates it.

Check types, their order of columns and descriptions are Model Monitor's; docs/checks.md says how
sure each is.
"""

from __future__ import annotations

from typing import Any, Iterable, Iterator, Mapping, Sequence

from . import distance
from .profile import STRING, UNKNOWN, Column

DOMAIN_LIMIT = 120
"""Distinct values up to which a text column gets ``domains``; deequ's low-cardinality limit."""

MONITORING = {
    "evaluate_constraints": "Enabled",
    "emit_metrics": "Enabled",
    "datatype_check_threshold": 1.0,
    "domain_content_threshold": 1.0,
    "distribution_constraints": {
        "perform_comparison": "Enabled",
        "comparison_threshold": 0.1,
        "comparison_method": "Robust",
    },
}

Json = Mapping[str, Any]
Violation = Mapping[str, str]


def suggest(columns: Iterable[Column]) -> dict[str, Any]:
    """The constraints that these columns themselves meet."""
    return {
        "version": 0.0,
        "features": [_suggested(column) for column in columns],
        "monitoring_config": MONITORING,
    }


def _suggested(column: Column) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": column.name,
        "inferred_type": column.inferred_type,
        "completeness": column.completeness,
    }
    if column.numbers:
        entry["num_constraints"] = {"is_non_negative": min(column.numbers) >= 0}
    elif 0 < len(column.categories) <= DOMAIN_LIMIT:
        entry["string_constraints"] = {"domains": sorted(column.categories)}
    return entry


def evaluate(
    columns: Sequence[Column],
    constraints: Json,
    baseline: Json,
    drift_method: str | None = None,
) -> list[Violation]:
    """Every violation of a baseline by these columns.

    Args:
        constraints: the baseline's constraints.json.
        baseline: the baseline's statistics.json, for the drift check.
        drift_method: the job's ``categorical_drift_method``; wins over the file's.
    """
    config = {**MONITORING, **(constraints.get("monitoring_config") or {})}
    features = list(constraints.get("features") or ())
    before = {one["name"]: one for one in baseline.get("features") or ()}
    now = {column.name: column for column in columns}
    found = list(_column_count(now, [one["name"] for one in features]))
    for feature in features:
        column = now.get(feature["name"])
        rules = _rules(feature, config)
        if column is None or rules.get("evaluate_constraints") == "Disabled":
            continue
        found += _type(column, feature, rules)
        found += _completeness(column, feature)
        found += _domain(column, feature, rules)
        found += _drift(column, before.get(column.name) or {}, rules, drift_method)
    return found


def _rules(feature: Json, config: Json) -> dict[str, Any]:
    """The monitoring configuration of one feature; both ways to override it are in use."""
    rules = dict(config)
    for place in (feature, feature.get("string_constraints"), feature.get("num_constraints")):
        for key in ("monitoringConfigOverrides", "monitoring_config_overrides"):
            rules.update((place or {}).get(key) or {})
    return rules


def _violation(feature: str, check: str, description: str) -> Violation:
    return {
        "feature_name": feature,
        "constraint_check_type": check,
        "description": description,
    }


def _column_count(now: Mapping[str, Column], expected: Sequence[str]) -> Iterator[Violation]:
    differences = (
        ("missing", "Missing columns", [name for name in expected if name not in now]),
        ("extra", "Extra columns", [name for name in now if name not in expected]),
    )
    for word, title, names in differences:
        if names:
            yield _violation(
                title,
                f"{word}_column_check",
                f"There are {word} columns in current dataset. Number of columns in current"
                f" dataset: {len(now)}, Number of columns in baseline constraints: {len(expected)}",
            )


def _type(column: Column, feature: Json, rules: Json) -> Iterator[Violation]:
    expected, threshold = feature.get("inferred_type"), rules["datatype_check_threshold"]
    if expected in (None, UNKNOWN) or not column.present:
        return
    share = column.share_of(expected)
    if share < threshold:
        yield _violation(
            column.name,
            "data_type_check",
            "Data type match requirement is not met."
            f" Expected data type: {expected}, Expected match: {threshold * 100}%."
            f" Observed: Only {share * 100}% of data is {expected}.",
        )


def _unmet(column: Column, check: str, value: float) -> Violation:
    text = f"Value: {value} does not meet the constraint requirement!"
    return _violation(column.name, check, text)


def _completeness(column: Column, feature: Json) -> Iterator[Violation]:
    expected = feature.get("completeness")
    if expected is not None and column.completeness < expected:
        yield _unmet(column, "completeness_check", column.completeness)


def _domain(column: Column, feature: Json, rules: Json) -> Iterator[Violation]:
    domains = (feature.get("string_constraints") or {}).get("domains")
    if not domains or column.inferred_type != STRING:
        return
    allowed = {str(value) for value in domains}
    inside = sum(count for value, count in column.categories.items() if value in allowed)
    share = inside / column.present
    if share < rules["domain_content_threshold"]:
        yield _unmet(column, "categorical_values_check", share)


def _drift(
    column: Column, before: Json, rules: Json, drift_method: str | None
) -> Iterator[Violation]:
    config = rules.get("distribution_constraints") or {}
    if config.get("perform_comparison") == "Disabled":
        return
    threshold = float(config.get("comparison_threshold", 0.1))
    robust = config.get("comparison_method", "Robust") != "Simple"
    levels = _at(before, "numerical_statistics", "distribution", "kll", "sketch", "data")
    buckets = _at(before, "string_statistics", "distribution", "categorical", "buckets")
    if column.numbers and levels:
        now = column.statistics()["numerical_statistics"]["distribution"]["kll"]["sketch"]["data"]
        value = distance.numerical(now, levels, robust=robust)
    elif column.categories and buckets:
        counts = {str(bucket["value"]): bucket["count"] for bucket in buckets}
        threshold = float(config.get("categorical_comparison_threshold", threshold))
        method = drift_method or config.get("categorical_drift_method") or "LInfinity"
        if method == "ChiSquared":
            chance = distance.chi_squared(column.categories, counts)
            if chance < threshold:
                yield _too_unlikely(column, chance, threshold)
            return
        value = distance.categorical(column.categories, counts, robust=robust)
    else:
        return
    if value > threshold:
        yield _violation(
            column.name,
            "baseline_drift_check",
            f"Baseline drift distance: {value} exceeds threshold: {threshold}",
        )


def _too_unlikely(column: Column, chance: float, threshold: float) -> Violation:
    return _violation(
        column.name,
        "baseline_drift_check",
        f"Baseline drift p-value: {chance} is below threshold: {threshold}",
    )


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = (value or {}).get(key)
    return value
