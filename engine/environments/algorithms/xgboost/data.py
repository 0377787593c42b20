"""Loads the files of a channel as the library's matrix, the way the image does it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Sequence

import xgboost  # type: ignore[import-not-found,unused-ignore]

from . import channels
from .errors import UserError


def load(files: Sequence[Path], data_format: str, csv_weights: bool) -> Any:
    """One ``DMatrix`` with the rows of all files.

    Args:
        files: at least one.
        data_format: ``csv``, ``libsvm`` or ``parquet``.
        csv_weights: the second CSV column holds the weight of each row.

    Raises:
        UserError: the library cannot read them, or they hold no labels.
    """
    if data_format == channels.PARQUET:
        matrix = _parquet(files)
    else:
        query = f"format={data_format}"
        if data_format == channels.CSV:
            query += f"&label_column=0&delimiter={channels.delimiter_of(files[0])}"
            query += "&weight_column=1" if csv_weights else ""
        else:
            for file in files:
                channels.check_libsvm(file)
        matrix = _text(files, query, data_format)
    if matrix.get_label().size == 0:
        raise UserError("Got input data without labels. Please check the input data set.")
    return matrix


def _text(files: Sequence[Path], query: str, data_format: str) -> Any:
    # the library reads a whole folder, so the files are linked into one, in order
    with tempfile.TemporaryDirectory(prefix="channel-") as folder:
        for number, file in enumerate(files):
            (Path(folder) / f"{number:06d}").symlink_to(file.resolve())
        try:
            return xgboost.DMatrix(f"{folder}?{query}")
        except Exception as error:
            raise UserError(
                f"Failed to load {data_format} data with exception:\n{error}"
            ) from error


def _parquet(files: Sequence[Path]) -> Any:
    try:
        import numpy  # type: ignore[import-not-found,unused-ignore]
        from pyarrow import parquet  # type: ignore[import-not-found,unused-ignore]

        tables = [parquet.read_table(str(file)).to_pandas().to_numpy() for file in files]
        rows = numpy.concatenate(tables)
        return xgboost.DMatrix(rows[:, 1:], label=rows[:, 0])
    except Exception as error:
        raise UserError(f"Failed to load parquet data with exception:\n{error}") from error
