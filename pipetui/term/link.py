"""How much may be under way to the terminal. Pure: it is told the time.

The kernel and ssh take megabytes that nobody has seen yet, so a write that returns says nothing.
What does is a question about the cursor behind what was written: the answer comes when the terminal
has shown it. The time to the answer, less that of an answer to next to nothing, is how long the
link needed; from it comes the window, the bytes that may be under way, so that what a person asks
for waits behind a tenth of a second at most.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import inf

DELAY = 0.08
"""Seconds that what is under way may take to be shown."""
LEAST, FIRST, MOST = 1024, 16_384, 1 << 20
"""Bytes: the window's bounds, and what it is once the terminal has answered for the first time."""
UNKNOWN = 65_536
"""Bytes that may be under way before: the first screen is not to wait for an answer."""
SMALL = 512
"""Bytes below which an answer tells the time of the way, not of the link."""
PATIENCE = 1.0
"""Seconds after which a terminal that never answered is not asked any more."""
BLIND_INTERVAL = 0.25
"""Seconds between two frames to a terminal that does not answer."""
LOST = 10.0
"""Seconds after which an answer counts as lost and the question is asked again."""
_SAMPLES = 16
_MEMORY = 0.7
"""Part of what was measured before that still counts."""
_SHARE = 0.25
"""Part of its own time that a link is left alone after each slice."""
_SLOW_S, _FAST_S = 0.25, 3.0
"""What waits so long makes a link slow; so long without makes it fast again."""


@dataclass(frozen=True, slots=True)
class Question:
    """One that was asked behind some bytes.

    Args:
        mark: what the answer brings back.
    """

    mark: int
    size: int
    at: float


@dataclass(slots=True)
class Link:
    """The way to the terminal, and what is known of it.

    Args:
        interval: least seconds between two frames that nobody asked for.
        asks: whether the terminal answers questions.
        window: bytes that may be under way.
        rate: bytes a second that it takes, 0 before that is known.
        slow: whether it lags behind what there is to show.
        frames: frames a second that pass while it is slow.
        unwritten: bytes that the kernel has not taken yet.
    """

    interval: float = 1 / 30
    asks: bool = True
    window: int = UNKNOWN
    rate: float = 0.0
    slow: bool = False
    frames: float = 0.0
    unwritten: int = 0
    _asked: deque[Question] = field(default_factory=deque)
    _ways: deque[float] = field(default_factory=lambda: deque(maxlen=_SAMPLES))
    _bytes: float = 0.0
    _busy: float = 0.0
    _answered_at: float | None = None
    _rest_until: float = -inf
    _sent_at: float = -inf
    _waits_since: float | None = None
    _slow_at: float = -inf

    @property
    def under_way(self) -> int:
        """Bytes written of which nobody knows yet that they are shown."""
        return max(self.unwritten, sum(question.size for question in self._asked))

    def bytes_in(self, seconds: float) -> int:
        """Bytes that it takes in a time, as far as it is known."""
        return int(seconds * (self.rate or self.window / DELAY))

    def room(self, now: float, *, urgent: bool = False, owing: bool = False) -> int:
        """Bytes that may be written now; 0 while something has to be waited for.

        Args:
            urgent: a person waits for it: it follows what is under way at once.
            owing: it is the rest of a frame.
        """
        if urgent:
            return max(0, 2 * self.window - self.under_way)
        if self._answered_at is None and self.asks and not owing:
            # The first screen comes in several frames.
            return max(0, self.window - self.under_way)
        if self.under_way or now < self._rest_until:
            return 0
        if not owing and now < self._sent_at + self.interval:
            return 0
        return self.window

    def sent(self, now: float, size: int, mark: int, *, owing: bool = False) -> None:
        """Bytes are written, and where the terminal answers a question behind them.

        Args:
            mark: what its answer will bring back.
            owing: whether a part of the frame had no room.
        """
        if self.asks:
            self._asked.append(Question(mark, size, now))
        gap, self._sent_at = now - self._sent_at, now
        if not owing:
            self._waits_since = None
        elif self._waits_since is None:
            self._waits_since = now
        if self._waits_since is not None and now - self._waits_since > _SLOW_S:
            self.slow, self._slow_at = True, now
        elif now - self._slow_at > _FAST_S:
            self.slow, self.frames = False, 0.0
        if self.slow:
            self.frames += (1 / max(gap, 1e-3) - self.frames) * (0.2 if self.frames else 1.0)

    def answered(self, now: float, mark: int) -> None:
        """An answer came; it stands for all questions before it as well."""
        if not self._asked:
            return
        marks = [question.mark for question in self._asked]
        # A terminal that became narrower meanwhile brings back another mark.
        count = marks.index(mark) + 1 if mark in marks else 1
        done = [self._asked.popleft() for _ in range(count)]
        began = max(done[0].at, -inf if self._answered_at is None else self._answered_at)
        if self._answered_at is None:
            self.window = min(self.window, FIRST)
        self._answered_at = now
        self._measure(sum(question.size for question in done), max(now - began, 1e-4), now)

    def check(self, now: float) -> bool:
        """Look for answers that do not come; whether to ask again."""
        if not self._asked or self.unwritten:
            return False
        waited = now - self._asked[-1].at
        if self._answered_at is None and waited > PATIENCE:
            self.asks, self.window = False, MOST
            self.interval = max(self.interval, BLIND_INTERVAL)
            self._asked.clear()
        return bool(self._asked) and waited > LOST

    def forget(self) -> None:
        """Another program had the terminal, or has lost it: no answer is to be waited for."""
        self._asked.clear()

    def _measure(self, size: int, took: float, now: float) -> None:
        if size <= SMALL:
            self._ways.append(took)
        elif took < LOST:
            needed = max(took - min(self._ways, default=0.0), 1e-4)
            fits = int(size / needed * DELAY)
            # A slice much smaller than allowed says nothing about larger ones.
            if fits < self.window or 2 * size > self.window:
                self._bytes = _MEMORY * self._bytes + size
                self._busy = _MEMORY * self._busy + needed
                self.rate = self._bytes / self._busy
                self.window = max(LEAST, min(int(self.rate * DELAY), 2 * self.window, MOST))
            self._rest_until = now + _SHARE * needed


def badge(link: Link) -> str:
    """What a person is told about a slow link: ``link 40 kB/s, 4 fps``; empty on a fast one."""
    if not link.slow or not link.rate:
        return ""
    return f"link {_rounded(link.rate / 1000)} kB/s, {_rounded(link.frames)} fps"


def _rounded(number: float) -> str:
    """A number to one and a half digits, so that it is not another one all the time."""
    if number < 1:
        return f"{max(number, 0.1):.1f}"
    step = 5 if number >= 10 else 1
    return str(max(1, round(number / step) * step))
