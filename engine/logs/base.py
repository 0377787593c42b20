"""The seam of every log: growing text addressed by line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from engine.logs.first_error import ErrorBlock
from engine.logs.severity import Level
from engine.logs.timestamps import Clock

UNKNOWN = -1
"""The number of a line that is shown before the lines ahead of it have been counted."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line as a person should read it.

    ``text`` is data: it may hold control characters, which whoever shows it must neutralise.

    Args:
        number: 0-based, or UNKNOWN.
        text: what follows the last carriage return, decoded; cut with a mark when it is huge.
        level: its severity, or that of the block it continues.
        head: False for a line that continues the block above, as a traceback's lines do.
        at: when it was written, in seconds since the epoch, as far as it says so itself.
        stamp: characters at its start that say when.
        origin: which of the source's ``origins`` it comes from.
    """

    number: int
    text: str
    level: Level
    head: bool
    at: float | None = None
    stamp: int = 0
    origin: int = 0


@dataclass(frozen=True, slots=True)
class Scan:
    """What one bounded step of a search found.

    Args:
        hits: ascending numbers of the lines that match, all at or after the step's start.
        next: where the next step starts. The last line may still grow while it has no line end:
            it can be among the hits and be scanned again.
        done: there was nothing more to scan.
    """

    hits: list[int]
    next: int
    done: bool


class LogSource(Protocol):
    """Text that grows at its end.

    Calls are synchronous and do not raise for what becomes of the text: see `problem`.
    """

    @property
    def count(self) -> int:
        """Lines known so far; all of them once `complete`."""

    @property
    def settled(self) -> int:
        """Lines at the front that stay as they are while the text grows."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def complete(self) -> bool:
        """Whether every line has been counted; until then only `tail` reaches the end."""

    @property
    def generation(self) -> int:
        """Changes when earlier lines are no longer what they were: truncated, rotated, replaced."""

    @property
    def problem(self) -> str:
        """Why the log cannot be read, as a sentence; empty when it can."""

    @property
    def origins(self) -> tuple[str, ...]:
        """What the lines come from, where that is more than one log."""

    @property
    def clock(self) -> Clock:
        """Reads the lines' times."""

    def refresh(self, budget: int = ...) -> bool:
        """Picks up growth, truncation and rotation and counts up to ``budget`` more bytes.

        Returns whether anything has changed.
        """

    def lines(self, start: int, count: int) -> list[LogLine]:
        """Lines ``start`` to ``start + count``, as many of them as there are."""

    def texts(self, start: int, count: int) -> list[str]:
        """What ``lines`` gives, without looking into it: cheaper where there are many."""

    def raw(self, start: int, count: int) -> bytes:
        """The whole text of lines, line ends included."""

    def offset(self, line: int) -> int | None:
        """The byte at which a line begins; None where it is not from one file."""

    def tail(self, count: int) -> list[LogLine]:
        """The last lines, at once, whether they have been counted or not."""

    def scan(
        self,
        start: int,
        *,
        pattern: re.Pattern[str] | None = None,
        exclude: bool = False,
        level: int = Level.NONE,
        heads: bool = False,
        stop: int | None = None,
        budget: int = ...,
    ) -> Scan:
        """One bounded step of a search from line ``start``.

        Args:
            pattern: what a line must contain.
            exclude: instead, what it must not contain.
            level: the severity it must at least have; see ``severity.passes`` for those without.
            heads: leave out lines that continue a block.
            stop: the line before which to end; None for all lines.
            budget: work to do, in bytes of plain text search; a regular expression costs more.
        """

    def find(self, pattern: re.Pattern[str], start: int = 0, direction: int = 1) -> int | None:
        """The first line at or after ``start`` (before it for -1) that contains the pattern."""

    def first_error(self) -> ErrorBlock | None:
        """The most telling error near the end, its lines numbered as the log's own."""
