"""How much memory the app takes with a large run and a large log open.

    python benchmarks/memory.py [--steps 5000] [--gigabytes 1]

A pipeline of so many steps runs for real; one of its logs is then replaced by one of so many
gigabytes, and the app opens the execution on a pty at 200x50, with the graph beside the list of
steps, and that log. Printed are the app's resident memory and its peak, in MiB, before the log is
opened, when its end is on the screen, and when all its lines are counted. Pages of the log that
the kernel keeps are not the app's.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dags import layered
from engine_overhead import definition

from tests.pty.terminal import PIPETUI, Terminal, environment

SIZE = (200, 50)
LIMIT_S = 300.0
LINE = "2026-01-01 00:00:{:02d} INFO epoch {} loss 0.{} rows read from the second shard of five\n"


def status(pid: int, name: str) -> float:
    """A figure of a process, in MiB."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def told(terminal: Terminal, label: str) -> None:
    """Print what the app takes now."""
    pid = terminal.process.pid
    print(f"{label:<24}{status(pid, 'VmRSS'):>8.0f}{status(pid, 'VmHWM'):>8.0f}", flush=True)


def large_log(file: Path, size: int) -> None:
    """Replace a file by one of so many bytes, in lines."""
    block = "".join(LINE.format(n % 60, n, n) for n in range(10_000)).encode()
    file.unlink(missing_ok=True)
    with file.open("wb") as written:
        for _ in range(size // len(block)):
            written.write(block)


def run(folder: Path, steps: int, size: int) -> Path:
    """A home with a run of so many steps, and a log of so many bytes; the home."""
    home, file = folder / "home", folder / "pipeline.json"
    home.mkdir()
    (home / "config.toml").write_text('[jobs]\nrunner = "process"\n')
    file.write_text(json.dumps(definition(layered(steps))))
    command = [*PIPETUI, "run", str(file), "--headless"]
    subprocess.run(command, env=environment(home), check=True, stdout=subprocess.DEVNULL)
    large_log(next(home.glob("executions/*/steps/s0.1")) / "job.log", size)
    return home


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        home = run(Path(name), options.steps, int(options.gigabytes * 1e9))
        print(f"{'':<24}{'MiB':>8}{'peak':>8}")
        with Terminal([*PIPETUI, "@last"], environment(home), size=SIZE) as terminal:
            terminal.wait_for("s0", "? help", limit=LIMIT_S)
            terminal.settle()
            told(terminal, "steps and graph")
            terminal.send("l")
            terminal.wait_for("rows read", limit=LIMIT_S)
            told(terminal, "the log's end")
            terminal.settle(quiet=2.0, limit=LIMIT_S)
            told(terminal, "all lines counted")
            print(*re.findall(r"[\d,]+ lines", terminal.text))


if __name__ == "__main__":
    main()
