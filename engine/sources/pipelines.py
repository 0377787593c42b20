"""Changes of the pipelines of a home: created, updated, named, deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from engine.actor import actor
from engine.clock import Clock, SystemClock
from engine.definition.loader import examine
from engine.errors import CommandRejected
from engine.home import Home
from engine.model.events import PipelineCreated, PipelineUpdated
from engine.model.pipelines import PipelineFact, PipelineView
from engine.model.status import EXECUTION_ENDED
from engine.pipelines import changes
from engine.pipelines.changes import VersionChange
from engine.runner.process import alive
from engine.runner.start import content_of, sha_of
from engine.store import queries
from engine.store.connection import connect
from engine.store.sqlite import SqliteStore


class LocalPipelines:
    """What can be done to the pipelines of one home, each act on record with who and when.

    Args:
        who: who acts; this process's user where nobody is named.
    """

    def __init__(self, home: Home, clock: Clock | None = None, who: str = "") -> None:
        self._home = home
        self._clock = clock or SystemClock()
        self._who = who or actor()

    async def create(
        self,
        name: str,
        definition: str,
        *,
        display_name: str = "",
        description: str = "",
        role_arn: str = "",
        max_parallel: int = 0,
        tags: Mapping[str, str] | None = None,
    ) -> PipelineView:
        """Create a pipeline; its definition is version 1.

        Errors: ``CommandRejected`` (``pipeline-exists``), ``DefinitionError``, an
        ``ExceptionGroup`` of them for what the definition breaks.
        """
        sha, content = _digests(definition)
        fact = PipelineCreated(
            name, sha, content, display_name, description, role_arn, max_parallel, dict(tags or {})
        )
        return await self._change(name, lambda view: changes.create(view, fact), definition)

    async def update(
        self,
        name: str,
        definition: str = "",
        *,
        display_name: str | None = None,
        description: str | None = None,
        role_arn: str | None = None,
        max_parallel: int | None = None,
    ) -> PipelineView:
        """Change a pipeline; a definition that says something else makes the next version.

        Errors: ``NotFound``, and those of ``create``.
        """
        sha, content = _digests(definition) if definition else ("", "")
        fact = PipelineUpdated(
            name, sha, content, display_name, description, role_arn, max_parallel
        )
        return await self._change(name, lambda view: changes.update(view, fact), definition)

    async def tag(
        self, name: str, add: Mapping[str, str] | None = None, remove: Sequence[str] = ()
    ) -> PipelineView:
        """Add tags, of which those with a known key get another value, and remove some.

        Errors: ``NotFound``, ``DefinitionError``.
        """
        return await self._change(name, lambda view: changes.tag(view, name, add or {}, remove))

    async def update_version(self, name: str, version: str, change: VersionChange) -> PipelineView:
        """Name, describe or alias a version.

        Args:
            version: a PipelineVersionId or an alias.

        Errors: ``NotFound``, ``CommandRejected``, ``DefinitionError``.
        """
        return await self._change(
            name, lambda view: changes.update_version(view, name, version, change)
        )

    async def delete(self, name: str) -> PipelineView:
        """Delete a pipeline; its executions stay on record.

        Errors: ``NotFound``, ``CommandRejected`` (``pipeline-busy``) while one of them runs.
        """
        self._refuse_busy(name)
        return await self._change(name, lambda view: changes.delete(view, name))

    def _refuse_busy(self, name: str) -> None:
        db = connect(self._home.database)
        try:
            executions = queries.executions_of(db, queries.find_pipeline(db, name))
        finally:
            db.close()
        running = [one.id for one in executions if one.status not in EXECUTION_ENDED]
        if running:
            raise CommandRejected(
                f"pipeline {name} cannot be deleted: {', '.join(running)} has not ended",
                code="pipeline-busy",
                hint="Stop it first.",
            )

    async def _change(
        self,
        name: str,
        change: Callable[[PipelineView | None], PipelineFact | None],
        definition: str = "",
    ) -> PipelineView:
        async with await SqliteStore.open(self._home.database, alive) as store:
            return await store.change_pipeline(
                name, change, definition, at=self._clock.now(), actor=self._who
            )


def _digests(definition: str) -> tuple[str, str]:
    """What the text is stored under, and the digest of what it says."""
    examination = examine(definition)
    if examination.errors or examination.definition is None:
        raise ExceptionGroup("the definition is not valid", list(examination.errors))
    return sha_of(definition), content_of(examination.definition)
