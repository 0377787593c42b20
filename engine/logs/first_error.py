"""The most telling error in a piece of log. Pure.

What ended the process is at the end, so the last traceback is preferred; but an exception that only
passes on another process's failure (CalledProcessError, a broken pipe) yields to the one before it.
A kill, a full disk or exhausted memory behind the last traceback is the better answer. Without any
of those it is the first line that calls itself an error, or else the first that tells of a timeout.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine.logs.severity import SGR, Level, marks, may_reach
from engine.logs.traceback import Traceback, tracebacks


@dataclass(frozen=True, slots=True)
class ErrorBlock:
    """Lines of a log that explain a failure.

    Args:
        kind: "traceback", "out-of-memory", "disk-full", "killed", "timeout" or "error".
        summary: the error in one line; data, which may hold control characters.
        file: source file it points to, or "".
        line: 1-based line in that file, or 0.
        first_line: 0-based line of the log where the block begins.
        last_line: its last line, inclusive.
    """

    kind: str
    summary: str
    file: str
    line: int
    first_line: int
    last_line: int


@dataclass(frozen=True, slots=True)
class _Cause:
    """A kind of failure, the pattern that tells it, and lower-case text it cannot do without."""

    kind: str
    pattern: re.Pattern[str]
    signs: tuple[str, ...]


_BLOWS = (
    _Cause(
        "out-of-memory",
        re.compile(
            r"(?i)\bMemoryError\b|\bout of memory\b|\boom[- ]?kill|\bOutOfMemory|std::bad_alloc"
            r"|cannot allocate memory|unable to allocate [\d.]+ [KMGT]iB"
        ),
        ("memory", "oom", "bad_alloc", "unable to allocate"),
    ),
    _Cause(
        "disk-full",
        re.compile(r"(?i)no space left on device|\[Errno 28\]|disk quota exceeded|\[Errno 122\]"),
        ("no space left", "[errno 28]", "disk quota", "[errno 122]"),
    ),
    _Cause(
        "killed",
        re.compile(r"^\s*(?:\S+: line \d+: +\d+ )?Killed\b|\bSIGKILL\b|exit (?:code|status) 137\b"),
        ("killed", "sigkill", " 137"),
    ),
)
"""What the machine does to a process; a timeout may be survived by trying again."""

_TIMEOUT = _Cause(
    "timeout",
    re.compile(r"(?i)\btimed out\b|\bTimeoutError\b|\bTimeoutExpired\b|deadline exceeded"),
    ("timed out", "timeouterror", "timeoutexpired", "deadline exceeded"),
)
_CAUSES = (*_BLOWS, _TIMEOUT)
_SECOND_HAND = re.compile(
    r"(?:CalledProcessError|ChildFailedError|ProcessRaisedException|BrokenPipeError"
    r"|ConnectionResetError|BrokenProcessPool|EOFError)$"
)


def first_error(text: str) -> ErrorBlock | None:
    """The error a person should read first, or None where the text shows none."""
    text = SGR.sub("", text)
    lines = text.split("\n")
    found = tracebacks(text)
    chosen = _chosen(found)
    behind = found[-1].last_line + 1 if found else 0
    if (blow := _named_line(lines, behind, _BLOWS)) is not None:
        return blow
    if chosen is not None:
        return _of_traceback(chosen)
    return _error_line(lines) or _named_line(lines, 0, (_TIMEOUT,))


def _chosen(found: Sequence[Traceback]) -> Traceback | None:
    for one in reversed(found):
        if not _SECOND_HAND.search(one.exception):
            return one
    return found[-1] if found else None


def _of_traceback(one: Traceback) -> ErrorBlock:
    frame = one.own_frame
    summary = one.summary or "Traceback"
    return ErrorBlock(
        kind=_kind(summary, "traceback"),
        summary=summary,
        file=frame.file if frame else "",
        line=frame.line if frame else 0,
        first_line=one.first_line,
        last_line=one.last_line,
    )


def _kind(summary: str, otherwise: str) -> str:
    return next((cause.kind for cause in _CAUSES if cause.pattern.search(summary)), otherwise)


def _named_line(lines: Sequence[str], start: int, causes: Sequence[_Cause]) -> ErrorBlock | None:
    small = "\n".join(lines[start:]).lower()
    possible = [cause for cause in causes if any(sign in small for sign in cause.signs)]
    for row in range(start, len(lines)) if possible else ():
        for cause in possible:
            if cause.pattern.search(lines[row]):
                return ErrorBlock(cause.kind, lines[row].strip(), "", 0, row, row)
    return None


def _error_line(lines: Sequence[str]) -> ErrorBlock | None:
    """The first block that is marked as an error."""
    if not may_reach("\n".join(lines).encode("utf-8", "replace"), Level.ERROR):
        return None
    first = last = -1
    for row, mark in enumerate(marks(lines)):
        if first < 0 and mark.level is Level.ERROR:
            first = last = row
        elif first >= 0:
            if mark.head or mark.level is not Level.ERROR:
                break
            last = row
    if first < 0:
        return None
    summary = lines[first].strip()
    return ErrorBlock(_kind(summary, "error"), summary, "", 0, first, last)
