"""How the app feels at the end of a slow line: from a key to its effect on the screen.

    python benchmarks/ssh_link.py [--rates 125 32] [--keys 20] [--plain] [--stall 60]

A step prints 1000 lines a second of text that does not compress; the app follows its log at 200x50
on a pty. The line is a model of ssh: its far end takes up to 1 MiB at once, shows it at so many
kB/s, and answers a question about the cursor when it is shown. Two keys take turns: *up*, which
stops following, and *G*, which goes on; each is measured from the moment it is typed until the
terminal shows what it does. ``--plain`` measures the same with Textual's own driver.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.pty.stage import Stage, step
from tests.pty.terminal import Terminal

SIZE = [200, 50]
TALK = """
import base64, os, sys, time
start, sent = time.monotonic(), 0
while not os.path.exists({gate!r}):
    due = int((time.monotonic() - start) * 1000)
    for number in range(sent, due):
        print(number, base64.b64encode(os.urandom(120)).decode())
    sys.stdout.flush()
    sent = due
    time.sleep(0.02)
"""
PLAIN = {"TEXTUAL_DRIVER": "textual.drivers.linux_driver:LinuxDriver"}
SSH = {"SSH_CONNECTION": "10.0.0.1 50000 10.0.0.2 22"}
LIMIT_S = 60.0


def follows(terminal: Terminal) -> bool:
    """Whether the log's status line says that it follows."""
    return "follow |" in terminal.text or "follow ·" in terminal.text


def opened(stage: Stage, rate: float | None, plain: bool) -> Terminal:
    """The app, following the log."""
    more = SSH | (PLAIN if plain else {})
    terminal = stage.terminal("@last", size=(SIZE[0], SIZE[1]), rate=rate, **more)
    terminal.wait_for("talk", limit=LIMIT_S)
    terminal.send("l")
    terminal.wait(lambda: follows(terminal), LIMIT_S, what="following")
    terminal.listen(3.0)
    return terminal


def key_to_paint(terminal: Terminal, keys: int) -> list[float]:
    """Seconds from each key to what it does, at random moments."""
    chance = random.Random(0)
    found = []
    for number in range(keys):
        key, wanted = ("\x1b[A", False) if number % 2 == 0 else ("G", True)
        terminal.listen(0.5 + chance.random())
        terminal.send(key)

        def shown(wanted: bool = wanted) -> bool:
            return follows(terminal) is wanted

        found.append(terminal.wait(shown, LIMIT_S))
    return found


def measure(stage: Stage, rate: float | None, keys: int, plain: bool) -> str:
    """One row of the table."""
    with opened(stage, rate, plain) as terminal:
        times = key_to_paint(terminal, keys)
        before = terminal.shown
        terminal.listen(4.0)
        bytes_s = (terminal.shown - before) / 4
    times.sort()
    line = f"{rate / 1000:.0f} kB/s" if rate else "no limit"
    driver = "textual" if plain else "paced"
    return (
        f"{line:<10}{driver:<9}{statistics.median(times) * 1000:>7.0f}"
        f"{times[int(len(times) * 0.9)] * 1000:>8.0f}{times[-1] * 1000:>8.0f}"
        f"{bytes_s / 1000:>9.1f}"
    )


def stall(stage: Stage, seconds: float) -> str:
    """What a terminal gets that reads nothing for a time."""
    with opened(stage, None, plain=False) as terminal:
        time.sleep(seconds)
        before = terminal.shown
        back = terminal.wait(lambda: terminal.shown > before, LIMIT_S)
        terminal.send("\x1b[A")
        key = terminal.wait(lambda: not follows(terminal), LIMIT_S)
        return (
            f"after {seconds:.0f} s without reading: {(terminal.shown - before) / 1000:.0f} kB, "
            f"the first after {back * 1000:.0f} ms; a key takes {key * 1000:.0f} ms"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rates", type=float, nargs="*", default=[125.0, 32.0])
    parser.add_argument("--size", type=int, nargs=2, default=SIZE)
    parser.add_argument("--keys", type=int, default=20)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--stall", type=float, default=0.0)
    options = parser.parse_args()
    SIZE[:] = options.size
    with tempfile.TemporaryDirectory() as name:
        stage = Stage(Path(name))
        script = Path(name) / "talk.py"
        script.write_text(TALK.format(gate=str(Path(name) / "a")))
        stage.run([step("talk", f"exec {sys.executable} {script}")], detach=True)
        try:
            print(f"{'line':<10}{'driver':<9}{'median':>7}{'p90':>8}{'worst':>8}{'kB/s':>9}   ms")
            for rate in options.rates:
                for plain in (False, True) if options.plain else (False,):
                    print(measure(stage, rate * 1000, options.keys, plain), flush=True)
            if options.stall:
                print(stall(stage, options.stall))
        finally:
            stage.end()


if __name__ == "__main__":
    main()
