"""Trains a logistic regression epoch by epoch and prints one line of metrics for each.

The step's MetricDefinitions read those lines:
``epoch=3 train-logloss=0.1234 validation-logloss=0.1180 validation-auc=0.9912``
"""

import argparse
import os
import shutil
import time
from pathlib import Path

import joblib
import numpy as np
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss, roc_auc_score

CLASSES = np.array([0, 1])
ROWS_PER_BATCH = 32


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--learning-rate", type=float, default=0.001)
    parser.add_argument("--penalty", default="l2", choices=["l2", "l1", "elasticnet"])
    parser.add_argument("--seed", type=int, default=10)
    parser.add_argument(
        "--seconds-per-epoch", type=float, default=0.0, help="a pause, so that one can watch"
    )
    parser.add_argument("--model-dir", default=os.environ.get("SM_MODEL_DIR", "/opt/ml/model"))
    parser.add_argument("--train", default=channel("train"))
    parser.add_argument("--validation", default=channel("validation"))
    return parser.parse_args()


def channel(name):
    return os.environ.get(f"SM_CHANNEL_{name.upper()}", f"/opt/ml/input/data/{name}")


def load(folder):
    """Features and labels of all CSV files in a channel."""
    files = sorted(Path(folder).glob("*.csv"))
    rows = np.vstack([np.loadtxt(path, delimiter=",") for path in files])
    print(f"read {len(rows)} rows from {folder}", flush=True)
    return rows[:, 1:], rows[:, 0].astype(int)


def main():
    options = arguments()
    features, labels = load(options.train)
    held_out, held_out_labels = load(options.validation)
    model = SGDClassifier(
        loss="log_loss",
        penalty=options.penalty,
        learning_rate="constant",
        eta0=options.learning_rate,
        random_state=options.seed,
    )
    order = np.random.RandomState(options.seed)
    for epoch in range(1, options.epochs + 1):
        shuffled = order.permutation(len(labels))
        for start in range(0, len(labels), ROWS_PER_BATCH):
            batch = shuffled[start : start + ROWS_PER_BATCH]
            model.partial_fit(features[batch], labels[batch], classes=CLASSES)
        report(epoch, model, features, labels, held_out, held_out_labels)
        time.sleep(options.seconds_per_epoch)
    save(model, Path(options.model_dir))


def report(epoch, model, features, labels, held_out, held_out_labels):
    probability = model.predict_proba(held_out)[:, 1]
    print(
        f"epoch={epoch} "
        f"train-logloss={log_loss(labels, model.predict_proba(features)):.4f} "
        f"validation-logloss={log_loss(held_out_labels, probability):.4f} "
        f"validation-auc={roc_auc_score(held_out_labels, probability):.4f}",
        flush=True,
    )


def save(model, folder):
    """The model, and beside it the code that serves it."""
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, folder / "model.joblib")
    (folder / "code").mkdir(exist_ok=True)
    shutil.copy(Path(__file__).with_name("inference.py"), folder / "code")
    print(f"saved the model to {folder}", flush=True)


if __name__ == "__main__":
    main()
