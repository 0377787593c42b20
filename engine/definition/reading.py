"""Raw JSON values to a ``Definition``: the shape of things, with an error for each that is off.

What has the wrong shape is left out and reported; everything else is kept, unknown keys and step
types included. The rules between things are checked in ``validation``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from engine.definition.document import (
    CacheConfig,
    Definition,
    Dependency,
    ForEach,
    OutputParameter,
    Parameter,
    ParameterType,
    PropertyFile,
    RetryPolicy,
    Selector,
    Step,
    StepType,
    Trigger,
)
from engine.definition.lines import Lines
from engine.definition.names import listed, quote
from engine.definition.paths import child, kind_of
from engine.errors import DefinitionError

T = TypeVar("T")
Raw = Mapping[str, Any]

_COMMON_KEYS = frozenset(
    {
        "Arguments",
        "CacheConfig",
        "DependsOn",
        "Description",
        "DisplayName",
        "Name",
        "OutputParameters",
        "PropertyFiles",
        "RetryPolicies",
        "Type",
    }
)
_NESTED_KEYS = frozenset({"IfSteps", "ElseSteps", "ForEachBody"})
_TRIGGERS: Mapping[str, Trigger] = {trigger.value: trigger for trigger in Trigger} | {
    "Completed": Trigger.SUCCEEDED
}
_TYPES: Mapping[str, ParameterType] = {kind.value: kind for kind in ParameterType}
_KINDS: Mapping[type, str] = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}


@dataclass(frozen=True, slots=True)
class _Found:
    """A raw step, its JSON path, and the step and branch around it."""

    raw: Any
    path: str
    parent: str | None = None
    branch: bool | None = None


@dataclass(slots=True)
class Reader:
    """Reads one document and collects what is wrong with its shape in ``errors``."""

    lines: Lines
    errors: list[DefinitionError] = field(default_factory=list)

    def definition(self, raw: Any) -> Definition | None:
        """The definition, or None where the value is not an object with a list of steps."""
        if not isinstance(raw, dict):
            self.wrong("$", "The definition", "an object", raw)
            return None
        if not isinstance(raw.get("Steps"), list):
            self.get(raw, "$", "Steps", list, required=True)
            return None
        return Definition(
            version=self.get(raw, "$", "Version", str, default=""),
            metadata=self.get(raw, "$", "Metadata", dict, default={}),
            parameters=self._parameters(raw),
            steps=self._steps(raw["Steps"]),
            experiment=self.get(raw, "$", "PipelineExperimentConfig", dict),
            mlflow=self.get(raw, "$", "MlflowConfig", dict),
            raw=raw,
            lines=self.lines,
        )

    def error(self, code: str, message: str, path: str, hint: str = "") -> None:
        """Note an error; its line is found later, once for all."""
        self.errors.append(DefinitionError(message, code=code, path=path, hint=hint))

    def wrong(self, path: str, what: str, wanted: str, value: Any) -> None:
        """Note that a value is of the wrong kind."""
        self.error(
            "value-type",
            f"{what} must be {wanted}, not {kind_of(value)}.",
            path,
            f"Write {wanted} here, or leave the key out if it is optional.",
        )

    def get(
        self,
        owner: Raw,
        path: str,
        key: str,
        kind: type[T],
        *,
        default: Any = None,
        required: bool = False,
    ) -> Any:
        """The value of a key if it is of this kind, else the default and, where due, an error."""
        value = owner.get(key)
        if value is None:
            if required:
                self.error("key-missing", f"{key} is missing.", path, f"Add {key} to this object.")
            return default
        if not isinstance(value, kind):
            self.wrong(child(path, key), key, _KINDS[kind], value)
            return default
        return value

    def number(self, owner: Raw, path: str, key: str, default: Any, *, whole: bool = False) -> Any:
        """The value of a key if it is a number (a whole one), else the default and an error."""
        value = owner.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            wanted = "a whole number" if whole else "a number"
            self.wrong(child(path, key), key, wanted, value)
            return default
        return value

    def objects(self, owner: Raw, path: str, key: str) -> Iterator[tuple[Raw, str]]:
        """The items of a list that are objects, each with its path; an error for the others."""
        at = child(path, key)
        for index, item in enumerate(self.get(owner, path, key, list, default=[])):
            if isinstance(item, dict):
                yield item, child(at, index)
            else:
                self.wrong(child(at, index), f"An item of {key}", "an object", item)

    def _parameters(self, raw: Raw) -> dict[str, Parameter]:
        found: dict[str, Parameter] = {}
        for item, path in self.objects(raw, "$", "Parameters"):
            name = self.get(item, path, "Name", str, required=True)
            if name is None:
                continue
            if name in found:
                self.error(
                    "parameter-duplicate",
                    f"Two parameters are named {quote(name)}.",
                    path,
                    "Rename or remove one of them.",
                )
                continue
            default = item.get("DefaultValue")
            found[name] = Parameter(
                name=name,
                type=self._type(item, path, "Type"),
                default=default,
                has_default=default is not None,
                enum_values=tuple(self.get(item, path, "EnumValues", list, default=[])),
                description=self.get(item, path, "Description", str, default=""),
                path=path,
            )
        return found

    def _type(self, owner: Raw, path: str, key: str) -> ParameterType:
        name = self.get(owner, path, key, str, default=ParameterType.STRING.value)
        if name not in _TYPES:
            self.error(
                "parameter-type-unknown",
                f"{quote(name)} is not a parameter type.",
                child(path, key),
                f"Use one of {listed(_TYPES)}.",
            )
        return _TYPES.get(name, ParameterType.STRING)

    def _steps(self, items: list[Any]) -> dict[str, Step]:
        """Every step in document order; branches and bodies follow the step that contains them."""
        found: dict[str, Step] = {}
        waiting = [_Found(item, f"$.Steps[{index}]") for index, item in enumerate(items)][::-1]
        while waiting:
            here = waiting.pop()
            step = self._step(here)
            if step is None:
                continue
            if step.name in found:
                self._duplicate(step, found[step.name])
            else:
                found[step.name] = step
            waiting.extend(reversed(_nested(here, step)))
        return found

    def _duplicate(self, step: Step, first: Step) -> None:
        self.error(
            "step-name-duplicate",
            f"Two steps are named {quote(step.name)}; the first is at {first.path}.",
            step.path,
            "Rename one of them: names are unique over all branches and ForEach bodies.",
        )

    def _step(self, found: _Found) -> Step | None:
        raw, path = found.raw, found.path
        if not isinstance(raw, dict):
            self.wrong(path, "A step", "an object", raw)
            return None
        name = self.get(raw, path, "Name", str, required=True)
        if name is None:
            return None
        arguments: Raw = self.get(raw, path, "Arguments", dict, default={})
        inner = child(path, "Arguments")
        kind = self.get(raw, path, "Type", str, required=True, default="")
        if kind == StepType.ENDPOINT and "ProductionVariants" in arguments:
            # the official schema spells the type of an endpoint configuration "Endpoint"
            kind = StepType.ENDPOINT_CONFIG.value
        conditions: list[Any] = []
        if_steps: tuple[str, ...] = ()
        else_steps: tuple[str, ...] = ()
        for_each: ForEach | None = None
        if kind == StepType.CONDITION:
            conditions = self.get(arguments, inner, "Conditions", list, default=[])
            if_steps = self._names(arguments, inner, "IfSteps")
            else_steps = self._names(arguments, inner, "ElseSteps")
        elif kind == StepType.FOR_EACH:
            for_each = self._for_each(arguments, inner)
        if kind in (StepType.CONDITION, StepType.FOR_EACH):
            arguments = {key: arguments[key] for key in arguments if key not in _NESTED_KEYS}
        return Step(
            name=name,
            type=kind,
            arguments=arguments,
            depends_on=self._depends_on(raw, path) if "DependsOn" in raw else (),
            display_name=self.get(raw, path, "DisplayName", str, default=""),
            description=self.get(raw, path, "Description", str, default=""),
            cache=self._cache(raw, path) if "CacheConfig" in raw else None,
            retry_policies=self._each(raw, path, "RetryPolicies", self._retry),
            property_files=self._each(raw, path, "PropertyFiles", self._property_file),
            output_parameters=self._each(raw, path, "OutputParameters", self._output),
            extra={
                key: value
                for key, value in raw.items()
                if value is not None and key not in _COMMON_KEYS
            },
            conditions=tuple(conditions),
            if_steps=if_steps,
            else_steps=else_steps,
            for_each=for_each,
            parent=found.parent,
            branch=found.branch,
            path=path,
            lines=self.lines,
        )

    def _names(self, arguments: Raw, path: str, key: str) -> tuple[str, ...]:
        items = self.get(arguments, path, key, list, default=[])
        return tuple(
            item["Name"]
            for item in items
            if isinstance(item, dict) and isinstance(item.get("Name"), str)
        )

    def _for_each(self, arguments: Raw, path: str) -> ForEach:
        if arguments.get("IterableItems") is None:
            self.error(
                "key-missing", "IterableItems is missing.", path, "Add a list or an expression."
            )
        if arguments.get("MaxConcurrency") is None:
            self.error(
                "key-missing", "MaxConcurrency is missing.", path, "Add a number from 1 to 50."
            )
        selector = self.get(arguments, path, "Selector", dict)
        at = child(path, "Selector")
        return ForEach(
            iterable=arguments.get("IterableItems"),
            max_concurrency=self.number(arguments, path, "MaxConcurrency", 1, whole=True),
            body=self._names(arguments, path, "ForEachBody"),
            selector=None
            if selector is None
            else Selector(
                pick=self.get(selector, at, "Pick", str, required=True, default=""),
                field=selector.get("Field"),
            ),
        )

    def _depends_on(self, raw: Raw, path: str) -> tuple[Dependency, ...]:
        at = child(path, "DependsOn")
        found: list[Dependency] = []
        for index, item in enumerate(self.get(raw, path, "DependsOn", list, default=[])):
            here = child(at, index)
            if isinstance(item, str):
                found.append(Dependency(item))
            elif not isinstance(item, dict):
                self.wrong(here, "An item of DependsOn", "a step name or an object", item)
            elif name := self.get(item, here, "Step", str, required=True):
                found.append(Dependency(name, self._trigger(item, here)))
        return tuple(found)

    def _trigger(self, item: Raw, path: str) -> Trigger:
        name = self.get(item, path, "Trigger", str, default=Trigger.SUCCEEDED.value)
        if name not in _TRIGGERS:
            self.error(
                "trigger-unknown",
                f"{quote(name)} is not a trigger.",
                child(path, "Trigger"),
                f"Use one of {listed(_TRIGGERS)}.",
            )
        return _TRIGGERS.get(name, Trigger.SUCCEEDED)

    def _cache(self, raw: Raw, path: str) -> CacheConfig | None:
        config = self.get(raw, path, "CacheConfig", dict)
        if config is None:
            return None
        at = child(path, "CacheConfig")
        return CacheConfig(
            enabled=self.get(config, at, "Enabled", bool, default=False),
            expire_after=self.get(config, at, "ExpireAfter", str),
        )

    def _each(
        self, raw: Raw, path: str, key: str, read: Callable[[Raw, str], T | None]
    ) -> tuple[T, ...]:
        if key not in raw:
            return ()
        items = (read(item, at) for item, at in self.objects(raw, path, key))
        return tuple(item for item in items if item is not None)

    def _retry(self, item: Raw, path: str) -> RetryPolicy:
        types = item.get("ExceptionType") or []
        types = [types] if isinstance(types, str) else types
        if not isinstance(types, list) or not all(isinstance(name, str) for name in types):
            at = child(path, "ExceptionType")
            self.wrong(at, "ExceptionType", "a string or a list of strings", types)
            types = []
        expire = self.number(item, path, "ExpireAfterMin", None, whole=True)
        return RetryPolicy(
            exception_types=tuple(types),
            interval_s=self.number(item, path, "IntervalSeconds", 1),
            backoff_rate=self.number(item, path, "BackoffRate", 2.0),
            max_attempts=self.number(
                item, path, "MaxAttempts", 5 if expire is None else None, whole=True
            ),
            expire_after_min=expire,
        )

    def _property_file(self, item: Raw, path: str) -> PropertyFile | None:
        name = self.get(item, path, "PropertyFileName", str, required=True)
        output = self.get(item, path, "OutputName", str, required=True)
        file_path = self.get(item, path, "FilePath", str, required=True)
        if name is None or output is None or file_path is None:
            return None
        return PropertyFile(name, output, file_path)

    def _output(self, item: Raw, path: str) -> OutputParameter | None:
        name = self.get(item, path, "OutputName", str, required=True)
        return None if name is None else OutputParameter(name, self._type(item, path, "OutputType"))


def _nested(found: _Found, step: Step) -> list[_Found]:
    """The raw steps inside a Condition or ForEach."""
    branches: Mapping[str, bool | None] = {}
    if step.type == StepType.CONDITION:
        branches = {"IfSteps": True, "ElseSteps": False}
    elif step.type == StepType.FOR_EACH:
        branches = {"ForEachBody": None}
    arguments = found.raw.get("Arguments")
    path = child(found.path, "Arguments")
    return [
        _Found(item, child(child(path, key), index), step.name, branch)
        for key, branch in branches.items()
        if isinstance(arguments, dict) and isinstance(arguments.get(key), list)
        for index, item in enumerate(arguments[key])
    ]
