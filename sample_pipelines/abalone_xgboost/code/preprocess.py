"""Turns the raw abalone rows into numbers and splits them into train, validation and test CSV.

The built-in XGBoost algorithm wants the label in the first column and no header.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

BASE = Path("/opt/ml/processing")
SIZES = [
    "length",
    "diameter",
    "height",
    "whole_weight",
    "shucked_weight",
    "viscera_weight",
    "shell_weight",
]
COLUMNS = ["sex", *SIZES, "rings"]
SEED = 7


def main():
    source = sorted((BASE / "input" / "data").glob("*.csv"))[0]
    frame = pd.read_csv(source, header=None, names=COLUMNS)
    print(f"read {len(frame)} rows from {source.name}")

    features = encoder().fit_transform(frame.drop(columns="rings"))
    rows = np.column_stack([frame.rings.to_numpy(dtype=float), features])
    np.random.RandomState(SEED).shuffle(rows)
    ends = [round(0.7 * len(rows)), round(0.85 * len(rows))]
    train, validation, test = np.split(rows, ends)
    write("train", train)
    write("validation", validation)
    write("test", test)


def write(name, rows):
    folder = BASE / name
    folder.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(rows)
    frame.to_csv(folder / f"{name}.csv", header=False, index=False, float_format="%.6f")
    print(f"wrote {name}: {rows.shape[0]} rows, {rows.shape[1] - 1} features")


def encoder():
    """Sizes scaled, the sex as three columns of 0 and 1."""
    numbers = Pipeline([("fill", SimpleImputer(strategy="median")), ("scale", StandardScaler())])
    return ColumnTransformer(
        [("sizes", numbers, SIZES), ("sex", OneHotEncoder(handle_unknown="ignore"), ["sex"])]
    )


if __name__ == "__main__":
    main()
