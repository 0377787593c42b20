"""What a model's predictions depend on: Kernel SHAP and partial dependence.

Kernel SHAP: Lundberg, Lee: A Unified Approach to Interpreting Model Predictions (2017), by the
``shap`` package. Partial dependence: Friedman: Greedy Function Approximation (2001).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

import numpy as np  # type: ignore[import-not-found,unused-ignore]
import pandas as pd  # type: ignore[import-untyped,import-not-found,unused-ignore]

from .job import CheckError
from .predictor import Predictor, scores
from .table import fetch, read_csv

CLUSTERS_MAX = 12
"""Clarify replaces a missing baseline by the centres of 1 to 12 clusters (developer guide)."""
GRID_RESOLUTION = 15
TOP_FEATURES = 10

Json = Mapping[str, Any]
AGGREGATIONS: Mapping[str, Callable[[Any], Any]] = {
    "mean_abs": lambda values: np.abs(values).mean(axis=0),
    "median": lambda values: np.median(np.abs(values), axis=0),
    "mean_sq": lambda values: np.square(values).mean(axis=0),
}


@dataclass(frozen=True)
class Model:
    """A model that is asked about features, and the names of what it answers."""

    predictor: Predictor
    config: Json
    """``predictor`` of the analysis configuration."""

    def scores(self, rows: pd.DataFrame) -> Any:
        """Rows by labels."""
        return np.array(scores(self.predictor.predict(rows), self.config), dtype=float)

    def names(self, count: int) -> list[str]:
        """The label headers, or ``label0``, ``label1`` and so on."""
        headers = self.config.get("label_headers") or ()
        return list(headers) if len(headers) == count else [f"label{n}" for n in range(count)]


class Encoding:
    """Text columns as numbers, for the explainer; the model sees the text again."""

    def __init__(self, frames: Sequence[pd.DataFrame]) -> None:
        whole = pd.concat(frames, ignore_index=True)
        self._columns = list(whole.columns)
        self._types = {
            name: pd.CategoricalDtype(whole[name].astype(str).unique())
            for name in self._columns
            if not pd.api.types.is_numeric_dtype(whole[name])
        }

    def encode(self, frame: pd.DataFrame) -> Any:
        """A matrix of numbers."""
        coded = {
            name: frame[name].astype(str).astype(self._types[name]).cat.codes
            if name in self._types
            else frame[name]
            for name in self._columns
        }
        return pd.DataFrame(coded).to_numpy(dtype=float)

    def decode(self, matrix: Any) -> pd.DataFrame:
        """The rows of a matrix as the model knows them."""
        frame = pd.DataFrame(matrix, columns=self._columns)
        for name, kind in self._types.items():
            codes = frame[name].round().astype(int).clip(0, len(kind.categories) - 1)
            frame[name] = kind.categories.to_numpy()[codes.to_numpy()]
        return frame


def shap_values(features: pd.DataFrame, options: Json, model: Model, folder: Path) -> Json:
    """``kernel_shap`` of analysis.json, per label.

    Args:
        options: ``baseline``, ``num_clusters``, ``num_samples``, ``agg_method``, ``use_logit``,
            ``seed``, ``save_local_shap_values``.
        folder: gets baseline.csv and, for the values of each row, out.csv.
    """
    import shap  # type: ignore[import-untyped,import-not-found,unused-ignore]

    aggregate = AGGREGATIONS.get(options.get("agg_method") or "mean_abs")
    if aggregate is None:
        raise CheckError(f"agg_method is one of {', '.join(AGGREGATIONS)}.")
    np.random.seed(options.get("seed") or 0)
    given = _baseline(features, options)
    encoding = Encoding([features] if given is None else [features, given])
    coded = encoding.encode(features)
    if given is None:
        count = min(int(options.get("num_clusters") or CLUSTERS_MAX), len(np.unique(coded, axis=0)))
        background = shap.kmeans(coded, count)
        given = encoding.decode(background.data)
    else:
        background = encoding.encode(given)
    explainer = shap.KernelExplainer(
        lambda matrix: model.scores(encoding.decode(matrix)),
        background,
        link="logit" if options.get("use_logit") else "identity",
    )
    values = explainer.shap_values(
        coded, nsamples=options.get("num_samples") or "auto", silent=True
    )
    local = np.asarray(values).reshape(len(features), features.shape[1], -1)
    expected = np.atleast_1d(explainer.expected_value)
    names = model.names(local.shape[2])
    folder.mkdir(parents=True, exist_ok=True)
    given.to_csv(folder / "baseline.csv", index=False)
    if options.get("save_local_shap_values", True):
        _save_local(folder / "out.csv", features.columns, local, names)
    return {
        name: {
            "global_shap_values": dict(
                zip(map(str, features.columns), aggregate(local[:, :, number]).tolist())
            ),
            "expected_value": float(expected[number]),
        }
        for number, name in enumerate(names)
    }


def _save_local(file: Path, features: Any, local: Any, names: Sequence[str]) -> None:
    """A row for each instance, a column ``<feature>_<label>`` for each value."""
    columns = [f"{feature}_{name}" for name in names for feature in features]
    stacked = np.concatenate([local[:, :, number] for number in range(len(names))], axis=1)
    pd.DataFrame(stacked, columns=columns).to_csv(file, index=False)


def _baseline(features: pd.DataFrame, options: Json) -> pd.DataFrame | None:
    """The rows that stand for an absent feature; None where they are to be found by clustering."""
    given = options.get("baseline")
    if given is None or given == []:
        return None
    if options.get("num_clusters"):
        raise CheckError("Give either a SHAP baseline or num_clusters, not both.")
    names = [str(name) for name in features.columns]
    if isinstance(given, str):
        return read_csv(fetch(given), names)
    rows = [list(row.values()) if isinstance(row, dict) else row for row in given]
    if any(len(row) != len(names) for row in rows):
        raise CheckError(f"A SHAP baseline has the {len(names)} features: {', '.join(names)}.")
    return pd.DataFrame(rows, columns=names)


def partial_dependence(
    features: pd.DataFrame, options: Json, model: Model, attributions: Json
) -> list[dict[str, Any]]:
    """``pdp`` of analysis.json.

    Args:
        options: ``features``, ``grid_resolution``, ``top_k_features``.
        attributions: ``kernel_shap``; without ``features`` its largest ones are taken.
    """
    chosen = options.get("features") or _largest(
        features, attributions, int(options.get("top_k_features") or TOP_FEATURES)
    )
    resolution = int(options.get("grid_resolution") or GRID_RESOLUTION)
    return [_dependence(features, str(name), resolution, model) for name in chosen]


def _largest(features: pd.DataFrame, attributions: Json, count: int) -> list[str]:
    weights: dict[str, float] = {}
    for entry in attributions.values():
        for name, value in entry["global_shap_values"].items():
            weights[name] = weights.get(name, 0.0) + value
    names = [str(name) for name in features.columns]
    return sorted(names, key=lambda name: -weights.get(name, 0.0))[:count]


def _dependence(features: pd.DataFrame, name: str, resolution: int, model: Model) -> dict[str, Any]:
    """Mean predictions with one feature set to each of its values in turn.

    A number's values are the centres of buckets of equal width; text takes all its values.
    """
    if name not in features.columns:
        raise CheckError(f"Partial dependence asks for {name}, which is no feature.")
    numerical = pd.api.types.is_numeric_dtype(features[name])
    if numerical:
        counts, edges = np.histogram(features[name], bins=resolution)
        values = ((edges[:-1] + edges[1:]) / 2).tolist()
    else:
        shares = features[name].astype(str).value_counts()
        counts, values = shares.to_numpy(), list(shares.index)
    means = [model.scores(features.assign(**{name: value})).mean(axis=0) for value in values]
    matrix = np.array(means).T
    return {
        "feature_name": name,
        "data_type": "numerical" if numerical else "categorical",
        "feature_values": values,
        "model_predictions": matrix.tolist(),
        "data_distribution": (counts / len(features)).tolist(),
        "label_headers": model.names(len(matrix)),
    }
