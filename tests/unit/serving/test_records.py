"""Records of a batch transform: split, packed into requests, matched with answers."""

from __future__ import annotations

from io import BytesIO
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.environments.algorithms.serving.records import (
    LINE,
    Record,
    RecordError,
    answers,
    assembled,
    batches,
    body,
    split,
)

LINES = st.lists(st.binary(min_size=1, max_size=12).filter(lambda b: b"\n" not in b and b.strip()))


def records(lines: list[bytes]) -> list[Record]:
    return [Record(number, line, line) for number, line in enumerate(lines, 1)]


@given(LINES, st.booleans())
def test_lines_are_records_whether_or_not_the_last_one_ends(lines: list[bytes], end: bool) -> None:
    text = b"\n".join(lines) + (b"\n" if end and lines else b"")
    assert list(split(BytesIO(text), LINE)) == lines


def test_blank_lines_are_no_records_and_an_empty_file_has_none() -> None:
    assert list(split(BytesIO(b"a\n\n \r\nb"), LINE)) == [b"a", b"b"]
    assert list(split(BytesIO(b""), "")) == []


@given(st.binary(min_size=1))
def test_without_a_split_the_file_is_the_record(content: bytes) -> None:
    assert list(split(BytesIO(content), "")) == [content]


@given(LINES, st.integers(12, 60))
def test_requests_hold_all_records_in_order_within_the_limit_and_no_more_requests_than_needed(
    lines: list[bytes], limit: int
) -> None:
    found = list(batches(records(lines), limit, together=True))
    assert [record.source for batch in found for record in batch] == lines
    assert all(len(body(batch)) <= limit for batch in found)
    for batch, following in pairwise(found):
        assert len(body(batch)) + 1 + len(following[0].request) > limit


@given(LINES)
def test_single_records_are_sent_one_by_one(lines: list[bytes]) -> None:
    found = list(batches(records(lines), None, together=False))
    assert [body(batch) for batch in found] == lines


@given(LINES.filter(bool))
def test_without_a_limit_many_records_are_one_request(lines: list[bytes]) -> None:
    assert [body(b) for b in batches(records(lines), None, together=True)] == [b"\n".join(lines)]


@pytest.mark.parametrize("together", [True, False])
def test_a_record_over_the_limit_is_named(together: bool) -> None:
    with pytest.raises(RecordError, match="record 2 has 5 bytes"):
        list(batches(records([b"1", b"22222"]), 4, together))


@given(LINES.filter(bool), st.booleans())
def test_answers_belong_to_records_in_order(lines: list[bytes], end: bool) -> None:
    assert answers(b"\n".join(lines) + b"\n" * end, len(lines)) == lines


def test_an_answer_for_one_record_may_have_several_lines() -> None:
    assert answers(b'{\n"a": 1\n}\n', 1) == [b'{\n"a": 1\n}']


def test_answers_that_cannot_be_matched_are_an_error() -> None:
    with pytest.raises(RecordError, match="answered 3 records with 1 lines"):
        answers(b"1,2,3\n", 3)


@given(st.binary())
def test_assembling_by_line_ends_each_answer_once_and_adds_nothing_else(content: bytes) -> None:
    assert assembled(content, by_line=False) == content
    lined = assembled(content, by_line=True)
    assert lined.endswith(b"\n") and lined in (content, content + b"\n")
