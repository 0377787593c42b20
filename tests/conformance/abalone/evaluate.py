"""Measures the model on the test set and writes the property file."""

import json
import pathlib
import tarfile

import numpy as np
import pandas as pd
import xgboost

if __name__ == "__main__":
    with tarfile.open("/opt/ml/processing/model/model.tar.gz") as tar:
        tar.extractall("/tmp/abalone-model")
    model = xgboost.Booster()
    model.load_model("/tmp/abalone-model/xgboost-model")
    frame = pd.read_csv("/opt/ml/processing/test/test.csv", header=None)
    label = frame.pop(0).to_numpy()
    errors = label - model.predict(xgboost.DMatrix(frame.to_numpy()))
    report = {
        "regression_metrics": {
            "mse": {"value": float(np.mean(errors**2)), "standard_deviation": float(errors.std())}
        }
    }
    target = pathlib.Path("/opt/ml/processing/evaluation")
    target.mkdir(parents=True, exist_ok=True)
    (target / "evaluation.json").write_text(json.dumps(report))
