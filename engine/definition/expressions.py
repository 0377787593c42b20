"""The expressions of a definition: Get, Std:Join and Std:JsonGet, found, shown and resolved.

An expression is an object with exactly one key, and stands for a whole JSON value:
``{"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}``. There is no interpolation in strings.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, NoReturn, Protocol

from engine.definition import paths
from engine.definition.names import printable, quote
from engine.definition.paths import Path, walk
from engine.errors import ExpressionError, NotFound, StorageError

__all__ = [
    "EXECUTION_VARIABLES",
    "Problem",
    "Reference",
    "ReferenceKind",
    "Scan",
    "Scope",
    "describe",
    "references",
    "resolve",
    "scan",
    "walk",
]

EXECUTION_VARIABLES = frozenset(
    {
        "CurrentDateTime",
        "PipelineArn",
        "PipelineExecutionArn",
        "PipelineExecutionId",
        "PipelineName",
        "ProcessingJobName",
        "StartDateTime",
        "TrainingJobName",
    }
)

EXPERIMENT_KEYS = frozenset({"ExperimentName", "TrialName"})

_MAX_DEPTH = 320
_CONTAINERS = (dict, list)
_PROPERTY_FILES = "PropertyFiles"


class ReferenceKind(StrEnum):
    """What a ``Get`` points at."""

    PARAMETER = "parameter"
    EXECUTION_VARIABLE = "execution variable"
    STEP_PROPERTY = "step property"
    PROPERTY_FILE = "property file"
    FOREACH_ITEM = "foreach item"
    ITERATION_OUTPUT = "iteration output"
    EXPERIMENT_CONFIG = "experiment config"


@dataclass(frozen=True, slots=True)
class Reference:
    """One ``Get``.

    Args:
        name: the parameter, variable, step, body step or experiment key; empty for an item.
        members: what follows the name: ``("ModelArtifacts", "S3ModelArtifacts")``; for a property
            file ``("PropertyFiles", <its name>)``.
        text: the text of the ``Get``.
        path: the JSON path where the expression stands.
    """

    kind: ReferenceKind
    name: str
    members: Path = ()
    text: str = ""
    path: str = "$"

    @property
    def property_file(self) -> str:
        """The name of the property file; only where the kind is one."""
        return str(self.members[1])

    def at(self, path: str) -> Reference:
        """The same reference, standing at ``path``."""
        return Reference(self.kind, self.name, self.members, self.text, path)


@dataclass(frozen=True, slots=True)
class Problem:
    """An object that has the key of an expression but not its form."""

    code: str
    message: str
    path: str
    hint: str

    @classmethod
    def of(cls, error: ExpressionError, path: str) -> Problem:
        """The problem behind an error that resolving would raise."""
        message = error.message.removeprefix("ClientError: ")
        return cls(error.code, message[:1].upper() + message[1:], path, error.hint)


@dataclass(frozen=True, slots=True)
class Scan:
    """What a deep scan found, in document order."""

    references: tuple[Reference, ...]
    problems: tuple[Problem, ...]


class Scope(Protocol):
    """What expressions can see while a step starts.

    Each method raises ``ExpressionError`` for what does not exist. ``document`` gives the parsed
    JSON at an S3 URI; ``step_property`` also serves ``IterationOutput`` and the siblings in a
    ForEach body, where the step is the body step of the present iteration.
    """

    def parameter(self, name: str) -> Any: ...
    def execution_variable(self, name: str) -> Any: ...
    def step_property(self, step: str, path: Path) -> Any: ...
    def property_file_uri(self, step: str, name: str) -> str: ...
    def document(self, uri: str) -> Any: ...
    def foreach_item(self) -> Any: ...
    def experiment(self, name: str) -> Any: ...


def references(value: Any, path: str = "$") -> tuple[Reference, ...]:
    """Every reference inside ``value``, in document order; ``path`` is where ``value`` stands."""
    return scan(value, path).references


def scan(value: Any, path: str = "$") -> Scan:
    """Every reference and every malformed expression inside ``value``; without recursion."""
    found: list[Reference] = []
    problems: list[Problem] = []
    waiting: list[tuple[Any, paths.Link]] = [(value, path)]
    while waiting:
        node, link = waiting.pop()
        if isinstance(node, list):
            for index in range(len(node) - 1, -1, -1):
                if isinstance(node[index], _CONTAINERS):
                    waiting.append((node[index], (link, index)))
            continue
        if not isinstance(node, dict):
            continue
        if len(node) == 1:
            try:
                reference = _read_expression(*next(iter(node.items())))
            except ExpressionError as error:
                problems.append(Problem.of(error, paths.render(link)))
                continue
            if reference is not None:
                found.append(reference.at(paths.render(link)))
                continue
        for key in reversed(node):
            if isinstance(node[key], _CONTAINERS):
                waiting.append((node[key], (link, key)))
    return Scan(tuple(found), tuple(problems))


def resolve(value: Any, scope: Scope, path: str = "$") -> Any:
    """``value`` with every expression replaced by what it stands for; types are kept.

    Args:
        path: the JSON path of ``value``, for errors.

    Raises:
        ExpressionError: a reference, file, member or index does not exist, an expression is
            malformed, or a Join meets an object, a list or null.
    """
    return _resolve(value, scope, path, 0)


def describe(value: Any) -> str:
    """An expression or literal as printable text for people: ``Parameters.X``, ``"abc"``."""
    return printable(_describe(value))


def _describe(value: Any) -> str:
    match value:
        case {"Get": str(text)} if len(value) == 1:
            return text
        case {"Std:JsonGet": {"PropertyFile": {"Get": str(text)}, "Path": str(path)}}:
            return f"{text}.{path}"
        case {"Std:JsonGet": {"S3Uri": uri, "Path": str(path)}}:
            return f"{_describe(uri)}.{path}"
        case {"Std:Join": {"Values": list(values), **rest}} if len(value) == 1:
            return str(rest.get("On", "")).join(
                item if isinstance(item, str) else _describe(item) for item in values
            )
    return json.dumps(value, ensure_ascii=False, default=str)


def _resolve(value: Any, scope: Scope, link: paths.Link, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise ExpressionError(
            "ClientError: the value is nested too deep.", code="expression-too-deep"
        )
    if isinstance(value, list):
        items = []
        for index, item in enumerate(value):
            items.append(_resolve(item, scope, (link, index), depth + 1))
        return items
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        key, body = next(iter(value.items()))
        if _is_expression(key):
            try:
                return _expression(key, body, scope, (link, key), depth + 1)
            except ExpressionError as error:
                error.path = error.path or paths.render(link)
                raise
    members = {}
    for key, item in value.items():
        members[key] = _resolve(item, scope, (link, key), depth + 1)
    return members


def _expression(key: str, body: Any, scope: Scope, link: paths.Link, depth: int) -> Any:
    if key == "Get":
        return _get(_read_value(body), scope)
    if key == "Std:JsonGet":
        return _json_get(body, scope, link, depth)
    on, values = _read_join(key, body)
    texts = []
    for index, item in enumerate(values):
        here: paths.Link = ((link, "Values"), index)
        texts.append(_text(_resolve(item, scope, here, depth + 1)))
    return on.join(texts)


def _get(reference: Reference, scope: Scope) -> Any:
    match reference.kind:
        case ReferenceKind.PARAMETER:
            return scope.parameter(reference.name)
        case ReferenceKind.EXECUTION_VARIABLE:
            return scope.execution_variable(reference.name)
        case ReferenceKind.EXPERIMENT_CONFIG:
            return scope.experiment(reference.name)
        case ReferenceKind.FOREACH_ITEM:
            item = scope.foreach_item()
            return walk(item, reference.members, root="ForEach.CurrentItem", parse_text=True)
    return scope.step_property(reference.name, reference.members)


def _json_get(body: Any, scope: Scope, link: paths.Link, depth: int) -> Any:
    reference = _read_json_get(body)
    if reference is not None:
        uri: Any = scope.property_file_uri(reference.name, reference.property_file)
    else:
        uri = _resolve(body["S3Uri"], scope, (link, "S3Uri"), depth + 1)
    if not isinstance(uri, str):
        raise ExpressionError(
            f"ClientError: the S3Uri of a Std:JsonGet is {paths.kind_of(uri)}, not a string.",
            code="json-get-uri",
            hint="Point it at a string, such as an output path of a step.",
        )
    try:
        document = scope.document(uri)
    except (StorageError, NotFound) as error:
        raise ExpressionError(
            f"ClientError: {error.message}", code="json-get-unreadable", hint=error.hint
        ) from error
    return walk(document, paths.parse(body["Path"]) or (), root=printable(uri))


def _text(value: Any) -> str:
    """A joined value as text: booleans as ``true`` and ``false``, floats as ``6.0``."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
    raise ExpressionError(
        f"ClientError: Std:Join cannot join {paths.kind_of(value)}.",
        code="join-value",
        hint="Join strings, numbers and booleans only.",
    )


