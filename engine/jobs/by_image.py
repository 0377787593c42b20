"""Jobs with an image in their container, all others on the host, as they run without containers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from engine.jobs import attempt
from engine.jobs.base import Adopted, Exit, Finished, Handle, Job, JobRunner
from engine.jobs.container import ContainerRunner
from engine.jobs.process import ProcessRunner


class ByImageRunner(ContainerRunner):
    """A container runner that leaves PipeTUI's own programs to a runner of the host.

    Args:
        tool, options: see `ContainerRunner`.
        host: runs jobs without an image. Those that start containers themselves are plain
            processes: the tool has to find the host as it is.
    """

    def __init__(self, tool: str, options: Sequence[str], host: JobRunner) -> None:
        super().__init__(tool, options)
        self._host = host
        self._plain = ProcessRunner()

    async def start(self, job: Job) -> Handle:
        """See `JobRunner.start`."""
        if job.image:
            return await super().start(job)
        return await (self._plain if job.serves else self._host).start(job)

    async def wait(self, handle: Handle) -> Exit:
        """See `JobRunner.wait`."""
        if (other := self._other(handle.get("runner"))) is None:
            return await super().wait(handle)
        end = await other.wait(handle)
        await asyncio.to_thread(self._remove_served, handle["directory"])
        return end

    async def stop(self, handle: Handle, grace_s: float) -> None:
        """See `JobRunner.stop`."""
        if (other := self._other(handle.get("runner"))) is None:
            await super().stop(handle, grace_s)
            return
        await other.stop(handle, grace_s)
        await asyncio.to_thread(self._remove_served, handle["directory"])

    def adopt(self, handle: Handle | None, directory: str) -> Adopted:
        """See `JobRunner.adopt`."""
        kept = attempt.read_job(directory)
        other = self._other(kept[1] if kept else None)
        if other is None:
            return super().adopt(handle, directory)
        adopted = other.adopt(handle, directory)
        if isinstance(adopted, Finished):
            self._remove_served(directory)
        return adopted

    def _other(self, name: str | None) -> JobRunner | None:
        """The runner of the host that started a job; None where its container runs."""
        by_name: dict[str, JobRunner] = {one.name: one for one in (self._plain, self._host)}
        return by_name.get(name or self.name)

    def _remove_served(self, directory: str) -> None:
        """Remove what a job's program has started and did not live to remove."""
        kept = attempt.read_job(directory)
        if kept and kept[0].serves:
            self.remove(kept[0].serves)
