"""A log in a file that a process writes: shown from its end at once, counted as time allows.

Read with pread and never mapped: a mapped file that is truncated kills its reader.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from engine.logs.base import UNKNOWN, LogLine, Scan
from engine.logs.first_error import ErrorBlock, first_error
from engine.logs.index import BlockIndex
from engine.logs.search import Matcher
from engine.logs.severity import Classifier, Level, Mark, marks, may_reach, passes
from engine.logs.timestamps import Clock

MIB = 1024 * 1024
DISPLAY_CAP = 64 * 1024
"""Bytes of a line that are shown."""

_CONTEXT = 64
"""Lines read ahead of those wanted, so that a traceback's middle is known for what it is."""
_BATCH = 512
_ERROR_WINDOW = 2 * MIB
_TAIL_WINDOW = 256 * 1024
_CHUNK = MIB // 4
_HITS_AT_ONCE = 100_000
_LEVEL_CHUNK = 64 * 1024
_QUICK_LOOK_COST = 8
_LEVEL_COST = 24
_FINGERPRINT = 256
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_PROBLEMS = {
    errno.ELOOP: "The log is a symbolic link, which is not followed.",
    errno.EACCES: "The log may not be read by this user.",
}


class FileLog:
    """A `LogSource` over a regular file; one that does not exist yet is an empty log.

    A deleted file stays readable until another one takes its name.
    """

    origins: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        self.path = path
        self.generation = 0
        self.problem = ""
        self.size = 0
        self.clock = Clock(0)
        self._fd = -1
        self._identity: tuple[int, int] | None = None
        self._fingerprint = b""
        self._index = BlockIndex(self._read)
        self.refresh(4 * MIB)

    def close(self) -> None:
        """Gives the file back; the log is empty afterwards until the next refresh."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._identity = -1, None
        self._start_over()

    def __del__(self) -> None:
        if getattr(self, "_fd", -1) >= 0:
            os.close(self._fd)

    @property
    def count(self) -> int:
        """Lines known so far."""
        return self._index.count

    @property
    def settled(self) -> int:
        """Lines that have their line end."""
        return self._index.newlines

    @property
    def complete(self) -> bool:
        """Whether every line has been counted."""
        return self._index.end == self.size

    def refresh(self, budget: int = 32 * MIB) -> bool:
        """Picks up growth, truncation and rotation and counts up to ``budget`` more bytes."""
        before = self._state()
        self._follow_path()
        if self._fd >= 0:
            size = os.fstat(self._fd).st_size
            if size < self.size or (size != self.size and self._rewritten()):
                self._start_over()
            self.size = size
            if len(self._fingerprint) < _FINGERPRINT:
                self._fingerprint = self._read(0, _FINGERPRINT)
            if self._index.end != size:
                self._index.advance(size, budget)
        return self._state() != before

    def _state(self) -> tuple[int, int, int, str]:
        return self.size, self._index.end, self.generation, self.problem

    def _follow_path(self) -> None:
        """Opens the file that has the name now, when it is not the one held."""
        try:
            status = os.stat(self.path, follow_symlinks=False)
            if (status.st_dev, status.st_ino) == self._identity:
                return
            fd = os.open(self.path, _FLAGS)
        except FileNotFoundError:
            return
        except OSError as error:
            self.problem = _PROBLEMS.get(
                error.errno or 0, f"The log is unreadable: {error.strerror}."
            )
            return
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            os.close(fd)
            self.problem = "The log is not a regular file."
            return
        if self._fd >= 0:
            os.close(self._fd)
            self._start_over()
        self._fd, self._identity, self.problem = fd, (status.st_dev, status.st_ino), ""
        self.clock = Clock(status.st_mtime)

    def _rewritten(self) -> bool:
        return self._read(0, len(self._fingerprint)) != self._fingerprint

    def _start_over(self) -> None:
        self.generation += 1
        self.size = 0
        self._fingerprint = b""
        self._index = BlockIndex(self._read)

    def _read(self, offset: int, size: int) -> bytes:
        if self._fd < 0 or size <= 0:
            return b""
        try:
            return os.pread(self._fd, size, offset)
        except OSError as error:
            self.problem = f"The log is unreadable: {error.strerror}."
            return b""

    def lines(self, start: int, count: int) -> list[LogLine]:
        """Lines ``start`` to ``start + count``, as many of them as there are."""
        start, stop = max(0, start), min(self.count, start + count)
        if start >= stop:
            return []
        first = max(0, start - _CONTEXT)
        texts = self._texts(first, stop)
        return [
            self._line(first + row, text, mark)
            for row, (text, mark) in enumerate(zip(texts, marks(texts), strict=True))
            if first + row >= start
        ]

    def _line(self, number: int, text: str, mark: Mark) -> LogLine:
        stamp = self.clock.read(text)
        if stamp is None:
            return LogLine(number, text, mark.level, mark.head)
        return LogLine(number, text, mark.level, mark.head, stamp.at, stamp.size)

    def texts(self, start: int, count: int) -> list[str]:
        """What ``lines`` gives, without looking into it."""
        start, stop = max(0, start), min(self.count, start + count)
        return self._texts(start, stop) if start < stop else []

    def raw(self, start: int, count: int) -> bytes:
        """The whole text of lines, line ends included."""
        start, stop = max(0, start), min(self.count, start + count)
        begin, end = self._index.offset(start), self._index.offset(stop)
        return self._read(begin, end - begin) if start < stop else b""

    def offset(self, line: int) -> int | None:
        """The byte at which a line begins."""
        return self._index.offset(line)

    def tail(self, count: int) -> list[LogLine]:
        """The last lines, at once, whether they have been counted or not."""
        if self.complete:
            return self.lines(max(0, self.count - count), min(count, self.count))
        begin = max(0, self.size - _TAIL_WINDOW)
        raw = self._read(begin, self.size - begin).split(b"\n")
        if begin and len(raw) > 1:
            del raw[0]
        if not raw[-1]:
            raw.pop()
        texts = [_display(line[-DISPLAY_CAP:], len(line)) for line in raw[-count - _CONTEXT :]]
        seen = [
            self._line(UNKNOWN, text, mark) for text, mark in zip(texts, marks(texts), strict=True)
        ]
        return seen[max(0, len(seen) - count) :]

    def _texts(self, start: int, stop: int) -> list[str]:
        texts: list[str] = []
        for low in range(start, stop, _BATCH):
            high = min(low + _BATCH, stop)
            begin, end = self._index.offset(low), self._index.offset(high)
            if end - begin > MIB:
                texts.extend(self._long_text(row) for row in range(low, high))
            else:
                raw = self._read(begin, end - begin).removesuffix(b"\n").split(b"\n")
                raw += [b""] * (high - low - len(raw))
                texts.extend(_display(line, len(line)) for line in raw[: high - low])
        return texts

    def _long_text(self, row: int) -> str:
        """A line whose neighbourhood is too long to be read whole."""
        begin, end = self._index.offset(row), self._index.offset(row + 1)
        if end - begin <= DISPLAY_CAP:
            return _display(self._read(begin, end - begin).removesuffix(b"\n"), end - begin)
        ending = self._read(end - DISPLAY_CAP, DISPLAY_CAP).rstrip(b"\r\n")
        if b"\r" in ending:
            return _display(ending, len(ending))
        return _display(self._read(begin, DISPLAY_CAP), end - begin)

    def scan(
        self,
        start: int,
        *,
        pattern: re.Pattern[str] | None = None,
        exclude: bool = False,
        level: int = Level.NONE,
        heads: bool = False,
        stop: int | None = None,
        budget: int = 64 * MIB,
    ) -> Scan:
        """One bounded step of a search from line ``start``; see `LogSource.scan`."""
        stop = self.count if stop is None else min(stop, self.count)
        return self._scan(start, stop, pattern, exclude, level, heads, budget)

    def _scan(
        self,
        start: int,
        stop: int,
        pattern: re.Pattern[str] | None,
        exclude: bool,
        level: int,
        heads: bool,
        budget: int,
    ) -> Scan:
        matcher = Matcher(pattern) if pattern else None
        grade = _LevelRows(level, heads) if level or heads else None
        if grade and start:
            grade.warm(self._texts(max(0, start - _CONTEXT), start))
        hits: list[int] = []
        line, offset, end = start, self._index.offset(start), self._index.offset(stop)
        while line < stop and budget > 0 and len(hits) < _HITS_AT_ONCE:
            chunk = self._whole_lines(offset, min(_LEVEL_CHUNK if grade else _CHUNK, end - offset))
            if not chunk:
                stop = line
                break
            cut = not chunk.endswith(b"\n")
            rows = self._index.line_at(offset + len(chunk)) - line + cut
            found: Iterable[int] = matcher.rows(chunk) if matcher else range(rows)
            if matcher and exclude:
                found = sorted(set(range(rows)).difference(found))
            if grade:
                reached = grade.rows(chunk)
                found = [row for row in found if row in reached]
            hits.extend(line + row for row in found)
            budget -= len(chunk) * max(matcher.cost if matcher else 1, grade.cost if grade else 1)
            line += rows
            offset = self._index.offset(line) if cut else offset + len(chunk)
        return Scan(hits, min(line, self._index.newlines), line >= stop)

    def _whole_lines(self, offset: int, size: int) -> bytes:
        """Bytes up to the last line end within ``size``; the head of a line longer than that."""
        chunk = self._read(offset, size)
        if offset + len(chunk) >= self._index.end:
            return chunk
        return chunk[: chunk.rfind(b"\n") + 1] or chunk

    def find(self, pattern: re.Pattern[str], start: int = 0, direction: int = 1) -> int | None:
        """The first line at or after ``start`` (before it for -1) that contains the pattern."""
        if direction > 0:
            step = Scan([], max(0, start), start >= self.count)
            while not step.done:
                step = self._scan(step.next, self.count, pattern, False, 0, False, _CHUNK)
                if step.hits:
                    return step.hits[0]
            return None
        stop = min(start, self.count)
        while stop > 0:
            low = min(stop - 1, self._index.line_at(max(0, self._index.offset(stop) - _CHUNK)))
            step = self._scan(low, stop, pattern, False, 0, False, 1 << 62)
            if step.hits:
                return step.hits[-1]
            stop = low
        return None

    def first_error(self) -> ErrorBlock | None:
        """The most telling error in the last 2 MiB; counts all lines first, for their numbers."""
        if not self.complete:
            self.refresh(1 << 62)
        first = self._index.line_at(max(0, self.size - _ERROR_WINDOW))
        block = first_error("\n".join(self._texts(first, self.count)))
        if block is None:
            return None
        return replace(
            block, first_line=block.first_line + first, last_line=block.last_line + first
        )


class _LevelRows:
    """Rows of consecutive chunks that reach a level; a chunk that cannot is not looked into."""

    def __init__(self, level: int, heads: bool) -> None:
        self._level = level
        self._heads = heads
        self._classifier = Classifier()
        self.cost = _QUICK_LOOK_COST

    def warm(self, texts: list[str]) -> None:
        for text in texts:
            self._classifier.mark(text)

    def rows(self, chunk: bytes) -> set[int]:
        continues = self._classifier.level >= self._level
        if not continues and not may_reach(chunk, self._level):
            self._classifier, self.cost = Classifier(), _QUICK_LOOK_COST
            return set()
        self.cost = _LEVEL_COST
        rows = set()
        for row, raw in enumerate(chunk.removesuffix(b"\n").split(b"\n")):
            mark = self._classifier.mark(_display(raw, len(raw)))
            if passes(mark.level, self._level) and (mark.head or not self._heads):
                rows.add(row)
        return rows


def _display(raw: bytes, size: int) -> str:
    """A line as shown: what follows the last carriage return, cut at the cap."""
    raw = raw.removesuffix(b"\r")
    if b"\r" in raw:
        raw = raw[raw.rfind(b"\r") + 1 :]
        size = min(size, len(raw))
    text = raw[:DISPLAY_CAP].decode("utf-8", "replace")
    return text if size <= DISPLAY_CAP else f"{text} … [{size:,} bytes]"
