"""What the log view asks of a log; every log source of the engine has it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol


class Line(Protocol):
    """One line: 0-based number (-1 while unknown), raw text, severity, whether it heads a block.

    And when it was written, as far as it says so, how many of its characters say it, and which of
    the source's origins it is from.
    """

    @property
    def number(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def level(self) -> int: ...
    @property
    def head(self) -> bool: ...
    @property
    def at(self) -> float | None: ...
    @property
    def stamp(self) -> int: ...
    @property
    def origin(self) -> int: ...


class Step(Protocol):
    """What one bounded step of a search found, and where the next one starts."""

    @property
    def hits(self) -> Sequence[int]: ...
    @property
    def next(self) -> int: ...
    @property
    def done(self) -> bool: ...


class Block(Protocol):
    """Lines that explain a failure."""

    @property
    def first_line(self) -> int: ...


class Source(Protocol):
    """Growing text addressed by line; severities are the numbers of `logging`."""

    @property
    def count(self) -> int: ...
    @property
    def settled(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def complete(self) -> bool: ...
    @property
    def generation(self) -> int: ...
    @property
    def problem(self) -> str: ...
    @property
    def origins(self) -> tuple[str, ...]: ...

    def refresh(self, budget: int) -> bool: ...
    def lines(self, start: int, count: int) -> Sequence[Line]: ...
    def raw(self, start: int, count: int) -> bytes: ...
    def tail(self, count: int) -> Sequence[Line]: ...
    def first_error(self) -> Block | None: ...

    def scan(
        self,
        start: int,
        *,
        pattern: re.Pattern[str] | None,
        exclude: bool,
        level: int,
        heads: bool,
        budget: int,
    ) -> Step: ...
