"""What was in sight when a person left, kept in a small file for when they come back."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path


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
            with suppress(OSError, ValueError, RecursionError):
                self._kept = self._written = _checked(json.loads(self._path.read_text("utf-8")))
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
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(asdict(sight), file)
            draft.replace(path)
            self._written = sight


def _checked(found: object) -> Sight:
    if not isinstance(found, dict):
        return Sight()
    kinds = {field.name: type(field.default) for field in fields(Sight)}
    return Sight(**{name: value for name, value in found.items() if type(value) is kinds.get(name)})
