"""How fast a large log opens and is searched: ``python benchmarks/logs.py [GIGABYTES]``.

Writes a log of 92-byte lines to the temporary folder, reads it once to warm the page cache and
prints medians. Memory is the peak resident size of this process.
"""

from __future__ import annotations

import re
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from engine.logs.files import MIB, FileLog
from engine.logs.folded import FoldedLog
from engine.logs.merged import MergedLog
from engine.logs.templates import fold
from engine.logs.timestamps import Clock
from pipetui.logview.reader import Reader
from pipetui.logview.view import View

LINE = b"2026-01-01T00:00:00Z INFO step train epoch=1 batch=12345 loss=0.123456 acc=0.9876 #%08d\n"


def write(path: Path, size: int) -> int:
    """Fills a file with about ``size`` bytes of log, an error in its middle; returns lines."""
    lines = size // len(LINE % 0)
    with path.open("wb") as file:
        for start in range(0, lines, 10_000):
            file.write(b"".join(LINE % row for row in range(start, start + 10_000)))
            if start // 10_000 == lines // 20_000:
                file.write(b"Traceback (most recent call last):\nKeyError: 'tenure'\n")
    return lines


def median_ms(action: Callable[[], object], runs: int = 5) -> float:
    """Median wall time of an action, in milliseconds."""
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1e3


def scan_all(log: FileLog, **query: object) -> int:
    """Matching lines in the whole log, found in bounded steps."""
    hits, at, done = 0, 0, False
    while not done:
        step = log.scan(at, **query)  # type: ignore[arg-type]
        hits, at, done = hits + len(step.hits), step.next, step.done
    return hits


def main() -> None:
    """Measures and prints one line per figure."""
    size = int(float(sys.argv[1] if len(sys.argv) > 1 else 1) * 1e9)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "big.log"
        lines = write(path, size)
        size = path.stat().st_size
        with path.open("rb") as file:
            while file.read(4 * MIB):
                pass
        report(path, size, lines)


def first_screen(path: Path) -> str:
    """The last screenful as the widget shows it."""
    return Reader(FileLog(path), View().resized(200, 50)).frame.rows[-1].text


def count_hits(path: Path, text: str) -> float:
    """Milliseconds until a search typed into the open log has counted all its hits.

    Slices as the widget's own, 8 ms each, with nothing between them.
    """
    read = Reader(FileLog(path), View().resized(200, 50))
    while read.busy:
        read.advance(4 * MIB)
    begin = time.perf_counter()
    read.search(text)
    budget, slices = MIB, []
    while read.busy:
        start = time.perf_counter()
        read.advance(budget)
        slices.append(time.perf_counter() - start)
        budget = min(64 * MIB, max(MIB // 4, round(budget * 0.008 / slices[-1])))
    read.catch_up()
    taken = (time.perf_counter() - begin) * 1e3
    slices.sort()
    worst = slices[int(len(slices) * 0.99)] * 1e3 if slices else 0.0
    print(f"  {read.status}; 99 % of slices below {worst:.1f} ms")
    return taken


def drain(log: MergedLog | FoldedLog) -> None:
    """Reads a log to its end in the widget's steps."""
    while not log.complete and log.refresh(16 * MIB):
        pass


def report(path: Path, size: int, lines: int) -> None:
    """Prints the figures of one file."""
    print(f"{size / 1e9:.2f} GB, {lines:,} lines")
    print(f"open and show the last 50 lines   {median_ms(lambda: FileLog(path).tail(50)):8.1f} ms")
    print(f"open to the first screen, 200x50  {median_ms(lambda: first_screen(path)):8.1f} ms")
    log = FileLog(path)
    counting = median_ms(lambda: log.refresh(1 << 62), 1)
    print(f"count all lines                   {counting:8.1f} ms")
    slice_ms = median_ms(lambda: FileLog(path).refresh(64 * MIB))
    print(f"one step of counting (64 MiB)     {slice_ms:8.1f} ms")
    middle = median_ms(lambda: log.lines(log.count // 2, 50), 50)
    print(f"50 lines from the middle          {middle:8.2f} ms")
    needles = {
        "literal": re.compile(f"#{lines - 2000:08d}"),
        "literal, any case": re.compile(f"TRAIN EPOCH=2 #{lines}", re.IGNORECASE),
        "regular expression": re.compile(r"loss=0\.9\d+ acc=.*#97"),
    }
    for name, needle in needles.items():
        taken = median_ms(lambda needle=needle: log.find(needle), 3)  # type: ignore[misc]
        print(f"search: {name:25} {taken:8.1f} ms  {size / taken / 1e3:8.0f} MB/s")
    taken = median_ms(lambda: scan_all(log, level=40, heads=True), 1)
    print(f"all errors                        {taken:8.1f} ms  {size / taken / 1e3:8.0f} MB/s")
    taken = median_ms(log.first_error, 3)
    print(f"first error                       {taken:8.1f} ms")
    for text in ("#0000", "step train", "!absent", r"loss=0\.9\d+ acc"):
        taken = count_hits(path, text)
        print(f"count all hits: {text:17} {taken:8.1f} ms  {size / taken / 1e3:8.0f} MB/s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory                       {peak:8.1f} MiB")
    texts = log.texts(0, 1_000_000)
    clock = Clock(0)
    taken = median_ms(lambda: [*map(clock.read, texts)], 1)
    print(f"times of {len(texts):,} lines          {taken:8.1f} ms")
    taken = median_ms(lambda: fold(texts), 1)
    print(f"templates of {len(texts):,} lines      {taken:8.1f} ms")
    small = path.with_name("small.log")
    write(small, 50_000_000)
    taken = median_ms(lambda: drain(FoldedLog(FileLog(small))), 1)
    print(f"fold 50 MB                        {taken:8.1f} ms")
    taken = median_ms(lambda: drain(MergedLog([("a", FileLog(small)), ("b", FileLog(small))])), 1)
    print(f"merge 2 x 50 MB                   {taken:8.1f} ms")


if __name__ == "__main__":
    main()
