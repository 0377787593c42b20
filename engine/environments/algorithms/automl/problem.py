"""What is to be learned: the kind of problem, its objective, and the job's plan. Pure."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

REGRESSION, BINARY = "Regression", "BinaryClassification"
MULTICLASS = "MulticlassClassification"

OBJECTIVES: Mapping[str, Sequence[str]] = {
    REGRESSION: ("MSE", "RMSE", "MAE", "R2"),
    BINARY: ("F1", "Accuracy", "AUC", "BalancedAccuracy", "Precision", "Recall"),
    MULTICLASS: ("Accuracy", "BalancedAccuracy", "F1macro", "PrecisionMacro", "RecallMacro"),
}
"""The objectives of each ProblemType; the first is the service's default."""
MINIMIZED = frozenset({"MSE", "RMSE", "MAE", "LogLoss"})

CSV = ("text/csv", "text/csv;header=present")
PARQUET = "x-application/vnd.amazon+parquet"
CONTENT_TYPES = (*CSV, PARQUET)

MIN_ROWS = 20
"""Fewer cannot be split and cross-validated; the service itself asks for 500."""
MIN_CLASS_ROWS = 3
"""Two to cross-validate with, one to validate with."""
MOST_CLASSES = 20
"""Whole numbers with more distinct values than this are quantities, not classes."""


class AutoMLError(Exception):
    """The job cannot do what it was asked to, for a reason that lies in its input."""


@dataclass(frozen=True)
class Plan:
    """What the job is asked to do.

    Attributes:
        job: its name, part of every candidate's.
        problem, objective: ProblemType and metric; empty where they are to be inferred.
        algorithms: the service's names of those to try; empty for all.
        job_s, candidate_s: limits in seconds; None for none.
    """

    job: str
    target: str
    problem: str
    objective: str
    content_type: str
    max_candidates: int
    job_s: float | None
    candidate_s: float | None
    validation_fraction: float
    algorithms: Sequence[str]
    seed: int

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Plan:
        """Read ``automl.json``, which has the names of the fields."""
        return cls(**value)


@dataclass(frozen=True)
class Problem:
    """A problem with an objective.

    Attributes:
        classes: the names of the classes in their order; the second of two is the positive one.
    """

    kind: str
    objective: str
    classes: Sequence[str]

    @property
    def classifies(self) -> bool:
        """Whether the target has classes."""
        return bool(self.classes)

    @property
    def maximized(self) -> bool:
        """Whether more of the objective is better."""
        return self.objective not in MINIMIZED

    def better(self, value: float, than: float) -> bool:
        """Whether one value of the objective beats another; nothing that is no number does."""
        if math.isnan(value):
            return False
        return math.isnan(than) or (value > than if self.maximized else value < than)


def class_name(cell: Any) -> str:
    """A class as text; a number is named alike whether it is written 1 or 1.0."""
    value = number(cell)
    return str(int(value)) if value is not None and value.is_integer() else str(cell)


def number(cell: Any) -> float | None:
    """A cell as a finite number; None where it is none."""
    try:
        value = float(cell)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def define(labels: Sequence[Any], plan: Plan) -> Problem:
    """The problem that a target's labels and the plan make.

    Errors: ``AutoMLError`` where nothing can be learned from them.
    """
    if len(labels) < MIN_ROWS:
        raise AutoMLError(
            f"The training data has {len(labels)} rows with a value in {plan.target}; at least"
            f" {MIN_ROWS} are needed."
        )
    kind = plan.problem or infer(labels)
    if kind not in OBJECTIVES:
        raise AutoMLError(f"ProblemType is one of {', '.join(OBJECTIVES)}, not {kind}.")
    classes = _classes(labels, kind, plan.target)
    objective = plan.objective or OBJECTIVES[kind][0]
    if objective not in OBJECTIVES[kind]:
        raise AutoMLError(
            f"{objective} is no objective of a {kind} problem; it has"
            f" {', '.join(OBJECTIVES[kind])}."
        )
    return Problem(kind, objective, classes)


def infer(labels: Sequence[Any]) -> str:
    """The ProblemType of labels.

    Two distinct values are two classes; text is classes; whole numbers are classes up to
    ``MOST_CLASSES`` distinct values; everything else is a quantity.
    """
    distinct = {class_name(label) for label in labels}
    if len(distinct) <= 2:
        return BINARY
    numbers = [number(name) for name in distinct]
    if None in numbers:
        return MULTICLASS
    whole = all(value is not None and value.is_integer() for value in numbers)
    return MULTICLASS if whole and len(distinct) <= MOST_CLASSES else REGRESSION


def _classes(labels: Sequence[Any], kind: str, target: str) -> Sequence[str]:
    if kind == REGRESSION:
        bad = next((label for label in labels if number(label) is None), None)
        if bad is not None:
            raise AutoMLError(f"{target} of a Regression problem holds {str(bad)[:40]!r}.")
        if len({number(label) for label in labels}) < 2:
            raise AutoMLError(f"{target} has the same value in every row.")
        return ()
    counts = Counter(class_name(label) for label in labels)
    if len(counts) < 2:
        raise AutoMLError(f"{target} has one class, {next(iter(counts))[:40]!r}, in every row.")
    if kind == BINARY and len(counts) > 2:
        raise AutoMLError(f"{target} of a BinaryClassification problem has {len(counts)} classes.")
    rare, rows = min(counts.items(), key=lambda one: one[1])
    if rows < MIN_CLASS_ROWS:
        raise AutoMLError(
            f"Class {rare[:40]!r} of {target} has {rows} rows; each class needs {MIN_CLASS_ROWS}."
        )
    return sorted(counts, key=_class_order)


def _class_order(name: str) -> tuple[bool, float, str]:
    value = number(name)
    return (True, 0.0, name) if value is None else (False, value, name)
