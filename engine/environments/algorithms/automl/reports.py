"""The reports on the best model: its quality, and what its predictions depend on."""

from __future__ import annotations

import math
from typing import Any, Mapping

import numpy as np  # type: ignore[import-not-found,unused-ignore]

from ..checks import model_quality
from ..checks.dataset import Dataset
from .data import Table
from .inference import outputs
from .metrics import objective
from .problem import BINARY, REGRESSION, Problem

REPEATS = 5
MOST_ROWS = 1000
"""Of the validation rows, for importance; a sample of them where there are more."""

Json = Mapping[str, Any]


def insights(problem: Problem, validation: Table, predicted: Any) -> dict[str, Any]:
    """statistics.json of the validation rows, as Model Monitor's model-quality job writes it.

    That format knows a binary problem's classes as 0 and 1; ``labels`` says which is which.
    """
    columns: dict[str, list[Any]] = {}
    probability = None
    if problem.kind == REGRESSION:
        columns = {"label": validation.target.tolist(), "prediction": predicted.tolist()}
    elif problem.kind == BINARY:
        probability = "probability"
        columns = {"label": validation.target.tolist(), probability: predicted[:, 1].tolist()}
    else:
        columns = {
            "label": [problem.classes[one] for one in validation.target],
            "prediction": [problem.classes[one] for one in predicted.argmax(axis=1)],
        }
    asked = model_quality.Problem(
        problem.kind, "label", None if probability else "prediction", probability, 0.5
    )
    report = model_quality.statistics(Dataset(columns, len(validation.target)), asked)
    if problem.kind == BINARY:
        report["labels"] = {str(place): name for place, name in enumerate(problem.classes)}
    return report


def importance(problem: Problem, model: Json, validation: Table, seed: int) -> dict[str, Any]:
    """How much worse the objective gets when a column's cells are shuffled (Breiman 2001).

    Not Clarify's analysis, which estimates Shapley values: the report says so in ``method``.
    """
    chance = np.random.default_rng(seed)
    count = len(validation.target)
    if count > MOST_ROWS:
        validation = validation.pick(np.sort(chance.permutation(count)[:MOST_ROWS]))
    usual = objective(problem, validation.target, outputs(model, validation.features))
    sign = 1.0 if problem.maximized else -1.0
    found = {}
    for name in validation.features.columns:
        drops = []
        for _ in range(REPEATS):
            shuffled = validation.features.copy()
            shuffled[name] = chance.permutation(shuffled[name].to_numpy())
            value = objective(problem, validation.target, outputs(model, shuffled))
            drops.append(sign * (usual - value))
        found[name] = {
            "value": _finite(np.mean(drops)),
            "standard_deviation": _finite(np.std(drops)),
        }
    return {
        "version": "1.0",
        "method": "permutation_importance",
        "note": "PipeTUI's own stand-in: no SHAP values, and not written by SageMaker Clarify",
        "metric": problem.objective,
        "repeats": REPEATS,
        "rows": len(validation.target),
        "explanations": {"permutation_importance": {"global_importance": found}},
    }


def _finite(value: Any) -> Any:
    return float(value) if math.isfinite(value) else "NaN"
