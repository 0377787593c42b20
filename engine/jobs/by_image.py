"""Jobs of images in their containers, all others on the host, as they run without containers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from engine.jobs import attempt
from engine.jobs.base import Adopted, Exit, Finished, Handle, Job, JobRunner
from engine.jobs.container import ContainerRunner
from engine.jobs.process import ProcessRunner


class ByImageRunner:
    """Runs each job in its container or on the host; the handle has the name of what runs it.

    Args:
        name: what to call it.
        tool: the path of the engine for all jobs with an image; empty where only those that name
            their engine run in containers.
        options: see `ContainerRunner`.
        host: runs all other jobs. Those that start containers themselves are plain processes: the
            tool has to find the host as it is.
    """

    def __init__(self, name: str, tool: str, options: Sequence[str], host: JobRunner) -> None:
        self.name = name
        self._tool = tool
        self._options = options
        self._host = host
        self._plain = ProcessRunner()

    def runner_of(self, job: Job) -> JobRunner:
        """What runs a job that is not started yet."""
        if job.image and (job.engine or self._tool):
            return self._containers(job)
        return self._plain if job.serves else self._host

    def _containers(self, job: Job) -> ContainerRunner:
        return ContainerRunner(job.engine or self._tool, self._options)

    async def start(self, job: Job) -> Handle:
        """See `JobRunner.start`."""
        return await self.runner_of(job).start(job)

    async def wait(self, handle: Handle) -> Exit:
        """See `JobRunner.wait`."""
        directory = handle["directory"]
        end = await self._that_ran(directory).wait(handle)
        await asyncio.to_thread(self._remove_served, directory)
        return end

    async def stop(self, handle: Handle, grace_s: float) -> None:
        """See `JobRunner.stop`."""
        directory = handle["directory"]
        await self._that_ran(directory).stop(handle, grace_s)
        await asyncio.to_thread(self._remove_served, directory)

    def adopt(self, handle: Handle | None, directory: str) -> Adopted:
        """See `JobRunner.adopt`."""
        adopted = self._that_ran(directory).adopt(handle, directory)
        if isinstance(adopted, Finished):
            self._remove_served(directory)
        return adopted

    def _that_ran(self, directory: str) -> JobRunner:
        """The runner that started the job of an attempt; the host's where none was started."""
        kept = attempt.read_job(directory)
        if kept is None:
            return self._host
        job, name = kept
        if name == ContainerRunner.name:
            return self._containers(job)
        return self._plain if name == self._plain.name else self._host

    def _remove_served(self, directory: str) -> None:
        """Remove what a job's program has started and did not live to remove."""
        kept = attempt.read_job(directory)
        if kept and kept[0].serves:
            self._containers(kept[0]).remove(kept[0].serves)
