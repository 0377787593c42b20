"""Writing to a terminal that may not read: whoever writes never waits."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable

_CLOSE_S = 1.0


class Writer:
    """A thread that writes what it is given, in order; what a lost terminal is sent is dropped.

    Args:
        fileno: the terminal.
        wrote: called in the thread with the bytes that are left to be written.
    """

    def __init__(self, fileno: int, wrote: Callable[[int], None]) -> None:
        self._fileno = fileno
        self._wrote = wrote
        self._parts: deque[bytes] = deque()
        self._unwritten = 0
        self._closing = False
        self._lost = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True, name="terminal-writer")
        self._thread.start()

    @property
    def unwritten(self) -> int:
        """Bytes that the kernel has not taken yet."""
        return self._unwritten

    def write(self, data: bytes) -> None:
        """Have something written."""
        with self._changed:
            if not self._lost and data:
                self._parts.append(data)
                self._unwritten += len(data)
                self._changed.notify_all()

    def close(self, limit: float = _CLOSE_S) -> None:
        """Wait until all is written; a terminal that does not read gets no more than ``limit``."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(limit)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._parts or self._closing)
                if not self._parts:
                    return
                data = b"".join(self._parts)
                self._parts.clear()
            try:
                self._write(data)
            except OSError:
                with self._changed:
                    self._lost, self._unwritten = True, 0
                    self._parts.clear()
            self._wrote(self._unwritten)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            count = os.write(self._fileno, view)
            view = view[count:]
            with self._changed:
                self._unwritten -= count
