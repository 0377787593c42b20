"""Structured log lines for people: one line of level, message and the rest, or the whole. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_LEVELS = ("level", "levelname", "severity", "lvl")
_MESSAGES = ("message", "msg", "event", "text")
_TIMES = ("timestamp", "@timestamp", "time", "ts", "asctime", "datetime")
_DEEP = 40
_NUMBERS = {10: "TRACE", 20: "DEBUG", 30: "INFO", 40: "WARN", 50: "ERROR", 60: "FATAL"}
"""Levels of pino and bunyan."""


def parsed(text: str) -> Any:
    """The object or list that a line is or ends in; None where there is none."""
    starts = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    if not starts:
        return None
    for at in sorted(starts):
        try:
            found = json.loads(text[at:])
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict | list):
            return found
    return None


def compact(text: str, *, timed: bool = False) -> str:
    """A JSON object as ``LEVEL message key=value``; any other text as it is.

    Args:
        timed: leave the time out, as it is shown otherwise.
    """
    if not text.lstrip().startswith("{"):
        return text
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(found, dict) or not found:
        return text
    time, level, message = (_take(found, names) for names in (_TIMES, _LEVELS, _MESSAGES))
    words = [] if timed else [_word(time)]
    words += [_level(level), _word(message)]
    words += [f"{key}={_word(value, quoted=True)}" for key, value in found.items()]
    return " ".join(word for word in words if word)


def _take(found: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((found.pop(name) for name in names if name in found), None)


def _level(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return _NUMBERS.get(value, str(value))
    return _word(value).upper()


def _word(value: Any, *, quoted: bool = False) -> str:
    if value is None:
        return "null" if quoted else ""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if quoted and " " in value else value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def pretty(value: Any, indent: int = 0) -> list[tuple[str, str]]:
    """A value as rows of key and value; the values of one object stand below each other."""
    if indent > 2 * _DEEP:
        return [("", " " * indent + "…")]
    if isinstance(value, Mapping) and value:
        return _members(value, indent)
    if isinstance(value, list) and value:
        rows: list[tuple[str, str]] = []
        for one in value:
            first, *rest = pretty(one, indent + 2)
            rows += [(" " * indent + "- " + first[0].lstrip(), first[1].lstrip()), *rest]
        return rows
    return [("", " " * indent + _scalar(value))]


def _members(value: Mapping[str, Any], indent: int) -> list[tuple[str, str]]:
    simple = [len(key) for key, one in value.items() if not _nested(one)]
    width = min(max(simple, default=0), 32)
    rows: list[tuple[str, str]] = []
    for key, one in value.items():
        if _nested(one):
            rows += [(" " * indent + key, ""), *pretty(one, indent + 2)]
        else:
            first, *more = _scalar(one).split("\n")
            rows.append((" " * indent + f"{key:<{width}}", first))
            rows += [(" " * (indent + width), line) for line in more]
    return rows


def _nested(value: Any) -> bool:
    return isinstance(value, dict | list) and bool(value)


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