@lru_cache(maxsize=16_384)
def _parse_get(text: str) -> Reference:
    root, _, rest = text.partition(".")
    if root == "Steps":
        name, members = _split_name(rest)
        if name and members is not None:
            is_file = len(members) == 2 and members[0] == _PROPERTY_FILES
            kind = ReferenceKind.PROPERTY_FILE if is_file else ReferenceKind.STEP_PROPERTY
            return Reference(kind, name, members, text)
    elif root == "Parameters" and rest:
        return Reference(ReferenceKind.PARAMETER, rest, (), text)
    elif root == "Execution" and rest:
        return Reference(ReferenceKind.EXECUTION_VARIABLE, rest, (), text)
    elif root == "PipelineExperimentConfig" and rest:
        return Reference(ReferenceKind.EXPERIMENT_CONFIG, rest, (), text)
    elif root == "ForEach":
        name, members = _split_name(rest)
        if name == "CurrentItem" and members is not None:
            return Reference(ReferenceKind.FOREACH_ITEM, "", members, text)
    elif root == "IterationOutput":
        name, members = _split_name(rest)
        if name and members is not None:
            return Reference(ReferenceKind.ITERATION_OUTPUT, name, members, text)
    _malformed(f"{quote(text)} is not something a Get can point at")


def _split_name(text: str) -> tuple[str, Path | None]:
    """A name up to its first dot or bracket, and the path after it (None where malformed)."""
    ends = [index for index in (text.find("."), text.find("[")) if index >= 0]
    end = min(ends, default=len(text))
    return text[:end], paths.parse(text[end:].removeprefix("."))


