"""The rules for references: what they name exists, and may be read from where they stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from engine.definition.document import Definition, Step, StepType
from engine.definition.expressions import (
    EXECUTION_VARIABLES,
    EXPERIMENT_KEYS,
    Reference,
    ReferenceKind,
    Scan,
)
from engine.definition.names import listed, quote, suggestion
from engine.errors import DefinitionError

Errors: TypeAlias = Iterator[DefinitionError]

_FOREACH_MEMBERS = frozenset(
    {
        "FailedStepCount",
        "InputItemCount",
        "IterationOutputs",
        "Selected",
        "Status",
        "StoppedStepCount",
        "SucceededStepCount",
        "TotalStepCount",
    }
)


def check(definition: Definition, found: Scan, step: Step | None) -> Errors:
    """The errors of one scan: of a step, or of the document's own configuration (no step)."""
    for problem in found.problems:
        yield DefinitionError(
            problem.message, code=problem.code, path=problem.path, hint=problem.hint
        )
    for reference in found.references:
        yield from _RULES[reference.kind](definition, reference, step)


def unknown_step(definition: Definition, name: str, path: str) -> DefinitionError:
    """The error for a name that no step has."""
    return DefinitionError(
        f"There is no step {quote(name)}.",
        code="step-unknown",
        path=path,
        hint=suggestion(name, definition.steps, "steps"),
    )


def into_other_body(target: Step, step: Step, steps: Mapping[str, Step], path: str) -> Errors:
    """The error for reaching into the body of a ForEach from outside of it."""
    around = steps.get(target.parent) if target.parent else None
    if around is not None and around.for_each is not None and step.parent != around.name:
        yield DefinitionError(
            f"Step {quote(target.name)} repeats inside the ForEach {quote(around.name)} "
            f"and cannot be named from outside.",
            code="foreach-body-referenced",
            path=path,
            hint=f"Name {quote(around.name)}: its IterationOutputs hold what the body gives.",
        )


def is_inside(target: Step, container: Step, steps: Mapping[str, Step]) -> bool:
    """Whether a step stands in a branch of a Condition (or body of a ForEach), at any depth."""
    parent = target.parent
    while parent is not None and parent in steps:
        if parent == container.name:
            return True
        parent = steps[parent].parent
    return False


def own_branch(target: Step, step: Step, steps: Mapping[str, Step], path: str) -> Errors:
    """The error for a Condition that waits for a step of its own branches."""
    if step.type == StepType.CONDITION and is_inside(target, step, steps):
        yield DefinitionError(
            f"The Condition {quote(step.name)} waits for {quote(target.name)}, "
            f"which stands in its own branch.",
            code="condition-reads-own-branch",
            path=path,
            hint="Move that step in front of the Condition.",
        )


def _parameter(definition: Definition, reference: Reference, step: Step | None) -> Errors:
    if reference.name not in definition.parameters:
        yield DefinitionError(
            f"There is no parameter {quote(reference.name)}.",
            code="parameter-unknown",
            path=reference.path,
            hint=suggestion(reference.name, definition.parameters, "parameters"),
        )


def _variable(definition: Definition, reference: Reference, step: Step | None) -> Errors:
    if reference.name not in EXECUTION_VARIABLES:
        yield DefinitionError(
            f"There is no execution variable {quote(reference.name)}.",
            code="execution-variable-unknown",
            path=reference.path,
            hint=suggestion(reference.name, EXECUTION_VARIABLES, "execution variables"),
        )


def _experiment(definition: Definition, reference: Reference, step: Step | None) -> Errors:
    if reference.name not in EXPERIMENT_KEYS:
        yield DefinitionError(
            f"PipelineExperimentConfig has no {quote(reference.name)}.",
            code="experiment-key-unknown",
            path=reference.path,
            hint=f"Use one of {listed(sorted(EXPERIMENT_KEYS))}.",
        )


def _item(definition: Definition, reference: Reference, step: Step | None) -> Errors:
    around = definition.steps.get(step.parent) if step and step.parent else None
    if around is None or around.for_each is None:
        yield DefinitionError(
            "ForEach.CurrentItem exists only inside the body of a ForEach.",
            code="foreach-item-outside-body",
            path=reference.path,
            hint="Move the step into a ForEachBody or use a parameter.",
        )


