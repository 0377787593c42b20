"""statistics.json and constraints.json of a model's predictions, by Model Monitor's rules.

Source of names and forms: Amazon SageMaker Developer Guide, "Model quality metrics" and "Schema for
violations", and files that the analyzer has written.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Sequence

from . import classification as classify
from .dataset import Dataset
from .job import CheckError
from .profile import total

DEVIATION_MIN_ROWS = 200
"""Rows from which on a metric has a standard deviation (developer guide)."""
SAMPLES, SAMPLE_SHARE, SEED = 5, 0.8, 0
LESS, GREATER = "LessThanThreshold", "GreaterThanThreshold"

REGRESSION = {"mae": GREATER, "mse": GREATER, "rmse": GREATER, "r2": LESS}
BINARY = {
    "recall": LESS,
    "precision": LESS,
    "accuracy": LESS,
    "true_positive_rate": LESS,
    "true_negative_rate": LESS,
    "false_positive_rate": GREATER,
    "false_negative_rate": GREATER,
    "auc": LESS,
    "f0_5": LESS,
    "f1": LESS,
    "f2": LESS,
}
MULTICLASS = {
    "accuracy": LESS,
    "weighted_recall": LESS,
    "weighted_precision": LESS,
    "weighted_f0_5": LESS,
    "weighted_f1": LESS,
    "weighted_f2": LESS,
}
_KINDS = {
    "Regression": ("regression", REGRESSION),
    "BinaryClassification": ("binary_classification", BINARY),
    "MulticlassClassification": ("multiclass_classification", MULTICLASS),
}

Json = Mapping[str, Any]
Rows = Sequence[int]
"""Positions of the rows that count."""
Metrics = Callable[[Rows], Mapping[str, float]]


@dataclass(frozen=True)
class Problem:
    """What the job's variables say: the kind of problem and which column is what."""

    kind: str
    ground_truth: str
    inference: str | None
    probability: str | None
    threshold: float | None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Problem:
        """Read the variables. Errors: ``CheckError`` where they do not say enough."""
        kind = environment.get("problem_type", "")
        truth = environment.get("ground_truth_attribute")
        if kind not in _KINDS or not truth:
            raise CheckError(
                "problem_type is Regression, BinaryClassification or MulticlassClassification, and"
                f" ground_truth_attribute names a column; given are {kind!r} and {truth!r}."
            )
        threshold = environment.get("probability_threshold_attribute")
        return cls(
            kind,
            truth,
            environment.get("inference_attribute"),
            environment.get("probability_attribute"),
            None if threshold is None else float(threshold),
        )

    @property
    def group(self) -> str:
        """``regression``, ``binary_classification`` or ``multiclass_classification``."""
        return _KINDS[self.kind][0]

    @property
    def operators(self) -> Mapping[str, str]:
        """Each constrained metric and when it is violated."""
        return _KINDS[self.kind][1]


def statistics(dataset: Dataset, problem: Problem) -> dict[str, Any]:
    """statistics.json of a dataset that holds labels and predictions."""
    if problem.kind == "Regression":
        group = _regression(dataset, problem)
    elif problem.kind == "BinaryClassification":
        group = _binary(dataset, problem)
    else:
        group = _multiclass(dataset, problem)
    return {
        "version": 0.0,
        "dataset": {"item_count": dataset.item_count},
        f"{problem.group}_metrics": group,
    }


def suggest(statistics: Json, problem: Problem) -> dict[str, Any]:
    """constraints.json: the value of each metric, unpadded, is its own threshold."""
    group = statistics[f"{problem.group}_metrics"]
    return {
        "version": 0.0,
        f"{problem.group}_constraints": {
            name: {"threshold": group[name]["value"], "comparison_operator": operator}
            for name, operator in problem.operators.items()
            if name in group and group[name]["value"] != "NaN"
        },
    }


def evaluate(statistics: Json, problem: Problem, constraints: Json) -> list[Mapping[str, str]]:
    """Metrics on the wrong side of a baseline's thresholds; equality is no violation."""
    group = statistics[f"{problem.group}_metrics"]
    found: list[Mapping[str, str]] = []
    for name, rule in (constraints.get(f"{problem.group}_constraints") or {}).items():
        value, threshold = group.get(name, {}).get("value"), rule["threshold"]
        if "NaN" in (value, threshold) or value is None:
            continue
        operator = rule["comparison_operator"]
        if value < threshold if operator == LESS else value > threshold:
            found.append(
                {
                    "constraint_check_type": operator,
                    "description": f"Metric {name} with {value} was {operator} {threshold}",
                    "metric_name": name,
                }
            )
    return found


def regression(truth: Sequence[float], predicted: Sequence[float]) -> dict[str, float]:
    """mae, mse, rmse, and r2 = 1 - SSE / SST about the mean of the labels."""
    n = len(truth)
    mean = total(truth) / n
    mse = total((a - b) ** 2 for a, b in zip(truth, predicted)) / n
    spread = total((a - mean) ** 2 for a in truth)
    return {
        "mae": total(abs(a - b) for a, b in zip(truth, predicted)) / n,
        "mse": mse,
        "rmse": math.sqrt(mse),
        "r2": 1 - mse * n / spread if spread else math.nan,
    }


def _regression(dataset: Dataset, problem: Problem) -> dict[str, Any]:
    truth = _numbers(dataset, problem.ground_truth)
    predicted = _numbers(dataset, _required(problem.inference, "inference_attribute"))
    return _scalars(lambda rows: regression(_pick(truth, rows), _pick(predicted, rows)), len(truth))


