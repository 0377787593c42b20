"""Bookmarks in logs, kept in a small file of the UI's own from one session to the next."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

MOST = 500
"""Logs of which bookmarks are kept; those set longest ago go first."""


class Bookmarks:
    """Line numbers by the name of a log.

    Args:
        path: the file; None keeps them for this session only.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._kept: dict[str, list[int]] = {}

    def of(self, log: str) -> tuple[int, ...]:
        """The bookmarks of a log."""
        return tuple(self._read().get(log, ()))

    def keep(self, log: str, lines: Iterable[int]) -> None:
        """Other bookmarks of a log; another session's are kept beside them.

        Errors: ``OSError`` where the file cannot be written.
        """
        kept = self._read()
        kept.pop(log, None)
        if chosen := sorted(set(lines)):
            kept[log] = chosen
        while len(kept) > MOST:
            del kept[next(iter(kept))]
        self._kept = kept
        if self._path is not None:
            self._write(self._path, json.dumps(kept))

    def _read(self) -> dict[str, list[int]]:
        if self._path is None:
            return self._kept
        try:
            found = json.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError):
            # A file that cannot be read is worth no more than none.
            return {}
        return _checked(found)

    def _write(self, path: Path, text: str) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(text)
            draft.replace(path)
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)


def _checked(found: object) -> dict[str, list[int]]:
    if not isinstance(found, dict):
        return {}
    return {
        log: [line for line in lines if isinstance(line, int) and line >= 0]
        for log, lines in found.items()
        if isinstance(log, str) and isinstance(lines, list)
    }
