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


def report(path: Path, size: int, lines: int) -> None:
    """Prints the figures of one file."""
    print(f"{size / 1e9:.2f} GB, {lines:,} lines")
    print(f"open and show the last 50 lines   {median_ms(lambda: FileLog(path).tail(50)):8.1f} ms")
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
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory                       {peak:8.1f} MiB")


if __name__ == "__main__":
    main()
