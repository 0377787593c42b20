"""Operations of the SageMaker API on pipelines and their versions."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from engine.endpoint.faults import AwsFault
from engine.endpoint.sagemaker_pages import ordered, page, within
from engine.errors import StorageError
from engine.pipelines import limits
from engine.pipelines.changes import VersionChange
from engine.sources.pipeline_shapes import describe_pipeline, list_pipelines, list_versions

if TYPE_CHECKING:
    from engine.endpoint.sagemaker import Desk
    from engine.model.pipelines import PipelineView
    from engine.sources.reader import LocalReader

Json = dict[str, Any]
Operation = Callable[["Desk", Json], Awaitable[Json]]


async def create_pipeline(desk: Desk, given: Json) -> Json:
    """CreatePipeline."""
    definition = _definition(desk, given)
    if not definition:
        raise AwsFault("ValidationException", "A PipelineDefinition is required.")
    aliases = _aliases(given)
    made = await desk.pipelines.create(
        given["PipelineName"],
        definition,
        display_name=given.get("PipelineDisplayName", ""),
        description=given.get("PipelineDescription", ""),
        role_arn=given["RoleArn"],
        max_parallel=parallelism(given) or 0,
        tags=_tags(given),
    )
    if aliases:
        change = VersionChange(add_aliases=aliases)
        await desk.pipelines.update_version(made.name, "1", change)
    return {"PipelineArn": made.arn}


async def update_pipeline(desk: Desk, given: Json) -> Json:
    """UpdatePipeline; a definition that says something new makes the next version."""
    aliases = _aliases(given)
    before = await desk.read(lambda reader: reader.pipeline(given["PipelineName"]))
    made = await desk.pipelines.update(
        before.name,
        _definition(desk, given),
        display_name=given.get("PipelineDisplayName"),
        description=given.get("PipelineDescription"),
        role_arn=given.get("RoleArn"),
        max_parallel=parallelism(given),
    )
    if aliases:
        if made.newest.number == before.newest.number:
            raise AwsFault(
                "ValidationException",
                "PipelineVersionAliases name the version that an update makes; the definition is"
                " the newest version's.",
            )
        change = VersionChange(add_aliases=aliases, move=False)
        await desk.pipelines.update_version(made.name, str(made.newest.number), change)
    return {"PipelineArn": made.arn, "PipelineVersionId": made.newest.number}


async def describe(desk: Desk, given: Json) -> Json:
    """DescribePipeline, of the newest version or the one that is named."""

    def ask(reader: LocalReader) -> Json:
        view = reader.pipeline(given["PipelineName"])
        version = view.version(version_text(given))
        text = definition_json(reader.definition_text(version.definition))
        return describe_pipeline(view, version, text, reader.executions_of(view))

    return await desk.read(ask)


async def delete_pipeline(desk: Desk, given: Json) -> Json:
    """DeletePipeline; its executions stay on record."""
    return {"PipelineArn": (await desk.pipelines.delete(given["PipelineName"])).arn}


async def list_all(desk: Desk, given: Json) -> Json:
    """ListPipelines."""

    def ask(reader: LocalReader) -> Json:
        prefix = given.get("PipelineNamePrefix", "").lower()
        views = [one for one in reader.pipelines() if one.name.lower().startswith(prefix)]
        views = ordered(
            within(views, given, lambda one: one.created_at),
            given,
            {"CreationTime": lambda one: one.created_at, "Name": lambda one: one.name.lower()},
        )
        shown, more = page(views, given, lambda one: one.name)
        return list_pipelines((one, reader.executions_of(one)) for one in shown) | more

    return await desk.read(ask)


async def list_pipeline_versions(desk: Desk, given: Json) -> Json:
    """ListPipelineVersions."""

    def ask(reader: LocalReader) -> Json:
        view = reader.pipeline(given["PipelineName"])
        versions = ordered(
            within(view.versions, given, lambda one: one.created_at),
            given,
            {"CreationTime": lambda one: one.number},
        )
        shown, more = page(versions, given, lambda one: str(one.number))
        return list_versions(view, shown, reader.executions_of(view)) | more

    return await desk.read(ask)


async def update_pipeline_version(desk: Desk, given: Json) -> Json:
    """UpdatePipelineVersion: name, description, and aliases by ``AliasOperations``."""
    view = await desk.read(lambda reader: reader.pipeline(given["PipelineArn"]))
    aliases = given.get("AliasOperations") or {}
    add, remove = _texts(aliases.get("Add")), _texts(aliases.get("Remove"))
    if set(add) & set(remove):
        raise AwsFault("ValidationException", "An alias cannot be both added and removed.")
    change = VersionChange(
        given.get("PipelineVersionDisplayName"),
        given.get("PipelineVersionDescription"),
        add,
        remove,
        move=False,
    )
    number = given["PipelineVersionId"]
    changed = await desk.pipelines.update_version(view.name, str(number), change)
    return {"PipelineArn": changed.arn, "PipelineVersionId": number}


async def add_tags(desk: Desk, given: Json) -> Json:
    """AddTags, of a pipeline."""
    view = await _tagged(desk, given)
    changed = await desk.pipelines.tag(view.name, _tags(given))
    return {"Tags": _listed(changed.tags)}


async def delete_tags(desk: Desk, given: Json) -> Json:
    """DeleteTags, of a pipeline."""
    view = await _tagged(desk, given)
    await desk.pipelines.tag(view.name, remove=given["TagKeys"])
    return {}


async def list_tags(desk: Desk, given: Json) -> Json:
    """ListTags, of a pipeline."""
    view = await _tagged(desk, given)
    shown, more = page(_listed(view.tags), given, lambda one: one["Key"])
    return {"Tags": shown, **more}


async def _tagged(desk: Desk, given: Json) -> PipelineView:
    arn: str = given["ResourceArn"]
    if ":pipeline/" not in arn or "/execution/" in arn:
        raise AwsFault("ValidationException", f"Tags are kept of pipelines alone, not of {arn}.")
    return await desk.read(lambda reader: reader.pipeline(arn))


def _tags(given: Json) -> dict[str, str]:
    return {one["Key"]: one["Value"] for one in given.get("Tags", ())}


def _listed(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def parallelism(given: Json) -> int | None:
    """MaxParallelExecutionSteps of a request; None where it does not say."""
    number: int | None = given.get("ParallelismConfiguration", {}).get("MaxParallelExecutionSteps")
    return number


def version_text(given: Json) -> str:
    """The version that a request names by id or by alias; empty for the newest."""
    number, alias = given.get("PipelineVersionId"), given.get("PipelineVersionAlias", "")
    if number and alias:
        raise AwsFault(
            "ValidationException", "Give a PipelineVersionId or a PipelineVersionAlias, not both."
        )
    return str(number or alias)


def definition_json(text: str) -> str:
    """A stored definition as JSON, which clients of the API want; YAML is turned into it."""
    try:
        json.loads(text)
    except ValueError:
        from engine.definition.loader import load

        return json.dumps(load(text).raw)
    return text


def _definition(desk: Desk, given: Json) -> str:
    """The definition that a request brings, itself or by an S3 location; empty for none."""
    text: str = given.get("PipelineDefinition", "")
    place = given.get("PipelineDefinitionS3Location")
    if text and place:
        raise AwsFault(
            "ValidationException",
            "Give a PipelineDefinition or a PipelineDefinitionS3Location, not both.",
        )
    if not place:
        return text
    try:
        return desk.object_text(place["Bucket"], place["ObjectKey"])
    except (StorageError, UnicodeDecodeError) as problem:
        raise AwsFault(
            "ValidationException", f"The PipelineDefinitionS3Location cannot be read: {problem}"
        ) from problem


def _aliases(given: Json) -> tuple[str, ...]:
    """Aliases for a version that is about to be made; checked before anything is done."""
    aliases = _texts(given.get("PipelineVersionAliases"))
    if len(aliases) > limits.ALIASES_PER_VERSION:
        raise AwsFault(
            "ValidationException", f"A version has up to {limits.ALIASES_PER_VERSION} aliases."
        )
    for alias in aliases:
        limits.check_alias(alias)
    return aliases


def _texts(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise AwsFault("ValidationException", "Aliases are a list of strings.")
    return tuple(value)


OPERATIONS: dict[str, Operation] = {
    "CreatePipeline": create_pipeline,
    "UpdatePipeline": update_pipeline,
    "DescribePipeline": describe,
    "DeletePipeline": delete_pipeline,
    "ListPipelines": list_all,
    "ListPipelineVersions": list_pipeline_versions,
    "UpdatePipelineVersion": update_pipeline_version,
    "AddTags": add_tags,
    "DeleteTags": delete_tags,
    "ListTags": list_tags,
}
