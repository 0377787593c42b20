"""Model quality metrics of a classifier, by Model Monitor's names.

Names and definitions: Amazon SageMaker Developer Guide, "Model quality metrics"; the sources of the
single rules stand with them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import Mapping, Sequence

from .profile import total

POSITIVE = "1"
"""The positive class of a binary problem; the job has no option to name another."""

Matrix = Mapping[str, Mapping[str, int]]
"""Counts by actual and then by predicted class."""


def ratio(part: float, whole: float) -> float:
    """A share; 0 where there is nothing to share."""
    return part / whole if whole else 0.0


def f_score(precision: float, recall: float, beta: float) -> float:
    """F_beta = (1 + b^2) P R / (b^2 P + R) (van Rijsbergen 1979)."""
    squared = beta * beta
    return ratio((1 + squared) * precision * recall, squared * precision + recall)


def confusion_matrix(actual: Sequence[str], predicted: Sequence[str]) -> dict[str, dict[str, int]]:
    """How often a class was taken for another, over every class that occurs."""
    counts = Counter(zip(actual, predicted))
    classes = sorted({*actual, *predicted}, key=_class_order)
    return {row: {column: counts[row, column] for column in classes} for row in classes}


def _class_order(name: str) -> tuple[bool, float, str]:
    try:
        return (False, float(name), name)
    except ValueError:
        return (True, 0.0, name)


@dataclass(frozen=True)
class Rates:
    """The counts of a class against the rest, and the rates they give."""

    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int

    @classmethod
    def of(cls, matrix: Matrix, positive: str) -> Rates:
        """The counts of a class in a confusion matrix."""
        everything = sum(sum(row.values()) for row in matrix.values())
        row = matrix.get(positive, {})
        hits = row.get(positive, 0)
        misses = sum(row.values()) - hits
        alarms = sum(other.get(positive, 0) for other in matrix.values()) - hits
        return cls(hits, alarms, everything - hits - misses - alarms, misses)

    @property
    def recall(self) -> float:
        """TP / (TP + FN), the true positive rate."""
        return ratio(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def precision(self) -> float:
        """TP / (TP + FP)."""
        return ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def accuracy(self) -> float:
        """(TP + TN) / all."""
        right = self.true_positives + self.true_negatives
        return ratio(right, right + self.false_positives + self.false_negatives)

    @property
    def true_negative_rate(self) -> float:
        """TN / (TN + FP)."""
        return ratio(self.true_negatives, self.true_negatives + self.false_positives)

    @property
    def false_positive_rate(self) -> float:
        """FP / (FP + TN)."""
        return ratio(self.false_positives, self.false_positives + self.true_negatives)

    @property
    def false_negative_rate(self) -> float:
        """FN / (FN + TP)."""
        return ratio(self.false_negatives, self.false_negatives + self.true_positives)


def binary(actual: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
    """The scalar metrics of a binary classifier."""
    rates = Rates.of(confusion_matrix(actual, predicted), POSITIVE)
    return {
        "recall": rates.recall,
        "precision": rates.precision,
        "accuracy": rates.accuracy,
        "true_positive_rate": rates.recall,
        "true_negative_rate": rates.true_negative_rate,
        "false_positive_rate": rates.false_positive_rate,
        "false_negative_rate": rates.false_negative_rate,
        **{
            name: f_score(rates.precision, rates.recall, beta)
            for name, beta in (("f0_5", 0.5), ("f1", 1.0), ("f2", 2.0))
        },
    }


def multiclass(actual: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
    """The scalar metrics of a classifier of several classes.

    Each weighted metric is the mean over the classes, weighted by how often a class is the actual
    one.
    """
    matrix = confusion_matrix(actual, predicted)
    rates = {name: Rates.of(matrix, name) for name in matrix}
    shares = {name: sum(row.values()) / len(actual) for name, row in matrix.items()}

    def weighted(values: Mapping[str, float]) -> float:
        return total(shares[name] * value for name, value in values.items())

    scores = {
        f"weighted_{label}": weighted(
            {name: f_score(one.precision, one.recall, beta) for name, one in rates.items()}
        )
        for label, beta in (("f0_5", 0.5), ("f1", 1.0), ("f2", 2.0))
    }
    return {
        "accuracy": ratio(sum(matrix[name][name] for name in matrix), len(actual)),
        "weighted_recall": weighted({name: one.recall for name, one in rates.items()}),
        "weighted_precision": weighted({name: one.precision for name, one in rates.items()}),
        **scores,
    }


def best_constant(actual: Sequence[str]) -> str:
    """The class that the best constant classifier always predicts.

    Both examples of the developer guide predict class 1, though it is the rarer one; how it is
    chosen is not documented. Without a class 1 it is the most frequent one.
    """
    return POSITIVE if POSITIVE in actual else Counter(actual).most_common(1)[0][0]


@dataclass(frozen=True)
class Curves:
    """The curves of a score over all thresholds, from the highest to the lowest.

    Attributes:
        area: below the ROC curve, by the trapezoidal rule (Fawcett 2006).
    """

    false_positive_rates: Sequence[float]
    true_positive_rates: Sequence[float]
    precisions: Sequence[float]
    recalls: Sequence[float]
    area: float


def curves(actual: Sequence[str], scores: Sequence[float]) -> Curves:
    """ROC and precision-recall curve of a score; equal scores share one point.

    As in Spark's ``BinaryClassificationMetrics`` the ROC curve starts at (0, 0) and the other one
    at recall 0 with its first precision.
    """
    ranked = sorted(zip(scores, actual), key=lambda pair: -pair[0])
    positives = sum(label == POSITIVE for label in actual)
    negatives = len(actual) - positives
    hits = alarms = 0
    points = []
    for _, tied in groupby(ranked, key=lambda pair: pair[0]):
        labels = [label == POSITIVE for _, label in tied]
        hits += sum(labels)
        alarms += len(labels) - sum(labels)
        points.append((hits, alarms))
    recalls = [ratio(hit, positives) for hit, _ in points]
    precisions = [ratio(hit, hit + alarm) for hit, alarm in points]
    xs = [0.0, *(ratio(alarm, negatives) for _, alarm in points)]
    ys = [0.0, *recalls]
    area = total((b - a) * (low + high) / 2 for a, b, low, high in zip(xs, xs[1:], ys, ys[1:]))
    return Curves(xs, ys, [*precisions[:1], *precisions], [0.0, *recalls], area)
