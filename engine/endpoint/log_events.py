"""The events of log streams, a page at a time: each line of a file is one.

A line that does not say when it was written has the time of the one before it that does, or of the
stream's start.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.endpoint.faults import AwsFault
from engine.endpoint.log_streams import Stream
from engine.logs.files import FileLog

Json = dict[str, Any]
_LIMIT = 10_000
_PAGE_BYTES = 1 << 20
_EVENT_BYTES = 26
"""What the service adds to each event's size."""
_SCANNED = 100_000
"""Lines that one request looks at; where nothing matches, the page is empty and has a token."""
_CHUNK = 1000
_LOOKED_BACK = 200
_TOKEN = re.compile(r"([fb])/(\d+)")
_WORD = re.compile(r'([-?]?)(?:"((?:[^"\\]|\\.)*)"|(\S+))')


@dataclass(frozen=True, slots=True)
class Window:
    """The time that events are asked for, in milliseconds; the end is not in it."""

    start: int
    end: float

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Window:
        """That of a request."""
        end = given.get("endTime")
        return cls(int(given.get("startTime") or 0), float("inf") if end is None else int(end))


@dataclass(frozen=True, slots=True)
class _Event:
    line: int
    at: int
    text: str

    @property
    def size(self) -> int:
        return len(self.text.encode("utf-8", "replace")) + _EVENT_BYTES


def invalid(why: str) -> AwsFault:
    """The service's error for a request that cannot be."""
    return AwsFault("InvalidParameterException", why)


def event_page(stream: Stream, window: Window, given: Mapping[str, Any]) -> Json:
    """GetLogEvents: a page and the tokens on both of its sides.

    Raises:
        AwsFault: ``InvalidParameterException`` for a token or limit that is none.
    """
    with _Reading(stream) as log:
        forward, place = bool(given.get("startFromHead")), 0 if given.get("startFromHead") else -1
        if token := given.get("nextToken"):
            found = _TOKEN.fullmatch(str(token))
            if found is None:
                raise invalid("The specified nextToken is invalid.")
            forward, place = found[1] == "f", int(found[2])
        if forward:
            events, end = log.forward(place, window, _limit(given))
            start = min(place, log.count)
        else:
            end = log.count if place < 0 else min(place, log.count)
            events, start = log.backward(end, window, _limit(given))
        changed = int(stream.file.stat().st_mtime * 1000)
    return {
        "events": [
            {"timestamp": one.at, "message": one.text, "ingestionTime": max(one.at, changed)}
            for one in events
        ],
        "nextForwardToken": f"f/{end:056d}",
        "nextBackwardToken": f"b/{start:056d}",
    }


def filter_page(streams: Sequence[Stream], window: Window, given: Mapping[str, Any]) -> Json:
    """FilterLogEvents: what matches in several streams, one stream after the other.

    Raises:
        AwsFault: ``InvalidParameterException`` for a token, limit or pattern that is none.
    """
    limit, matches = _limit(given), matcher(given.get("filterPattern") or "")
    place, name = 0, ""
    if token := given.get("nextToken"):
        line, _, name = str(token).partition(":")
        if not line.isdecimal() or name not in {one.name for one in streams}:
            raise invalid("The specified nextToken is invalid.")
        place = int(line)
    found: list[Json] = []
    more: Json = {}
    for stream in streams:
        if stream.name < name:
            continue
        with _Reading(stream) as log:
            begin = place if stream.name == name else 0
            events, end = log.forward(begin, window, limit - len(found), matches)
            found += [_filtered(stream, one) for one in events]
            if end < log.count or len(found) >= limit:
                more = {"nextToken": f"{end}:{stream.name}"}
                break
    found.sort(key=lambda one: int(one["timestamp"]))
    return {"events": found, "searchedLogStreams": [], **more}


