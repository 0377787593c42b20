"""YAML text to the same values as JSON, with line numbers and bounded aliases."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.definition import paths
from engine.definition.json_text import MAX_DEPTH, duplicate_key, too_deep, unusable_number
from engine.definition.lines import NO_LINES, Lines, LineTable
from engine.definition.names import quote
from engine.errors import DefinitionError

MAX_VALUES = 500_000
"""Values after aliases are expanded; a "billion laughs" text stops here."""

_TAGS = "tag:yaml.org,2002:"
_READ_AS = {"timestamp": "str", "value": "str"}


class _Refused(Exception):
    """Carries the one error that ends the reading of a text."""

    def __init__(self, error: DefinitionError) -> None:
        super().__init__(error.message)
        self.error = error


def read(text: str) -> tuple[Any, Lines, tuple[DefinitionError, ...]]:
    """The value of a YAML 1.2 text, its lines, and the errors that make it useless.

    Only what JSON can say is accepted: string keys and plain scalars. Dates stay strings, so that
    ``Version: 2020-12-01`` needs no quotes. Anchors, aliases and merge keys work; tags do not.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    yaml = YAML(typ="safe", pure=True)
    try:
        root = yaml.compose(text)
        reading = _Reading(yaml.constructor)
        value = None if root is None else reading.value(root, "$", 0)
    except _Refused as refused:
        return None, NO_LINES, (refused.error,)
    except RecursionError:
        return None, NO_LINES, (too_deep("$", None),)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + 1
        return None, NO_LINES, (_syntax(str(error.problem or error.context), line),)
    except (YAMLError, ValueError, LookupError, AssertionError) as error:
        # ruamel's scanner lets a few plain exceptions through on malformed text
        return None, NO_LINES, (_syntax(str(error).partition("\n")[0], None),)
    return value, LineTable(reading.lines), tuple(reading.errors)


@dataclass(slots=True)
class _Reading:
    """Turns composed nodes into values; aliases are copies, counted against ``MAX_VALUES``."""

    constructor: Any
    lines: dict[str, int] = field(default_factory=dict)
    errors: list[DefinitionError] = field(default_factory=list)
    count: int = 0

    def value(self, node: Any, path: str, depth: int) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        self.count += 1
        if depth > MAX_DEPTH:
            raise _Refused(too_deep(path, line))
        if self.count > MAX_VALUES:
            raise _Refused(_too_large(path, line))
        if node.id == "mapping":
            return self._mapping(node, path, depth)
        if node.id == "sequence":
            return [
                self.value(item, paths.child(path, index), depth + 1)
                for index, item in enumerate(node.value)
            ]
        return self._scalar(node, path, line)

    def _mapping(self, node: Any, path: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if self._kind(key_node) == "merge":
                self._merge(merged, self.value(value_node, path, depth + 1), path, line)
                continue
            if key_node.id != "scalar" or self._kind(key_node) != "str":
                self.errors.append(_not_a_name(path, line))
                continue
            at = paths.child(path, key_node.value)
            if key_node.value in found:
                self.errors.append(duplicate_key(key_node.value, at, line))
                continue
            self.lines[at] = line
            found[key_node.value] = self.value(value_node, at, depth + 1)
        return merged | found if merged else found

    def _merge(self, into: dict[str, Any], value: Any, path: str, line: int) -> None:
        for source in value if isinstance(value, list) else [value]:
            if isinstance(source, dict):
                into |= {key: item for key, item in source.items() if key not in into}
            else:
                self.errors.append(_not_mergeable(path, line))

    def _kind(self, node: Any) -> str:
        kind = str(node.tag).removeprefix(_TAGS)
        return _READ_AS.get(kind, kind)

    def _scalar(self, node: Any, path: str, line: int) -> Any:
        match self._kind(node):
            case "str":
                return node.value
            case "null":
                return None
            case "bool":
                return self.constructor.construct_yaml_bool(node)
            case "int":
                return self._number(self.constructor.construct_yaml_int(node), node, path, line)
            case "float":
                return self._number(self.constructor.construct_yaml_float(node), node, path, line)
        self.errors.append(_unknown_tag(str(node.tag), path, line))
        return None

    def _number(self, number: Any, node: Any, path: str, line: int) -> Any:
        if isinstance(number, int):
            usable = -(2**63) <= number < 2**63
        else:
            usable = abs(number) < float("inf")
        if not usable:
            self.errors.append(unusable_number(node.value, path, line))
        return number


def _syntax(problem: str, line: int | None) -> DefinitionError:
    return DefinitionError(
        f"The text is not YAML: {quote(problem)[1:-1]}.",
        code="yaml-syntax",
        path="$",
        line=line,
        hint="Check the indentation and the quotes around this place.",
    )


def _too_large(path: str, line: int) -> DefinitionError:
    return DefinitionError(
        f"The text stands for more than {MAX_VALUES:,} values once its aliases are expanded.",
        code="definition-too-large",
        path=path,
        line=line,
        hint="Use fewer aliases.",
    )


def _not_mergeable(path: str, line: int) -> DefinitionError:
    return DefinitionError(
        "The merge key '<<' needs a mapping or a list of mappings.",
        code="yaml-merge",
        path=path,
        line=line,
        hint="Point it at an anchor on a mapping.",
    )


def _not_a_name(path: str, line: int) -> DefinitionError:
    return DefinitionError(
        "A key is not a string.",
        code="key-not-string",
        path=path,
        line=line,
        hint="Put the key in quotes.",
    )


def _unknown_tag(tag: str, path: str, line: int) -> DefinitionError:
    return DefinitionError(
        f"The YAML tag {quote(tag)} has no meaning in a pipeline definition.",
        code="yaml-tag",
        path=path,
        line=line,
        hint="Remove the tag; only strings, numbers, booleans and null can be written.",
    )
