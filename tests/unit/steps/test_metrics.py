"""Metrics out of logs: MetricDefinitions, FinalMetricDataList."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import DefinitionError
from engine.steps.metrics import LINE_LIMIT, final_metrics, metric_definitions, metrics_of_line

RMSE = [{"Name": "rmse", "Regex": r"rmse=([-+0-9.eE]+|nan|inf)"}]


def found(line: str, *definitions: tuple[str, str]) -> dict[str, float]:
    declared = [{"Name": name, "Regex": regex} for name, regex in definitions]
    return dict(metrics_of_line(metric_definitions(declared or RMSE), line))


@pytest.mark.parametrize(
    ("line", "value"),
    [("rmse=0.25", 0.25), ("[12] rmse=-1e-3 more", -0.001), ("rmse=7\n", 7.0)],
)
def test_the_first_group_is_the_value(line: str, value: float) -> None:
    assert found(line) == {"rmse": value}


@pytest.mark.parametrize("line", ["", "mse=1", "rmse=", "rmse=nan", "rmse=inf", "rmse=-", "RMSE=1"])
def test_what_is_no_finite_number_is_no_metric(line: str) -> None:
    assert found(line) == {}


def test_a_group_that_took_no_part_is_no_metric() -> None:
    assert found("loss", ("loss", r"loss(=\d+)?")) == {}


def test_an_expression_without_a_group_finds_nothing() -> None:
    assert found("loss=1", ("loss", r"loss=\d")) == {}


def test_a_tab_matches_the_form_the_services_log_agent_gives_it() -> None:
    line = "[3]\ttrain-rmse:0.5\tvalidation-rmse:0.75"
    assert found(
        line,
        ("validation:rmse", r".*\[[0-9]+\].*#011validation-rmse:([-+]?[0-9]*\.?[0-9]+).*"),
        ("train:rmse", r"\ttrain-rmse:([0-9.]+)"),
    ) == {"validation:rmse": 0.75, "train:rmse": 0.5}


def test_one_line_may_hold_several_metrics() -> None:
    assert found("a=1 b=2", ("a", r"a=(\d)"), ("b", r"b=(\d)")) == {"a": 1.0, "b": 2.0}


def test_a_broken_expression_names_its_metric() -> None:
    with pytest.raises(DefinitionError) as problem:
        metric_definitions([{"Name": "loss", "Regex": "loss=(["}])
    assert problem.value.code == "metric-regex-invalid"
    assert "'loss'" in problem.value.message


def test_no_definitions_are_no_metrics(tmp_path: Path) -> None:
    assert metric_definitions(None) == []
    assert final_metrics([], tmp_path / "job.log", 5.0) == []


def final(log: Path, *declared: dict[str, str]) -> dict[str, float]:
    data = final_metrics(metric_definitions(declared or RMSE), log, 5.0)
    assert all(one["Timestamp"] == 5.0 for one in data)
    assert len({one["MetricName"] for one in data}) == len(data)
    return {one["MetricName"]: one["Value"] for one in data}


def test_the_last_value_of_each_metric_is_the_final_one(tmp_path: Path) -> None:
    log = tmp_path / "job.log"
    log.write_bytes(b"rmse=3\n\xff\xfe binary\nrmse=2\nrmse=nan\n")
    assert final(log) == {"rmse": 2.0}


def test_metrics_come_in_the_order_declared_each_once(tmp_path: Path) -> None:
    log = tmp_path / "job.log"
    log.write_text("b=1\na=2\nalso=3\n")
    declared = [
        {"Name": "a", "Regex": r"^a=(\d)"},
        {"Name": "b", "Regex": r"^b=(\d)"},
        {"Name": "a", "Regex": r"also=(\d)"},
        {"Name": "absent", "Regex": r"absent=(\d)"},
    ]
    assert list(final(log, *declared).items()) == [("a", 3.0), ("b", 1.0)]


def test_a_log_that_was_never_written_has_no_metrics(tmp_path: Path) -> None:
    assert final(tmp_path / "job.log") == {}


def test_only_the_head_of_an_overlong_line_is_searched(tmp_path: Path) -> None:
    log = tmp_path / "job.log"
    filling = b"x" * LINE_LIMIT
    log.write_bytes(b"rmse=1 " + filling + b" rmse=2 " + filling + b" rmse=3\nrmse=4\n")
    assert final(log) == {"rmse": 4.0}
    log.write_bytes(b"rmse=1 " + filling + b" rmse=2\n")
    assert final(log) == {"rmse": 1.0}
