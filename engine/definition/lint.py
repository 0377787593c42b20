"""What is allowed in a definition but probably not meant: the warnings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.definition.document import VERSION, Definition, Step, StepType
from engine.definition.expressions import ReferenceKind, references
from engine.definition.names import quote
from engine.definition.paths import child
from engine.errors import DefinitionError

MAX_PARAMETERS = 200

_VARYING = frozenset(
    {
        ReferenceKind.EXECUTION_VARIABLE,
        ReferenceKind.FOREACH_ITEM,
        ReferenceKind.STEP_PROPERTY,
    }
)


def warnings(definition: Definition) -> Iterator[DefinitionError]:
    """Every warning of a definition."""
    if not definition.version:
        yield DefinitionError(
            "The definition has no Version.",
            code="version-missing",
            path="$",
            hint=f'Add "Version": "{VERSION}".',
        )
    if not definition.steps:
        yield DefinitionError(
            "The definition has no steps.",
            code="steps-empty",
            path="$.Steps",
            hint="Add a step; an execution of it ends at once.",
        )
    if len(definition.parameters) > MAX_PARAMETERS:
        yield DefinitionError(
            f"There are {len(definition.parameters)} parameters; "
            f"SageMaker allows {MAX_PARAMETERS}.",
            code="parameters-too-many",
            path="$.Parameters",
            hint="Move settings into a file that a step reads.",
        )
    for step in definition.steps.values():
        if step.type in (StepType.PROCESSING, StepType.TRANSFORM):
            yield from _fixed_outputs(step)
        if step.property_files:
            yield from _property_files_without_output(step)


def _outputs(step: Step) -> list[Any]:
    config = step.arguments.get("ProcessingOutputConfig")
    outputs = config.get("Outputs") if isinstance(config, Mapping) else None
    return outputs if isinstance(outputs, list) else []


def _output_uris(step: Step) -> Iterator[tuple[str, Any]]:
    """The path and the raw value of every S3 URI that the step writes to."""
    base = f"{step.path}.Arguments.ProcessingOutputConfig.Outputs"
    for index, output in enumerate(_outputs(step)):
        match output:
            case {"AppManaged": True}:
                continue
            case {"S3Output": {"S3Uri": uri}}:
                yield f"{child(base, index)}.S3Output.S3Uri", uri
    match step.arguments:
        case {"TransformOutput": {"S3OutputPath": uri}}:
            yield f"{step.path}.Arguments.TransformOutput.S3OutputPath", uri


def _fixed_outputs(step: Step) -> Iterator[DefinitionError]:
    for path, uri in _output_uris(step):
        if uri is not None and not any(found.kind in _VARYING for found in references(uri, path)):
            yield DefinitionError(
                f"Step {quote(step.name)} writes every execution to the same S3 URI.",
                code="output-uri-fixed",
                path=path,
                hint="Join Execution.PipelineExecutionId into it, or each execution overwrites "
                "the files, and the evidence of registered models, of the one before.",
            )


def _property_files_without_output(step: Step) -> Iterator[DefinitionError]:
    known = [output.get("OutputName") for output in _outputs(step) if isinstance(output, dict)]
    for index, file in enumerate(step.property_files):
        if file.output_name not in known:
            yield DefinitionError(
                f"The property file {quote(file.name)} lies in output {quote(file.output_name)}, "
                f"which step {quote(step.name)} does not have.",
                code="property-file-output-unknown",
                path=f"{step.path}.PropertyFiles[{index}]",
                hint="Use the OutputName of one of its ProcessingOutputConfig.Outputs.",
            )
