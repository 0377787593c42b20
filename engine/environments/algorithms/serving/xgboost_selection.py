"""Selectable inference output: the columns that SAGEMAKER_INFERENCE_OUTPUT asks for. Pure.

A column that an objective does not have is ``nan``; an objective without any is an error.
"""

from __future__ import annotations

from typing import Any

_LABEL = ("predicted_label", "labels", "raw_score", "raw_scores")
_PROBABILITY = (*_LABEL, "probability", "probabilities")
_SCORE = ("predicted_score",)
_COLUMNS = {
    "binary:logistic": _PROBABILITY,
    "binary:logitraw": _LABEL,
    "binary:hinge": _LABEL,
    "multi:softmax": ("predicted_label", "labels", "raw_score"),
    "multi:softprob": _PROBABILITY,
    "reg:linear": _SCORE,
    "reg:squarederror": _SCORE,
    "reg:logistic": _SCORE,
    "reg:gamma": _SCORE,
    "reg:absoluteerror": _SCORE,
    "reg:pseudohubererror": _SCORE,
    "reg:squaredlogerror": _SCORE,
    "reg:tweedie": _SCORE,
    "count:poisson": _SCORE,
    "survival:cox": _SCORE,
    "survival:aft": _SCORE,
}
_THRESHOLDS = {"binary:logistic": 0.5, "binary:logitraw": 0.0, "binary:hinge": 0.5}


class Selection:
    """What to show of each prediction.

    Args:
        wanted: the variable's value, names separated by commas.
        objective: of the model.
        classes: how many there are; 0 where the objective has none.
    """

    def __init__(self, wanted: str, objective: str, classes: int) -> None:
        self.names = [name.strip().lower() for name in wanted.split(",") if name.strip()]
        self._objective = objective
        self._classes = classes

    def rows(self, predictions: Any) -> list[list[Any]]:
        """The wanted columns of each prediction.

        Raises:
            LookupError: the objective has no selectable content.
        """
        if self._objective not in _COLUMNS:
            raise LookupError(
                f"Objective '{self._objective}' unsupported for selectable inference predictions."
            )
        return [self._row(value) for value in predictions.tolist()]

    def _row(self, value: Any) -> list[Any]:
        known = _COLUMNS[self._objective]
        return [self._cell(name, value) if name in known else float("nan") for name in self.names]

    def _cell(self, name: str, value: Any) -> Any:
        scores = value if isinstance(value, list) else [1.0 - value, value]
        if name == "predicted_label":
            return self._label(value)
        if name == "labels":
            return list(range(self._classes or 2))
        if name in ("raw_scores", "probabilities"):
            return scores
        return max(value) if isinstance(value, list) else value

    def _label(self, value: Any) -> int:
        if isinstance(value, list):
            return value.index(max(value))
        threshold = _THRESHOLDS.get(self._objective)
        return int(value) if threshold is None else int(value > threshold)
