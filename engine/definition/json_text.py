"""JSON text to values, strictly, with the line of each value found only when it is needed."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

from engine.definition import paths
from engine.definition.lines import Lines
from engine.definition.names import quote
from engine.errors import DefinitionError

MAX_DEPTH = 300
"""Levels of nesting; 90 Conditions inside each other fit, and so does any recursion over them."""

_KEY = re.compile(r'"\s*:')
_NEXT = re.compile(r"[\s,:]*")
_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[{}\[\]]', re.DOTALL)
_NUMBER = re.compile(r"-?(?:[0-9][0-9.eE+-]*|Infinity)|NaN")
_SKIP = json.JSONDecoder(parse_int=str, parse_float=str, strict=False).raw_decode
_CONTAINERS = (dict, list)


class _Unusable(ValueError):
    """Well-formed for Python's reader, but not a value this program accepts."""


def read(text: str) -> tuple[Any, Lines, tuple[DefinitionError, ...]]:
    """The value of a JSON text, its lines, and the errors that make the value useless.

    Beyond what the grammar forbids, these are errors: a key twice in one object, numbers that are
    not finite or do not fit 64 bits, and absurd depth.
    """
    lines = JsonLines(text)
    try:
        value = _load(text)
        depth, keys = _measure(value)
        # Counting keys spares a hook per object. The text may seem to have more keys than it
        # does (`":"` inside a string), never fewer.
        if depth <= MAX_DEPTH and keys != len(_KEY.findall(text)):
            _load(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        return None, lines, (_syntax_error(error),)
    except _Unusable:
        return None, lines, _explain(text)
    except RecursionError:
        depth = MAX_DEPTH + 1
    if depth > MAX_DEPTH:
        return None, lines, (too_deep("$", _line_too_deep(text)),)
    return value, lines, ()


class JsonLines:
    """The lines of a JSON text, opening only the containers on the way to what is asked for."""

    __slots__ = ("_opened", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._opened: dict[int, dict[paths.Key, tuple[int, int]]] = {}

    def of(self, path: str) -> int | None:
        """See ``Lines.of``."""
        at = start = _next(self._text, 0)
        for key in paths.parse(path) or ():
            if self._text[start : start + 1] not in ("{", "["):
                break
            if start not in self._opened:
                self._opened[start] = {
                    name: (name_at, value_at)
                    for name, name_at, value_at in _members(self._text, start)
                }
            if key not in self._opened[start]:
                break
            at, start = self._opened[start][key]
        return _line(self._text, at)


def too_deep(path: str, line: int | None) -> DefinitionError:
    """The error for a text that nests more than ``MAX_DEPTH`` levels."""
    return DefinitionError(
        f"Values are nested more than {MAX_DEPTH} levels deep.",
        code="definition-too-deep",
        path=path,
        line=line,
        hint="Flatten the definition; no pipeline needs that many levels.",
    )


def duplicate_key(key: str, path: str, line: int | None) -> DefinitionError:
    """The error for a key that stands twice in one object."""
    return DefinitionError(
        f"The key {quote(key)} stands twice in the same object.",
        code="duplicate-key",
        path=path,
        line=line,
        hint="Keep one of the two; readers disagree about which one counts.",
    )


def unusable_number(token: str, path: str, line: int | None) -> DefinitionError:
    """The error for a number that is not finite or too large."""
    return DefinitionError(
        f"{quote(token)[1:-1]} is not a number that JSON and SageMaker can carry.",
        code="number-not-usable",
        path=path,
        line=line,
        hint="Use a finite number; integers must fit 64 bits.",
    )


def _load(text: str, **hooks: Any) -> Any:
    return json.loads(
        text, parse_constant=_refuse, parse_float=_finite, parse_int=_bounded, **hooks
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Unusable
    return value


def _refuse(token: str) -> Any:
    raise _Unusable(token)


def _finite(token: str) -> float:
    if not math.isfinite(number := float(token)):
        raise _Unusable(token)
    return number


def _bounded(token: str) -> int:
    if len(token) > 20 or not -(2**63) <= (number := int(token)) < 2**63:
        raise _Unusable(token)
    return number


def _measure(value: Any) -> tuple[int, int]:
    """How deep containers nest, up to a level more than is allowed, and how many keys they have."""
    level = [value] if isinstance(value, _CONTAINERS) else []
    depth = keys = 0
    while level and depth <= MAX_DEPTH:
        depth += 1
        below: list[Any] = []
        for container in level:
            items: Iterable[Any] = container
            if isinstance(container, dict):
                keys += len(container)
                items = container.values()
            below += [item for item in items if isinstance(item, _CONTAINERS)]
        level = below
    return depth, keys


def _syntax_error(error: json.JSONDecodeError) -> DefinitionError:
    return DefinitionError(
        f"The text is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.",
        code="json-syntax",
        path="$",
        line=error.lineno,
        hint="Look for a missing comma, quote or bracket just before this place.",
    )


def _explain(text: str) -> tuple[DefinitionError, ...]:
    """Locate what the strict reader refused; a syntax error further down comes first."""
    try:
        depth, _ = _measure(json.loads(text, parse_int=str))
    except json.JSONDecodeError as error:
        return (_syntax_error(error),)
    except RecursionError:
        depth = MAX_DEPTH + 1
    if depth > MAX_DEPTH:
        return (too_deep("$", _line_too_deep(text)),)
    start = _next(text, 0)
    errors = list(_refused(text, start, start, "$"))
    waiting: list[tuple[int, paths.Link]] = [(start, "$")]
    while waiting:
        start, link = waiting.pop()
        if text[start] not in "[{":
            continue
        seen: set[paths.Key] = set()
        for key, at, value_at in _members(text, start):
            path = paths.render((link, key))
            if key in seen:
                errors.append(duplicate_key(str(key), path, _line(text, at)))
            seen.add(key)
            errors.extend(_refused(text, at, value_at, path))
            waiting.append((value_at, (link, key)))
    return tuple(errors)


def _refused(text: str, at: int, value_at: int, path: str) -> Iterator[DefinitionError]:
    if number := _NUMBER.match(text, value_at):
        token = number.group()
        try:
            _finite(token) if re.search("[.eEnN]", token) else _bounded(token)
        except _Unusable:
            yield unusable_number(token, path, _line(text, at))


def _members(text: str, start: int) -> Iterator[tuple[paths.Key, int, int]]:
    """The key or index of each member of a container, where the member and its value start.

    The text must be JSON; the values themselves are skipped at the speed of the C reader.
    """
    is_object = text[start] == "{"
    position, index = _next(text, start + 1), 0
    while text[position] not in "]}":
        key: paths.Key = index
        at = position
        if is_object:
            key, position = _SKIP(text, position)
            position = _next(text, position)
        yield key, at, position
        _, position = _SKIP(text, position)
        position = _next(text, position)
        index += 1


def _next(text: str, position: int) -> int:
    """The start of the next token that is a value, a key or a closing bracket."""
    found = _NEXT.match(text, position)
    return found.end() if found else position


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _line_too_deep(text: str) -> int | None:
    depth = 0
    for match in _BRACKET.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match.group(), 0)
        if depth > MAX_DEPTH:
            return _line(text, match.start())
    return None
