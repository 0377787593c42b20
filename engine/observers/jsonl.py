"""``events.jsonl``: every event of an execution on a line of its own, each exactly once.

The file is its own position: the last whole line. What a killed runner left of a line is cut off,
and a runner that finds the file longer than it left it has been replaced, and writes no more.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from engine.delivery import DeliveryError, line_of
from engine.observers.base import Json, Position, Subject, position_of

NAME = "events.jsonl"
_BLOCK = 1 << 16


class JsonlObserver:
    """Appends to the file in the execution's folder."""

    name = "jsonl"

    def __init__(self, subject: Subject) -> None:
        self._path = subject.folder / NAME
        self._size = 0

    def position(self) -> Position:
        """See ``Observer.position``; cuts off what is no whole event."""
        with self._opened() as file:
            end = os.fstat(file).st_size
            while True:
                start, line = _last_line(file, end)
                position = _position_in(line)
                if position is not None:
                    break
                # Half a line, or one that a host left that lost its power.
                os.ftruncate(file, start)
                end = start
            self._size = end
            return position

    async def observe(self, events: Sequence[Json]) -> None:
        """See ``Observer.observe``: one write for all of them."""
        data = b"".join(line_of(event) for event in events)
        with self._opened() as file:
            if os.fstat(file).st_size != self._size:
                raise DeliveryError(f"{self._path} is written by somebody else")
            written = os.write(file, data)
            if written < len(data):
                os.ftruncate(file, self._size)
                raise DeliveryError(f"{self._path} cannot be written: the disk is full")
            self._size += written

    @contextmanager
    def _opened(self) -> Iterator[int]:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            file = os.open(self._path, flags, 0o600)
        except OSError as problem:
            raise DeliveryError(f"{self._path} cannot be opened: {problem.strerror}") from problem
        try:
            yield file
        except OSError as problem:
            raise DeliveryError(f"{self._path} cannot be used: {problem.strerror}") from problem
        finally:
            os.close(file)


def _position_in(line: bytes) -> Position | None:
    """The position that a line stands for, or no line at all; None where it is no whole event."""
    if not line:
        return Position()
    if not line.endswith(b"\n"):
        return None
    try:
        return position_of(json.loads(line))
    except (ValueError, KeyError, TypeError):
        return None


def _last_line(file: int, end: int) -> tuple[int, bytes]:
    """Where the last line of the first ``end`` bytes begins, and the line, newline and all."""
    start, line = end, b""
    while start and b"\n" not in line[:-1]:
        start = max(0, start - _BLOCK)
        line = os.pread(file, end - start, start)
    cut = line.rfind(b"\n", 0, -1) + 1
    return start + cut, line[cut:]
