"""Endpoint: a process on this host that serves an endpoint configuration and outlives the run."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from engine.config import Config
from engine.definition.document import Step
from engine.errors import JobError, NotFound, PlanError
from engine.jobs.base import Handle, JobRunner
from engine.model.views import local_arn
from engine.serving import revision
from engine.serving.descriptions import Descriptions, endpoint_configs, models
from engine.serving.endpoints import IN_SERVICE, Endpoint, find_endpoint, locked, save
from engine.serving.revision import Target
from engine.steps.base import Outcome, StepContext, succeeded
from engine.steps.container import base_interpreter, job_environment, runs_images
from engine.steps.endpoint_config import EndpointConfigStep
from engine.steps.inputs import mappings, section
from engine.steps.model_container import (
    Served,
    containers_of,
    home_of,
    lay_out_model,
    roots_for,
)
from engine.steps.opt_ml import OptMl
from engine.steps.package_containers import with_packages

Json = Mapping[str, Any]
_STARTUP = "ContainerStartupHealthCheckTimeoutInSeconds"


class EndpointStep:
    """Creates an endpoint, or updates the one of this name."""

    runs_jobs = False
    interruptible = True

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """Nothing: what an endpoint is to serve is seen when it starts."""
        return None

    def stand_in(self, step: Step, config: Config) -> str:
        """What a local endpoint is."""
        if _is_config(step.arguments):
            return ""
        return (
            f"{_served_by(config)} on this host's loopback, without sign-in, stands for the AWS"
            " endpoint; instance types and counts, scaling, data capture and shadow variants have"
            " no effect"
        )

    async def run(self, context: StepContext) -> Outcome:
        """The properties are DescribeEndpoint's."""
        if _is_config(context.arguments):
            return await EndpointConfigStep().run(context)
        home = home_of(context.services)
        name = str(context.arguments.get("EndpointName") or context.job_name)
        config = endpoint_configs(home).read(str(context.arguments.get("EndpointConfigName") or ""))
        former = former_endpoint(home, name)
        components = former.description["Local"]["Components"] if former else {}
        wanted = Wanted(
            name,
            str(config["EndpointConfigName"]),
            mappings(config.get("ProductionVariants")),
            components,
        )
        endpoint = await roll_out(context, wanted)
        return succeeded(
            {key: value for key, value in endpoint.description.items() if key != "Local"},
            {"Endpoint": {"Arn": endpoint.description["EndpointArn"]}},
            note=f"{endpoint.url} answers",
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an endpoint is to serve.

    Attributes:
        variants: ProductionVariants of its configuration.
        components: CreateInferenceComponent requests by name.
    """

    name: str
    config_name: str
    variants: Sequence[Json]
    components: Mapping[str, Json]


def former_endpoint(home: Path, name: str) -> Endpoint | None:
    """The endpoint that has the name now."""
    with suppress(NotFound):
        return find_endpoint(home, name)
    return None


async def roll_out(context: StepContext, wanted: Wanted) -> Endpoint:
    """Put a new revision into service, or leave the former one there.

    Errors: ``JobError`` where the new one does not become healthy; ``CommandRejected`` where the
    endpoint is being changed by somebody else.
    """
    home, config = home_of(context.services), context.services.config
    runner = await _job_runner(home, config)
    with locked(home, wanted.name):
        former = former_endpoint(home, wanted.name)
        begun = await revision.begin(home, wanted.name, former, runner)
        try:
            targets, served = await _targets(context, wanted, OptMl(begun.ml))
            context.doing("waiting for the endpoint to become healthy")
            handle, port = await revision.start(
                begun,
                targets,
                base_interpreter(config),
                job_environment(context, served.first, {}),
                int(former.description["Local"]["Port"]) if former else 0,
                runner,
            )
        except JobError as error:
            if former is None or former.status != IN_SERVICE:
                raise
            raise JobError(
                f"{error.message}\n{wanted.name} was rolled back: it goes on with"
                f" {former.config_name}",
                code=error.code,
                hint=error.hint,
            ) from error
        save(home, _description(context, wanted, targets, former, handle, port))
        if former is not None:
            await revision.retire(former, runner)
    return find_endpoint(home, wanted.name)


@dataclass(frozen=True, slots=True)
class _Part:
    """A model of an endpoint before it is laid out."""

    name: str
    variant: str
    model: Json
    weight: float
    component: bool
    startup_s: Any


async def _targets(context: StepContext, wanted: Wanted, ml: OptMl) -> tuple[list[Target], Served]:
    """What the endpoint's process starts: each variant's own model, and the components."""
    parts = _parts(wanted, models(home_of(context.services)))
    parts = [replace(part, model=await with_packages(context, part.model)) for part in parts]
    counts = [len(containers_of(part.model)) for part in parts]
    roots = iter(roots_for(sum(counts)))
    served = [
        await lay_out_model(
            context, part.model, ml, list(islice(roots, count)), startup_s=part.startup_s
        )
        for part, count in zip(parts, counts, strict=True)
    ]
    targets = [
        Target(
            part.name,
            part.variant,
            str(part.model.get("ModelName")),
            part.weight,
            part.component,
            one.containers,
        )
        for part, one in zip(parts, served, strict=True)
    ]
    return targets, served[0]


def _parts(wanted: Wanted, known: Descriptions) -> list[_Part]:
    """Errors: ``NotFound`` for a model, ``JobError`` where there is nothing to serve."""
    parts = []
    for variant in wanted.variants:
        if not variant.get("ModelName"):
            continue
        name, weight = variant_name(variant), variant.get("InitialVariantWeight")
        model, limit = known.read(str(variant["ModelName"])), variant.get(_STARTUP)
        share = 1.0 if weight is None else float(weight)
        parts.append(_Part(name, name, model, share, False, limit))
    for name, request in wanted.components.items():
        specification = section(request, "Specification")
        limit = section(specification, "StartupParameters").get(_STARTUP)
        component = _component_model(name, specification, known)
        parts.append(_Part(name, variant_name(request), component, 0.0, True, limit))
    if not parts:
        raise JobError(
            f"ClientError: endpoint {wanted.name} has no model to serve",
            code="endpoint-empty",
            hint="Name a ModelName in a production variant.",
        )
    return parts


def variant_name(request: Json) -> str:
    """The variant that a production variant is, or that a component belongs to."""
    return str(request.get("VariantName") or "AllTraffic")


def _component_model(name: str, specification: Json, known: Descriptions) -> Json:
    """The model of an inference component: one by name, or a container of its own."""
    if specification.get("ModelName"):
        return known.read(str(specification["ModelName"]))
    container = section(specification, "Container")
    return {
        "ModelName": name,
        "PrimaryContainer": {**container, "ModelDataUrl": container.get("ArtifactUrl")},
    }


async def _job_runner(home: Path, config: Config) -> JobRunner:
    from engine.jobs.ladder import choose, probe

    return choose(await probe(str(home / "host" / "probe.json")), config.job_runner)


def _description(
    context: StepContext,
    wanted: Wanted,
    targets: Sequence[Target],
    former: Endpoint | None,
    handle: Handle,
    port: int,
) -> dict[str, Any]:
    now = time.time()
    weights = {target.variant: target.weight for target in targets if not target.component}
    return {
        "EndpointName": wanted.name,
        "EndpointArn": local_arn("endpoint", wanted.name.lower()),
        "EndpointConfigName": wanted.config_name,
        "ProductionVariants": [
            {
                "VariantName": variant_name(variant),
                "CurrentWeight": weights.get(variant_name(variant), 0.0),
                "DesiredWeight": weights.get(variant_name(variant), 0.0),
                "CurrentInstanceCount": 1,
                "DesiredInstanceCount": 1,
            }
            for variant in wanted.variants
        ],
        "EndpointStatus": IN_SERVICE,
        "CreationTime": former.description["CreationTime"] if former else now,
        "LastModifiedTime": now,
        "Local": {
            "Port": port,
            "Handle": handle,
            "Variants": [dict(variant) for variant in wanted.variants],
            "Components": {name: dict(one) for name, one in wanted.components.items()},
            "Execution": context.run.id,
        },
    }


def _served_by(config: Config) -> str:
    return "a process with the models' containers" if runs_images(config) else "a process"


def _is_config(arguments: Any) -> bool:
    """The official schema gives EndpointConfig steps the type Endpoint; their content differs."""
    return isinstance(arguments, Mapping) and "ProductionVariants" in arguments
