"""Paths into JSON values: written, read and walked.

A path is a tuple of member names and list indexes. Its text form, ``Outputs['train'].S3Uri`` or
``a.b[0]``, is the one of ``Get`` and of ``Std:JsonGet``; error messages use it behind a ``$``.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, TypeAlias

from engine.definition.names import listed, quote
from engine.errors import ExpressionError

Key: TypeAlias = str | int
Path: TypeAlias = tuple[Key, ...]
Link: TypeAlias = "str | tuple[Link, Key]"
"""A path under construction: the text of the root, or a parent and one key more.

Deep scans make one per container, so it has to cost next to nothing until it is rendered.
"""

LIST_KEYS = ("OutputName", "InputName", "MetricName", "ChannelName", "Name")
"""The members by which SageMaker addresses an item of a list with a string key."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
_SEGMENT = re.compile(
    r"""\.(?P<name>[^.\[\]]+) | \[(?P<index>[0-9]{1,9})\]
      | \['(?P<single>.*?)'\] | \["(?P<double>.*?)"\]""",
    re.VERBOSE | re.DOTALL,
)


def child(parent: str, key: Key) -> str:
    """The text of the path one key below ``parent``."""
    return parent + _segment(key)


@lru_cache(maxsize=4096)
def _segment(key: Key) -> str:
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if _PLAIN.fullmatch(key) else f"[{key!r}]"


def render(link: Link) -> str:
    """The text of a path under construction."""
    keys: list[Key] = []
    while isinstance(link, tuple):
        link, key = link
        keys.append(key)
    return link + "".join(map(_segment, reversed(keys)))


def parse(text: str) -> Path | None:
    """The path that a text such as ``a.b[0]['val:acc']`` stands for; None where it is malformed.

    Member names in brackets may hold dots, colons and spaces. A leading ``$`` is allowed, other
    JSONPath syntax (wildcards, filters, slices) is not: the service is not known to use it.
    """
    if text == "$" or text.startswith(("$.", "$[")):
        text = text[1:]
    elif text and not text.startswith("["):
        text = f".{text}"
    keys: list[Key] = []
    position = 0
    while position < len(text):
        segment = _SEGMENT.match(text, position)
        if segment is None:
            return None
        kind, value = str(segment.lastgroup), segment[str(segment.lastgroup)]
        keys.append(int(value) if kind == "index" else value)
        position = segment.end()
    return tuple(keys)


def walk(value: Any, path: Path, *, root: str = "$", parse_text: bool = False) -> Any:
    """The value at ``path``.

    Args:
        root: the text of where ``value`` itself stands, for messages.
        parse_text: whether a string on the way is read as a JSON document, as SageMaker does for
            items of a ForEach and for the document of a Job.

    Raises:
        ExpressionError: a member or an index is not there. The text starts with ``ClientError``
            as the service's does; it is never retried.
    """
    at = root
    for key in path:
        if parse_text and isinstance(value, str):
            value = _read_text(value, at)
        value = _member(value, key, at)
        at = child(at, key)
    return value


def _member(value: Any, key: Key, at: str) -> Any:
    match value:
        case dict() if key in value:
            return value[key]
        case list() if isinstance(key, int):
            if key < len(value):
                return value[key]
            raise _missing(f"{at} has {len(value)} items, so there is no [{key}]")
        case list():
            for item in value:
                if isinstance(item, dict) and any(item.get(name) == key for name in LIST_KEYS):
                    return item
            raise _missing(f"{at} is a list without an item named {quote(key)}", value)
        case dict():
            raise _missing(f"{at} has no member {quote(key)}", value)
    raise _missing(f"{at} is {kind_of(value)}, so it has no member {quote(key)}")


def _missing(what: str, container: Any = None) -> ExpressionError:
    names: list[str] = []
    if isinstance(container, dict):
        names = [str(name) for name in container]
    elif isinstance(container, list):
        items = [item for item in container if isinstance(item, dict)]
        names = [str(item[name]) for item in items for name in LIST_KEYS if name in item]
    return ExpressionError(
        f"ClientError: {what}",
        code="property-missing",
        hint=f"It has: {listed(names)}." if names else "Check the path of the expression.",
    )


def _read_text(text: str, at: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise _missing(f"{at} is a string that is not a JSON document") from None


def kind_of(value: Any) -> str:
    """What kind of JSON value this is, in words: "a string", "an object"."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
    return "an object"
