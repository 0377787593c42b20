"""Bias metrics of a dataset or of a model, by the library that Clarify itself uses.

All formulas are those of ``smclarify`` (aws/amazon-sagemaker-clarify), described in the developer
guide under "Pre-training Bias Metrics" and "Post-training Data and Model Bias Metrics".
"""

from __future__ import annotations

from typing import Any, Mapping, Sequence

import pandas as pd  # type: ignore[import-untyped,import-not-found,unused-ignore]

from .job import CheckError
from .table import column, label_column

Json = Mapping[str, Any]


def measure(
    frame: pd.DataFrame, config: Json, metrics: Any, predicted: Sequence[Any] | None = None
) -> dict[str, Any]:
    """A section of analysis.json: the metrics of every facet.

    Args:
        config: ``label``, ``label_values_or_threshold``, ``facet`` and ``group_variable``.
        metrics: ``all``, or the names of metrics.
        predicted: predicted labels, for the metrics after training.
    """
    from smclarify.bias import report  # type: ignore[import-not-found,unused-ignore]

    name = label_column(frame, config)
    positive = _listed(config.get("label_values_or_threshold"))
    if name is None or not positive:
        raise CheckError("A bias analysis needs label and label_values_or_threshold.")
    stage = report.StageType.PRE_TRAINING
    predictions = None
    if predicted is not None:
        stage = report.StageType.POST_TRAINING
        series = pd.Series(predicted, index=frame.index)
        predictions = report.LabelColumn("predicted_label", series, list(positive))
    group = config.get("group_variable")
    facets: dict[str, Any] = {}
    for facet in config.get("facet") or ():
        facet_name = column(frame, facet["name_or_index"])
        values = _listed(facet.get("value_or_threshold"))
        facets[facet_name] = report.bias_report(
            frame,
            report.FacetColumn(facet_name, values or None),
            report.LabelColumn(name, frame[name], list(positive)),
            stage,
            predictions,
            metrics=["all"] if metrics == "all" else list(metrics),
            group_variable=None if group is None else frame[column(frame, group)],
        )
    return {
        "label": name,
        "facets": facets,
        "label_value_or_threshold": report.label_value_or_threshold(frame[name], list(positive)),
    }


def _listed(value: Any) -> list[Any]:
    """Values as a list of their own, which ``smclarify`` may change."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
