"""Lineage: actions, artifacts, contexts and what joins them, kept in the home.

Limits and names are those of the service's API. Everything is checked before anything is kept.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.config import Config
from engine.definition.document import Step
from engine.errors import JobError, PlanError
from engine.lineage.records import EntityKind, Lineage
from engine.steps.base import Outcome, StepContext, succeeded
from engine.steps.inputs import mappings, section

MOST_ENTITIES = 5
"""Of each kind in a step, and ..."""
MOST_ASSOCIATIONS = 10
"""... associations (limits of the step's metadata, API model)."""
EDGES = ("ContributedTo", "AssociatedWith", "DerivedFrom", "Produced", "SameAs")
_NAME = re.compile(r"[a-zA-Z0-9](?:[-_]*[a-zA-Z0-9]){0,119}")
_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:[0-9]{12}:[a-z-]+/.+")
_FORMS = 'Write {"Name": ..., "Type": "Action"} for one of this step, or {"Arn": ...}.'

Json = Mapping[str, Any]
Key = tuple[str, str]
"""Type and name of an entity of the step."""


@dataclass(frozen=True, slots=True)
class Association:
    """Two ARNs and how they are joined."""

    source: str
    destination: str
    type: str | None


def check(arguments: Json) -> None:
    """Check a step's arguments; an expression in them passes as what it stands for.

    Errors: ``JobError`` that names the entity or the reference.
    """
    known: set[Key] = set()
    unsure = False
    for kind in EntityKind:
        entities = mappings(arguments.get(f"{kind}s"))
        if len(entities) > MOST_ENTITIES:
            raise _wrong(
                "lineage-too-many", f"{len(entities)} {kind}s are more than {MOST_ENTITIES}"
            )
        for entity in entities:
            name = entity.get(f"{kind}Name")
            if isinstance(name, Mapping):
                unsure = True
                continue
            _check_entity(kind, name, entity)
            if (kind, name) in known:
                raise _wrong("lineage-name-twice", f"there are two {kind}s named {name}")
            known.add((kind, str(name)))
    associations = mappings(arguments.get("Associations"))
    if len(associations) > MOST_ASSOCIATIONS:
        text = f"{len(associations)} Associations are more than {MOST_ASSOCIATIONS}"
        raise _wrong("lineage-too-many", text)
    for association in associations:
        edge = association.get("AssociationType")
        if isinstance(edge, str) and edge not in EDGES:
            text = f"AssociationType cannot be {edge!r}"
            raise _wrong("lineage-edge-unknown", text, f"It is one of {', '.join(EDGES)}.")
        for end in ("Source", "Destination"):
            _check_reference(end, section(association, end), known, unsure)


def _check_entity(kind: EntityKind, name: Any, entity: Json) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        hint = "Use up to 120 letters, digits and hyphens, starting with a letter or a digit."
        raise _wrong("lineage-name-invalid", f"{kind}Name cannot be {name!r}", hint)
    if not section(entity, "Source").get("SourceUri"):
        raise _wrong("lineage-source-missing", f"{kind} {name} has no Source.SourceUri")
    if not entity.get(f"{kind}Type"):
        raise _wrong("lineage-type-missing", f"{kind} {name} has no {kind}Type")


def _check_reference(end: str, reference: Json, known: set[Key], unsure: bool) -> None:
    arn, name, kind = (reference.get(key) for key in ("Arn", "Name", "Type"))
    if isinstance(arn, str) and arn:
        if not _ARN.fullmatch(arn):
            raise _wrong("lineage-reference-invalid", f"{end} {arn!r} is no ARN", _FORMS)
    elif isinstance(name, str) and isinstance(kind, str):
        if (kind, name) not in known and not unsure:
            held = ", ".join(f"{one} {other}" for one, other in sorted(known))
            text = f"{end} refers to {kind} {name!r}, which this step does not create"
            raise _wrong("lineage-reference-unknown", text, f"It creates: {held or 'nothing'}.")
    elif not any(isinstance(value, Mapping) for value in (arn, name, kind)):
        raise _wrong(
            "lineage-reference-invalid", f"{end} {dict(reference)!r} names nothing", _FORMS
        )


def _wrong(code: str, text: str, hint: str = "") -> JobError:
    return JobError(f"ClientError: {text}", code=code, hint=hint)


class LineageStep:
    """Creates lineage entities and associations."""

    runs_jobs = False
    interruptible = True

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """What is wrong without looking at any result."""
        try:
            check(step.arguments)
        except JobError as problem:
            text = problem.message.removeprefix("ClientError: ")
            return PlanError(
                f"{step.name}: {text}", code=problem.code, hint=problem.hint, path=step.path
            )
        return None

    def stand_in(self, step: Step, config: Config) -> str:
        """The home's own records stand for SageMaker's."""
        return "kept in this home's lineage, not on AWS"

    async def run(self, context: StepContext) -> Outcome:
        """The properties are the ARNs by name, and the associations."""
        check(context.arguments)
        lineage, now = Lineage(context.services.home), time.time()
        created = _created(context.arguments, lineage)
        joined = [
            _joined(one, created, lineage)
            for one in mappings(context.arguments.get("Associations"))
        ]
        arns: dict[str, dict[str, str]] = {f"{kind}Arns": {} for kind in EntityKind}
        for (kind, name), (arn, entity) in created.items():
            record = {**entity, "MetadataProperties": _metadata_properties(context, entity)}
            lineage.write(EntityKind(kind), arn, record, now)
            arns[f"{kind}Arns"][name] = arn
        for one in joined:
            lineage.associate(one.source, one.destination, one.type, now)
        properties = {
            **arns,
            "Associations": [
                {"SourceArn": one.source, "DestinationArn": one.destination} for one in joined
            ],
        }
        return succeeded(properties, {"Lineage": properties})


def _created(arguments: Json, lineage: Lineage) -> dict[Key, tuple[str, Json]]:
    """ARN and request of each entity of the step."""
    return {
        (kind, name): (
            lineage.arn_of(kind, name, str(section(entity, "Source")["SourceUri"])),
            entity,
        )
        for kind in EntityKind
        for entity in mappings(arguments.get(f"{kind}s"))
        if (name := str(entity[f"{kind}Name"]))
    }


def _joined(
    association: Json, created: Mapping[Key, tuple[str, Json]], lineage: Lineage
) -> Association:
    source, destination = (
        _end(end, section(association, end), created, lineage) for end in ("Source", "Destination")
    )
    return Association(source, destination, association.get("AssociationType"))


def _end(
    end: str, reference: Json, created: Mapping[Key, tuple[str, Json]], lineage: Lineage
) -> str:
    """The ARN of one end. An entity that would be in this home has to be there."""
    if not reference.get("Arn"):
        return created[str(reference["Type"]), str(reference["Name"])][0]
    arn = str(reference["Arn"])
    known = lineage.entity(arn) or any(arn == one for one, _ in created.values())
    if lineage.holds(arn) and not known:
        raise _wrong(
            "lineage-reference-unknown",
            f"{end} refers to {arn}, which is not in this home",
            "Refer to it by name and type where this step creates it.",
        )
    return arn


def _metadata_properties(context: StepContext, entity: Json) -> dict[str, Any]:
    return {"GeneratedBy": context.run.arn, **section(entity, "MetadataProperties")}
