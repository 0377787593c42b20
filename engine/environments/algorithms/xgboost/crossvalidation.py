"""k-fold cross validation: a model per fold, and what each row was predicted while held out."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping, Sequence

if TYPE_CHECKING:
    from .training import Trainer

logger = logging.getLogger(__name__)

Scores = Mapping[str, Mapping[str, Sequence[float]]]
"""Data set to metric to the score of every round."""


def run(trainer: Trainer, whole: Any, output: Path) -> dict[str, Any]:
    """Train once per fold of train and validation data together; models by file name.

    Args:
        whole: the rows of both channels. Each fold is scored on the rows it holds out.
        output: folder for ``predictions.csv``: truth, the probability where classes are learnt,
            and the prediction, each over all repeats.
    """
    import numpy as np  # type: ignore[import-not-found,unused-ignore]
    from sklearn.model_selection import (  # type: ignore[import-not-found,unused-ignore]
        RepeatedKFold,
        RepeatedStratifiedKFold,
    )

    settings = trainer.settings
    truth = whole.get_label()
    classes = settings.objective.startswith(("binary:", "multi:"))
    splitter = RepeatedStratifiedKFold if classes else RepeatedKFold
    folds = splitter(n_splits=settings.folds, n_repeats=settings.repeats)
    logger.info(
        "Run %d-round of %d-fold cross validation with %d rows",
        *(settings.repeats, settings.folds, len(truth)),
    )
    boosters: dict[str, Any] = {}
    all_scores: list[Scores] = []
    predicted: list[list[Any]] = [[] for _ in truth]
    for number, (inside, held_out) in enumerate(folds.split(np.zeros(len(truth)), truth)):
        fold = {"train": whole.slice(inside), "validation": whole.slice(held_out)}
        scores: dict[str, Any] = {}
        name = f"xgboost-model-{number}"
        logger.info("Train cross validation fold %d", number % settings.folds + 1)
        booster = trainer.train(fold, name, scores)
        boosters[name] = booster
        all_scores.append(scores)
        for row, prediction in zip(held_out, booster.predict(fold["validation"])):
            predicted[row].append(prediction)
        if (number + 1) % settings.folds == 0:
            print_mean(settings.rounds, all_scores[-settings.folds :])
    if settings.repeats > 1:
        logger.info("The overall metrics of %d-round cross validation", settings.repeats)
        print_mean(settings.rounds, all_scores)
    output.mkdir(parents=True, exist_ok=True)
    columns = [truth, *_columns(np.array(predicted), classes)]
    np.savetxt(str(output / "predictions.csv"), np.column_stack(columns), fmt="%f", delimiter=",")
    return boosters


def print_mean(rounds: int, scores: Sequence[Scores]) -> None:
    """Print the mean over folds of every metric's last score."""
    line = [f"[{rounds}]"]
    for data, metrics in scores[0].items():
        for metric in metrics:
            last = [fold[data][metric][-1] for fold in scores]
            line.append(f"{data}-{metric}:{sum(last) / len(last):.5f}")
    print("\t".join(line))


def _columns(predicted: Any, classes: bool) -> list[Any]:
    """Columns for the file from predictions of shape (rows, repeats[, classes])."""
    if not classes:
        return [predicted.mean(axis=1)]
    if predicted.ndim == 3:
        labels, probability = predicted.argmax(axis=2), predicted.max(axis=2)
    else:
        labels, probability = (predicted > 0.5).astype(int), predicted
    return [probability.mean(axis=1), _most_frequent(labels)]


def _most_frequent(labels: Any) -> list[int]:
    """The label each row got most often, the smallest of equals."""
    found = []
    for row in labels.tolist():
        found.append(min(set(row), key=lambda label: (-row.count(label), label)))
    return found
