"""Payloads for XGBoost: CSV and LIBSVM text as the library's matrix, the way the image does it."""

from __future__ import annotations

import csv
import os
import tempfile
import warnings

import numpy  # type: ignore[import-not-found,unused-ignore]

import xgboost  # type: ignore[import-not-found,unused-ignore]

from .reply import UnsupportedFormat

CSV = "text/csv"
LIBSVM = ("text/libsvm", "text/x-libsvm")
_SNIFFED = 512


def matrix(body: str | bytes, content_type: str) -> xgboost.DMatrix:
    """A payload without labels as a ``DMatrix``; an empty CSV cell is missing.

    Raises:
        UnsupportedFormat: it is neither CSV nor LIBSVM.
        ValueError: a cell is no number, or rows differ in length.
    """
    text = body if isinstance(body, str) else body.decode("utf-8")
    kind = content_type.partition(";")[0].strip().lower()
    if kind == CSV:
        return _csv(text.strip())
    if kind in LIBSVM:
        return _libsvm(text.strip())
    raise UnsupportedFormat(content_type)


def _csv(text: str) -> xgboost.DMatrix:
    lines = text.split("\n")
    try:
        delimiter = csv.Sniffer().sniff(lines[0][:_SNIFFED]).delimiter
    except csv.Error:
        delimiter = ""
    if not delimiter or delimiter.isalnum():
        # a single column has none to find; the sniffer may take one of its digits for it
        delimiter = ","
    rows = [[cell.strip() or "nan" for cell in line.split(delimiter)] for line in lines]
    return xgboost.DMatrix(numpy.array(rows).astype(float))


def _libsvm(text: str) -> xgboost.DMatrix:
    with tempfile.NamedTemporaryFile("w", suffix=".libsvm", delete=False) as file:
        file.write(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return xgboost.DMatrix(f"{file.name}?format=libsvm")
    finally:
        os.unlink(file.name)
