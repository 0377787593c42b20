"""The executions read so far: the newest page, and older ones as far as somebody asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.api import ExecutionView, Source

PAGE = 500
"""Executions that are read at once."""


class Pages:
    """Executions of a source, newest first, without gaps.

    Args:
        size: executions of a page.
    """

    def __init__(self, source: Source, size: int = PAGE) -> None:
        self._source = source
        self._size = size
        self._newest: tuple[ExecutionView, ...] = ()
        self._older: dict[str, ExecutionView] = {}
        self.complete = False
        """Whether there are none but those that were read."""

    async def look(self, changed: Iterable[str]) -> tuple[ExecutionView, ...]:
        """All that were read, as they are now; those on older pages only where they ``changed``."""
        before, first = self._newest, not self._newest
        self._newest = tuple(await self._source.executions(limit=self._size))
        if len(self._newest) < self._size:
            self._older, self.complete = {}, True
            return self._newest
        if first:
            self.complete = False
        known = {one.id for one in self._newest}
        # What newer ones pushed off the first page stays known, so that there is never a gap.
        pushed = {one.id: one for one in before if one.id not in known}
        self._older = {**pushed, **self._older}
        for execution_id in set(changed) & self._older.keys():
            self._older[execution_id] = await self._source.execution(execution_id)
        return self.all

    @property
    def all(self) -> tuple[ExecutionView, ...]:
        """All that were read."""
        return (*self._newest, *self._older.values())

    async def more(self) -> Sequence[ExecutionView]:
        """Read the next older page; empty where there is none.

        Errors: as for ``Source.executions``.
        """
        if self.complete or not self._newest:
            return ()
        oldest = min(one.created_at for one in self.all)
        page = await self._source.executions(limit=self._size, before=oldest)
        self._older.update((one.id, one) for one in page)
        self.complete = len(page) < self._size
        return page