def _binary(dataset: Dataset, problem: Problem) -> dict[str, Any]:
    truth = _labels(dataset, problem.ground_truth)
    if problem.probability and problem.threshold is not None:
        limit = problem.threshold
        scores = _numbers(dataset, problem.probability)
        predicted = ["1" if score > limit else "0" for score in scores]
    else:
        predicted = _labels(dataset, _required(problem.inference, "inference_attribute"))
        scores = [float(label == classify.POSITIVE) for label in predicted]
    if len({*truth, *predicted}) > 2:
        raise CheckError(
            "A binary problem has two classes, but labels and predictions have"
            f" {len({*truth, *predicted})}; name probabilities as probability_attribute."
        )

    def scalars(rows: Rows) -> dict[str, float]:
        labels = _pick(truth, rows)
        area = classify.curves(labels, _pick(scores, rows)).area
        return {**classify.binary(labels, _pick(predicted, rows)), "auc": area}

    measured = _scalars(scalars, len(truth))
    constant = [classify.best_constant(truth)] * len(truth)
    fixed = _scalars(
        lambda rows: classify.binary(_pick(truth, rows), _pick(constant, rows)), len(truth)
    )
    curves = classify.curves(truth, scores)
    return {
        "confusion_matrix": classify.confusion_matrix(truth, predicted),
        **{name: measured[name] for name in ("recall", "precision", "accuracy")},
        **_constant_classifier(fixed, ("recall", "precision", "accuracy")),
        **{name: value for name, value in measured.items() if name.endswith("_rate")},
        "receiver_operating_characteristic_curve": {
            "false_positive_rates": curves.false_positive_rates,
            "true_positive_rates": curves.true_positive_rates,
        },
        "precision_recall_curve": {"precisions": curves.precisions, "recalls": curves.recalls},
        **{name: measured[name] for name in ("auc", "f0_5", "f1", "f2")},
        **_constant_classifier(fixed, ("f0_5", "f1", "f2")),
    }


def _multiclass(dataset: Dataset, problem: Problem) -> dict[str, Any]:
    truth = _labels(dataset, problem.ground_truth)
    predicted = _labels(dataset, _required(problem.inference, "inference_attribute"))
    constant = [classify.best_constant(truth)] * len(truth)
    measured = _scalars(
        lambda rows: classify.multiclass(_pick(truth, rows), _pick(predicted, rows)), len(truth)
    )
    fixed = _scalars(
        lambda rows: classify.multiclass(_pick(truth, rows), _pick(constant, rows)), len(truth)
    )
    return {
        "confusion_matrix": classify.confusion_matrix(truth, predicted),
        **measured,
        **_constant_classifier(fixed, MULTICLASS),
    }


def _constant_classifier(measured: Json, names: Any) -> dict[str, Any]:
    return {f"{name}_best_constant_classifier": measured[name] for name in names}


def _scalars(metrics: Metrics, count: int) -> dict[str, Any]:
    """Each metric with its deviation over five random samples of 80 % (developer guide).

    The analyzer's samples are not known, so neither are the digits of its deviations; these come
    from a fixed seed. Below 200 rows it is the text ``NaN``.
    """
    measured = metrics(range(count))
    deviations: dict[str, Any] = dict.fromkeys(measured, "NaN")
    if count >= DEVIATION_MIN_ROWS:
        chance = random.Random(SEED)
        size = int(count * SAMPLE_SHARE)
        samples = [metrics(sorted(chance.sample(range(count), size))) for _ in range(SAMPLES)]
        deviations = {name: _deviation([one[name] for one in samples]) for name in measured}
    return {
        name: {"value": _or_text(value), "standard_deviation": _or_text(deviations[name])}
        for name, value in measured.items()
    }


def _or_text(value: Any) -> Any:
    """A number as JSON can have it: the analyzer writes NaN as text."""
    return "NaN" if value != value else value


def _deviation(values: Sequence[float]) -> float:
    mean = total(values) / len(values)
    return math.sqrt(total((value - mean) ** 2 for value in values) / len(values))


def _pick(values: Sequence[Any], rows: Rows) -> Sequence[Any]:
    return values if len(rows) == len(values) else [values[row] for row in rows]


def _required(attribute: str | None, name: str) -> str:
    if not attribute:
        raise CheckError(f"{name} is missing: it names the column of the predictions.")
    return attribute


def _numbers(dataset: Dataset, attribute: str) -> list[float]:
    cells = _present(dataset, attribute)
    try:
        return [float(cell) for cell in cells]
    except ValueError as problem:
        raise CheckError(f"Column {attribute} is not numeric: {problem}.") from problem


def _labels(dataset: Dataset, attribute: str) -> list[str]:
    """Class names; a number is named alike whether it is written 1 or 1.0."""
    return [_class_name(cell) for cell in _present(dataset, attribute)]


def _class_name(cell: Any) -> str:
    try:
        value = float(cell)
    except ValueError:
        return str(cell)
    return str(int(value)) if value.is_integer() else str(value)


def _present(dataset: Dataset, attribute: str) -> Sequence[Any]:
    cells = dataset.column(attribute)
    missing = sum(cell is None for cell in cells)
    if missing:
        raise CheckError(f"Column {attribute} has {missing} row(s) without a value.")
    return cells
