"""Records of binary files: MXNet's RecordIO and TensorFlow's TFRecord. Pure.

RecordIO: a magic number, 29 bits of length below three that tell parts of a record apart, the data,
padded to four bytes. TFRecord: eight bytes of length, their checksum, the data, its checksum.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, Iterator, NamedTuple

RECORD_IO = "RecordIO"
TF_RECORD = "TFRecord"
MAGIC = struct.pack("<I", 0xCED7230A)
LIMIT = 1 << 29
"""Bytes that a part of a record of RecordIO stays below."""
_WHOLE, _FIRST, _MIDDLE, _LAST = range(4)
_POLYNOMIAL = 0x82F63B78
_MASK = 0xA282EAD8


class FramingError(ValueError):
    """A file does not hold the records that it should; the text says where and why."""


class Framed(NamedTuple):
    """One record: what it holds, and how it stands in the file."""

    data: bytes
    raw: bytes


def framed(stream: BinaryIO, kind: str) -> Iterator[Framed]:
    """The records of a file, ``kind`` being one of the formats.

    Raises:
        FramingError: with the offset of the record that cannot be read.
    """
    return _record_io(stream) if kind == RECORD_IO else _tf_records(stream)


def record_io(data: bytes) -> Iterator[bytes]:
    """The parts of a record of RecordIO, to be written one after the other.

    A magic number within the data, at a multiple of four, is left out and parts the record there:
    the three bits above the length tell a whole record (0) from first, middle and last parts.
    """
    start = 0
    at = data.find(MAGIC)
    while at >= 0:
        if at % 4:
            at = data.find(MAGIC, at + 1)
            continue
        yield MAGIC + struct.pack("<I", (_MIDDLE if start else _FIRST) << 29 | at - start)
        yield data[start:at]
        start = at + 4
        at = data.find(MAGIC, start)
    yield MAGIC + struct.pack("<I", (_LAST if start else _WHOLE) << 29 | len(data) - start)
    yield data[start:]
    yield bytes(-len(data) % 4)


def tf_record(data: bytes) -> bytes:
    """A record of TFRecord."""
    length = struct.pack("<Q", len(data))
    return b"".join((length, _checksum(length), data, _checksum(data)))


def _record_io(stream: BinaryIO) -> Iterator[Framed]:
    offset = 0
    while head := stream.read(8):
        raw: list[bytes] = []
        data: list[bytes] = []
        while True:
            if len(head) < 8 or head[:4] != MAGIC:
                raise _broken(RECORD_IO, offset, "no record begins there")
            word = int.from_bytes(head[4:], "little")
            part, size = word >> 29, word & (LIMIT - 1)
            if part not in ((_MIDDLE, _LAST) if raw else (_WHOLE, _FIRST)):
                raise _broken(RECORD_IO, offset, f"a part of kind {part} is out of order")
            body = stream.read(size + -size % 4)
            if len(body) < size + -size % 4:
                raise _broken(RECORD_IO, offset, "it ends before its record does")
            raw += [head, body]
            data += [MAGIC] * (len(data) > 0) + [body[:size]]
            offset += 8 + len(body)
            if part in (_WHOLE, _LAST):
                break
            head = stream.read(8)
        yield Framed(b"".join(data), b"".join(raw))


def _tf_records(stream: BinaryIO) -> Iterator[Framed]:
    offset = 0
    while head := stream.read(12):
        if len(head) < 12:
            raise _broken(TF_RECORD, offset, "it ends before its record does")
        if _checksum(head[:8]) != head[8:]:
            raise _broken(TF_RECORD, offset, "the checksum of the record's length is wrong")
        size = int.from_bytes(head[:8], "little")
        data, end = stream.read(size), stream.read(4)
        if len(data) < size or len(end) < 4:
            raise _broken(TF_RECORD, offset, "it ends before its record does")
        if _checksum(data) != end:
            raise _broken(TF_RECORD, offset, "the checksum of the record is wrong")
        yield Framed(data, b"".join((head, data, end)))
        offset += 16 + size


def _broken(kind: str, offset: int, why: str) -> FramingError:
    return FramingError(f"it is no {kind} file at byte {offset}: {why}")


def _table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _table()


def _checksum(data: bytes) -> bytes:
    """The masked CRC-32C of TFRecord."""
    value = 0xFFFFFFFF
    for byte in data:
        value = _TABLE[(value ^ byte) & 0xFF] ^ value >> 8
    value ^= 0xFFFFFFFF
    masked = ((value >> 15 | value << 17) + _MASK) & 0xFFFFFFFF
    return struct.pack("<I", masked)
