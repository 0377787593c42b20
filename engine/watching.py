"""Which files of a folder are written, without looking for it again and again.

The kernel tells (inotify), in the loop that waits for everything else: an idle program is not
woken. Where there is no inotify, watchfiles looks a hundred times a second.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import struct
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from pathlib import Path

SETTLE_S = 0.02
"""Seconds in which what is written together is told together."""
_WRITTEN = 0x2 | 0x40 | 0x80 | 0x100 | 0x200
"""IN_MODIFY, IN_MOVED_FROM, IN_MOVED_TO, IN_CREATE, IN_DELETE."""
_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC
_EVENT = struct.Struct("iIII")
_BYTES = 65_536


async def written(folder: Path, every: float) -> AsyncGenerator[frozenset[str], None]:
    """Names of the files that were written, made, moved or removed, soon after; for ever.

    The first yields no name: from then on nothing is missed.

    Args:
        every: seconds after which it yields no name if nothing happened meanwhile.
    """
    fileno = _watch(folder)
    if fileno < 0:
        async with aclosing(_looked_at(folder, every)) as found:
            async for names in found:
                yield names
        return
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    try:
        yield frozenset()
        while True:
            loop.add_reader(fileno, ready.set)
            with suppress(TimeoutError):
                async with asyncio.timeout(every):
                    await ready.wait()
            # Not while it rests: what is not read yet would wake the loop without end.
            loop.remove_reader(fileno)
            if ready.is_set():
                await asyncio.sleep(SETTLE_S)
            ready.clear()
            yield _read(fileno)
    finally:
        loop.remove_reader(fileno)
        os.close(fileno)


def _watch(folder: Path) -> int:
    """A file descriptor that tells of a folder; -1 where the kernel has none to give."""
    library = ctypes.CDLL(None)
    if not hasattr(library, "inotify_init1"):
        return -1
    fileno = int(library.inotify_init1(_FLAGS))
    if fileno >= 0 and library.inotify_add_watch(fileno, os.fsencode(folder), _WRITTEN) < 0:
        os.close(fileno)
        return -1
    return fileno


def _read(fileno: int) -> frozenset[str]:
    names: set[str] = set()
    with suppress(BlockingIOError):
        while data := os.read(fileno, _BYTES):
            start = 0
            while start < len(data):
                *_, size = _EVENT.unpack_from(data, start)
                start += _EVENT.size
                names.add(os.fsdecode(data[start : start + size].rstrip(b"\0")))
                start += size
    return frozenset(names)


async def _looked_at(folder: Path, every: float) -> AsyncGenerator[frozenset[str], None]:
    from watchfiles import awatch

    watcher = awatch(
        folder,
        debounce=40,
        step=10,
        rust_timeout=int(every * 1000),
        yield_on_timeout=True,
        recursive=False,
    )
    async with aclosing(watcher):
        yield frozenset()
        async for found in watcher:
            yield frozenset(Path(path).name for _, path in found)
