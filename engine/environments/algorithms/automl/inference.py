"""Serves a model of the search: packed beside it as ``code/inference.py``, and used by the search.

A model is a mapping: ``columns`` (name and kind, in the order of a request's cells), ``classes``
(none for a quantity) and ``members`` (weight and pipeline each), whose weighted mean it predicts.
"""

from __future__ import annotations

import csv
import io
import json
import os
import pickle
from typing import Any, Mapping, Sequence

import numpy as np  # type: ignore[import-not-found,unused-ignore]
import pandas as pd  # type: ignore[import-untyped,import-not-found,unused-ignore]

MODEL = "model.pkl"
LABEL = "predicted_label"

Model = Mapping[str, Any]
Frame = Any
"""A pandas.DataFrame."""


def model_fn(folder: str) -> Model:
    """The model in a folder."""
    with open(os.path.join(folder, MODEL), "rb") as file:
        found: Model = pickle.load(file)
    return found


def input_fn(body: str, content_type: str) -> Frame:
    """The cells of a request: CSV without a header, the target left out."""
    if content_type != "text/csv":
        raise ValueError(f"This model reads text/csv, not {content_type}.")
    return read_csv(io.StringIO(body))


def predict_fn(cells: Frame, model: Model) -> list[dict[str, Any]]:
    """A mapping per row: its label and, for a classifier, probabilities."""
    names = [name for name, _ in model["columns"]]
    if cells.shape[1] != len(names):
        raise ValueError(
            f"The rows have {cells.shape[1]} cells; the model has {len(names)} columns:"
            f" {', '.join(names)}."
        )
    found = outputs(model, typed(cells.set_axis(names, axis=1), dict(model["columns"])))
    classes = list(model["classes"])
    if not classes:
        return [{LABEL: float(value)} for value in found]
    return [
        {
            LABEL: classes[int(row.argmax())],
            "probability": float(row.max()),
            "probabilities": [float(value) for value in row],
            "labels": classes,
        }
        for row in found
    ]


def output_fn(rows: Sequence[Mapping[str, Any]], accept: str) -> tuple[str, str]:
    """CSV of what ``SAGEMAKER_INFERENCE_OUTPUT`` asks for; lists are JSON in a cell."""
    if accept != "text/csv":
        raise ValueError(f"This model answers in text/csv, not {accept}.")
    asked = os.environ.get("SAGEMAKER_INFERENCE_OUTPUT") or LABEL
    wanted = [name.strip() for name in asked.split(",")]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        missing = [name for name in wanted if name not in row]
        if missing:
            raise ValueError(f"This model has {', '.join(row)}, not {', '.join(missing)}.")
        cells = [row[name] for name in wanted]
        writer.writerow([json.dumps(one) if isinstance(one, list) else one for one in cells])
    return text.getvalue(), accept


def read_csv(source: Any) -> Frame:
    """Every line's cells as text; what pandas takes for missing is missing."""
    return pd.read_csv(source, header=None, dtype=str, skipinitialspace=True, low_memory=False)


def typed(frame: Frame, kinds: Mapping[str, str]) -> Frame:
    """The columns as the pipelines want them: numbers that may be missing, and text.

    Args:
        kinds: ``number`` or ``text``; columns of another kind are left out.
    """
    columns = {}
    for name, kind in kinds.items():
        if kind == "number":
            values = pd.to_numeric(frame[name], errors="coerce").astype(float)
            columns[name] = values.replace([np.inf, -np.inf], np.nan)
        elif kind == "text":
            columns[name] = frame[name].astype(object).where(frame[name].notna(), "").astype(str)
    return pd.DataFrame(columns)


def outputs(model: Model, frame: Frame) -> Any:
    """The mean prediction of each row of a typed frame: a number, or a probability per class."""
    classifies = bool(model["classes"])
    total = sum(weight for weight, _ in model["members"])
    parts = [
        weight / total * member(pipeline, frame, classifies)
        for weight, pipeline in model["members"]
    ]
    return np.sum(parts, axis=0)


def member(pipeline: Any, frame: Frame, classifies: bool) -> Any:
    """What one pipeline predicts for a typed frame."""
    predict = pipeline.predict_proba if classifies else pipeline.predict
    return np.asarray(predict(frame), dtype=float)
