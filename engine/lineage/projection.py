"""Lineage as the service makes it for every job, read off the executions of a home (pure).

Section 5 of the pipelines reference. Nothing is written while a step runs: arguments and properties
of the steps say all of it. A step's attempts are one trial component; a result that was reused or
taken from the cache has the one of the execution that made it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.lineage.graph import (
    Association,
    Edge,
    Entity,
    LineageGraph,
    LineageKind,
    artifact_arn,
    clean_uri,
    places,
)
from engine.model.status import STEP_ENDED, StepAction
from engine.model.views import ExecutionView, ModelPackageView, StepView, execution_arn, local_arn

Json = Mapping[str, Any]
_DATA, _IMAGE, _MODEL, _CHECKPOINT = "DataSet", "Image", "Model", "Checkpoint"


@dataclass(frozen=True, slots=True)
class Traffic:
    """The URIs that a job reads and writes, each with the type of its artifact."""

    inputs: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str], ...]


def project(
    executions: Iterable[tuple[ExecutionView, Sequence[StepView]]],
    packages: Iterable[ModelPackageView],
) -> LineageGraph:
    """The lineage of executions with their steps, and of model packages."""
    made = _Made()
    found = list(executions)
    for _, steps in found:
        for step in steps:
            made.learn_model(step)
    for execution, steps in found:
        for step in steps:
            if step.action is StepAction.RUN and step.status in STEP_ENDED:
                made.add_job(execution, step)
                made.add_endpoint(execution, step)
    pipelines = {execution.id: execution.pipeline for execution, _ in found}
    for package in packages:
        made.add_package(package, pipelines.get(package.execution_id, ""))
    made.join_folders()
    return LineageGraph(made.entities.values(), made.associations)


class _Made:
    """The entities and associations so far."""

    def __init__(self) -> None:
        self.entities: dict[str, Entity] = {}
        self.associations: list[Association] = []
        self._models: dict[str, list[tuple[str, str]]] = {}
        self._configs: dict[str, list[str]] = {}

    def learn_model(self, step: StepView) -> None:
        """What a model or an endpoint configuration stands for, by its name."""
        described = _described(step)
        if step.type == "Model":
            self._models[str(described.get("ModelName"))] = list(_containers(described))
        elif step.type == "EndpointConfig":
            names = [
                str(one.get("ModelName")) for one in _mappings(described, "ProductionVariants")
            ]
            self._configs[str(described.get("EndpointConfigName"))] = names

    def add_job(self, execution: ExecutionView, step: StepView) -> None:
        """The trial component of a job, its inputs and its outputs."""
        described = _described(step)
        for kind, traffic_of in _JOBS.items():
            arn = str(_section(step.metadata, kind).get("Arn") or "")
            if not arn:
                continue
            resource, _, name = arn.rpartition(":")[2].partition("/")
            job = Entity(
                local_arn("experiment-trial-component", f"{name}-aws-{resource}"),
                LineageKind.TRIAL_COMPONENT,
                kind,
                name,
                step.attempts[-1].started_at if step.attempts else step.started_at or 0.0,
                step.ended_at or 0.0,
                str(step.status),
                execution.arn,
                step.name,
                execution.edits.get(step.declared_name, {}),
            )
            self.entities[job.arn] = job
            traffic = traffic_of(described)
            models = self._models.get(str(described.get("ModelName")), [])
            for uri, type_ in (*traffic.inputs, *models):
                self._join(self._artifact(uri, type_), job, Edge.CONTRIBUTED_TO)
            for uri, type_ in traffic.outputs:
                self._join(job, self._artifact(uri, type_), Edge.PRODUCED)

    def add_endpoint(self, execution: ExecutionView, step: StepView) -> None:
        """The context of an endpoint, and the action that deployed models to it."""
        arn = str(_section(step.metadata, "Endpoint").get("Arn") or "")
        if not arn:
            return
        described = _described(step)
        name = arn.rpartition("/")[2]
        context = self._keep(
            Entity(local_arn("context", f"{name}-endpoint"), LineageKind.CONTEXT, "Endpoint", name)
        )
        action = self._keep(
            Entity(
                local_arn("action", f"{name}-{execution.id}-{step.name}-deployment".lower()),
                LineageKind.ACTION,
                "ModelDeployment",
                f"{name}-deployment",
                step.started_at or 0.0,
                step.ended_at or 0.0,
                str(step.status),
                execution.arn,
                step.name,
                execution.edits.get(step.declared_name, {}),
            )
        )
        for model in self._configs.get(str(described.get("EndpointConfigName")), ()):
            for uri, type_ in self._models.get(model, ()):
                self._join(self._artifact(uri, type_), action, Edge.CONTRIBUTED_TO)
        self._join(action, context, Edge.PRODUCED)

    def add_package(self, package: ModelPackageView, pipeline: str) -> None:
        """The artifact of a package, the context of its group and the action that made it."""
        name = package.arn.rpartition("model-package/")[2]
        by = execution_arn(pipeline, package.execution_id) if pipeline else ""
        at = package.created_at
        artifact = self._keep(
            Entity(
                package.arn, LineageKind.ARTIFACT, "ModelPackage", name, at, at,
                str(package.approval), by, package.step,
            )
        )  # fmt: skip
        action = self._keep(
            Entity(
                local_arn("action", f"{name.replace('/', '-')}-registration"), LineageKind.ACTION,
                "ModelPackageRegistration", f"{name}-registration", at, at, "Completed", by,
                package.step,
            )
        )  # fmt: skip
        specification = _section(package.request, "InferenceSpecification")
        for uri, type_ in _containers(specification):
            self._join(self._artifact(uri, type_), action, Edge.CONTRIBUTED_TO)
        self._join(action, artifact, Edge.PRODUCED)
        if package.group:
            arn = local_arn("context", f"{package.group}-model-package-group")
            kind = LineageKind.CONTEXT
            group = self._keep(Entity(arn, kind, "ModelPackageGroup", package.group))
            self._join(artifact, group, Edge.ASSOCIATED_WITH)

    def join_folders(self) -> None:
        """Join what was written with what was read of it: a folder with a file in it."""
        written = {one.destination for one in self.associations if one.type is Edge.PRODUCED}
        read = {one.source for one in self.associations if one.type is Edge.CONTRIBUTED_TO}
        for arn in [*read, *written]:
            one = self.entities[arn]
            for place in list(places(one.name))[1:]:
                around = self.entities.get(artifact_arn(place))
                if around is not None and arn in read and around.arn in written:
                    self._join(around, one, Edge.DERIVED_FROM)
                elif around is not None and arn in written and around.arn in read:
                    self._join(one, around, Edge.DERIVED_FROM)

    def _artifact(self, uri: str, type_: str) -> Entity:
        arn = artifact_arn(uri)
        known = self.entities.get(arn)
        if known is not None and known.type == _DATA and type_ != _DATA:
            self.entities[arn] = replace(known, type=type_)
        return self.entities.setdefault(
            arn, Entity(arn, LineageKind.ARTIFACT, type_, clean_uri(uri))
        )

    def _keep(self, entity: Entity) -> Entity:
        return self.entities.setdefault(entity.arn, entity)

    def _join(self, source: Entity, destination: Entity, edge: Edge) -> None:
        self.associations.append(Association(source.arn, destination.arn, edge))


def _training(job: Json) -> Traffic:
    channels = [_channel(one) for one in _mappings(job, "InputDataConfig")]
    model = _section(job, "ModelArtifacts").get("S3ModelArtifacts")
    made = model if job.get("TrainingJobStatus") == "Completed" else None
    checkpoints = _section(job, "CheckpointConfig").get("S3Uri")
    image = _section(job, "AlgorithmSpecification").get("TrainingImage")
    return Traffic(
        (*_uris(_IMAGE, [image]), *_uris(_DATA, channels)),
        (
            *_uris(_MODEL, [made]),
            *_uris(_DATA, [job.get("OutputDataLocation")]),
            *_uris(_CHECKPOINT, [checkpoints]),
        ),
    )


def _processing(job: Json) -> Traffic:
    inputs = _mappings(job, "ProcessingInputs")
    given = [_section(one, "S3Input").get("S3Uri") for one in inputs]
    for kind in ("AthenaDatasetDefinition", "RedshiftDatasetDefinition"):
        queries = (_section(_section(one, "DatasetDefinition"), kind) for one in inputs)
        given += [query.get("OutputS3Uri") for query in queries]
    outputs = _mappings(_section(job, "ProcessingOutputConfig"), "Outputs")
    made = [_section(one, "S3Output").get("S3Uri") for one in outputs]
    image = _section(job, "AppSpecification").get("ImageUri")
    return Traffic((*_uris(_IMAGE, [image]), *_uris(_DATA, given)), tuple(_uris(_DATA, made)))


def _transform(job: Json) -> Traffic:
    made = _section(job, "TransformOutput").get("S3OutputPath")
    return Traffic(
        tuple(_uris(_DATA, [_channel(_section(job, "TransformInput"))])),
        tuple(_uris(_DATA, [made])),
    )


def _tuning(job: Json) -> Traffic:
    trainings = [
        *_mappings(job, "TrainingJobDefinitions"),
        _section(job, "TrainingJobDefinition"),
    ]
    found = [_training(one) for one in trainings]
    best = _section(job, "BestTrainingJob").get("TrainingJobName")
    paths = [_section(one, "OutputDataConfig").get("S3OutputPath") for one in trainings]
    made = [f"{clean_uri(str(path))}/{best}/output/model.tar.gz" for path in paths if path and best]
    return Traffic(
        tuple(dict.fromkeys(uri for one in found for uri in one.inputs)),
        tuple(_uris(_MODEL, made)),
    )


def _automl(job: Json) -> Traffic:
    channels = [_channel(one) for one in _mappings(job, "InputDataConfig")]
    best = _section(job, "BestCandidate")
    made = [one.get("ModelDataUrl") for one in _mappings(best, "InferenceContainers")]
    return Traffic(tuple(_uris(_DATA, channels)), tuple(_uris(_MODEL, made)))


_JOBS = {
    "TrainingJob": _training,
    "ProcessingJob": _processing,
    "TransformJob": _transform,
    "TuningJob": _tuning,
    "AutoMLJob": _automl,
}
"""Key of a step's metadata -> what its job reads and writes."""


def _described(step: StepView) -> dict[str, Any]:
    """A step's request, with what became of it."""
    return {**(step.arguments if isinstance(step.arguments, dict) else {}), **step.properties}


def _containers(described: Json) -> Iterator[tuple[str, str]]:
    """Image and model data of a model's containers."""
    for one in (_section(described, "PrimaryContainer"), *_mappings(described, "Containers")):
        yield from _uris(_IMAGE, [one.get("Image")])
        yield from _uris(_MODEL, [one.get("ModelDataUrl")])


def _channel(channel: Json) -> Any:
    return _section(_section(channel, "DataSource"), "S3DataSource").get("S3Uri")


def _uris(type_: str, values: Iterable[Any]) -> Iterator[tuple[str, str]]:
    return ((value, type_) for value in values if isinstance(value, str) and value)


def _section(value: Json, key: str) -> Json:
    found = value.get(key)
    return found if isinstance(found, Mapping) else {}


def _mappings(value: Json, key: str) -> list[Json]:
    found = value.get(key)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
