"""How long it takes until something happens, and how much memory that needs.

    python benchmarks/startup.py [--rounds 5]

Measured from outside, as a person waits for it: each figure is the median of whole processes.

* ``--help``, ``ls``: the command line alone
* ``first step``: from the command line to the moment the first job's process runs
* ``first screen``: from exec to the first full screen of an execution of 1000 steps (pty, 120x40)
* ``plan 5000``: a definition of 5000 steps, parsed, validated and planned, in this process
* ``runner``: peak memory of the runner of a 1000-step execution
"""

from __future__ import annotations

import argparse
import json
import os
import pty
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from dags import layered
from engine_overhead import definition

ROOT = Path(__file__).resolve().parents[1]
PIPETUI = [sys.executable, "-m", "pipetui"]
SCREEN_TIMEOUT_S = 20.0
QUESTION, ANSWER = b"\x1b[6n", b"\x1b[1;1R"
"""What is asked about the cursor, and what a terminal answers."""
TERMINAL = {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}


def environment(home: Path) -> dict[str, str]:
    """Variables of a measured process: bytecode allowed, a home of its own."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PIPETUI_HOME": str(home), "PYTHONPATH": str(ROOT)}


def seconds(command: list[str], home: Path) -> float:
    """Seconds that a command takes."""
    started = time.perf_counter()
    subprocess.run(command, env=environment(home), check=True, capture_output=True)
    return time.perf_counter() - started


def first_step(folder: Path) -> float:
    """Seconds from the command line to the first job: the job itself notes the time."""
    home, stamp = folder / "home", folder / "stamp"
    document = definition([[]])
    steps = document["Steps"]
    assert isinstance(steps, list)
    steps[0]["Arguments"]["AppSpecification"]["ContainerEntrypoint"] = [
        "/bin/sh", "-c", f"read up rest </proc/uptime; echo $up > {stamp}"
    ]  # fmt: skip
    file = folder / "first.json"
    file.write_text(json.dumps(document))
    started = float(Path("/proc/uptime").read_text().split()[0])
    subprocess.run(
        [*PIPETUI, "run", str(file), "--headless"],
        env=environment(home), check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return float(stamp.read_text()) - started


def first_screen(home: Path, execution: str, mark: bytes) -> float:
    """Seconds from exec to the first full screen of an execution, on a pty."""
    started = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(PIPETUI[0], [*PIPETUI, execution], environment(home) | TERMINAL)
    seen = b""
    try:
        while mark not in seen and time.perf_counter() - started < SCREEN_TIMEOUT_S:
            if select.select([terminal], [], [], 0.05)[0]:
                seen += (part := os.read(terminal, 65536))
                os.write(terminal, ANSWER * part.count(QUESTION))
        return time.perf_counter() - started
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(terminal)


def plan_5000(folder: Path) -> float:
    """Seconds to parse, validate and plan a definition of 5000 steps."""
    from engine.home import Home
    from engine.runner.start import prepare
    from engine.sources.base import StartRequest

    file = folder / "large.json"
    file.write_text(json.dumps(definition(layered(5000))))
    started = time.perf_counter()
    prepare(Home(folder / "home"), StartRequest(str(file)), None)
    return time.perf_counter() - started


def run_1000(folder: Path) -> dict[str, float]:
    """Figures of a run of 1000 steps, left in ``folder/home`` for the screen to show."""
    (folder / "pipeline.json").write_text(json.dumps(definition(layered())))
    (folder / "pipetui.toml").write_text('[jobs]\nrunner = "process"\n')
    program = [sys.executable, str(Path(__file__).with_name("one_run.py")), str(folder)]
    done = subprocess.run(program, check=True, capture_output=True, text=True,
                          env=environment(folder / "home"))  # fmt: skip
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def median_ms(measure: Callable[[], float], rounds: int) -> float:
    """Median of ``rounds`` measurements, in milliseconds, after one that does not count."""
    measure()
    return statistics.median(measure() for _ in range(rounds)) * 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(ROOT / "engine"),
                    str(ROOT / "pipetui")], env=environment(ROOT), check=True)  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = folder / "home"
        rows = {
            "python -c pass": median_ms(lambda: seconds([sys.executable, "-c", ""], home), rounds),
            "pipetui --help": median_ms(lambda: seconds([*PIPETUI, "--help"], home), rounds),
            "pipetui ls": median_ms(lambda: seconds([*PIPETUI, "ls"], home), rounds),
            "first step": median_ms(lambda: first_step(folder), rounds),
            "plan 5000": median_ms(lambda: plan_5000(folder), rounds),
        }
        figures = run_1000(folder)
        rows["first screen"] = median_ms(lambda: first_screen(home, "@last", b"s0"), rounds)
        for label, value in rows.items():
            print(f"{label:<18}{value:>9.0f} ms")
        print(f"{'runner':<18}{figures['rss_mib']:>9.1f} MiB peak, 1000 steps")


if __name__ == "__main__":
    main()
