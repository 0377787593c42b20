"""Trains a small neural network to read handwritten digits, and prints its loss after each epoch.

The data set is the one that ships with scikit-learn: 1797 digits, half of them held out for
validation. Everything random has a fixed seed, so the same settings always give the same loss.
"""

import argparse
import json
import os
import time
from pathlib import Path

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

CLASSES = np.arange(10)
SEED = 10


def arguments(texts=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--momentum", type=float, required=True)
    parser.add_argument("--penalty", type=float, required=True)
    parser.add_argument("--hidden", type=int, required=True)
    parser.add_argument("--activation", choices=["relu", "tanh", "logistic"], required=True)
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument(
        "--seconds-per-epoch", type=float, default=0.0, help="a pause, so that one can watch"
    )
    return parser.parse_args(texts)


def load():
    """Training images, validation images, and the labels of both."""
    # Matrices this small are slower on several processors, and add up in another order.
    threadpool_limits(1)
    images, labels = load_digits(return_X_y=True)
    return train_test_split(images / 16, labels, train_size=0.5, stratify=labels, random_state=SEED)


def network(settings):
    """An untrained network: one hidden layer, stochastic gradient descent."""
    return MLPClassifier(
        hidden_layer_sizes=(settings.hidden,),
        activation=settings.activation,
        solver="sgd",
        alpha=settings.penalty,
        batch_size=64,
        learning_rate_init=settings.rate,
        momentum=settings.momentum,
        random_state=SEED,
    )


def losses(model, data, epochs):
    """Train a model; gives the loss on the validation set after each epoch."""
    images, held_out, labels, held_out_labels = data
    for _ in range(epochs):
        model.partial_fit(images, labels, classes=CLASSES)
        yield log_loss(held_out_labels, model.predict_proba(held_out), labels=CLASSES)


def save(folder, model, settings):
    """Put each file in place whole, because a tuning job may stop this one at any time."""
    joblib.dump(model, folder / "model.joblib.part")
    (folder / "model.json.part").write_text(json.dumps(settings))
    for name in ("model.joblib", "model.json"):
        (folder / f"{name}.part").replace(folder / name)


def main():
    settings = arguments()
    model = network(settings)
    folder = Path(os.environ["SM_MODEL_DIR"])
    for epoch, loss in enumerate(losses(model, load(), settings.epochs), 1):
        save(folder, model, {**vars(settings), "validation_loss": loss})
        print(f"epoch={epoch} validation_loss={loss:.5f}", flush=True)
        time.sleep(settings.seconds_per_epoch)


if __name__ == "__main__":
    main()
