"""What lineage is made of: entities, the associations between them, and a walk along them (pure).

As with the service an artifact is one by its URI, not by its content. A URI is written again and
again; a walk therefore follows the last job that wrote it before it was read.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from engine.model.views import local_arn


class LineageKind(StrEnum):
    """The kinds of lineage entities."""

    ARTIFACT = "Artifact"
    TRIAL_COMPONENT = "TrialComponent"
    ACTION = "Action"
    CONTEXT = "Context"


class Edge(StrEnum):
    """How an entity is joined to the next one."""

    CONTRIBUTED_TO = "ContributedTo"
    PRODUCED = "Produced"
    ASSOCIATED_WITH = "AssociatedWith"
    DERIVED_FROM = "DerivedFrom"


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity.

    Args:
        name: of the job, the package, the group; the URI of an artifact in S3.
        type: ``ProcessingJob``, ``DataSet``, ``Image``, ``Model``, ``ModelPackage`` ...
        started_at, ended_at: when a job or an action ran, seconds since the epoch.
        generated_by: ARN of the execution.
        edits: what a rerun changed in the arguments of the step.
    """

    arn: str
    kind: LineageKind
    type: str
    name: str
    started_at: float = 0.0
    ended_at: float = 0.0
    status: str = ""
    generated_by: str = ""
    step: str = ""
    edits: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Association:
    """Two entities by their ARNs, and how they are joined."""

    source: str
    destination: str
    type: Edge


@dataclass(frozen=True, slots=True)
class Branch:
    """An entity in a tree, and those that it leads to.

    Args:
        edge: what joins it to the entity above; None at the root.
        repeated: it stands elsewhere in the tree with all that follows.
    """

    entity: Entity
    edge: Edge | None = None
    children: tuple[Branch, ...] = ()
    repeated: bool = False


def clean_uri(uri: str) -> str:
    """A URI as artifacts are known by: a folder's is the same with and without its slash."""
    return uri.rstrip("/")


def artifact_arn(uri: str) -> str:
    """The ARN of the artifact at a URI."""
    return local_arn("artifact", hashlib.sha256(clean_uri(uri).encode()).hexdigest()[:32])


class LineageGraph:
    """Entities and their associations."""

    def __init__(self, entities: Iterable[Entity], associations: Iterable[Association]) -> None:
        self.entities: dict[str, Entity] = {one.arn: one for one in entities}
        self.associations = tuple(dict.fromkeys(associations))
        self._into: dict[str, list[Association]] = defaultdict(list)
        self._out_of: dict[str, list[Association]] = defaultdict(list)
        for one in self.associations:
            self._into[one.destination].append(one)
            self._out_of[one.source].append(one)

    def artifact_at(self, uri: str) -> Entity | None:
        """The artifact at a URI, else the nearest one whose folder it lies in."""
        for place in places(clean_uri(uri)):
            if found := self.entities.get(artifact_arn(place)):
                return found
        return None

    def tree(self, arn: str, *, downstream: bool = False) -> Branch:
        """What an entity comes from, or what came of it."""
        return self._branch(self.entities[arn], None, downstream, float("inf"), set())

    def _branch(
        self, entity: Entity, edge: Edge | None, downstream: bool, at: float, seen: set[str]
    ) -> Branch:
        """A branch; ``at`` is when the entity was read."""
        if entity.arn in seen:
            return Branch(entity, edge, repeated=bool(self._next(entity, downstream, at)))
        seen.add(entity.arn)
        children = []
        for association, other in self._next(entity, downstream, at):
            read_at = entity.started_at or at
            children.append(self._branch(other, association.type, downstream, read_at, seen))
        return Branch(entity, edge, tuple(children))

    def _next(
        self, entity: Entity, downstream: bool, at: float
    ) -> list[tuple[Association, Entity]]:
        if downstream:
            return [(one, self.entities[one.destination]) for one in self._out_of[entity.arn]]
        found = [(one, self.entities[one.source]) for one in self._into[entity.arn]]
        writers = [other for one, other in found if one.type is Edge.PRODUCED]
        before = [one for one in writers if one.ended_at <= at] or writers
        last = max(before, key=lambda one: one.ended_at, default=None)
        return [(one, other) for one, other in found if other is last or other not in writers]


def places(uri: str) -> Iterator[str]:
    """A URI and the folders that it lies in, the nearest first, down to the bucket."""
    while uri and not uri.endswith("/"):
        yield uri
        uri = uri.rpartition("/")[0]


def lineage_document(branch: Branch, timestamp: Callable[[float], Any]) -> dict[str, Any]:
    """A tree as JSON. Args: timestamp: how a time is written."""
    one = branch.entity
    found: dict[str, Any] = {
        "Arn": one.arn, "LineageType": str(one.kind), "Type": one.type, "Name": one.name
    }  # fmt: skip
    optional = {
        "AssociationType": branch.edge and str(branch.edge),
        "Status": one.status,
        "StepName": one.step,
        "StartTime": one.started_at and timestamp(one.started_at),
        "EndTime": one.ended_at and timestamp(one.ended_at),
        "GeneratedBy": one.generated_by,
        "Edits": dict(one.edits),
        "Repeated": branch.repeated,
    }
    found |= {name: value for name, value in optional.items() if value}
    if branch.children:
        found["Entities"] = [lineage_document(child, timestamp) for child in branch.children]
    return found
