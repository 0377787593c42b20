"""Two JSON values, path by path. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any

from engine.comparison.trees import Change

_MISSING: Any = object()
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_:-]*")


@dataclass(frozen=True, slots=True)
class ValueDifference:
    """A place where two values differ.

    Args:
        path: like ``metrics['f1 score'].folds[2]``; empty for the values themselves.
        before: JSON of what stood there, cut where it is long; empty where nothing did.
        now: the same for what stands there now.
    """

    path: str
    change: Change
    before: str
    now: str


def compare_values(
    before: Any, now: Any, *, limit: int = 100, width: int = 200
) -> tuple[tuple[ValueDifference, ...], bool]:
    """The places where two JSON values differ, in document order, and whether there are more.

    Numbers are compared as numbers, so that ``1`` is ``1.0``; a boolean is no number. Lists are
    compared entry by entry, objects whatever the order of their members.

    Args:
        limit: how many places are told.
        width: characters of a value that are told.
    """
    found = [*islice(_walk(before, now, ""), limit + 1)]
    told = tuple(
        ValueDifference(path, _change(old, new), _text(old, width), _text(new, width))
        for path, old, new in found[:limit]
    )
    return told, len(found) > limit


def _walk(before: Any, now: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    waiting = [(before, now, path)]
    while waiting:
        old, new, where = waiting.pop()
        if isinstance(old, dict) and isinstance(new, dict):
            names = sorted(old.keys() | new.keys(), reverse=True)
            waiting += [
                (old.get(name, _MISSING), new.get(name, _MISSING), _member(where, name))
                for name in names
            ]
        elif isinstance(old, list) and isinstance(new, list):
            pairs = [*zip_longest(old, new, fillvalue=_MISSING)]
            waiting += [(*pairs[at], f"{where}[{at}]") for at in reversed(range(len(pairs)))]
        elif not _equal(old, new):
            yield where, old, new


def _equal(before: Any, now: Any) -> bool:
    if isinstance(before, bool) or isinstance(now, bool):
        return before is now
    both_nan = before != before and now != now
    return both_nan or bool(before == now)


def _change(before: Any, now: Any) -> Change:
    if before is _MISSING:
        return Change.ADDED
    return Change.REMOVED if now is _MISSING else Change.CHANGED


def _member(path: str, name: str) -> str:
    if not _PLAIN.fullmatch(name):
        return f"{path}[{name!r}]"
    return f"{path}.{name}" if path else name


def _text(value: Any, width: int) -> str:
    if value is _MISSING:
        return ""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= width else f"{text[: width - 1]}…"
