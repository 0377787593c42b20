"""Whether an execution's definition file changed since it was run."""

from __future__ import annotations

import os


def changed_since(file: str, at: float) -> bool:
    """Whether the file was written after a point in time; a missing one was not."""
    try:
        return os.stat(file).st_mtime > at
    except OSError:
        return False
