"""What the toolkit does where the user's module says nothing (reference, script-mode serving)."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy
import pytest

from engine.environments.algorithms.job import Tree
from engine.environments.algorithms.serving import encoders
from engine.environments.algorithms.serving.user_module import UserModel

MODEL = """
class Model:
    def predict(self, data, **options):
        return [[str(data), str(options)]]

def model_fn(folder):
    return Model()
"""


def npy(array: Any) -> bytes:
    out = io.BytesIO()
    numpy.save(out, array)
    return out.getvalue()


@pytest.mark.parametrize(
    ("body", "kind", "shape"),
    [
        ("[[1, 2], [3, 4]]", "application/json", (2, 2)),
        ("1,2\n3,4\n", "text/csv", (2, 2)),
        ("1,2\n", "text/csv", (2,)),
    ],
)
def test_json_and_csv_become_32_bit_floats_and_a_single_row_has_one_dimension(
    body: str, kind: str, shape: tuple[int, ...]
) -> None:
    found = encoders.decode(body, kind)
    assert (found.dtype, found.shape) == (numpy.float32, shape)
    assert found.ravel().tolist() == [1.0, 2.0, 3.0, 4.0][: found.size]


def test_npy_keeps_its_type() -> None:
    found = encoders.decode(npy(numpy.array([1, 2], numpy.int16)), "application/x-npy")
    assert (found.dtype, found.tolist()) == (numpy.int16, [1, 2])


def test_predictions_are_written_as_json_csv_and_npy() -> None:
    prediction = numpy.array([1.5, 2.0])
    assert encoders.encode(prediction, "application/json") == b"[1.5, 2.0]"
    assert encoders.encode(prediction, "text/csv") == b"1.5\n2.0\n"
    assert encoders.encode(prediction, "application/x-npy") == npy(prediction)


@pytest.mark.parametrize(
    ("family", "options"), [("scikit-learn", "{}"), ("xgboost", "{'validate_features': False}")]
)
def test_the_model_is_asked_by_its_predict_and_xgboost_checks_no_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str, options: str
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    file = tmp_path / f"asks_{family[:3]}.py"
    file.write_text(MODEL + "\ndef input_fn(body, kind):\n    return body\n")
    model = UserModel(file, Tree(tmp_path), family)
    reply = model.invoke(b"1", "text/csv", "text/csv")
    assert (reply.status, reply.body) == (200, f"1,{options}\n".encode())
