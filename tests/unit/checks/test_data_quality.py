"""Statistics, constraints and violations of a dataset, against the analyzer's own files."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.environments.algorithms.checks.constraints import evaluate, suggest
from engine.environments.algorithms.checks.dataset import Dataset, read
from engine.environments.algorithms.checks.job import CheckError
from engine.environments.algorithms.checks.profile import (
    inferred_type,
    kind_of,
    population_deviation,
    profile,
    statistics,
)
from tests.shared import SHARED, needs_shared

REAL = SHARED / "data" / "checks" / "quality_check_step" / "data_quality"

cells = st.one_of(
    st.none(),
    st.integers(-1000, 1000).map(str),
    st.floats(-1e6, 1e6).map(repr),
    st.sampled_from(["a", "b", "true", "false", "x y"]),
)
datasets = (
    st.integers(1, 30)
    .flatmap(
        lambda rows: st.lists(st.lists(cells, min_size=rows, max_size=rows), min_size=1, max_size=4)
    )
    .map(lambda columns: Dataset({f"c{i}": one for i, one in enumerate(columns)}, len(columns[0])))
)


def load(name: str) -> Any:
    return json.loads((REAL / name).read_text())


def checked(baseline: Dataset, dataset: Dataset, **config: Any) -> list[tuple[str, str, str]]:
    columns = profile(baseline)
    limits = suggest(columns)
    limits["monitoring_config"] = {**limits["monitoring_config"], **config}
    found = evaluate(profile(dataset), limits, statistics(columns, baseline.item_count))
    return [
        (one["feature_name"], one["constraint_check_type"], one["description"]) for one in found
    ]


def one_column(values: list[Any], name: str = "x") -> Dataset:
    return Dataset({name: values}, len(values))


@needs_shared
def test_statistics_are_those_of_the_analyzer_digit_for_digit() -> None:
    dataset = read(REAL / "baseline_dataset.csv", {"csv": {"header": False}})
    columns = profile(dataset)
    assert statistics(columns, dataset.item_count) == load("statistics.json")
    assert suggest(columns) == load("good_cases/constraints.json")


@needs_shared
def test_keys_stand_in_the_order_of_the_analyzer() -> None:
    dataset = read(REAL / "baseline_dataset.csv", {"csv": {"header": False}})
    columns = profile(dataset)
    assert json.dumps(statistics(columns, 100)) == json.dumps(load("statistics.json"))
    assert json.dumps(suggest(columns)) == json.dumps(load("good_cases/constraints.json"))


@needs_shared
def test_a_changed_type_in_the_baseline_is_the_one_violation() -> None:
    columns = profile(read(REAL / "baseline_dataset.csv", {"csv": {"header": False}}))
    baseline = load("statistics.json")
    assert evaluate(columns, load("good_cases/constraints.json"), baseline) == []
    (violation,) = evaluate(columns, load("bad_cases/constraints.json"), baseline)
    assert violation["feature_name"] == "_c5"
    assert violation["constraint_check_type"] == "data_type_check"


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("3", "Integral"), ("-3", "Integral"), ("+ 3", "Integral"), (3, "Integral"),
        ("3.0", "Fractional"), (".5", "Fractional"), ("1e5", "Fractional"),
        ("-1.5E-3", "Fractional"), (3.0, "Fractional"), ("true", "Boolean"), (False, "Boolean"),
        ("True", "String"), ("1,5", "String"), ("e5", "String"), (".", "String"), ("nan", "String"),
    ],
)  # fmt: skip
def test_a_cell_is_of_one_kind(cell: Any, kind: str) -> None:
    assert kind_of(cell) == kind


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ({}, "Unknown"),
        ({"Integral": 3}, "Integral"),
        ({"Integral": 3, "Fractional": 1}, "Fractional"),
        ({"Integral": 3, "String": 1}, "String"),
        ({"Boolean": 3}, "String"),
        ({"Boolean": 3, "Integral": 1}, "String"),
    ],
)
def test_a_column_has_the_widest_type_of_its_cells(kinds: dict[str, int], expected: str) -> None:
    assert inferred_type(kinds) == expected


@given(datasets)
def test_no_dataset_violates_its_own_baseline(dataset: Dataset) -> None:
    assert checked(dataset, dataset) == []


@given(datasets)
def test_statistics_account_for_every_row(dataset: Dataset) -> None:
    for entry in statistics(profile(dataset), dataset.item_count)["features"]:
        numbers = entry.get("numerical_statistics")
        found = numbers or entry["string_statistics"]
        common = found["common"]
        assert common["num_present"] + common["num_missing"] == dataset.item_count
        if numbers:
            buckets = numbers["distribution"]["kll"]["buckets"]
            assert sum(bucket["count"] for bucket in buckets) == common["num_present"]
            assert numbers["min"] <= numbers["mean"] + 1e-6
            assert numbers["mean"] <= numbers["max"] + 1e-6
        else:
            buckets = found["distribution"]["categorical"]["buckets"]
            assert sum(bucket["count"] for bucket in buckets) == common["num_present"]


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=50))
def test_the_deviation_is_that_of_the_whole_population(values: list[float]) -> None:
    mean = math.fsum(values) / len(values)
    exact = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
    assert population_deviation(values) == pytest.approx(exact, abs=1e-9)


def test_missing_values_violate_completeness() -> None:
    found = checked(one_column(["1", "2"]), one_column(["1", None]), distribution_constraints={})
    assert found == [
        ("x", "completeness_check", "Value: 0.5 does not meet the constraint requirement!")
    ]


def test_whole_numbers_pass_for_fractions_but_not_the_other_way_round() -> None:
    whole, broken = one_column(["1", "2"]), one_column(["1", "2.5"])
    assert checked(broken, whole, distribution_constraints={"perform_comparison": "Disabled"}) == []
    ((_, check, words),) = checked(whole, broken)
    assert check == "data_type_check"
    assert words.endswith("Expected match: 100.0%. Observed: Only 50.0% of data is Integral.")


def test_a_new_category_is_outside_the_domain() -> None:
    found = checked(one_column(["a"] * 9 + ["b"]), one_column(["a"] * 9 + ["c"]))
    assert found == [
        ("x", "categorical_values_check", "Value: 0.9 does not meet the constraint requirement!")
    ]
    assert checked(one_column(["a"]), one_column(["a", "c"]), domain_content_threshold=0.5) == []


def test_many_categories_have_no_domain() -> None:
    few, many = ([f"v{number}" for number in range(count)] for count in (120, 121))
    assert "string_constraints" in suggest(profile(one_column(few)))["features"][0]
    assert "string_constraints" not in suggest(profile(one_column(many)))["features"][0]


def test_columns_that_come_and_go_are_counted() -> None:
    base = Dataset({"a": ["1"], "b": ["1"]}, 1)
    ((title, check, words),) = checked(base, Dataset({"a": ["1"]}, 1))
    assert (title, check) == ("Missing columns", "missing_column_check")
    assert words == (
        "There are missing columns in current dataset. Number of columns in current dataset: 1,"
        " Number of columns in baseline constraints: 2"
    )
    ((title, check, _),) = checked(Dataset({"a": ["1"]}, 1), base)
    assert (title, check) == ("Extra columns", "extra_column_check")


NUMBERS = [str(number) for number in range(1000)]


def test_shifted_numbers_drift_and_the_robust_method_forgives_small_samples() -> None:
    shifted = [str(number + 500) for number in range(1000)]
    ((_, check, words),) = checked(one_column(NUMBERS), one_column(shifted))
    assert check == "baseline_drift_check"
    gap = 0.5 - 1.8 * math.sqrt(2 / 1000)
    assert words == f"Baseline drift distance: {gap} exceeds threshold: 0.1"
    small, other = one_column(NUMBERS[:10]), one_column(NUMBERS[5:15])
    assert checked(small, other) == []
    simple = {"comparison_method": "Simple", "comparison_threshold": 0.1}
    ((_, _, words),) = checked(small, other, distribution_constraints=simple)
    assert words == "Baseline drift distance: 0.5 exceeds threshold: 0.1"


def test_a_distance_at_the_threshold_is_no_drift() -> None:
    simple = {"comparison_method": "Simple", "comparison_threshold": 0.5}
    small, other = one_column(NUMBERS[:10]), one_column(NUMBERS[5:15])
    assert checked(small, other, distribution_constraints=simple) == []


def test_categories_drift_by_the_method_that_is_asked_for() -> None:
    before, now = one_column(["a", "b"] * 100), one_column(["a"] * 150 + ["b"] * 50)
    simple = {"comparison_method": "Simple"}
    ((_, _, words),) = checked(before, now, distribution_constraints=simple)
    assert words == "Baseline drift distance: 0.25 exceeds threshold: 0.1"
    squared = {"categorical_drift_method": "ChiSquared"}
    ((_, _, words),) = checked(before, now, distribution_constraints=squared)
    assert words.startswith("Baseline drift p-value: ")
    assert checked(before, before, distribution_constraints=squared) == []
    apart = {"comparison_method": "Simple", "categorical_comparison_threshold": 0.3}
    assert checked(before, now, distribution_constraints=apart) == []


def test_checks_can_be_turned_off_for_all_or_for_one_feature() -> None:
    columns = profile(one_column(["1", "2"]))
    broken = profile(one_column(["a", None]))
    limits = suggest(columns)
    baseline = statistics(columns, 2)
    assert evaluate(broken, limits, baseline)
    off = {"evaluate_constraints": "Disabled"}
    for place in (
        {"monitoringConfigOverrides": off},
        {"string_constraints": {"monitoring_config_overrides": off}},
    ):
        feature = {**limits["features"][0], **place}
        assert evaluate(broken, {**limits, "features": [feature]}, baseline) == []
    assert evaluate(broken, {**limits, "monitoring_config": off}, baseline) == []


def test_csv_and_json_lines_give_the_same_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('n,s\n1,x\n,"y,z"\n')
    (tmp_path / "b.jsonl").write_text('{"n": 1, "s": "x"}\n{"n": null, "s": "y,z"}\n')
    from_csv = read(tmp_path / "a.csv", {"csv": {"header": True}})
    from_json = read(tmp_path / "b.jsonl", {"json": {"lines": True}})
    assert dict(from_csv.columns) == {"n": ["1", None], "s": ["x", "y,z"]}
    assert dict(from_json.columns) == {"n": [1, None], "s": ["x", "y,z"]}
    assert from_csv.item_count == from_json.item_count == 2
    assert [c.statistics() for c in profile(from_csv)] == [
        c.statistics() for c in profile(from_json)
    ]


def test_every_file_of_the_input_counts_and_each_has_its_header(tmp_path: Path) -> None:
    for name in ("1.csv", "2.csv"):
        (tmp_path / name).write_text("n\n1\n")
    assert read(tmp_path, {"csv": {"header": True}}).item_count == 2
    assert read(tmp_path, {"csv": {"header": "False"}}).columns == {"_c0": ["n", "1", "n", "1"]}


def test_a_preprocessor_makes_rows_of_lines_and_drops_some(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("h\n1\n2\n")

    def handler(line: str) -> Any:
        return [] if line == "h" else {"01_b": line, "00_a": int(line) * 10}

    dataset = read(tmp_path, {"csv": {"header": True}}, handler)
    assert list(dataset.columns.items()) == [("00_a", [10, 20]), ("01_b", ["1", "2"])]


def test_a_format_that_is_not_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckError, match="sagemakerCaptureJson is not read here"):
        read(tmp_path, {"sagemakerCaptureJson": {}})
