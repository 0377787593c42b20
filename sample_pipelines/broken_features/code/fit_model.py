"""Fits a logistic regression by gradient descent, in plain Python."""

import csv
import json
import math
from operator import mul
from pathlib import Path

BASE = Path("/opt/ml/processing")
EPOCHS = 120
LEARNING_RATE = 0.5
TRAIN_SHARE = 0.75


def main():
    with (BASE / "features" / "features.csv").open(newline="") as file:
        rows = [[float(cell) for cell in row] for row in csv.reader(file)]
    split = round(TRAIN_SHARE * len(rows))
    train, test = rows[:split], rows[split:]
    weights = [0.0] * len(rows[0])
    for epoch in range(1, EPOCHS + 1):
        weights = descend(weights, train)
        if epoch % 20 == 0:
            print(f"epoch={epoch} accuracy={accuracy(weights, train):.3f}", flush=True)
    (BASE / "model").mkdir(parents=True, exist_ok=True)
    model = {"bias": weights[0], "weights": weights[1:], "accuracy": accuracy(weights, test)}
    (BASE / "model" / "model.json").write_text(json.dumps(model, indent=2))


def probability(weights, row):
    """The first weight is the bias: it stands where a row has its label."""
    total = weights[0] + sum(map(mul, weights[1:], row[1:]))
    return 1 / (1 + math.exp(-total))


def descend(weights, rows):
    errors = [probability(weights, row) - row[0] for row in rows]
    gradient = [sum(errors)] + [
        sum(map(mul, errors, (row[column] for row in rows))) for column in range(1, len(weights))
    ]
    rate = LEARNING_RATE / len(rows)
    return [weights[index] - rate * slope for index, slope in enumerate(gradient)]


def accuracy(weights, rows):
    hits = sum((probability(weights, row) >= 0.5) == bool(row[0]) for row in rows)
    return round(hits / len(rows), 4)


if __name__ == "__main__":
    main()
