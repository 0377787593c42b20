"""How a line is dressed for the screen: its time, its JSON, its colours. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from enum import StrEnum

from pipetui.logview.json_lines import compact
from pipetui.logview.sgr import Ink, inked
from pipetui.logview.source import Line


class Times(StrEnum):
    """How the time of a line is shown."""

    WRITTEN = "as written"
    RELATIVE = "since the start"
    LOCAL = "local"
    UTC = "UTC"
    HIDDEN = "hidden"

    @property
    def next(self) -> Times:
        """The next way, around to the first."""
        ways = list(Times)
        return ways[(ways.index(self) + 1) % len(ways)]


@dataclass(frozen=True, slots=True)
class Dress:
    """How lines are shown.

    Args:
        times: what stands in place of the time that a line states.
        start: what relative times count from, in seconds since the epoch; None where unknown.
        zone: of local times; None is the host's.
        compact: show JSON lines as level, message and the rest.
    """

    times: Times = Times.WRITTEN
    start: float | None = None
    zone: tzinfo | None = None
    compact: bool = False

    def line(self, line: Line) -> tuple[str, tuple[Ink, ...]]:
        """A line's harmless text, and where it has a colour."""
        text = line.text
        if self.times is Times.WRITTEN:
            return inked(compact(text) if self.compact else text)
        text = text[line.stamp :]
        if self.compact:
            text = compact(text, timed=line.at is not None)
        shown, inks = inked(text)
        front = self._time(line.at)
        size = len(front)
        moved = tuple(replace(ink, start=ink.start + size, end=ink.end + size) for ink in inks)
        return front + shown, moved

    def _time(self, at: float | None) -> str:
        """What stands in front of a line; spaces where it has no time."""
        match self.times:
            case Times.RELATIVE:
                width = len("+00:00:00.000 ")
                since = None if at is None or self.start is None else at - self.start
                return " " * width if since is None else f"{relative(since):<{width}}"
            case Times.LOCAL | Times.UTC:
                width = len("01-31 00:00:00.000 ")
                return " " * width if at is None else f"{self._moment(at):<{width}}"
        return ""

    def _moment(self, at: float) -> str:
        zone = UTC if self.times is Times.UTC else self.zone
        try:
            moment = datetime.fromtimestamp(round(at, 3), zone)
        except (ValueError, OverflowError, OSError):
            return "?"
        return f"{moment:%m-%d %H:%M:%S}.{moment.microsecond // 1000:03}"


def relative(seconds: float) -> str:
    """A time since, or before, a moment: ``+00:01:02.500``."""
    millis = round(abs(seconds) * 1000)
    hours, rest = divmod(millis, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return (
        f"{'-' if seconds < 0 else '+'}{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"
    )
