"""Evaluation metrics: the names, which way is better, and those the algorithm computes itself."""

from __future__ import annotations

from typing import Any, Callable, Sequence

MAXIMISE = tuple(
    [
        "accuracy",
        "auc",
        "aucpr",
        "balanced_accuracy",
        "f1",
        "f1_binary",
        "f1_macro",
        "map",
        "ndcg",
        "precision",
        "r2",
        "recall",
        "precision_macro",
        "precision_micro",
        "recall_macro",
        "recall_micro",
    ]
)
MINIMISE = tuple(
    [
        "aft-nloglik",
        "cox-nloglik",
        "error",
        "gamma-deviance",
        "gamma-nloglik",
        "interval-regression-accuracy",
        "logloss",
        "mae",
        "mape",
        "merror",
        "mlogloss",
        "mphe",
        "mse",
        "poisson-nloglik",
        "rmse",
        "rmsle",
        "tweedie-nloglik",
    ]
)
NAMES = MAXIMISE + MINIMISE
# these came with the image of XGBoost 1.3
SINCE_1_3 = tuple(name for name in NAMES if name.startswith(("precision", "recall")))
_COMPUTED = (
    *("accuracy", "balanced_accuracy", "f1", "f1_binary", "f1_macro", "mse", "r2"),
    *SINCE_1_3,
)

Metric = Callable[[Any, Any], float]
"""Truth and prediction, arrays of one length, to a score."""


def maximises(name: str) -> bool:
    """Whether more is better; ``ndcg@5`` is judged as ``ndcg``."""
    return name.partition("@")[0] in MAXIMISE


def computed_here(names: Sequence[str]) -> list[str]:
    """Those of the names that the library does not know."""
    return [name for name in names if name in _COMPUTED]


def evaluation(
    names: Sequence[str], objective: str, margins: bool
) -> Callable[[Any, Any], list[tuple[str, float]]]:
    """A function for the library that scores predictions by the named metrics.

    Args:
        names: of ``computed_here``.
        objective: the learning objective; says what a prediction means.
        margins: whether the library hands over raw margins rather than predictions.
    """
    of_labels, of_values = _of_labels(), _of_values()

    def evaluate(predictions: Any, matrix: Any) -> list[tuple[str, float]]:
        truth = matrix.get_label()
        labels = predicted_labels(predictions, objective, margins)
        return [
            (
                name,
                float(
                    of_labels[name](truth, labels)
                    if name in of_labels
                    else of_values[name](truth, predictions)
                ),
            )
            for name in names
        ]

    return evaluate


def predicted_labels(predictions: Any, objective: str, margins: bool) -> Any:
    """Classes from what the library predicts for an objective."""
    if predictions.ndim > 1:
        return predictions.argmax(axis=-1)
    if margins or objective == "binary:logitraw":
        return (predictions > 0.0).astype(int)
    if objective in ("multi:softmax", "binary:hinge"):
        return predictions.astype(int)
    return (predictions > 0.5).astype(int)


def _of_labels() -> dict[str, Metric]:
    # imported late: most jobs need the names above and never scikit-learn, which is slow
    from sklearn import metrics as sk  # type: ignore[import-not-found,unused-ignore]

    def averaged(score: Metric, average: str) -> Metric:
        return lambda truth, labels: score(truth, labels, average=average)  # type: ignore[call-arg]

    return {
        "accuracy": sk.accuracy_score,
        "balanced_accuracy": sk.balanced_accuracy_score,
        "f1": averaged(sk.f1_score, "macro"),
        "f1_binary": averaged(sk.f1_score, "binary"),
        "f1_macro": averaged(sk.f1_score, "macro"),
        "precision": sk.precision_score,
        "precision_macro": averaged(sk.precision_score, "macro"),
        "precision_micro": averaged(sk.precision_score, "micro"),
        "recall": sk.recall_score,
        "recall_macro": averaged(sk.recall_score, "macro"),
        "recall_micro": averaged(sk.recall_score, "micro"),
    }


def _of_values() -> dict[str, Metric]:
    from sklearn import metrics as sk  # type: ignore[import-not-found,unused-ignore]

    return {"mse": sk.mean_squared_error, "r2": sk.r2_score}
