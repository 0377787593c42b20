"""Measures the XGBoost model on the test set and writes evaluation.json."""

import json
import tarfile
from pathlib import Path

import numpy as np
import xgboost
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

BASE = Path("/opt/ml/processing")


def main():
    model = load_model(BASE / "model" / "model.tar.gz")
    rows = np.loadtxt(BASE / "test" / "test.csv", delimiter=",")
    labels, predictions = rows[:, 0], model.predict(xgboost.DMatrix(rows[:, 1:]))
    report = {
        "regression_metrics": {
            "mse": {
                "value": round(float(mean_squared_error(labels, predictions)), 6),
                "standard_deviation": round(float(np.std(labels - predictions)), 6),
            },
            "mae": {"value": round(float(mean_absolute_error(labels, predictions)), 6)},
            "r2": {"value": round(float(r2_score(labels, predictions)), 6)},
        }
    }
    (BASE / "evaluation").mkdir(parents=True, exist_ok=True)
    (BASE / "evaluation" / "evaluation.json").write_text(json.dumps(report, indent=2))
    print(" ".join(f"{name}={m['value']}" for name, m in report["regression_metrics"].items()))


def load_model(path):
    """The booster from ``xgboost-model``, the one file the built-in algorithm packs."""
    with tarfile.open(path) as archive:
        name = next(name for name in archive.getnames() if Path(name).name == "xgboost-model")
        data = archive.extractfile(name).read()
    model = xgboost.Booster()
    model.load_model(bytearray(data))
    return model


if __name__ == "__main__":
    main()
