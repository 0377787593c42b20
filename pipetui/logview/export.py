"""A log, or the lines of it that are shown, written to a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipetui.logview.matches import Question
from pipetui.logview.source import Source

_STEP = 4 * 1024 * 1024
_PART = 1024 * 1024
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class Cancelled(Exception):
    """Nobody wants the file any more."""


@dataclass(frozen=True, slots=True)
class Written:
    """What came of it: lines and bytes in the file, and masked values among them."""

    lines: int
    size: int
    masked: int = 0


def export(
    source: Source,
    path: Path,
    question: Question | None = None,
    *,
    replace: bool = False,
    mask: str = "",
    stopped: Callable[[], bool] = lambda: False,
) -> Written:
    """Writes the lines that a question asks for, all without one; meant for a thread of its own.

    The file appears whole, or not at all.

    Args:
        source: read by nobody else meanwhile.
        replace: take the place of a file that is there.
        mask: what stands for a secret in the source, to be counted; empty where it has none.
        stopped: asked now and then whether to give up.

    Errors: ``FileExistsError`` where there is one and ``replace`` is not set, other ``OSError``,
    ``Cancelled``.
    """
    if not replace:
        os.close(os.open(path, _NEW, 0o600))
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    lines = size = masked = 0
    done = False
    try:
        with open(os.open(draft, _NEW, 0o600), "wb") as file:
            for start, count in _runs(source, question):
                for data in _parts(source, start, count):
                    if stopped():
                        raise Cancelled
                    size += file.write(data)
                    masked += data.count(mask.encode()) if mask else 0
                lines += count
        draft.replace(path)
        done = True
    finally:
        for left in () if done else (draft,) if replace else (draft, path):
            with suppress(OSError):
                left.unlink()
    return Written(lines, size, masked)


def _runs(source: Source, question: Question | None) -> Iterator[tuple[int, int]]:
    """The lines to write, as runs of consecutive ones: first line and how many."""
    while not source.complete and source.refresh(_STEP):
        pass
    if question is None or question == Question():
        yield 0, source.count
        return
    at, done = 0, False
    while not done:
        step = source.scan(
            at,
            pattern=question.pattern,
            exclude=question.exclude,
            level=question.level,
            heads=question.heads,
            budget=_STEP,
        )
        first = count = 0
        for hit in step.hits:
            if count and hit == first + count:
                count += 1
                continue
            if count:
                yield first, count
            first, count = hit, 1
        if count:
            yield first, count
        at, done = step.next, step.done


def _parts(source: Source, start: int, count: int) -> Iterator[bytes]:
    """The text of a run in pieces of about a megabyte."""
    piece = max(1, _PART * max(1, source.count) // max(1, source.size))
    for low in range(start, start + count, piece):
        yield source.raw(low, min(piece, start + count - low))
