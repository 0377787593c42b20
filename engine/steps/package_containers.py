"""Containers of models that are made from model packages of this home's registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.config import Config
from engine.errors import JobError
from engine.steps.base import StepContext
from engine.steps.container import standing_image
from engine.steps.inputs import mappings, section

Json = Mapping[str, Any]


async def with_packages(context: StepContext, model: Json) -> Json:
    """A model whose containers that name a package are those of the package.

    What the model says of such a container's environment wins over the package's.

    Errors: ``JobError`` (``model-package-not-found``, ``algorithm-unsupported``).
    """
    primary = section(model, "PrimaryContainer")
    given = [primary] if primary else mappings(model.get("Containers"))
    if not any(one.get("ModelPackageName") for one in given):
        return model
    containers: list[Json] = []
    for one in given:
        arn = str(one.get("ModelPackageName") or "")
        if not arn:
            containers.append(one)
            continue
        request = await _request(context, arn)
        for container in package_containers(request, arn, context.services.config):
            variables = {**section(container, "Environment"), **section(one, "Environment")}
            containers.append({**container, "Environment": variables})
    return {**model, "PrimaryContainer": None, "Containers": containers}


def package_containers(request: Json, arn: str, config: Config) -> list[Json]:
    """The containers of a package by its request, or by the algorithms that it is made from.

    Errors: ``JobError`` (``algorithm-unsupported``) for an algorithm that the configuration does
    not name an image for.
    """
    found: list[Json] = list(mappings(section(request, "InferenceSpecification").get("Containers")))
    source = section(request, "SourceAlgorithmSpecification")
    for one in mappings(source.get("SourceAlgorithms")):
        name = str(one.get("AlgorithmName"))
        if standing_image(name, config) == name:
            raise JobError(
                f"ClientError: model package {arn} is made from algorithm {name!r}, whose image"
                " only AWS has",
                code="algorithm-unsupported",
                hint="Name an image that stands for it under [images] in the configuration:"
                f' "{name}" = {{ image = "..." }}.',
            )
        found.append({**one, "Image": name})
    return found


async def _request(context: StepContext, arn: str) -> Json:
    group = arn.partition("model-package/")[2].partition("/")[0]
    for package in await context.packages(group):
        if package.arn == arn:
            return package.request
    raise JobError(
        f"ClientError: there is no model package {arn} in this home's registry",
        code="model-package-not-found",
        hint="Register it here first (RegisterModel).",
    )
