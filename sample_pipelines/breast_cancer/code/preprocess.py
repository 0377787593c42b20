"""Splits scikit-learn's own breast cancer data set into train, validation and test CSV files.

The label stands in the first column and there is no header, as the built-in algorithms want it.
"""

import argparse
from pathlib import Path

import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

BASE = Path("/opt/ml/processing")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=10)
    seed = parser.parse_args().seed

    data = load_breast_cancer()
    print(f"loaded {data.data.shape[0]} rows with {data.data.shape[1]} features")
    train, rest, train_label, rest_label = train_test_split(
        data.data, data.target, train_size=0.6, stratify=data.target, random_state=seed
    )
    validation, test, validation_label, test_label = train_test_split(
        rest, rest_label, train_size=0.5, stratify=rest_label, random_state=seed
    )
    # Fitted on the training rows alone, so that nothing of the test set leaks into the model.
    scaler = StandardScaler().fit(train)
    write("train", scaler.transform(train), train_label)
    write("validation", scaler.transform(validation), validation_label)
    write("test", scaler.transform(test), test_label)


def write(name, features, labels):
    folder = BASE / name
    folder.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(features)
    frame.insert(0, "label", labels)
    frame.to_csv(folder / f"{name}.csv", header=False, index=False, float_format="%.6f")
    print(f"wrote {name}: {len(frame)} rows, {labels.mean():.1%} benign")


if __name__ == "__main__":
    main()
