"""The toolkit's own decoders and encoders: JSON, CSV and NPY to arrays and back.

Where the environment has no numpy, arrays are lists.
"""

from __future__ import annotations

import csv
import importlib
import io
import json
from typing import Any, Callable, Mapping

from .reply import UnsupportedFormat

numpy: Any
try:
    numpy = importlib.import_module("numpy")
except ImportError:
    numpy = None

JSON = "application/json"
CSV = "text/csv"
NPY = "application/x-npy"
TEXT_TYPES = (JSON, CSV)


def decode(body: str | bytes, content_type: str) -> Any:
    """A request's body as an array; JSON and CSV become 32-bit floats.

    A single CSV row is one-dimensional, as ``numpy.genfromtxt`` leaves it.

    Raises:
        UnsupportedFormat: for other types.
    """
    decoder = _DECODERS.get(content_type)
    if decoder is None or (numpy is None and content_type == NPY):
        raise UnsupportedFormat(content_type)
    return decoder(body)


def encode(prediction: Any, accept: str) -> bytes:
    """A prediction as a response's body.

    Raises:
        UnsupportedFormat: for other types.
    """
    encoder = _ENCODERS.get(accept)
    if encoder is None or (numpy is None and accept == NPY):
        raise UnsupportedFormat(accept)
    return encoder(prediction)


def _text(body: str | bytes) -> str:
    return body if isinstance(body, str) else body.decode("utf-8")


def _from_json(body: str | bytes) -> Any:
    value = json.loads(_text(body))
    return value if numpy is None else numpy.array(value).astype(numpy.float32)


def _from_csv(body: str | bytes) -> Any:
    if numpy is not None:
        rows = numpy.genfromtxt(io.StringIO(_text(body)), delimiter=",")
        return rows.astype(numpy.float32)
    return [[float(cell) for cell in row] for row in csv.reader(io.StringIO(_text(body))) if row]


def _from_npy(body: str | bytes) -> Any:
    content = body.encode() if isinstance(body, str) else body
    return numpy.load(io.BytesIO(content), allow_pickle=False)


def _listed(value: Any) -> Any:
    """For JSON: what an array library returns, as lists and numbers."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _to_json(prediction: Any) -> bytes:
    return json.dumps(prediction, default=_listed).encode("utf-8")


def _to_csv(prediction: Any) -> bytes:
    if numpy is not None:
        out = io.StringIO()
        numpy.savetxt(out, numpy.atleast_1d(prediction), delimiter=",", fmt="%s")
        return out.getvalue().encode("utf-8")
    rows = prediction if isinstance(prediction, (list, tuple)) else [prediction]
    lines = (row if isinstance(row, (list, tuple)) else [row] for row in rows)
    return "".join(",".join(map(str, line)) + "\n" for line in lines).encode("utf-8")


def _to_npy(prediction: Any) -> bytes:
    out = io.BytesIO()
    numpy.save(out, numpy.asarray(prediction))
    return out.getvalue()


_DECODERS: Mapping[str, Callable[[str | bytes], Any]] = {
    JSON: _from_json,
    CSV: _from_csv,
    NPY: _from_npy,
}
_ENCODERS: Mapping[str, Callable[[Any], bytes]] = {JSON: _to_json, CSV: _to_csv, NPY: _to_npy}
