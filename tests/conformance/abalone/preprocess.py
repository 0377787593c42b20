"""Splits the abalone data into train, validation and test, label first, as the template does."""

import argparse
import pathlib

import numpy as np
import pandas as pd

COLUMNS = ["sex", "length", "diameter", "height", "whole", "shucked", "viscera", "shell", "rings"]

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--input-data", type=str, required=True)
    uri = parser.parse_args().input_data
    folder = pathlib.Path("/opt/ml/processing")
    frame = pd.read_csv(folder / "input" / uri.rsplit("/", 1)[-1], header=None, names=COLUMNS)
    features = pd.get_dummies(frame.drop(columns="rings"), columns=["sex"]).astype(float)
    features.insert(0, "rings", frame["rings"])
    shuffled = features.sample(frac=1.0, random_state=7)
    parts = np.split(shuffled, [int(0.7 * len(shuffled)), int(0.85 * len(shuffled))])
    for index, name in enumerate(("train", "validation", "test")):
        target = folder / name
        target.mkdir(parents=True, exist_ok=True)
        parts[index].to_csv(target / f"{name}.csv", header=False, index=False)
