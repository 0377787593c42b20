"""A named pipe that tells a runner to look for commands; a hint, the truth is in the store."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from collections.abc import Callable
from pathlib import Path

NAME = "wakeup"


class Wakeup:
    """The runner's end.

    Args:
        folder: of the execution; exists.
        on_wake: called in the loop, once for any number of nudges since the last call.
    """

    def __init__(self, folder: Path, on_wake: Callable[[], None]) -> None:
        self._path = folder / NAME
        self._on_wake = on_wake
        self._descriptor = -1

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Make the pipe and listen to it."""
        with contextlib.suppress(FileExistsError):
            os.mkfifo(self._path, 0o600)
        # Opened for both directions, the pipe never reports an end when a writer leaves.
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        loop.add_reader(self._descriptor, self._read)

    def close(self, loop: asyncio.AbstractEventLoop) -> None:
        """Stop listening."""
        if self._descriptor >= 0:
            loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._descriptor, 4096)
        self._on_wake()


def nudge(folder: Path) -> bool:
    """Wake the runner of an execution; False where none listens."""
    try:
        descriptor = os.open(folder / NAME, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as problem:
        if problem.errno in (errno.ENXIO, errno.ENOENT):
            return False
        raise
    try:
        os.write(descriptor, b"!")
    except BlockingIOError:
        return True
    except BrokenPipeError:
        return False
    finally:
        os.close(descriptor)
    return True
