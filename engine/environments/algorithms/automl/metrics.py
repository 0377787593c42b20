"""The service's metrics of predictions, computed by scikit-learn."""

from __future__ import annotations

import math
from typing import Any, Mapping

import numpy as np  # type: ignore[import-not-found,unused-ignore]
from sklearn import metrics as sk  # type: ignore[import-not-found,import-untyped,unused-ignore]

from .problem import BINARY, REGRESSION, Problem


def measure(problem: Problem, truth: Any, outputs: Any) -> dict[str, float]:
    """Every objective of the problem, and LogLoss of a classifier; without what is undefined.

    Args:
        truth: numbers, or positions of classes.
        outputs: numbers, or a probability per class.
    """
    if problem.kind == REGRESSION:
        found = _quantities(truth, outputs)
    else:
        found = _classes(problem, truth, outputs)
    return {name: float(value) for name, value in found.items() if math.isfinite(value)}


def objective(problem: Problem, truth: Any, outputs: Any) -> float:
    """The objective alone; not a number where it is undefined."""
    return measure(problem, truth, outputs).get(problem.objective, math.nan)


def _quantities(truth: Any, outputs: Any) -> Mapping[str, float]:
    mse = sk.mean_squared_error(truth, outputs)
    return {
        "MSE": mse,
        "RMSE": math.sqrt(mse),
        "MAE": sk.mean_absolute_error(truth, outputs),
        "R2": sk.r2_score(truth, outputs) if len(truth) > 1 else math.nan,
    }


def _classes(problem: Problem, truth: Any, outputs: Any) -> Mapping[str, float]:
    predicted = outputs.argmax(axis=1)
    positions = list(range(len(problem.classes)))
    shares = outputs / outputs.sum(axis=1, keepdims=True)
    recalls = [float((predicted[truth == one] == one).mean()) for one in np.unique(truth)]
    found = {
        "Accuracy": sk.accuracy_score(truth, predicted),
        "BalancedAccuracy": sum(recalls) / len(recalls),
        "LogLoss": sk.log_loss(truth, shares, labels=positions),
    }
    suffix = "" if problem.kind == BINARY else "Macro"
    average = {"average": "macro", "labels": positions} if suffix else {"pos_label": 1}
    found["F1macro" if suffix else "F1"] = sk.f1_score(truth, predicted, zero_division=0, **average)
    for name, score in (("Precision", sk.precision_score), ("Recall", sk.recall_score)):
        found[name + suffix] = score(truth, predicted, zero_division=0, **average)
    if problem.kind == BINARY:
        both = len(set(truth)) == 2
        found["AUC"] = sk.roc_auc_score(truth, outputs[:, 1]) if both else math.nan
    return found
