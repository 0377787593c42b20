"""The built-in XGBoost algorithm's server: every model file of the folder, asked together."""

from __future__ import annotations

import csv
import io
import json
import os
import pickle
from pathlib import Path
from typing import Any, Sequence

import numpy  # type: ignore[import-not-found,unused-ignore]

import xgboost  # type: ignore[import-not-found,unused-ignore]

from .reply import XGBOOST_PAYLOAD, LoadError, Reply, UnsupportedFormat
from .xgboost_data import CSV, LIBSVM, matrix
from .xgboost_selection import Selection

VERSION = tuple(int(part) for part in xgboost.__version__.split(".")[:2])
_JSON = "application/json"
_JSON_LINES = "application/jsonlines"
_ACCEPTED = (_JSON, _JSON_LINES, CSV, "csv", "json", "jsonlines")
_VOTED = ("multi:softmax", "binary:hinge")


class XgboostModel:
    """Serves the model files of a folder.

    Raises:
        LoadError: there is none, or one of them is no model.
    """

    def __init__(self, folder: Path) -> None:
        files = sorted(f for f in folder.iterdir() if f.is_file() and not f.name.startswith("."))
        if os.environ.get("SAGEMAKER_INFERENCE_ENSEMBLE", "true") != "true":
            files = files[:1]
        if not files:
            raise LoadError(f"There is no model file in {folder}")
        self._boosters = [_load(file) for file in files]
        configuration = self._boosters[0].save_config() if VERSION >= (1, 0) else "{}"
        learner = json.loads(configuration).get("learner", {})
        self._objective = str(learner.get("objective", {}).get("name", ""))
        classes = int(learner.get("learner_model_param", {}).get("num_class", 0))
        self._batch = bool(os.environ.get("SAGEMAKER_BATCH"))
        wanted = os.environ.get("SAGEMAKER_INFERENCE_OUTPUT", "")
        self._selection = Selection(wanted, self._objective, classes) if wanted else None

    def execution_parameters(self) -> dict[str, Any]:
        """See `Model.execution_parameters`."""
        limit = int(os.environ.get("MAX_CONTENT_LENGTH") or XGBOOST_PAYLOAD)
        return {
            "MaxConcurrentTransforms": os.cpu_count() or 1,
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": limit // 1024**2,
        }

    def invoke(self, body: bytes, content_type: str, accept: str) -> Reply:
        """See `Model.invoke`."""
        if not body:
            return Reply(204)
        try:
            data = matrix(body, content_type or CSV)
        except (UnsupportedFormat, ValueError, xgboost.core.XGBoostError) as error:
            return _plain(415, str(error))
        try:
            predictions = self._predict(data, content_type or CSV)
        except (ValueError, xgboost.core.XGBoostError) as error:
            return _plain(400, f"Unable to evaluate payload provided: {error}")
        if self._batch and self._selection is None:
            lines = "\n".join(map(str, predictions.tolist())) + "\n"
            return _plain(200, lines)
        kind = accept.partition(";")[0].strip().lower()
        if kind in ("", "*/*"):
            kind = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", CSV)
        if kind not in _ACCEPTED:
            return _plain(406, f"Accept type {kind} is not supported. Use one of {_ACCEPTED}.")
        if self._selection is not None:
            rows = self._selection.rows(predictions)
            return _selected(rows, self._selection.names, kind)
        return _encoded(predictions, kind)

    def _predict(self, data: Any, content_type: str) -> Any:
        for booster in self._boosters:
            _check_width(booster, data, content_type)
        found = [_predict(booster, data) for booster in self._boosters]
        if len(found) == 1:
            return found[0]
        if self._objective in _VOTED:
            votes = numpy.stack(found).astype(int)
            return numpy.array([numpy.bincount(column).argmax() for column in votes.T], float)
        return numpy.mean(found, axis=0)


def _load(file: Path) -> Any:
    """A booster: a pickle up to 1.2, else a file of the library's own."""
    try:
        with file.open("rb") as stream:
            loaded = pickle.load(stream)
        return loaded.get_booster() if hasattr(loaded, "get_booster") else loaded
    except Exception as unpickled:
        booster = xgboost.Booster()
        try:
            booster.load_model(str(file))
        except xgboost.core.XGBoostError as error:
            reason = str(error).partition("\nStack trace:")[0]
            raise LoadError(
                f"{file.name} is no model: as pickle, {unpickled!r}; as model, {reason}"
            ) from error
        return booster


def _check_width(booster: Any, data: Any, content_type: str) -> None:
    """Refuse rows of another width than the model's; CSV may have one column more, a label."""
    names = booster.feature_names
    known = len(names) if names else _width(booster)
    given = data.num_col()
    if not known:
        return
    if content_type.partition(";")[0].strip().lower() in LIBSVM:
        if given > known + 1:
            raise ValueError(
                f"Feature size of libsvm inference data {given} is larger than feature size of"
                f" trained model {known}."
            )
    elif given not in (known, known + 1):
        raise ValueError(
            f"Feature size of csv inference data {given} is not consistent with feature size of"
            f" trained model {known}."
        )


def _width(booster: Any) -> int:
    return int(booster.num_features()) if hasattr(booster, "num_features") else 0


def _predict(booster: Any, data: Any) -> Any:
    """Predictions with the best iteration's trees, where training stopped early."""
    options: dict[str, Any] = {"validate_features": False} if VERSION >= (0, 90) else {}
    if VERSION < (1, 4):
        options["ntree_limit"] = getattr(booster, "best_ntree_limit", 0)
        return booster.predict(data, **options)
    best = booster.attr("best_iteration")
    if best is not None and int(best) < booster.num_boosted_rounds():
        options["iteration_range"] = (0, int(best) + 1)
    return booster.predict(data, **options)


def _encoded(predictions: Any, kind: str) -> Reply:
    values = predictions.tolist()
    if kind.endswith("jsonlines"):
        lines = "".join(json.dumps({"score": value}) + "\n" for value in values)
        return Reply(200, lines.encode(), _JSON_LINES)
    if kind.endswith("json"):
        document = {"predictions": [{"score": value} for value in values]}
        return Reply(200, json.dumps(document).encode(), _JSON)
    cells = [",".join(map(str, v)) if isinstance(v, list) else str(v) for v in values]
    # the images up to 1.0 write one line
    return Reply(200, (",".join(cells) if VERSION < (1, 2) else "\n".join(cells)).encode(), CSV)


def _selected(rows: Sequence[Sequence[Any]], names: Sequence[str], kind: str) -> Reply:
    objects = [dict(zip(names, row)) for row in rows]
    if kind.endswith("jsonlines"):
        lines = "".join(json.dumps(one) + "\n" for one in objects)
        return Reply(200, lines.encode(), _JSON_LINES)
    if kind.endswith("json"):
        return Reply(200, json.dumps({"predictions": objects}).encode(), _JSON)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return Reply(200, out.getvalue().rstrip("\n").encode(), CSV)


def _plain(status: int, text: str) -> Reply:
    return Reply(status, text.encode("utf-8"), "text/html; charset=utf-8")
