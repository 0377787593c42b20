"""Pipelines with their versions, folded from events (pure).

A start from a file says which version it runs, so that ``ExecutionCreated`` makes versions too.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias

from engine.errors import NotFound
from engine.model import events as e
from engine.model.views import local_arn


class PipelineStatus(StrEnum):
    """PipelineStatus of the SageMaker API."""

    ACTIVE = "Active"
    DELETING = "Deleting"
    """Deleted: listed no more, and its name is free."""


@dataclass(frozen=True, slots=True)
class PipelineVersionView:
    """One version of a pipeline."""

    number: int
    """PipelineVersionId."""
    definition: str
    """SHA-256 of the definition's text."""
    content: str
    """Digest of what the definition says, however it is laid out."""
    created_at: float
    created_by: str = ""
    file: str = ""
    """The definition file it came from, absolute; empty where it came by the API."""
    display_name: str = ""
    description: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PipelineView:
    """A pipeline, as its name's last creation and what came after it made it."""

    name: str
    created_at: float
    created_by: str
    versions: tuple[PipelineVersionView, ...]
    """Oldest first; never empty."""
    status: PipelineStatus = PipelineStatus.ACTIVE
    modified_at: float = 0.0
    modified_by: str = ""
    display_name: str = ""
    description: str = ""
    role_arn: str = ""
    max_parallel: int = 0
    tags: dict[str, str] = field(default_factory=dict)
    since: float = 0.0
    """Executions from before are those of a deleted pipeline of the same name."""
    seq: int = 0

    @property
    def arn(self) -> str:
        """ARN in the service's form; the name is in lower case there."""
        return local_arn("pipeline", pipeline_key(self.name))

    @property
    def newest(self) -> PipelineVersionView:
        """The version that runs where none is asked for."""
        return self.versions[-1]

    def version(self, text: str) -> PipelineVersionView:
        """The version that a PipelineVersionId or an alias names; the newest for an empty text.

        Errors: ``NotFound``.
        """
        if not text:
            return self.newest
        for one in self.versions:
            if text == str(one.number) or text in one.aliases:
                return one
        raise NotFound(
            f"pipeline {self.name} has no version {text!r}",
            code="version-not-found",
            hint=f"`pipetui versions {self.name}` lists them.",
        )


PipelineFact: TypeAlias = (
    e.PipelineCreated | e.PipelineUpdated | e.PipelineVersionUpdated | e.PipelineDeleted
)
"""Facts about pipelines alone."""


def pipeline_key(name: str) -> str:
    """What tells pipelines apart: ARNs, and so names, know no upper case."""
    return name.lower()


def existing(view: PipelineView | None, name: str) -> PipelineView:
    """A pipeline that is there and not deleted. Errors: ``NotFound``."""
    if view is None or view.status is not PipelineStatus.ACTIVE:
        raise NotFound(
            f"there is no pipeline {name}",
            code="pipeline-not-found",
            hint="`pipetui pipelines` lists them; the first run of a file makes one.",
        )
    return view


def pipeline_of(event: e.Event) -> str:
    """The key of the pipeline that an event is about; empty where it is about none."""
    if isinstance(event.fact, e.ExecutionCreated | PipelineFact):
        return pipeline_key(event.fact.pipeline)
    return ""


def apply_pipeline(view: PipelineView | None, event: e.Event) -> PipelineView | None:
    """A pipeline after one more event; None while nothing has made it."""
    match event.fact:
        case e.PipelineCreated() as fact:
            changed: PipelineView | None = _created(view, event, fact)
        case e.ExecutionCreated(pipeline_version=number) as fact if number:
            changed = _started(view, event, fact)
        case e.PipelineUpdated() as fact if view is not None:
            changed = _updated(view, event, fact)
        case e.PipelineVersionUpdated() as fact if view is not None:
            versions = tuple(_version_updated(one, fact) for one in view.versions)
            changed = _touched(replace(view, versions=versions), event)
        case e.PipelineDeleted() if view is not None:
            changed = _touched(replace(view, status=PipelineStatus.DELETING), event)
        case _:
            return view
    return changed


def _touched(view: PipelineView, event: e.Event) -> PipelineView:
    return replace(view, modified_at=event.at, modified_by=event.actor, seq=event.seq)


def _created(before: PipelineView | None, event: e.Event, fact: e.PipelineCreated) -> PipelineView:
    return PipelineView(
        name=fact.pipeline,
        created_at=event.at,
        created_by=event.actor,
        versions=(PipelineVersionView(1, fact.definition, fact.content, event.at, event.actor),),
        modified_at=event.at,
        modified_by=event.actor,
        display_name=fact.display_name,
        description=fact.description,
        role_arn=fact.role_arn,
        max_parallel=fact.max_parallel,
        tags=fact.tags,
        since=event.at if before else 0.0,
        seq=event.seq,
    )


def _started(
    view: PipelineView | None, event: e.Event, fact: e.ExecutionCreated
) -> PipelineView | None:
    """The pipeline of an execution, with the version that its start made, where it made one."""
    number = fact.pipeline_version
    version = PipelineVersionView(
        number,
        fact.definition,
        fact.content or fact.definition,
        event.at,
        event.actor,
        fact.file,
    )
    if number == 1 and (view is None or view.status is PipelineStatus.DELETING):
        view = PipelineView(
            fact.pipeline, event.at, event.actor, (), since=event.at if view else 0.0
        )
    if view is None or number != len(view.versions) + 1:
        return view
    return _touched(replace(view, versions=(*view.versions, version)), event)


def _updated(view: PipelineView, event: e.Event, fact: e.PipelineUpdated) -> PipelineView:
    versions = view.versions
    if fact.definition and fact.content != view.newest.content:
        number = len(versions) + 1
        versions += (
            PipelineVersionView(number, fact.definition, fact.content, event.at, event.actor),
        )
    given = {
        "display_name": fact.display_name,
        "description": fact.description,
        "role_arn": fact.role_arn,
        "max_parallel": fact.max_parallel,
        "tags": fact.tags,
    }
    kept = {name: value for name, value in given.items() if value is not None}
    return _touched(replace(view, versions=versions, **kept), event)  # type: ignore[arg-type]


def _version_updated(
    version: PipelineVersionView, fact: e.PipelineVersionUpdated
) -> PipelineVersionView:
    aliases = version.aliases if fact.aliases is None else fact.aliases
    if version.number != fact.version:
        # An alias names one version: what the other got, this one loses.
        left = tuple(one for one in version.aliases if one not in (fact.aliases or ()))
        return replace(version, aliases=left)
    name, text = fact.display_name, fact.description
    return replace(
        version,
        display_name=version.display_name if name is None else name,
        description=version.description if text is None else text,
        aliases=aliases,
    )
