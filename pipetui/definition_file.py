"""Whether an execution's definition file changed since it was run."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from pathlib import Path


def changed_since(file: str, at: float) -> bool:
    """Whether the file was written after a point in time; a missing one was not."""
    try:
        return os.stat(file).st_mtime > at
    except OSError:
        return False


async def changes(file: str) -> AsyncGenerator[None, None]:
    """Yields each time the file was written or replaced; ends where it cannot be watched."""
    from watchfiles import awatch

    folder = Path(file).parent
    if not folder.is_dir():
        return
    async for found in awatch(folder, recursive=False, step=200):
        if any(Path(path) == Path(file) for _, path in found):
            yield