def matcher(pattern: str) -> Callable[[str], bool]:
    """What a filter pattern finds: words, ``"phrases"``, ``?any``, ``-none``, or ``%regex%``.

    Raises:
        AwsFault: ``InvalidParameterException`` for patterns on fields, and what is no expression.
    """
    text = pattern.strip()
    if text[:1] in ("{", "["):
        raise invalid("Invalid filter pattern: patterns on fields are not known here.")
    if len(text) > 1 and text[0] == text[-1] == "%":
        try:
            expression = re.compile(text[1:-1])
        except re.error as problem:
            raise invalid(f"Invalid filter pattern: {problem}.") from problem
        return lambda line: expression.search(line) is not None
    terms: dict[str, list[str]] = {"": [], "?": [], "-": []}
    for found in _WORD.finditer(text):
        phrase = found[3] if found[2] is None else re.sub(r"\\(.)", r"\1", found[2])
        terms[found[1]].append(phrase)
    return lambda line: (
        all(term in line for term in terms[""])
        and not any(term in line for term in terms["-"])
        and (not terms["?"] or any(term in line for term in terms["?"]))
    )


def _limit(given: Mapping[str, Any]) -> int:
    limit = given.get("limit")
    if limit is None:
        return _LIMIT
    if not isinstance(limit, int) or not 1 <= limit <= _LIMIT:
        raise invalid(f"limit is a number from 1 to {_LIMIT}.")
    return limit


def _filtered(stream: Stream, event: _Event) -> Json:
    digest = int(hashlib.sha256(stream.name.encode()).hexdigest(), 16) % 10**36
    return {
        "logStreamName": stream.name,
        "timestamp": event.at,
        "message": event.text,
        "ingestionTime": event.at,
        "eventId": f"{digest:036d}{event.line:020d}",
    }


class _Reading:
    """A stream's file, open for one request."""

    def __init__(self, stream: Stream) -> None:
        self._began = stream.created_at
        self._log = FileLog(stream.file)
        while not self._log.complete and self._log.refresh():
            pass
        # A line that has no end yet may still grow, so it is none while the job runs.
        self.count = self._log.count if stream.ended else self._log.settled

    def __enter__(self) -> _Reading:
        return self

    def __exit__(self, *_: object) -> None:
        self._log.close()

    def forward(
        self,
        start: int,
        window: Window,
        limit: int,
        matches: Callable[[str], bool] = lambda _: True,
    ) -> tuple[list[_Event], int]:
        """Events from a line on, and the line to go on with."""
        found: list[_Event] = []
        size, place = 0, min(start, self.count)
        stop = min(self.count, place + _SCANNED)
        for event in self._events(place, stop):
            if window.start <= event.at < window.end and matches(event.text):
                size += event.size
                if len(found) >= limit or (found and size > _PAGE_BYTES):
                    return found, event.line
                found.append(event)
            place = event.line + 1
        return found, place

    def backward(self, end: int, window: Window, limit: int) -> tuple[list[_Event], int]:
        """Events before a line, oldest first, and the line that they begin with."""
        found: list[_Event] = []
        size, place, lowest = 0, end, max(0, end - _SCANNED)
        while place > lowest:
            first = max(lowest, place - _CHUNK)
            for event in reversed(list(self._events(first, place))):
                if window.start <= event.at < window.end:
                    size += event.size
                    if len(found) >= limit or (found and size > _PAGE_BYTES):
                        return found[::-1], event.line + 1
                    found.append(event)
            place = first
        return found[::-1], place

    def _events(self, start: int, stop: int) -> Iterator[_Event]:
        at = self._time_before(start)
        for first in range(start, stop, _CHUNK):
            texts = self._log.texts(first, min(_CHUNK, stop - first))
            for number, text in enumerate(texts, first):
                stamp = self._log.clock.read(text)
                at = int(stamp.at * 1000) if stamp else at
                yield _Event(number, at, text)

    def _time_before(self, start: int) -> int:
        first = max(0, start - _LOOKED_BACK)
        for text in reversed(self._log.texts(first, start - first)):
            if stamp := self._log.clock.read(text):
                return int(stamp.at * 1000)
        return int(self._began * 1000)
