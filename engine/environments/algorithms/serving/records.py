"""From an input file to requests and from answers to an output file. Pure.

A record is a line without its end, a record of a binary format, or a whole file. Blank lines are no
records.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, Iterable, Iterator, Sequence

from .framing import RECORD_IO, TF_RECORD, FramingError, framed

LINE = "Line"
BINARY = (RECORD_IO, TF_RECORD)


class RecordError(ValueError):
    """A record or an answer cannot be used; the text says which and why."""


@dataclass(frozen=True)
class Record:
    """One record.

    Attributes:
        number: of the record in its file, from 1.
        source: as it stands in the file.
        request: what the model gets of it.
    """

    number: int
    source: bytes
    request: bytes


def split(stream: BinaryIO, kind: str, together: bool = True) -> Iterator[bytes]:
    """The records of a file; a file that is empty, or has only blank lines, has none.

    Args:
        kind: ``Line``, a binary format, or anything else for the whole file.
        together: records of binary formats stay as they are in the file (MultiRecord), or lose what
            is around them (SingleRecord).

    Raises:
        RecordError: the file is not of its format.
    """
    if kind == LINE:
        for line in stream:
            record = line[:-1] if line.endswith(b"\n") else line
            if record.strip():
                yield record
    elif kind in BINARY:
        try:
            for one in framed(stream, kind):
                yield one.raw if together else one.data
        except FramingError as error:
            raise RecordError(str(error)) from error
    elif whole := stream.read():
        yield whole


def batches(
    records: Iterable[Record], limit: int | None, together: bool, between: bytes = b"\n"
) -> Iterator[list[Record]]:
    """The records of each request, in order.

    Args:
        limit: bytes that a request may have; None where any size will do.
        together: as many records as fit (MultiRecord), or one by one (SingleRecord).
        between: what stands between two records of a request.

    Raises:
        RecordError: a record alone is larger than the limit.
    """
    batch: list[Record] = []
    size, gap = 0, len(between)
    for record in records:
        length = len(record.request)
        if limit is not None and length > limit:
            raise RecordError(
                f"record {record.number} has {length} bytes, more than MaxPayloadInMB allows"
                f" ({limit})"
            )
        if batch and (not together or (limit is not None and size + gap + length > limit)):
            yield batch
            batch, size = [], 0
        size += length + (gap if batch else 0)
        batch.append(record)
    if batch:
        yield batch


def body(batch: Sequence[Record], between: bytes = b"\n") -> bytes:
    """The body of a batch's request."""
    return between.join(record.request for record in batch)


def answers(content: bytes, count: int) -> list[bytes]:
    """The part of an answer that belongs to each of ``count`` records, in order.

    Raises:
        RecordError: the answer does not have a line for each record.
    """
    if count == 1:
        return [content[:-1] if content.endswith(b"\n") else content]
    lines = content.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    if len(lines) != count:
        raise RecordError(
            f"the model answered {count} records with {len(lines)} lines, so they cannot be"
            " matched; use BatchStrategy SingleRecord or an Accept type with a line per record"
        )
    return lines


def assembled(content: bytes, by_line: bool) -> bytes:
    """An answer as it stands in the output file: ended by a line end with AssembleWith Line."""
    if by_line and not content.endswith(b"\n"):
        return content + b"\n"
    return content
