"""The numbers of reports, as metrics that differ."""

from __future__ import annotations

from typing import Any

import pytest

from engine.comparison.reports import compare_reports, property_files


def quality(auc: float, **more: Any) -> Any:
    return {"binary": {"auc": {"value": auc, "standard_deviation": "NaN"}, **more}}


@pytest.mark.parametrize(
    ("before", "now", "wanted"),
    [
        (quality(0.9), quality(0.8), [("auc", "0.9", "0.8")]),
        (quality(0.9), quality(0.9), []),
        (quality(1), quality(1.0), []),
        (quality(0.9, note="a"), quality(0.9, note="b"), []),
        (quality(0.9), quality(0.9, n=3), [("n", "", "3")]),
        ({"mse": 4}, {"other": {"mse": 4}}, [("mse", "4", ""), ("other", "", '{"mse": 4}')]),
        ([1, 2], [1, 2], []),
    ],
)
def test_numbers_alone_are_compared_by_what_tells_them_apart(
    before: Any, now: Any, wanted: list[tuple[str, str, str]]
) -> None:
    assert [(one.path, one.before, one.now) for one in compare_reports(before, now)] == wanted


def test_property_files_are_found_in_branches_and_bodies() -> None:
    def writer(name: str) -> dict[str, Any]:
        file = {"PropertyFileName": "R", "OutputName": "out", "FilePath": f"{name}.json"}
        return {"Name": name, "Type": "Processing", "Arguments": {}, "PropertyFiles": [file]}

    inner = {"Name": "C", "Type": "Condition", "Arguments": {"IfSteps": [writer("b")]}}
    found = property_files({"Steps": [writer("a"), inner]})
    assert sorted(found) == [("a", "out", "a.json"), ("b", "out", "b.json")]
