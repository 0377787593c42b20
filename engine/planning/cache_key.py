"""What makes two attempts of a step the same: the cache key, field by field (pure).

The fields per type are those of the developer guide (section 3.7 of the pipelines reference); for
types it does not list, all Arguments count. Of an artefact only the URI is part of the service's
key; the content of a file beside the definition is as well (``fingerprints``), for its path says
nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.definition.document import Step

_FIELDS: dict[str, tuple[str, ...]] = {
    "Processing": ("AppSpecification", "Environment", "ProcessingInputs"),
    "Training": (
        "AlgorithmSpecification",
        "CheckpointConfig",
        "DebugHookConfig",
        "DebugRuleConfigurations",
        "Environment",
        "HyperParameters",
        "InputDataConfig",
    ),
    "Tuning": (
        "HyperParameterTuningJobConfig",
        "TrainingJobDefinition.AlgorithmSpecification",
        "TrainingJobDefinition.HyperParameterRanges",
        "TrainingJobDefinition.InputDataConfig",
        "TrainingJobDefinition.StaticHyperParameters",
        "TrainingJobDefinition.TuningObjective",
        "TrainingJobDefinitions",
    ),
    "AutoML": (
        "AutoMLJobConfig.CompletionCriteria",
        "AutoMLJobConfig.CandidateGenerationConfig",
        "AutoMLJobConfig.DataSplitConfig",
        "AutoMLJobConfig.Mode",
        "AutoMLJobObjective",
        "InputDataConfig",
        "ProblemType",
    ),
    "Transform": ("DataProcessing", "Environment", "ModelName", "TransformInput"),
    "EMR": ("ClusterId", "ClusterConfig", "StepConfig"),
}
_TOP_LEVEL: dict[str, tuple[str, ...]] = {
    "ClarifyCheck": (
        "SkipCheck",
        "RegisterNewBaseline",
        "ModelPackageGroupName",
        "SuppliedBaselineConstraints",
    ),
    "QualityCheck": (
        "SkipCheck",
        "RegisterNewBaseline",
        "ModelPackageGroupName",
        "SuppliedBaselineConstraints",
        "SuppliedBaselineStatistics",
    ),
    "Lambda": ("FunctionArn",),
    "Callback": ("SqsQueueUrl",),
}

_URI_KEYS = frozenset({"S3Uri", "sagemaker_submit_directory", "ModelDataUrl"})

CACHEABLE = frozenset({*_FIELDS, *_TOP_LEVEL, "EMRServerless", "Endpoint", "EndpointConfig", "Job"})
"""Step types whose CacheConfig the service honours."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of two cache keys that is not the same."""

    field: str
    before: Any
    now: Any


def cache_key(
    step: Step,
    arguments: Any,
    extra: Mapping[str, Any],
    fingerprints: Mapping[str, str],
) -> dict[str, Any]:
    """The fields that a result depends on; absent ones are left out.

    Args:
        arguments: resolved Arguments.
        extra: the step's other top-level keys, resolved.
        fingerprints: URI of a local file or folder -> digest of its content.
    """
    given = arguments if isinstance(arguments, Mapping) else {}
    names = _FIELDS.get(step.type)
    found = dict(given) if names is None else {name: _at(given, name) for name in names}
    found |= {name: extra.get(name) for name in _TOP_LEVEL.get(step.type, ())}
    if step.type in ("Lambda", "Callback"):
        found["OutputParameters"] = [[one.name, one.type] for one in step.output_parameters]
    key = {name: value for name, value in found.items() if value is not None}
    return key | ({"files": dict(sorted(fingerprints.items()))} if fingerprints else {})


def local_uris(arguments: Any) -> list[str]:
    """Where Arguments name a file or folder of this host in place of an S3 URI."""
    found: dict[str, None] = {}
    waiting = [arguments]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            for name, inner in value.items():
                if name in _URI_KEYS and isinstance(inner, str):
                    found[inner.strip('"')] = None
                else:
                    waiting.append(inner)
        elif isinstance(value, list):
            waiting.extend(value)
    return sorted(uri for uri in found if uri and not uri.startswith("s3://"))


def digest(key: Mapping[str, Any]) -> str:
    """SHA-256 of a key; the order of an object's members does not matter."""
    text = json.dumps(key, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """The innermost fields in which two keys differ, in the order of the later one."""
    found: list[Difference] = []
    _compare(before, now, "", found)
    return found


def _compare(before: Any, now: Any, path: str, found: list[Difference]) -> None:
    if before == now:
        return
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for name in dict.fromkeys([*now, *before]):
            inner = f"{path}.{name}" if path else str(name)
            _compare(before.get(name), now.get(name), inner, found)
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for index, (old, new) in enumerate(zip(before, now, strict=True)):
            _compare(old, new, f"{path}[{index}]", found)
    else:
        found.append(Difference(path, before, now))


def _at(value: Mapping[str, Any], dotted: str) -> Any:
    found: Any = value
    for name in dotted.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
