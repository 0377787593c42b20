"""Runs an installer's commands: its lines are kept, its death is explained, a cancel ends it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from engine.environments.installer import Command, Installer
from engine.errors import EnvironmentError_

OnLine = Callable[[str], None]

_TAIL_LINES = 12
_STOP_GRACE_S = 3.0
# what installers say when the network is the trouble, so that their cache alone is worth a try
_NETWORK_TROUBLE = (
    "dns error",
    "error sending request",
    "connection",
    "network",
    "timed out",
    "request failed after",
)


class Installation:
    """Runs installer commands, keeps their lines in a log file and the last few at hand."""

    def __init__(self, installer: Installer, log: Path, on_line: OnLine) -> None:
        self._name = installer.name
        self._variables = installer.variables(os.environ)
        self._log = log
        self._on_line = on_line
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)

    @property
    def network_trouble(self) -> bool:
        """Whether the last lines speak of the network."""
        text = "\n".join(self._tail).lower()
        return any(sign in text for sign in _NETWORK_TROUBLE)

    async def __call__(self, command: Command, folder: Path | None = None) -> None:
        """Run a command, in ``folder``: a requirements file may name paths beside it.

        Raises:
            EnvironmentError_: it cannot be started or ends with an error.
        """
        self._tail.clear()
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=self._variables,
                cwd=folder,
                start_new_session=True,
            )
        except OSError as error:
            raise EnvironmentError_(
                f"{command[0]} cannot be started: {error.strerror}.",
                code="environment-installer-missing",
                hint="Name a Python interpreter that exists in the configuration.",
            ) from error
        try:
            await self._read_lines(process)
            code = await process.wait()
        except asyncio.CancelledError:
            await _stop(process)
            raise
        if code:
            raise EnvironmentError_(
                f"The environment could not be built: {self._name} ended with code {code}.\n"
                + "\n".join(self._tail),
                code="environment-build-failed",
                hint=f"The whole output is in {self._log}. Check the network and the pins, or name"
                " another environment for this image in the configuration.",
                file=str(self._log),
            )

    async def _read_lines(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        with self._log.open("a", encoding="utf-8") as log:
            async for raw in _lines(process.stdout):
                line = _printable(raw.decode("utf-8", "replace")).rstrip()
                if line:
                    log.write(line + "\n")
                    self._tail.append(line)
                    self._on_line(line)


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Lines of a stream; one longer than the reader's buffer comes in pieces."""
    while True:
        try:
            line = await stream.readuntil(b"\n")
        except asyncio.IncompleteReadError as end:
            if end.partial:
                yield end.partial
            return
        except asyncio.LimitOverrunError as overrun:
            line = await stream.readexactly(overrun.consumed)
        yield line


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End an installer and what it started."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, signal_number)
            await asyncio.wait_for(process.wait(), _STOP_GRACE_S)
            return
        except ProcessLookupError:
            return
        except TimeoutError:
            continue


def _printable(text: str) -> str:
    """Text without control characters, so that an installer's line cannot steer a terminal."""
    return "".join(char if char.isprintable() or char == "\t" else " " for char in text)
