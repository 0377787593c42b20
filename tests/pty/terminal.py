"""A real terminal for tests: a program on a pty, every byte counted, the screen as pyte sees it.

Nothing is read but while somebody waits for something, so a test that does not wait stalls the
program as a terminal that hangs does. A link with a rate stands for ssh: its far end takes what the
program writes into a buffer of its own, shows it at that rate, and answers a question about the
cursor only when the question is shown.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyte
from pyte.screens import Char

ROOT = Path(__file__).resolve().parents[2]
PIPETUI = (sys.executable, "-m", "pipetui")
_TAKE_TERMINAL = (
    "import fcntl, os, sys, termios\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "os.execvp(sys.argv[1], sys.argv[1:])"
)
_READ = 65536
_LOOK = 0.02


class _Screen(pyte.Screen):
    """A pyte screen that hands its answers on, and knows no private sequence by mistake."""

    def __init__(self, columns: int, lines: int, answer: Callable[[bytes], None]) -> None:
        super().__init__(columns, lines)
        self._answer = answer

    def write_process_input(self, data: str) -> None:
        """Answer the program."""
        self._answer(data.encode())

    def report_device_attributes(self, mode: int = 0, **given: Any) -> None:
        """Nothing is said about the terminal's make."""


class Terminal:
    """A program on a pty of its own; use it as a context manager.

    Args:
        command: program and arguments.
        environment: all its variables.
        size: columns and lines.
        rate: bytes a second that are shown; None shows all at once.
        answers: whether questions about the cursor are answered.
        buffer: bytes that a link with a rate takes before it stops reading.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        size: tuple[int, int] = (120, 40),
        rate: float | None = None,
        answers: bool = True,
        buffer: int = 1 << 20,
        cwd: Path | None = None,
    ) -> None:
        self._master, slave = pty.openpty()
        os.set_blocking(self._master, False)
        self._size(*size)
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-c", _TAKE_TERMINAL, *command],
            stdin=slave, stdout=slave, stderr=slave, env=dict(environment),
            start_new_session=True, cwd=cwd or ROOT,
        )  # fmt: skip
        os.close(slave)
        self.screen = _Screen(*size, self._write if answers else lambda _: None)
        self._stream = pyte.ByteStream(self.screen)
        self._rate, self._buffer = rate, buffer
        self._waiting = bytearray()
        self._credit, self._shown_at = 0.0, self.started
        self.raw = bytearray()
        """Every byte that was shown."""
        self.closed = False

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self._master >= 0:
            os.close(self._master)

    @property
    def text(self) -> str:
        """The screen as text."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    @property
    def shown(self) -> int:
        """Bytes shown so far."""
        return len(self.raw)

    def cell(self, x: int, y: int) -> Char:
        """One cell of the screen."""
        return self.screen.buffer[y][x]

    def wait(self, until: Callable[[], bool], limit: float = 20.0, *, what: str = "") -> float:
        """Read until something is so; the seconds it took.

        Errors: ``AssertionError`` with the screen when it is not within ``limit`` seconds.
        """
        started = time.monotonic()
        while not until():
            passed = time.monotonic() - started
            if passed > limit:
                raise AssertionError(f"{what or 'it'} did not come in {limit} s:\n{self.text}")
            self._read(_LOOK)
        return time.monotonic() - started

    def wait_for(self, *texts: str, limit: float = 20.0) -> float:
        """Read until all texts are on the screen."""
        return self.wait(lambda: all(one in self.text for one in texts), limit, what=str(texts))

    def listen(self, seconds: float) -> bytes:
        """Read for a time; what came."""
        before, until = self.shown, time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._read(min(left, _LOOK))
        return bytes(self.raw[before:])

    def settle(self, quiet: float = 0.7, limit: float = 20.0) -> None:
        """Read until nothing has come for a time."""
        until = time.monotonic() + limit
        while self.listen(quiet):
            assert time.monotonic() < until, f"it never rests:\n{self.text}"

    def send(self, keys: str) -> None:
        """Type."""
        self._write(keys.encode())

    def resize(self, columns: int, lines: int) -> None:
        """Another size, as when a window is dragged."""
        self._size(columns, lines)
        self.screen.resize(lines, columns)
        self.process.send_signal(signal.SIGWINCH)

    def hang_up(self) -> None:
        """What the shell's end tells its jobs."""
        self.process.send_signal(signal.SIGHUP)

    def vanish(self) -> None:
        """The terminal is gone, and nobody says so."""
        os.close(self._master)
        self._master = -1

    def exit(self, limit: float = 20.0) -> int:
        """Read until the program has ended; its exit code."""
        self.wait(lambda: self.process.poll() is not None, limit, what="its end")
        self.wait(lambda: self.closed and not self._waiting, limit, what="the rest")
        return self.process.returncode

    def _size(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def _write(self, data: bytes) -> None:
        os.write(self._master, data)

    def _read(self, seconds: float) -> None:
        """Take what is there, waiting for it at most so long, and show what the link lets pass."""
        wait = min(seconds, 0.005) if self._waiting else seconds
        if not self.closed and len(self._waiting) < self._buffer:
            if select.select([self._master], [], [], wait)[0]:
                try:
                    self._waiting += os.read(self._master, _READ)
                except OSError:
                    self.closed = True
        elif wait:
            select.select([], [], [], wait)
        self._show()

    def _show(self) -> None:
        now = time.monotonic()
        if self._rate is None:
            count = len(self._waiting)
        else:
            # What a link could have sent while it was idle is lost.
            passed = now - self._shown_at
            self._credit = min(self._credit + passed * self._rate, _LOOK * self._rate)
            count = min(len(self._waiting), int(self._credit))
            self._credit -= count
        self._shown_at = now
        if count:
            data = bytes(self._waiting[:count])
            del self._waiting[:count]
            self.raw += data
            self._stream.feed(data)


def environment(home: Path, **more: str) -> dict[str, str]:
    """Variables of a program on a terminal: bytecode allowed, no locale but UTF-8."""
    left_out = ("PYTHONDONTWRITEBYTECODE", "NO_COLOR", "SSH_CONNECTION", "TMUX", "COLUMNS", "LINES")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    kept = {name: value for name, value in kept.items() if not name.startswith(("TEXTUAL", "LC_"))}
    given = {"PIPETUI_HOME": str(home), "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
    return kept | given | {"TERM": "xterm-256color", "COLORTERM": "truecolor"} | more
