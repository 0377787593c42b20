"""RecordIO and TFRecord: what is written is read again, and what is broken is said where."""

from __future__ import annotations

import struct
from collections.abc import Callable
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.environments.algorithms.serving.framing import (
    MAGIC,
    RECORD_IO,
    TF_RECORD,
    FramingError,
    framed,
    record_io,
    tf_record,
)
from engine.environments.algorithms.serving.records import (
    Record,
    RecordError,
    batches,
    body,
    split,
)

WRITERS: dict[str, Callable[[bytes], bytes]] = {
    RECORD_IO: lambda data: b"".join(record_io(data)),
    TF_RECORD: tf_record,
}
# Magic numbers in the data are what RecordIO has to tell from its own.
DATA = st.lists(
    st.lists(st.sampled_from([MAGIC, b"a", b"\0\0", b"word"]), max_size=6).map(b"".join)
    | st.binary(max_size=40),
    max_size=8,
)
KINDS = pytest.mark.parametrize("kind", WRITERS)


@KINDS
@given(records=DATA)
def test_records_come_back_as_they_were_and_their_frames_make_the_file(
    kind: str, records: list[bytes]
) -> None:
    file = b"".join(map(WRITERS[kind], records))
    found = list(framed(BytesIO(file), kind))
    assert [one.data for one in found] == records
    assert b"".join(one.raw for one in found) == file


@KINDS
@given(records=DATA, limit=st.integers(60, 200), together=st.booleans())
def test_requests_hold_whole_records_within_the_limit(
    kind: str, records: list[bytes], limit: int, together: bool
) -> None:
    file = b"".join(map(WRITERS[kind], records))
    parts = split(BytesIO(file), kind, together)
    listed = [Record(number, part, part) for number, part in enumerate(parts, 1)]
    sent = [body(batch, b"") for batch in batches(listed, limit, together, b"")]
    assert all(len(one) <= limit for one in sent)
    if together:
        again = [one.data for part in sent for one in framed(BytesIO(part), kind)]
        assert again == records
        assert b"".join(sent) == file
    else:
        assert sent == records


@KINDS
@given(records=st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=4), data=st.data())
def test_a_file_that_is_cut_is_an_error_that_says_where_its_record_begins(
    kind: str, records: list[bytes], data: st.DataObject
) -> None:
    frames = [WRITERS[kind](one) for one in records]
    starts = [sum(map(len, frames[:count])) for count in range(len(frames) + 1)]
    cut = data.draw(st.integers(1, starts[-1] - 1).filter(lambda at: at not in starts))
    begin = max(start for start in starts if start < cut)
    with pytest.raises(RecordError, match=rf"no {kind} file at byte {begin}: "):
        list(split(BytesIO(b"".join(frames)[:cut]), kind))


def test_checksums_are_masked_crc_32c() -> None:
    # CRC-32C of these digits is its published check value, 0xE3069283; the mask is TFRecord's.
    check = 0xE3069283
    masked = ((check >> 15 | check << 17) + 0xA282EAD8) & 0xFFFFFFFF
    assert tf_record(b"123456789")[-4:] == struct.pack("<I", masked)
    assert tf_record(b"").hex() == "000000000000000029039807d8ea82a2"


@pytest.mark.parametrize("place", [3, 9, 13, -1])
def test_a_changed_byte_of_a_tfrecord_is_found_by_one_of_its_checksums(place: int) -> None:
    file = bytearray(tf_record(b"first") + tf_record(b"second"))
    second = len(tf_record(b"first"))
    at = place if place < 0 else second + place
    file[at] ^= 1
    with pytest.raises(FramingError, match=f"at byte {second}: the checksum of the record"):
        list(framed(BytesIO(bytes(file)), TF_RECORD))


def test_parts_of_a_record_out_of_order_are_an_error() -> None:
    last = MAGIC + struct.pack("<I", 3 << 29 | 4) + b"data"
    with pytest.raises(FramingError, match="at byte 0: a part of kind 3 is out of order"):
        list(framed(BytesIO(last), RECORD_IO))
