"""What a request means for a pipeline as it stands: a fact, nothing, or a refusal (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engine.errors import CommandRejected, NotFound
from engine.model import events as e
from engine.model.pipelines import PipelineStatus, PipelineView, existing
from engine.pipelines import limits


@dataclass(frozen=True, slots=True)
class VersionChange:
    """What becomes of one version; None leaves a member as it is.

    Args:
        add_aliases: those of another version move here, or are refused without ``move``.
    """

    display_name: str | None = None
    description: str | None = None
    add_aliases: Sequence[str] = ()
    remove_aliases: Sequence[str] = ()
    move: bool = True


def create(view: PipelineView | None, fact: e.PipelineCreated) -> e.PipelineCreated:
    """A new pipeline.

    Errors: ``CommandRejected`` (``pipeline-exists``), ``DefinitionError``.
    """
    limits.check_pipeline_name(fact.pipeline)
    limits.check_description(fact.description)
    limits.check_tags(fact.tags)
    if fact.display_name:
        limits.check_pipeline_name(fact.display_name)
    if view is not None and view.status is PipelineStatus.ACTIVE:
        raise CommandRejected(
            f"a pipeline {view.name} already exists",
            code="pipeline-exists",
            hint="Update it, or choose another name.",
        )
    return fact


def update(view: PipelineView | None, fact: e.PipelineUpdated) -> e.PipelineUpdated | None:
    """A change of a pipeline, without the definition where that is no new one.

    Errors: ``NotFound``, ``DefinitionError``.
    """
    found = existing(view, fact.pipeline)
    limits.check_description(fact.description or "")
    if fact.display_name:
        limits.check_pipeline_name(fact.display_name)
    if fact.content == found.newest.content:
        fact = replace(fact, definition="", content="")
    return None if fact == e.PipelineUpdated(fact.pipeline) else fact


def tag(
    view: PipelineView | None, name: str, add: Mapping[str, str], remove: Sequence[str]
) -> e.PipelineUpdated | None:
    """A change of tags; to remove one that is not there is no error.

    Errors: ``NotFound``, ``DefinitionError`` (``too-many-tags``).
    """
    found = existing(view, name)
    kept = {key: value for key, value in found.tags.items() if key not in remove}
    tags = {**kept, **add}
    limits.check_tags(tags)
    return None if tags == found.tags else e.PipelineUpdated(name, tags=tags)


def update_version(
    view: PipelineView | None, name: str, version: str, change: VersionChange
) -> e.PipelineVersionUpdated | None:
    """A change of a version.

    Errors: ``NotFound``, ``DefinitionError``, ``CommandRejected`` (``version-aliases-full``,
    ``version-alias-taken``).
    """
    limits.check_version_name(change.display_name or "")
    limits.check_description(change.description or "")
    for alias in change.add_aliases:
        limits.check_alias(alias)
    view = existing(view, name)
    found = view.version(version)
    missing = [one for one in change.remove_aliases if one not in found.aliases]
    if missing:
        raise NotFound(
            f"version {found.number} of {name} has no alias {missing[0]}",
            code="version-alias-not-found",
            hint=f"It has {', '.join(found.aliases)}." if found.aliases else "It has none.",
        )
    elsewhere = {alias for one in view.versions if one is not found for alias in one.aliases}
    taken = [one for one in change.add_aliases if one in elsewhere]
    if taken and not change.move:
        raise CommandRejected(
            f"another version of {name} has the alias {taken[0]}",
            code="version-alias-taken",
            hint="Remove it there first.",
        )
    kept = [one for one in found.aliases if one not in change.remove_aliases]
    aliases = tuple(dict.fromkeys((*kept, *change.add_aliases)))
    if len(aliases) > limits.ALIASES_PER_VERSION:
        raise CommandRejected(
            f"version {found.number} of {name} would have {len(aliases)} aliases;"
            f" {limits.ALIASES_PER_VERSION} are allowed",
            code="version-aliases-full",
            hint="Remove one first.",
        )
    fact = e.PipelineVersionUpdated(
        name,
        found.number,
        change.display_name,
        change.description,
        None if aliases == found.aliases else aliases,
    )
    return None if fact == e.PipelineVersionUpdated(name, found.number) else fact


def delete(view: PipelineView | None, name: str) -> e.PipelineDeleted:
    """The end of a pipeline. Errors: ``NotFound``."""
    return e.PipelineDeleted(existing(view, name).name)
