"""DataProcessing: filters around the model, and the input joined with the prediction."""

from __future__ import annotations

import csv
import json
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.environments.algorithms.serving.filters import FilterError
from engine.environments.algorithms.serving.processing import DataProcessing
from engine.environments.algorithms.serving.records import RecordError

CELL = st.text(st.characters(blacklist_characters="\r\n\0", codec="utf-8"), max_size=6)
ROWS = st.lists(CELL, min_size=2, max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


def processing(kind: str, **request: str) -> DataProcessing:
    return DataProcessing.of(request, kind, kind)


def line(cells: list[str]) -> bytes:
    out = StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue().encode()


def cells(text: bytes) -> list[str]:
    # an empty line is one empty cell
    return next(csv.reader([text.decode()]), []) or [""]


@given(st.binary())
def test_without_a_filter_a_record_goes_to_the_model_as_it_is(record: bytes) -> None:
    assert processing("image/png").request(record) == record


@given(ROWS, CELL.filter(bool))
def test_joined_csv_is_the_whole_row_before_the_prediction(row: list[str], found: str) -> None:
    joined = processing("text/csv", JoinSource="Input", InputFilter="$[1:]")
    assert cells(joined.request(line(row))) == row[1:]
    assert cells(joined.result(line(row), line([found]))) == [*row, found]


@given(ROWS, CELL.filter(bool))
def test_the_output_filter_sees_the_joined_row(row: list[str], found: str) -> None:
    joined = processing("text/csv", JoinSource="Input", OutputFilter="$[0,-1]")
    assert cells(joined.result(line(row), line([found]))) == [row[0], found]


@given(JSON, JSON)
def test_joined_json_is_an_object_with_the_prediction_in_it(record: Any, found: Any) -> None:
    joined = processing("application/jsonlines", JoinSource="Input")
    result = json.loads(joined.result(json.dumps(record).encode(), json.dumps(found).encode()))
    assert result["SageMakerOutput"] == found
    rest = {key: value for key, value in result.items() if key != "SageMakerOutput"}
    if isinstance(record, dict):
        assert rest == {k: v for k, v in record.items() if k != "SageMakerOutput"}
    else:
        assert rest == {"SageMakerInput": record}


def test_a_single_cell_is_a_row_of_its_own() -> None:
    assert processing("text/csv", InputFilter="$[0]").request(b'"a,b",c') == b'"a,b"'
    assert processing("text/csv", InputFilter="$[1]").request(b"a,") == b""


def test_without_a_join_the_output_filter_reads_the_answers_own_type() -> None:
    found = DataProcessing.of({"OutputFilter": "$.score"}, "text/csv", "application/jsonlines")
    assert found.result(b"1,2", b'{"score": 0.5, "rest": 1}') == b"0.5"


@pytest.mark.parametrize(
    ("request_", "record", "answer"),
    [
        ({"JoinSource": "Input"}, b"{", b"1"),
        ({"JoinSource": "Input"}, b"{}", b"no"),
        ({"OutputFilter": "$.a"}, b"{}", b"\xff"),
    ],
)
def test_text_of_another_type_is_an_error(
    request_: dict[str, str], record: bytes, answer: bytes
) -> None:
    with pytest.raises(RecordError, match="is not JSON"):
        processing("application/json", **request_).result(record, answer)


def test_an_element_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FilterError):
        processing("text/csv", InputFilter="$[5]").request(b"1,2")


@pytest.mark.parametrize(
    "request_", [{"JoinSource": "Input"}, {"InputFilter": "$[1:]"}, {"OutputFilter": "$[0]"}]
)
def test_records_that_cannot_be_looked_into_cannot_be_processed(request_: dict[str, str]) -> None:
    with pytest.raises(RecordError, match="needs CSV or JSON"):
        processing("application/x-recordio", **request_)
