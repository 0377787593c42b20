"""What was in sight when a person left, kept in a small file for when they come back."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec


@dataclass(frozen=True, slots=True)
class Sight:
    """What was in sight.

    Args:
        execution: the open execution's id; empty at the list of all.
        tab, step: what was open of it.
        selected: the execution under the cursor of the list.
        filter, order, backwards, failures: how the list was narrowed and sorted.
    """

    execution: str = ""
    tab: str = ""
    step: str = ""
    selected: str = ""
    filter: str = ""
    order: str = ""
    backwards: bool = False
    failures: bool = False


class Session:
    """The file that keeps what is in sight.

    Args:
        path: None keeps nothing.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._kept = Sight()
        self._written = Sight()

    def read(self) -> Sight:
        """What was kept; nothing where the file is broken, or another version's."""
        if self._path is not None:
            with suppress(OSError, msgspec.MsgspecError, UnicodeError, RecursionError):
                found = msgspec.json.decode(self._path.read_bytes(), type=Sight)
                self._kept = self._written = found
        return self._kept

    @property
    def kept(self) -> Sight:
        """What is kept, or about to be."""
        return self._kept

    async def keep(self, sight: Sight) -> None:
        """Keep what is in sight, beside the loop, if it is something else than before."""
        self._kept = sight
        if sight != self._written:
            await asyncio.to_thread(self.write)

    def note(self, sight: Sight) -> None:
        """Remember what is in sight until ``write``."""
        self._kept = sight

    def write(self) -> None:
        """Write what is to be kept, if that is not written yet; a full disk forgets it."""
        sight, path = self._kept, self._path
        if path is None or sight == self._written:
            return
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            with open(os.open(draft, flags, 0o600), "wb") as file:
                file.write(msgspec.json.encode(sight))
            draft.replace(path)
            self._written = sight
