"""What every log source promises; an implementation joins by a writable log in `LOGS`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.logs.base import LogSource
from engine.logs.files import FileLog
from engine.logs.masked import MaskedLog
from engine.logs.merged import MergedLog


class Writable(Protocol):
    """A log that the test can write."""

    source: LogSource

    def append(self, data: bytes) -> None: ...
    def replace(self, data: bytes) -> None: ...


class WrittenFile:
    def __init__(self, folder: Path) -> None:
        self._path = folder / "step.log"
        self._path.unlink(missing_ok=True)
        self.source: LogSource = FileLog(self._path)

    def append(self, data: bytes) -> None:
        with self._path.open("ab") as file:
            file.write(data)

    def replace(self, data: bytes) -> None:
        self._path.write_bytes(data)


class WrittenMerge(WrittenFile):
    """One of two merged logs, the other one empty."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.source = MergedLog([("step", self.source), ("empty", FileLog(folder / "none.log"))])


class WrittenMasked(WrittenFile):
    """One whose secret it does not hold."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.source = MaskedLog(self.source, ["hunter2"], "***")


LOGS: dict[str, Callable[[Path], Writable]] = {
    "file": WrittenFile,
    "masked": WrittenMasked,
    "merged": WrittenMerge,
}

TEXT = st.text(alphabet=st.sampled_from("ab xERO:\té本\n\n"), max_size=200)
quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(params=sorted(LOGS))
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Writable]:
    return lambda: LOGS[request.param](tmp_path)


def texts(source: LogSource) -> list[str]:
    return [line.text for line in source.lines(0, source.count)]


def expected(text: str) -> list[str]:
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]


def found_by_scan(source: LogSource, budget: int, **query: object) -> list[int]:
    hits: list[int] = []
    at, done = 0, False
    while not done:
        step = source.scan(at, budget=budget, **query)  # type: ignore[arg-type]
        assert step.done or step.next > at
        hits = [hit for hit in hits if hit < at] + step.hits
        at, done = step.next, step.done
    return hits


def test_a_log_that_is_not_there_is_empty(make: Callable[[], Writable]) -> None:
    source = make().source
    assert (source.count, source.size, source.complete, source.problem) == (0, 0, True, "")
    assert source.lines(0, 10) == [] and source.tail(10) == []
    assert source.first_error() is None and source.find(re.compile("x")) is None
    assert source.scan(0).done


@quick
@given(chunks=st.lists(TEXT, max_size=6))
def test_lines_are_the_text_however_it_was_written(
    make: Callable[[], Writable], chunks: list[str]
) -> None:
    log = make()
    written = ""
    for chunk in chunks:
        log.append(chunk.encode())
        written += chunk
        assert log.source.refresh() is bool(chunk)
        assert texts(log.source) == expected(written)
        assert log.source.size == len(written.encode())
    assert log.source.refresh() is False


@quick
@given(text=TEXT, start=st.integers(-3, 60), count=st.integers(0, 60))
def test_any_range_and_any_tail_are_parts_of_the_whole(
    make: Callable[[], Writable], text: str, start: int, count: int
) -> None:
    log = make()
    log.append(text.encode())
    log.source.refresh()
    everything = log.source.lines(0, log.source.count)
    assert [line.number for line in everything] == list(range(log.source.count))
    part = log.source.lines(start, count)
    assert part == everything[max(0, start) : max(0, start + count)]
    assert log.source.tail(count) == everything[max(0, len(everything) - count) :]


@quick
@given(text=TEXT, start=st.integers(0, 60), count=st.integers(0, 60))
def test_texts_are_those_of_the_lines(
    make: Callable[[], Writable], text: str, start: int, count: int
) -> None:
    log = make()
    log.append(text.encode())
    log.source.refresh()
    lines = log.source.lines(start, count)
    assert log.source.texts(start, count) == [line.text for line in lines]
    whole = log.source.raw(start, count).decode()
    assert all(line.text in raw for line, raw in zip(lines, whole.split("\n"), strict=False))
    assert len(expected(whole)) == len(lines)


@quick
@given(text=TEXT, more=TEXT)
def test_settled_lines_stay_as_they_are(make: Callable[[], Writable], text: str, more: str) -> None:
    log = make()
    log.append(text.encode())
    log.source.refresh()
    settled = log.source.lines(0, log.source.settled)
    assert log.source.settled >= log.source.count - 1
    log.append(more.encode())
    log.source.refresh()
    assert log.source.lines(0, len(settled)) == settled


@quick
@given(text=TEXT, start=st.integers(0, 30), stop=st.integers(0, 40))
def test_a_search_can_end_before_the_log_does(
    make: Callable[[], Writable], text: str, start: int, stop: int
) -> None:
    log = make()
    log.append(text.encode())
    log.source.refresh()
    hits = log.source.scan(start, pattern=re.compile("a"), stop=stop).hits
    rows = [row for row, line in enumerate(expected(text)) if "a" in line]
    assert hits == [row for row in rows if start <= row < stop]


PATTERNS = ("a", "A", "é", "é本", "a.*b", "^x", r"b$", r"x\s", "[RO]+", re.escape("E.R"), "$^", "")


@quick
@given(
    text=TEXT,
    pattern=st.sampled_from(PATTERNS),
    fold=st.booleans(),
    exclude=st.booleans(),
    budget=st.sampled_from([1, 20, 1 << 20]),
    start=st.integers(0, 40),
)
def test_searches_find_what_looking_at_every_line_finds(
    make: Callable[[], Writable],
    text: str,
    pattern: str,
    fold: bool,
    exclude: bool,
    budget: int,
    start: int,
) -> None:
    log = make()
    log.append(text.encode())
    log.source.refresh()
    sought = re.compile(pattern, re.IGNORECASE if fold else 0)
    hits = [row for row, line in enumerate(expected(text)) if (not sought.search(line)) is exclude]
    assert found_by_scan(log.source, budget, pattern=sought, exclude=exclude) == hits
    if not exclude:
        after = [row for row in hits if row >= start]
        before = [row for row in hits if row < start]
        assert log.source.find(sought, start) == (after[0] if after else None)
        assert log.source.find(sought, start, -1) == (before[-1] if before else None)


@quick
@given(text=TEXT, level=st.sampled_from([20, 30, 40]), heads=st.booleans())
def test_severity_searches_agree_with_the_lines(
    make: Callable[[], Writable], text: str, level: int, heads: bool
) -> None:
    log = make()
    log.append(text.replace("E", "ERROR").replace("R", "WARNING: ").encode())
    log.source.refresh()
    everything = log.source.lines(0, log.source.count)
    wanted = [
        one.number
        for one in everything
        if (one.level >= level or (one.level == 0 and level == 20)) and (one.head or not heads)
    ]
    assert found_by_scan(log.source, 1 << 20, level=level, heads=heads) == wanted


def test_the_open_last_line_is_found_again_when_it_has_grown(
    make: Callable[[], Writable],
) -> None:
    log = make()
    log.append(b"one\nEr")
    log.source.refresh()
    sought = re.compile("Error")
    step = log.source.scan(0, pattern=sought)
    assert (step.hits, step.next, step.done) == ([], 1, True)
    log.append(b"ror")
    log.source.refresh()
    assert log.source.scan(step.next, pattern=sought).hits == [1]


def test_text_that_is_replaced_begins_a_new_generation(make: Callable[[], Writable]) -> None:
    log = make()
    log.append(b"first\nsecond\n")
    log.source.refresh()
    generation = log.source.generation
    log.replace(b"new\n")
    assert log.source.refresh() is True
    assert log.source.generation != generation
    assert texts(log.source) == ["new"]


def test_an_error_is_numbered_as_the_logs_own_lines(make: Callable[[], Writable]) -> None:
    log = make()
    trace = b'Traceback (most recent call last):\n  File "a.py", line 3, in f\nKeyError: 1\n'
    log.append(b"fine\n" * 500 + trace)
    log.source.refresh()
    block = log.source.first_error()
    assert block is not None
    assert (block.first_line, block.last_line, block.file, block.line) == (500, 502, "a.py", 3)
