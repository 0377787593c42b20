"""Folders of a job that are stored in S3: when it has ended, or while it runs too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from engine.errors import PipetuiError
from engine.steps.base import StepContext
from engine.steps.hosts import Host
from engine.storage.mirror import Mirror

EVERY_S = 2.0
"""Seconds between two looks at what a running job has written."""


@dataclass(frozen=True, slots=True)
class KeptOutput:
    """A folder of one host of a job.

    Args:
        host: whose folder it is.
        local: the folder as the job sees it.
        mirror: stores it.
        continuous: whether that begins while the job runs.
    """

    host: Host
    local: str
    mirror: Mirror
    continuous: bool

    @property
    def folder(self) -> Path | None:
        """The folder on this host; None where the job removed or replaced it."""
        return self.host.ml.left(self.local)


def store_all(outputs: Sequence[KeptOutput]) -> None:
    """Store what is not stored yet. Errors: ``StorageError``."""
    for output in outputs:
        if (folder := output.folder) is not None:
            output.mirror.all(folder)


@asynccontextmanager
async def stored_meanwhile(
    context: StepContext, outputs: Sequence[KeptOutput]
) -> AsyncIterator[None]:
    """While the block runs, store the files of continuous outputs that nobody writes to any more.

    A problem ends nothing here: it shows when the job has ended, with ``store_all``.
    """
    continuous = [output for output in outputs if output.continuous]
    over = asyncio.Event()
    task = asyncio.create_task(_store_until(over, context, continuous)) if continuous else None
    try:
        yield
    finally:
        over.set()
        if task is not None:
            await task


async def _store_until(
    over: asyncio.Event, context: StepContext, outputs: Sequence[KeptOutput]
) -> None:
    while not over.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), EVERY_S)
            return
        with suppress(PipetuiError):
            await context.in_thread(_store_settled, outputs)


def _store_settled(outputs: Sequence[KeptOutput]) -> None:
    for output in outputs:
        if (folder := output.folder) is not None:
            output.mirror.settled(folder)
