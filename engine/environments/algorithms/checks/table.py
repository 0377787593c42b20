"""The dataset of a Clarify job as a pandas frame, and which of its columns is what."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any, Mapping, Sequence

import pandas as pd  # type: ignore[import-untyped,import-not-found,unused-ignore]

from .job import CheckError

CSV, JSON_LINES, JSON, PARQUET = (
    "text/csv",
    "application/jsonlines",
    "application/json",
    "application/x-parquet",
)
Json = Mapping[str, Any]


def read(folder: Path, config: Json) -> pd.DataFrame:
    """All files of a folder, in the order of their names.

    Args:
        config: the analysis configuration: ``dataset_type``, ``headers``, ``features``, ``label``.

    Errors: ``CheckError`` for another type of data, or where there are no rows.
    """
    files = sorted(
        file
        for file in folder.rglob("*")
        if file.is_file() and not file.name.startswith((".", "_"))
    )
    kind = config.get("dataset_type") or CSV
    frames = [_read_file(file.read_bytes(), kind, config) for file in files]
    frame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    if frame.empty:
        raise CheckError(f"The dataset has no rows: {len(files)} file(s).")
    return frame


def fetch(uri: str) -> bytes:
    """The content of an object that the configuration names by its URI."""
    import boto3  # type: ignore[import-untyped,import-not-found,unused-ignore]

    bucket, _, key = uri.partition("://")[2].partition("/")
    content: bytes = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return content


def read_csv(content: bytes, headers: Sequence[str] | None) -> pd.DataFrame:
    """A CSV file; a first line that repeats the headers is no row."""
    first = next(csv.reader([content.partition(b"\n")[0].decode("utf-8-sig")]), [])
    names = list(headers or ()) or [f"column_{index}" for index in range(len(first))]
    if len(names) != len(first):
        raise CheckError(f"A CSV file has {len(first)} columns, but headers names {len(names)}.")
    skip = 1 if first == names else 0
    return pd.read_csv(io.BytesIO(content), header=None, names=names, skiprows=skip)


def column(frame: pd.DataFrame, name_or_index: Any) -> str:
    """The name of a column that is given by name or index. Errors: ``CheckError``."""
    if name_or_index in frame.columns:
        return str(name_or_index)
    if str(name_or_index).isdigit() and int(name_or_index) < len(frame.columns):
        return str(frame.columns[int(name_or_index)])
    raise CheckError(
        f"The dataset has no column {name_or_index!r}; it has {', '.join(map(str, frame.columns))}."
    )


def label_column(frame: pd.DataFrame, config: Json) -> str | None:
    """The column of the labels; None where the configuration names none."""
    return None if config.get("label") is None else _labelled(frame, config, "label")


def predicted_column(frame: pd.DataFrame, config: Json) -> str | None:
    """The column of predictions that the dataset itself has, if it has one."""
    given = config.get("predicted_label")
    if given is None or config.get("predicted_label_dataset_uri"):
        return None
    return _labelled(frame, config, "predicted_label")


def features(frame: pd.DataFrame, config: Json) -> pd.DataFrame:
    """What the model is given: all columns that are not said to be something else."""
    other = [label_column(frame, config), predicted_column(frame, config)]
    join = config.get("joinsource_name_or_index")
    excluded = [*(config.get("excluded_columns") or ()), *([] if join is None else [join])]
    other += [column(frame, one) for one in excluded]
    return frame[[name for name in frame.columns if name not in other]]


def search(expression: str, value: Any) -> Any:
    """What a JMESPath expression selects."""
    import jmespath  # type: ignore[import-untyped,import-not-found,unused-ignore]

    return jmespath.search(expression, value)


def _labelled(frame: pd.DataFrame, config: Json, key: str) -> str:
    """A label's column; read by an expression (JSON with ``features``) it bears the key's name."""
    return key if _by_expression(config) else column(frame, config[key])


def _by_expression(config: Json) -> bool:
    return config.get("dataset_type") in (JSON_LINES, JSON) and bool(config.get("features"))


def _read_file(content: bytes, kind: str, config: Json) -> pd.DataFrame:
    if kind == CSV:
        return read_csv(content, config.get("headers"))
    if kind == PARQUET:
        return pd.read_parquet(io.BytesIO(content))
    if kind == JSON_LINES:
        records = [json.loads(line) for line in content.splitlines() if line.strip()]
        return _from_json(records, config)
    if kind == JSON:
        document = json.loads(content)
        return _from_json(document if isinstance(document, list) else [document], config)
    raise CheckError(f"Data of type {kind} is not analysed here.")


def _from_json(records: Sequence[Any], config: Json) -> pd.DataFrame:
    """Objects as rows, or what ``features`` selects of each record."""
    if not _by_expression(config):
        return pd.DataFrame.from_records(records)
    rows = [search(config["features"], record) for record in records]
    width = len(rows[0]) if rows else 0
    labels = [key for key in ("label", "predicted_label") if config.get(key)]
    names = [name for name in config.get("headers") or () if name not in labels][:width]
    frame = pd.DataFrame(rows, columns=names or [f"column_{index}" for index in range(width)])
    for key in labels:
        frame[key] = [search(config[key], record) for record in records]
    return frame
