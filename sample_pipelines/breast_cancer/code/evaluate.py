"""Scores the model on the test set and writes evaluation.json in Model Monitor's own shape."""

import json
import tarfile
from pathlib import Path

import joblib
import numpy as np
from sklearn.metrics import accuracy_score, confusion_matrix, roc_auc_score, roc_curve

BASE = Path("/opt/ml/processing")


def main():
    with tarfile.open(BASE / "model" / "model.tar.gz") as archive:
        model = joblib.load(archive.extractfile(member_name(archive)))
    rows = np.loadtxt(BASE / "test" / "test.csv", delimiter=",")
    labels, probability = rows[:, 0].astype(int), model.predict_proba(rows[:, 1:])[:, 1]
    metrics = binary_classification_metrics(labels, probability)

    (BASE / "evaluation").mkdir(parents=True, exist_ok=True)
    report = json.dumps({"binary_classification_metrics": metrics}, indent=2)
    (BASE / "evaluation" / "evaluation.json").write_text(report)
    auc, accuracy = metrics["auc"]["value"], metrics["accuracy"]["value"]
    print(f"rows={len(labels)} auc={auc} accuracy={accuracy}")


def member_name(archive):
    """Archives hold ``model.joblib`` or ``./model.joblib``, by the tool that wrote them."""
    return next(name for name in archive.getnames() if Path(name).name == "model.joblib")


def binary_classification_metrics(labels, probability):
    predicted = (probability >= 0.5).astype(int)
    (true_negative, false_positive), (false_negative, true_positive) = confusion_matrix(
        labels, predicted
    ).tolist()
    false_positive_rate, true_positive_rate, _ = roc_curve(labels, probability)
    return {
        "auc": metric(roc_auc_score(labels, probability)),
        "accuracy": metric(accuracy_score(labels, predicted)),
        "confusion_matrix": {
            "0": {"0": true_negative, "1": false_positive},
            "1": {"0": false_negative, "1": true_positive},
        },
        "receiver_operating_characteristic_curve": {
            "false_positive_rates": false_positive_rate.round(6).tolist(),
            "true_positive_rates": true_positive_rate.round(6).tolist(),
        },
    }


def metric(value):
    return {"value": round(float(value), 6), "standard_deviation": "NaN"}


if __name__ == "__main__":
    main()
