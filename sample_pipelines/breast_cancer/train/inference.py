"""How the endpoint and batch transform use the model: the probability of the benign class."""

from pathlib import Path

import joblib


def model_fn(model_dir):
    return joblib.load(Path(model_dir) / "model.joblib")


def predict_fn(rows, model):
    return model.predict_proba(rows.reshape(-1, model.n_features_in_))[:, 1]
