"""The pipeline definition as frozen values: document, parameters, steps (version 2020-12-01).

A key whose value is null counts as absent, on the document, on a parameter and on a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from engine.definition import expire_after
from engine.definition.lines import NO_LINES, Lines

VERSION = "2020-12-01"

Scalar: TypeAlias = str | int | float | bool


class ParameterType(StrEnum):
    """The declared type of a parameter; String where the definition names none."""

    STRING = "String"
    INTEGER = "Integer"
    FLOAT = "Float"
    BOOLEAN = "Boolean"


class StepType(StrEnum):
    """The step types whose definition is publicly known."""

    AUTO_ML = "AutoML"
    CALLBACK = "Callback"
    CLARIFY_CHECK = "ClarifyCheck"
    CLEANUP = "Cleanup"
    CONDITION = "Condition"
    EMR = "EMR"
    EMR_SERVERLESS = "EMRServerless"
    ENDPOINT = "Endpoint"
    ENDPOINT_CONFIG = "EndpointConfig"
    FAIL = "Fail"
    FOR_EACH = "ForEach"
    INFERENCE_COMPONENT = "InferenceComponent"
    JOB = "Job"
    LAMBDA = "Lambda"
    LINEAGE = "Lineage"
    MODEL = "Model"
    PROCESSING = "Processing"
    QUALITY_CHECK = "QualityCheck"
    REGISTER_MODEL = "RegisterModel"
    TRAINING = "Training"
    TRANSFORM = "Transform"
    TUNING = "Tuning"


TOLERATED_TYPES = frozenset(
    {
        "Athena",
        "BedrockCustomModel",
        "BedrockCustomModelDeployment",
        "BedrockModelImport",
        "BedrockProvisionedModelThroughput",
        "HubContent",
    }
)
"""Types the API reports on but whose definition is not public: shown, never run."""


class Trigger(StrEnum):
    """The end of an upstream step that lets a dependent start; a plain name means Succeeded."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    STOPPED = "Stopped"
    ANY = "Any"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter that an execution is started with; required where it has no default."""

    name: str
    type: ParameterType = ParameterType.STRING
    default: Scalar | None = None
    has_default: bool = False
    enum_values: tuple[Scalar, ...] = ()
    description: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Dependency:
    """One entry of ``DependsOn``."""

    step: str
    trigger: Trigger = Trigger.SUCCEEDED


@dataclass(frozen=True, slots=True)
class CacheConfig:
    """Whether a step may reuse an earlier result, and for how long (``30d``, ``PT1H``)."""

    enabled: bool = False
    expire_after: str | None = None

    @property
    def expire_after_s(self) -> int | None:
        """``expire_after`` in seconds; None means that the result never expires."""
        return None if self.expire_after is None else expire_after.seconds(self.expire_after)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a step that failed with one of these exceptions runs again.

    Exactly one of ``max_attempts`` and ``expire_after_min`` is set; 0 means never.
    """

    exception_types: tuple[str, ...]
    interval_s: float = 1
    backoff_rate: float = 2.0
    max_attempts: int | None = 5
    expire_after_min: int | None = None


@dataclass(frozen=True, slots=True)
class PropertyFile:
    """A JSON file in an output of a Processing step, readable by ``Std:JsonGet``."""

    name: str
    output_name: str
    file_path: str


@dataclass(frozen=True, slots=True)
class OutputParameter:
    """A value that a Lambda or Callback step hands on."""

    name: str
    type: ParameterType = ParameterType.STRING


@dataclass(frozen=True, slots=True)
class Selector:
    """Which iteration of a ForEach counts as selected: the one with the largest or least field."""

    pick: str
    field: Any


@dataclass(frozen=True, slots=True)
class ForEach:
    """What a ForEach step repeats; iteration ``i`` of body step ``B`` is called ``B-i``."""

    iterable: Any
    max_concurrency: int
    body: tuple[str, ...]
    selector: Selector | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step, wherever it stands: at the top, in a branch or in the body of a ForEach.

    ``arguments`` is the raw JSON with its expressions, without the steps a Condition or ForEach
    contains. ``extra`` has the other keys at the step's top level (``FunctionArn``, ``CheckType``,
    keys unknown to us). ``parent`` is the Condition or ForEach around the step, ``branch`` is True
    in ``IfSteps`` and False in ``ElseSteps``. ``path`` is its JSON path.
    """

    name: str
    type: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    depends_on: tuple[Dependency, ...] = ()
    display_name: str = ""
    description: str = ""
    cache: CacheConfig | None = None
    retry_policies: tuple[RetryPolicy, ...] = ()
    property_files: tuple[PropertyFile, ...] = ()
    output_parameters: tuple[OutputParameter, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    conditions: tuple[Any, ...] = ()
    if_steps: tuple[str, ...] = ()
    else_steps: tuple[str, ...] = ()
    for_each: ForEach | None = None
    parent: str | None = None
    branch: bool | None = None
    path: str = "$"
    lines: Lines = field(default=NO_LINES, repr=False, compare=False)

    @property
    def line(self) -> int | None:
        """The 1-based line of the step in its source text, where it was read from one."""
        return self.lines.of(self.path)


@dataclass(frozen=True, slots=True)
class Definition:
    """A whole pipeline definition; ``steps`` holds every step, nested or not, in document order."""

    version: str = VERSION
    metadata: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    steps: Mapping[str, Step] = field(default_factory=dict)
    experiment: Mapping[str, Any] | None = None
    mlflow: Mapping[str, Any] | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)
    lines: Lines = field(default=NO_LINES, repr=False, compare=False)
