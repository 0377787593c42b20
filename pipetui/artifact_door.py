"""The part of the feed that leads to artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.api import (
        Artifact,
        ArtifactEntry,
        Difference,
        Downloaded,
        Preview,
        Source,
        StepView,
        Told,
    )


class ArtifactDoor:
    """What a person sees and does of artifacts; named before whatever else a feed is."""

    _source: Source

    async def artifacts(self, step: StepView) -> list[Artifact]:
        """See ``Source.artifacts``."""
        return await self._source.artifacts(step)

    async def entries(self, uri: str) -> list[ArtifactEntry]:
        """See ``Source.entries``."""
        return await self._source.entries(uri)

    async def preview(self, uri: str, member: str, room: tuple[int, int]) -> Preview:
        """See ``Source.preview``."""
        return await self._source.preview(uri, member, room)

    async def place(self, uri: str) -> str:
        """See ``Source.place``."""
        return await self._source.place(uri)

    async def download(
        self, uri: str, member: str, target: str, *, replace: bool, told: Told | None = None
    ) -> Downloaded:
        """See ``Source.download``."""
        return await self._source.download(uri, member, target, replace=replace, told=told)

    async def run_before(self, step: StepView) -> StepView | None:
        """The step's last green run, or the one in the execution before; None for neither."""
        if (green := await self._source.last_green(step)) is not None:
            return green
        this = await self._source.execution(step.execution_id)
        earlier = await self._source.executions(
            limit=1, before=this.created_at, pipeline=this.pipeline
        )
        found = [one for run in earlier for one in await self._source.steps(run.id)]
        return next((one for one in found if one.name == step.name), None)

    async def compare_artifact(
        self, before: StepView, now: StepView, role: str, name: str, inside: str
    ) -> list[Difference]:
        """See ``Source.compare_artifact``."""
        return await self._source.compare_artifact(before, now, role, name, inside)
