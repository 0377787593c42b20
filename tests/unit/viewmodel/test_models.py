"""Model package versions as rows: their order, and the metrics that stand for them."""

from __future__ import annotations

from typing import Any

import pytest

from engine.api import Approval, ApprovalStatus, ModelPackageView
from pipetui.viewmodel.lines import text_of
from pipetui.viewmodel.models import Order, decided, headlines, ordered, rows, stage
from pipetui.viewmodel.state import Display


def version(group: str, number: int, at: float, **more: Any) -> ModelPackageView:
    approval = more.pop("approval", ApprovalStatus.APPROVED)
    return ModelPackageView(f"{group}/{number}", group, number, approval, at, **more)


OLD = version("b", 1, 1.0, evidence={"m": {"rmse": {"value": 2.0}, "auc": {"value": 1.0}}})
NEW = version("b", 2, 3.0, evidence={"m": {"rmse": {"value": 1.0}, "auc": {"value": 1.0}}})
OTHER = version("a", 1, 2.0, approval=ApprovalStatus.PENDING)


@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        (Order.GROUP, [NEW, OLD, OTHER]),
        (Order.NEWEST, [NEW, OTHER, OLD]),
        (Order.WAITING, [OTHER, NEW, OLD]),
        (Order.METRIC, [NEW, OLD, OTHER]),
    ],
)
def test_versions_are_sorted(order: Order, wanted: list[ModelPackageView]) -> None:
    assert ordered([OLD, OTHER, NEW], order) == wanted


def test_the_orders_go_round() -> None:
    order = Order.GROUP
    seen = []
    for _ in Order:
        seen.append(order)
        order = order.next
    assert set(seen) == set(Order)
    assert order is Order.GROUP


def test_spreads_and_cells_of_a_matrix_do_not_stand_for_a_model() -> None:
    evidence = {
        "binary_classification_metrics": {
            "auc": {"value": 0.9, "standard_deviation": 0.1},
            "confusion_matrix": {"0": {"1": 3}},
        }
    }
    assert list(headlines(evidence)) == [("auc", 0.9)]


def test_a_row_says_stage_and_who_decided() -> None:
    approval = Approval(5.0, "bea@host", ApprovalStatus.PENDING, ApprovalStatus.APPROVED, "fine")
    life = {"ModelLifeCycle": {"Stage": "Staging", "StageStatus": "Approved"}}
    one = version("a", 3, 4.0, approvals=(approval,), request=life)
    assert stage(one) == "Staging Approved"
    assert decided(one, 65.0, Display()) == "bea 1m ago"
    [row] = rows([one], Order.GROUP, now=65.0, display=Display())
    said = [text_of(cell) for cell in row.cells]
    assert said[1:4] == ["a", "v3", "approved"]
    assert "bea@host" in row.search
    assert "fine" in row.search