def _read_expression(key: Any, body: Any) -> Reference | None:
    """The reference that an object with this one key is; None where it has to be looked into."""
    if key == "Get":
        return _read_value(body)
    if key == "Std:JsonGet":
        return _read_json_get(body)
    if _is_expression(key):
        _read_join(key, body)
    return None


def _is_expression(key: Any) -> bool:
    return key == "Get" or (isinstance(key, str) and key.startswith("Std:"))


def _read_value(body: Any) -> Reference:
    """What a Get outside Std:JsonGet points at."""
    reference = _read_get(body)
    if reference.kind is ReferenceKind.PROPERTY_FILE:
        raise ExpressionError(
            f"ClientError: the property file {quote(reference.text)} is not a value itself.",
            code="property-file-outside-json-get",
            hint="Read a value out of it with Std:JsonGet.",
        )
    return reference


def _read_get(body: Any) -> Reference:
    if not isinstance(body, str):
        _malformed(f"Get needs a string, not {paths.kind_of(body)}")
    return _parse_get(body)


def _read_json_get(body: Any) -> Reference | None:
    """The property file a Std:JsonGet reads; None where it reads an S3Uri."""
    if not isinstance(body, dict) or not isinstance(body.get("Path"), str):
        _malformed("Std:JsonGet needs an object with a Path that is a string")
    if paths.parse(body["Path"]) is None:
        _malformed(f"The Path {quote(body['Path'])} is not of the form a.b[0]['c']")
    match body:
        case {"PropertyFile": {"Get": target}}:
            reference = _read_get(target)
            if reference.kind is not ReferenceKind.PROPERTY_FILE:
                _malformed(f"{quote(target)} is not a property file, Steps.S.PropertyFiles.F")
            return reference
        case {"S3Uri": uri} if uri is not None:
            return None
    _malformed("Std:JsonGet needs a PropertyFile with a Get, or an S3Uri")


def _read_join(key: str, body: Any) -> tuple[str, list[Any]]:
    if key != "Std:Join":
        raise ExpressionError(
            f"ClientError: there is no function {quote(key)}.",
            code="function-unknown",
            hint="Use Std:Join or Std:JsonGet.",
        )
    match body:
        case {"Values": list(values)} if isinstance(body.get("On", ""), str):
            return body.get("On", ""), values
    _malformed("Std:Join needs an object with Values, a list, and On, a string")


def _malformed(what: str) -> NoReturn:
    raise ExpressionError(
        f"ClientError: {what}.",
        code="expression-malformed",
        hint="Write it as the SageMaker SDK does.",
    )
