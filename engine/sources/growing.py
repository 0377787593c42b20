"""Files that grow line by line, read on from where the last look ended."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

AT_ONCE = 1 << 20
"""Bytes that are held in memory."""
LINE_LIMIT = 65536
"""Bytes of a line that are kept."""


class GrowingFile:
    """A file that is appended to; one that shrank or was replaced is read from its start again.

    Args:
        path: need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode = -1
        self._begun = b""
        self.offset = 0
        """Bytes read so far."""
        self.generation = 0
        """Changes when what was read before does not count any more."""

    def lines(self, budget: int) -> Iterator[tuple[int, bytes]]:
        """Whole lines written since, each with the offset of its first byte.

        Args:
            budget: bytes to read at most; what is left comes with the next call.
        """
        try:
            file = self._path.open("rb")
        except OSError:
            return
        with file:
            state = os.fstat(file.fileno())
            if state.st_ino != self._inode or state.st_size < self.offset:
                self.generation += self._inode != -1
                self._inode, self.offset, self._begun = state.st_ino, 0, b""
            file.seek(self.offset)
            while budget > 0 and (piece := file.read(min(AT_ONCE, budget))):
                budget -= len(piece)
                start = self.offset - len(self._begun)
                self.offset += len(piece)
                *lines, rest = (self._begun + piece).split(b"\n")
                for line in lines:
                    yield start, line[:LINE_LIMIT]
                    start += len(line) + 1
                self._begun = rest
