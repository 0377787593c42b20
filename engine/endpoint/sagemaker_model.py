"""Requests and answers held against botocore's model of the SageMaker API.

Loading the model takes 0.2 s, so this module is imported with the first request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from botocore import loaders, validate  # type: ignore[import-untyped]
from botocore.model import (  # type: ignore[import-untyped]
    ListShape,
    MapShape,
    OperationModel,
    ServiceModel,
    Shape,
    StructureShape,
)

from engine.endpoint.faults import AwsFault

Json = dict[str, Any]

NEWER_MEMBERS = frozenset({"PipelineVersionAlias", "PipelineVersionAliases", "AliasOperations"})
"""Members of the API that a model may be too old to know."""
_CHECKED_PATTERNS = frozenset(
    {"CallbackToken", "PipelineExecutionName", "PipelineName", "PipelineVersionName"}
    | {"FeatureGroupName", "FeatureGroupNameOrArn", "FeatureName"}
)


@cache
def _service() -> ServiceModel:
    return ServiceModel(loaders.Loader().load_service_model("sagemaker", "service-2"))


def operation(name: str) -> OperationModel:
    """The model of an operation. Raises: ``OperationNotFoundError`` of botocore."""
    return _service().operation_model(name)


def token_member(model: OperationModel) -> str:
    """The member that holds the request's idempotency token; empty where it takes none."""
    names = model.idempotent_members
    return str(names[0]) if names else ""


def check(given: Mapping[str, Any], model: OperationModel) -> None:
    """Refuse a request that breaks the model: members, types, lengths, choices, names.

    Raises:
        AwsFault: ``ValidationException`` that says everything that is wrong.
    """
    shape = model.input_shape
    known = {key: value for key, value in given.items() if key in shape.members}
    report = validate.ParamValidator().validate(known, shape)
    problems = [report.generate_report()] if report.has_errors() else list(_beyond(known, shape))
    unknown = given.keys() - known.keys() - NEWER_MEMBERS
    problems += [f"there is no member {name}" for name in sorted(unknown)]
    if problems:
        raise AwsFault(
            "ValidationException",
            f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected: "
            + "; ".join(problems),
        )


def _beyond(value: Any, shape: Shape, path: str = "") -> list[str]:
    """What botocore leaves to the service: greatest lengths, choices and the form of names."""
    if isinstance(shape, StructureShape):
        return [
            problem
            for key, item in value.items()
            if key in shape.members
            for problem in _beyond(item, shape.members[key], f"{path}.{key}" if path else key)
        ]
    found = [
        problem
        for index, item in enumerate(value if isinstance(shape, ListShape) else ())
        for problem in _beyond(item, shape.member, f"{path}[{index}]")
    ]
    rules = shape.metadata
    if isinstance(value, str | list) and len(value) > rules.get("max", len(value)):
        found.append(
            f"Value at {path!r} failed to satisfy constraint: Member must have length less than"
            f" or equal to {rules['max']}"
        )
    if isinstance(value, int) and value > rules.get("max", value):
        found.append(
            f"Value at {path!r} failed to satisfy constraint: Member must have value less than"
            f" or equal to {rules['max']}"
        )
    if isinstance(value, str) and value not in rules.get("enum", [value]):
        found.append(
            f"Value {value!r} at {path!r} failed to satisfy constraint: Member must satisfy enum"
            f" value set: {rules['enum']}"
        )
    if shape.name in _CHECKED_PATTERNS and not re.fullmatch(rules["pattern"], value):
        found.append(
            f"Value {value!r} at {path!r} failed to satisfy constraint: Member must satisfy"
            f" regular expression pattern: {rules['pattern']}"
        )
    return found


def shaped(value: Any, shape: Shape) -> Any:
    """An answer with the members that the model knows, and times as the protocol has them."""
    if isinstance(shape, StructureShape):
        return {
            key: shaped(item, shape.members[key]) if key in shape.members else item
            for key, item in value.items()
            if key in shape.members or key in NEWER_MEMBERS
        }
    if isinstance(shape, ListShape):
        return [shaped(item, shape.member) for item in value]
    if isinstance(shape, MapShape):
        return {key: shaped(item, shape.value) for key, item in value.items()}
    if shape.type_name == "timestamp" and isinstance(value, str):
        return datetime.fromisoformat(value).timestamp()
    return value
