"""Where lines begin in a large text: newline counts per block, 128 KiB of memory for 1 GiB."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable

BLOCK = 64 * 1024
_AT_ONCE = 16 * BLOCK


class BlockIndex:
    """Counts lines from the front, in steps, and finds the byte at which any of them begins.

    Args:
        read: ``read(offset, size)`` gives bytes, fewer at the end of the text.
    """

    def __init__(self, read: Callable[[int, int], bytes]) -> None:
        self._read = read
        self._before = array("Q", [0])
        self.end = 0
        """Bytes counted."""
        self.newlines = 0
        self.open_line = False
        """Whether the text ends in a line without a line end."""

    @property
    def count(self) -> int:
        """Lines, the open one included."""
        return self.newlines + self.open_line

    def advance(self, size: int, budget: int) -> bool:
        """Counts up to ``budget`` more bytes of a text of ``size``; returns whether it is done."""
        while (whole := self._whole) + BLOCK <= size:
            if budget <= 0:
                self._stand_at(whole, self._before[-1], False)
                return False
            wanted = min(_AT_ONCE, (size - whole) // BLOCK * BLOCK)
            data = self._read(whole, wanted)
            for start in range(0, len(data) - BLOCK + 1, BLOCK):
                newlines = data.count(b"\n", start, start + BLOCK)
                self._before.append(self._before[-1] + newlines)
            if len(data) < wanted:
                break
            budget -= wanted
        self._count_rest(size)
        return self.end == size

    @property
    def _whole(self) -> int:
        return (len(self._before) - 1) * BLOCK

    def _count_rest(self, size: int) -> None:
        whole = self._whole
        rest = self._read(whole, min(BLOCK, max(0, size - whole)))
        last = rest[-1:] or (self._read(whole - 1, 1) if whole else b"")
        newlines = self._before[-1] + rest.count(b"\n")
        self._stand_at(whole + len(rest), newlines, last not in (b"", b"\n"))

    def _stand_at(self, end: int, newlines: int, open_line: bool) -> None:
        self.end, self.newlines, self.open_line = end, newlines, open_line

    def offset(self, line: int) -> int:
        """The byte at which a line begins; the end for a line behind the last."""
        if line <= 0:
            return 0
        if line > self.newlines:
            return self.end
        block = bisect_left(self._before, line) - 1
        begin = block * BLOCK
        data = self._read(begin, min(BLOCK, self.end - begin))
        position = -1
        for _ in range(line - self._before[block]):
            position = data.find(b"\n", position + 1)
            if position < 0:
                return self.end
        return begin + position + 1

    def line_at(self, offset: int) -> int:
        """The line that holds a byte."""
        block = min(offset // BLOCK, len(self._before) - 1)
        begin = block * BLOCK
        return self._before[block] + self._read(begin, min(offset, self.end) - begin).count(b"\n")
