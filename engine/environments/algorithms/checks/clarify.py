"""The job of a ClarifyCheck step: bias and explanations of a dataset or a model.

``processing/input/config/analysis_config.json`` says what to do, as with Clarify's container;
``baseline_constraints`` names an earlier analysis.json to compare with.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Mapping

import pandas as pd  # type: ignore[import-untyped,import-not-found,unused-ignore]

from ..job import Tree
from . import bias, drift, explain, table
from .job import VIOLATIONS_FILE, CheckError, baseline, read_json, run, write_json
from .predictor import connect, labels

MESSAGE = "Completed: SageMaker XAI Analyzer ran successfully"
KINDS = ("pre_training_bias", "post_training_bias", "shap", "pdp")

Json = Mapping[str, Any]


def main(tree: Tree) -> int:
    """Do the job in a tree; returns its exit code, and leaves the reason where it fails."""
    return run(examine, tree.root, os.environ)


def examine(root: Path, environment: Mapping[str, str]) -> str:
    """Write analysis.json and what belongs to it; returns the exit message."""
    given = root / "processing" / "input"
    output = root / "processing" / "output"
    config = read_json(given / "config" / "analysis_config.json")
    methods: Json = config.get("methods") or {}
    if not any(kind in methods for kind in KINDS):
        raise CheckError(
            f"The analysis configuration names no method; there are {', '.join(KINDS)}."
        )
    frame = table.read(given / "data", config)
    print(f"{len(frame)} rows, {len(frame.columns)} columns")
    analysis: dict[str, Any] = {"version": "1.0"}
    analysis.update(_bias(frame, config, methods, environment))
    explanations = _explanations(frame, config, methods, environment, output)
    if explanations:
        analysis["explanations"] = explanations
    write_json(output / "analysis.json", analysis)
    earlier = baseline(environment, "baseline_constraints")
    if earlier is not None:
        violations = drift.evaluate(analysis, earlier)
        write_json(output / VIOLATIONS_FILE, {"version": "1.0", "violations": violations})
        for violation in violations:
            print("violation:", json.dumps(violation))
    return MESSAGE


def _bias(
    frame: pd.DataFrame, config: Json, methods: Json, environment: Mapping[str, str]
) -> dict[str, Any]:
    sections: dict[str, Any] = {}
    if "pre_training_bias" in methods:
        metrics = methods["pre_training_bias"].get("methods", "all")
        sections["pre_training_bias_metrics"] = bias.measure(frame, config, metrics)
    if "post_training_bias" in methods:
        metrics = methods["post_training_bias"].get("methods", "all")
        predicted = _predicted(frame, config, environment)
        sections["post_training_bias_metrics"] = bias.measure(frame, config, metrics, predicted)
    return sections


def _predicted(frame: pd.DataFrame, config: Json, environment: Mapping[str, str]) -> list[Any]:
    """Predicted labels: a column of the dataset, a dataset of their own, or the model's answers."""
    name = table.predicted_column(frame, config)
    if name is not None:
        return list(frame[name])
    uri = config.get("predicted_label_dataset_uri")
    if uri:
        other = table.read_csv(table.fetch(uri), config.get("predicted_label_headers"))
        which = config.get("predicted_label")
        values = list(other[table.column(other, 0 if which is None else which)])
        if len(values) != len(frame):
            raise CheckError(f"{uri} has {len(values)} predictions for {len(frame)} rows.")
        return values
    predictor = connect(environment, config)
    return labels(predictor.predict(table.features(frame, config)), config)


def _explanations(
    frame: pd.DataFrame,
    config: Json,
    methods: Json,
    environment: Mapping[str, str],
    output: Path,
) -> dict[str, Any]:
    if "shap" not in methods and "pdp" not in methods:
        return {}
    model = explain.Model(connect(environment, config), config.get("predictor") or {})
    features = table.features(frame, config)
    found: dict[str, Any] = {}
    if "shap" in methods:
        folder = output / "explanations_shap"
        found["kernel_shap"] = explain.shap_values(features, methods["shap"], model, folder)
    if "pdp" in methods:
        found["pdp"] = explain.partial_dependence(
            features, methods["pdp"], model, found.get("kernel_shap") or {}
        )
    return found
