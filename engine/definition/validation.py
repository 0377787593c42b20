"""The rules of a definition, each with what is wrong, where, and the way out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from engine.definition import conditions, lint, reference_rules
from engine.definition.document import (
    VERSION,
    Definition,
    ForEach,
    Parameter,
    RetryPolicy,
    Step,
    StepType,
    Trigger,
)
from engine.definition.expressions import ReferenceKind, Scan, references, scan
from engine.definition.graph import Graph
from engine.definition.names import NAME, NAME_RULE, quote
from engine.definition.parameters import default_problem
from engine.definition.reference_rules import Errors
from engine.errors import DefinitionError

MAX_ERRORS = 200
"""Errors reported at most; a definition with more has one cause, not so many."""

MAX_DISPLAY_NAME = 256
MAX_DESCRIPTION = 3072

_NOT_IN_BODY = frozenset({StepType.CONDITION, StepType.FAIL, StepType.FOR_EACH})
_ITERATION_NAME = re.compile(r"(.+)-[0-9]+", re.DOTALL)
_RETRY_LIMITS = (
    ("IntervalSeconds", "interval_s", 43_200),
    ("BackoffRate", "backoff_rate", float("inf")),
    ("MaxAttempts", "max_attempts", 20),
    ("ExpireAfterMin", "expire_after_min", 14_400),
)


@dataclass(frozen=True, slots=True)
class Findings:
    """What breaks a rule, and what is allowed but probably not meant."""

    errors: tuple[DefinitionError, ...]
    warnings: tuple[DefinitionError, ...]
    graph: Graph | None = None
    """What waits for what; None where there is no order to it."""


def validate(definition: Definition) -> Findings:
    """Check a definition against every rule; errors carry a JSON path but no line yet."""
    graphs: list[Graph] = []
    return Findings(
        errors=tuple(islice(_errors(definition, graphs), MAX_ERRORS)),
        warnings=tuple(islice(lint.warnings(definition), MAX_ERRORS)),
        graph=graphs[0] if graphs else None,
    )


def _errors(definition: Definition, graphs: list[Graph]) -> Errors:
    if definition.version and definition.version != VERSION:
        yield DefinitionError(
            f"{quote(definition.version)} is not a version of the pipeline definition.",
            code="version-unknown",
            path="$.Version",
            hint=f"The only version is {VERSION}.",
        )
    for parameter in definition.parameters.values():
        yield from _parameter(parameter)
    for key, config in (
        ("PipelineExperimentConfig", definition.experiment),
        ("MlflowConfig", definition.mlflow),
    ):
        yield from reference_rules.check(definition, scan(config, f"$.{key}"), None)
    scans = {
        name: _joined(scan(step.arguments, f"{step.path}.Arguments"), scan(step.extra, step.path))
        for name, step in definition.steps.items()
    }
    own_branch = False
    for name, step in definition.steps.items():
        for error in _step(definition, step, scans[name]):
            own_branch = own_branch or error.code == "condition-reads-own-branch"
            yield error
    yield from _iteration_names(definition)
    if not own_branch:
        yield from _cycle(definition, scans, graphs)


def _joined(first: Scan, second: Scan) -> Scan:
    return Scan(first.references + second.references, first.problems + second.problems)


def _cycle(definition: Definition, scans: Mapping[str, Scan], graphs: list[Graph]) -> Errors:
    try:
        references = {name: found.references for name, found in scans.items()}
        graphs.append(Graph.of(definition, references))
    except DefinitionError as error:
        yield error


def _parameter(parameter: Parameter) -> Errors:
    if not NAME.fullmatch(parameter.name):
        yield DefinitionError(
            f"{quote(parameter.name)} is not a valid parameter name.",
            code="parameter-name-invalid",
            path=f"{parameter.path}.Name",
            hint=NAME_RULE,
        )
    if parameter.has_default and (problem := default_problem(parameter)):
        code, message = problem
        yield DefinitionError(
            message,
            code=code,
            path=f"{parameter.path}.DefaultValue",
            hint="Change the default or the declaration of the parameter.",
        )


def _step(definition: Definition, step: Step, found: Scan) -> Errors:
    yield from _texts(step)
    if step.depends_on:
        yield from _depends_on(definition, step)
    if step.cache is not None and step.cache.expire_after and step.cache.expire_after_s is None:
        yield DefinitionError(
            f"{quote(step.cache.expire_after)} is not a duration.",
            code="expire-after-invalid",
            path=f"{step.path}.CacheConfig.ExpireAfter",
            hint="Write it as 30d, P4DT12H or T16m: years, months, weeks, days, then T, "
            "hours and minutes.",
        )
    for index, policy in enumerate(step.retry_policies):
        yield from _retry(policy, f"{step.path}.RetryPolicies[{index}]")
    for index, condition in enumerate(step.conditions):
        path = f"{step.path}.Arguments.Conditions[{index}]"
        for problem in conditions.problems(condition, path):
            yield DefinitionError(
                problem.message, code=problem.code, path=problem.path, hint=problem.hint
            )
    if step.for_each is not None:
        yield from _for_each(definition, step, step.for_each)
    if step.type == StepType.CLEANUP:
        yield from _cleanup(definition, step)
    yield from reference_rules.check(definition, found, step)


def _texts(step: Step) -> Errors:
    if not NAME.fullmatch(step.name):
        yield DefinitionError(
            f"{quote(step.name)} is not a valid step name.",
            code="step-name-invalid",
            path=f"{step.path}.Name",
            hint=NAME_RULE,
        )
    for key, text, limit in (
        ("DisplayName", step.display_name, MAX_DISPLAY_NAME),
        ("Description", step.description, MAX_DESCRIPTION),
    ):
        if len(text) > limit:
            yield DefinitionError(
                f"The {key} of step {quote(step.name)} has {len(text)} characters; "
                f"{limit} are allowed.",
                code="text-too-long",
                path=f"{step.path}.{key}",
                hint="Shorten it.",
            )


def _depends_on(definition: Definition, step: Step) -> Errors:
    seen: dict[str, Trigger] = {}
    for index, dependency in enumerate(step.depends_on):
        path = f"{step.path}.DependsOn[{index}]"
        target = definition.steps.get(dependency.step)
        if target is None:
            yield reference_rules.unknown_step(definition, dependency.step, path)
            continue
        if target.type == StepType.FAIL:
            yield DefinitionError(
                f"Step {quote(step.name)} depends on the Fail step {quote(target.name)}, "
                f"after which nothing can run.",
                code="fail-depended-upon",
                path=path,
                hint="Depend on the step before the Fail step.",
            )
        if seen.setdefault(target.name, dependency.trigger) != dependency.trigger:
            yield DefinitionError(
                f"Step {quote(step.name)} depends on {quote(target.name)} with two triggers, "
                f"{seen[target.name]} and {dependency.trigger}.",
                code="trigger-conflict",
                path=path,
                hint="Keep one of them; Any covers every end.",
            )
        yield from reference_rules.own_branch(target, step, definition.steps, path)
        yield from reference_rules.into_other_body(target, step, definition.steps, path)


def _retry(policy: RetryPolicy, path: str) -> Errors:
    if policy.max_attempts is not None and policy.expire_after_min is not None:
        yield DefinitionError(
            "A retry policy has both MaxAttempts and ExpireAfterMin.",
            code="retry-limits-conflict",
            path=path,
            hint="Keep one of the two.",
        )
    if not policy.exception_types:
        yield DefinitionError(
            "A retry policy names no ExceptionType.",
            code="retry-exception-missing",
            path=path,
            hint='Name one, such as "Step.THROTTLING".',
        )
    for key, attribute, limit in _RETRY_LIMITS:
        value = getattr(policy, attribute)
        if value is not None and not 0 <= value <= limit:
            yield DefinitionError(
                f"{key} is {value}, outside of 0 to {limit:g}.",
                code="retry-out-of-range",
                path=f"{path}.{key}",
                hint="Choose a value within the range; 0 means never.",
            )


def _for_each(definition: Definition, step: Step, loop: ForEach) -> Errors:
    path = f"{step.path}.Arguments"
    if not loop.body:
        yield _loop("foreach-body-empty", "A ForEach has no step in its body.", path)
    for name in loop.body:
        inner = definition.steps[name]
        if inner.parent == step.name and inner.type in _NOT_IN_BODY:
            yield DefinitionError(
                f"A {inner.type} step, {quote(name)}, stands in the body of a ForEach.",
                code="foreach-body-type",
                path=inner.path,
                hint="Condition, Fail and ForEach are not allowed there; move it out.",
            )
    if not 1 <= loop.max_concurrency <= 50:
        message = f"MaxConcurrency is {loop.max_concurrency}, outside of 1 to 50."
        yield _loop("foreach-concurrency", message, f"{path}.MaxConcurrency")
    if isinstance(loop.iterable, list) and not 1 <= len(loop.iterable) <= 100:
        message = f"IterableItems has {len(loop.iterable)} items, outside of 1 to 100."
        yield _loop("foreach-items", message, f"{path}.IterableItems")
    elif loop.iterable is not None and not isinstance(loop.iterable, list | dict | str):
        message = "IterableItems must be a list, or an expression that gives one as JSON text."
        yield _loop("foreach-items", message, f"{path}.IterableItems")
    if loop.selector is not None:
        kinds = {found.kind for found in references(loop.selector.field)}
        if loop.selector.pick not in ("MaxBy", "MinBy") or kinds != {
            ReferenceKind.ITERATION_OUTPUT
        }:
            message = "The Selector needs Pick, MaxBy or MinBy, and Field, an IterationOutput."
            yield _loop("foreach-selector-invalid", message, f"{path}.Selector")


def _loop(code: str, message: str, path: str) -> DefinitionError:
    hint = "A ForEach needs items, a body of steps and a MaxConcurrency from 1 to 50."
    return DefinitionError(message, code=code, path=path, hint=hint)


def _cleanup(definition: Definition, step: Step) -> Errors:
    match step.arguments:
        case {"Resources": {"S3": list(items)}}:
            for index, item in enumerate(items):
                match item:
                    case {"StepName": str(name)} if name not in definition.steps:
                        path = f"{step.path}.Arguments.Resources.S3[{index}].StepName"
                        yield reference_rules.unknown_step(definition, name, path)


def _iteration_names(definition: Definition) -> Iterator[DefinitionError]:
    bodies = {
        name
        for step in definition.steps.values()
        if step.for_each is not None
        for name in step.for_each.body
    }
    for step in definition.steps.values() if bodies else ():
        found = _ITERATION_NAME.fullmatch(step.name)
        if found and found[1] in bodies:
            yield DefinitionError(
                f"The step name {quote(step.name)} looks like an iteration of {quote(found[1])}.",
                code="foreach-name-clash",
                path=step.path,
                hint="Rename it: <body step>-<number> is the name of an iteration.",
            )