def _iteration(definition: Definition, reference: Reference, step: Step | None) -> Errors:
    body = step.for_each.body if step and step.for_each else ()
    if reference.name not in body:
        yield DefinitionError(
            f"{quote(reference.text)} does not name a step of the body of this ForEach.",
            code="foreach-selector-invalid",
            path=reference.path,
            hint="IterationOutput.<body step> stands in the Selector of a ForEach only.",
        )


def _step(definition: Definition, reference: Reference, step: Step | None) -> Errors:
    if step is None:
        yield DefinitionError(
            f"{quote(reference.text)} reads a step where no step has run yet.",
            code="reference-too-early",
            path=reference.path,
            hint="Use parameters and execution variables here.",
        )
        return
    target = definition.steps.get(reference.name)
    if target is None:
        yield unknown_step(definition, reference.name, reference.path)
        return
    yield from own_branch(target, step, definition.steps, reference.path)
    yield from into_other_body(target, step, definition.steps, reference.path)
    if reference.kind is ReferenceKind.PROPERTY_FILE:
        yield from _property_file(target, reference)
    else:
        yield from _property(target, reference)


def _property_file(target: Step, reference: Reference) -> Errors:
    known = [file.name for file in target.property_files]
    if reference.property_file not in known:
        yield DefinitionError(
            f"Step {quote(target.name)} declares no property file "
            f"{quote(reference.property_file)}.",
            code="property-file-unknown",
            path=reference.path,
            hint=suggestion(reference.property_file, known, "property files on that step"),
        )


def _property(target: Step, reference: Reference) -> Errors:
    first = reference.members[0] if reference.members else None
    match target.type:
        case StepType.FAIL:
            yield DefinitionError(
                f"The Fail step {quote(target.name)} has no properties to read.",
                code="fail-referenced",
                path=reference.path,
                hint="Refer to the step before it.",
            )
        case StepType.CONDITION if first != "Outcome":
            yield _no_property(target, reference, "Its only property is Outcome.")
        case StepType.LAMBDA | StepType.CALLBACK:
            yield from _output_parameter(target, reference)
        case StepType.FOR_EACH:
            yield from _foreach(target, reference)


def _output_parameter(target: Step, reference: Reference) -> Errors:
    if reference.members[:1] != ("OutputParameters",) or len(reference.members) < 2:
        yield _no_property(target, reference, "Read it as OutputParameters['name'].")
        return
    name = str(reference.members[1])
    known = [output.name for output in target.output_parameters]
    if name not in known:
        yield DefinitionError(
            f"Step {quote(target.name)} declares no output parameter {quote(name)}.",
            code="output-parameter-unknown",
            path=reference.path,
            hint=suggestion(name, known, "output parameters on that step"),
        )


def _foreach(target: Step, reference: Reference) -> Errors:
    first, *rest = reference.members or (None,)
    if first not in _FOREACH_MEMBERS:
        hint = f"It has {listed(sorted(_FOREACH_MEMBERS))}."
        yield _no_property(target, reference, hint)
    elif first == "Selected" and target.for_each and target.for_each.selector is None:
        yield _no_property(target, reference, "Give the ForEach a Selector.")
    elif first == "IterationOutputs" and len(rest) > 1 and target.for_each:
        body = target.for_each.body
        if rest[1] not in body:
            yield _no_property(target, reference, suggestion(str(rest[1]), body, "body steps"))


def _no_property(target: Step, reference: Reference, hint: str) -> DefinitionError:
    return DefinitionError(
        f"{quote(reference.text)}: a {quote(target.type)[1:-1]} step has no such property.",
        code="property-unknown",
        path=reference.path,
        hint=hint,
    )


_RULES: Mapping[ReferenceKind, Callable[[Definition, Reference, Step | None], Errors]] = {
    ReferenceKind.PARAMETER: _parameter,
    ReferenceKind.EXECUTION_VARIABLE: _variable,
    ReferenceKind.EXPERIMENT_CONFIG: _experiment,
    ReferenceKind.FOREACH_ITEM: _item,
    ReferenceKind.ITERATION_OUTPUT: _iteration,
    ReferenceKind.STEP_PROPERTY: _step,
    ReferenceKind.PROPERTY_FILE: _step,
}
