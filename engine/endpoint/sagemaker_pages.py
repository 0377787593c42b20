"""Lists as the SageMaker API gives them: filtered by time, sorted, a page at a time (pure)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from engine.endpoint.faults import AwsFault

T = TypeVar("T")
PAGE = 100
"""What a page holds where MaxResults does not say, and at most."""


def ordered(
    items: Sequence[T],
    given: Mapping[str, Any],
    keys: Mapping[str, Callable[[T], Any]],
    default: str = "CreationTime",
) -> list[T]:
    """Items by ``SortBy`` and ``SortOrder``; the newest first where nothing is said.

    Args:
        keys: what ``SortBy`` can name, and the value to sort by.
    """
    key = keys.get(given.get("SortBy", default), keys[default])
    # Sorted backwards rather than reversed, so that equal ones stay as they stood.
    return sorted(items, key=key, reverse=given.get("SortOrder", "Descending") == "Descending")


def within(
    items: Sequence[T],
    given: Mapping[str, Any],
    at: Callable[[T], float],
    after: str = "CreatedAfter",
    before: str = "CreatedBefore",
) -> list[T]:
    """The items whose time lies between two members of the request."""
    first, last = _seconds(given.get(after)), _seconds(given.get(before))
    return [
        one
        for one in items
        if (first is None or at(one) > first) and (last is None or at(one) < last)
    ]


def _seconds(value: Any) -> float | None:
    """A point in time of the JSON protocol: seconds, or ISO-8601 text."""
    if isinstance(value, str):
        return datetime.fromisoformat(value).timestamp()
    return None if value is None else float(value)


def page(
    items: Sequence[T], given: Mapping[str, Any], key: Callable[[T], str]
) -> tuple[list[T], dict[str, str]]:
    """One page of the items, and the ``NextToken`` where more follow.

    The token names the page's last item, so that items which come or go move nothing.

    Raises:
        AwsFault: ``ValidationException`` for a token of no item.
    """
    start = 0
    if token := given.get("NextToken"):
        names = [key(one) for one in items]
        last = _name_in(token)
        if last not in names:
            raise AwsFault("ValidationException", "The NextToken is not one of this list.")
        start = names.index(last) + 1
    end = start + given.get("MaxResults", PAGE)
    shown = list(items[start:end])
    if end >= len(items) or not shown:
        return shown, {}
    return shown, {"NextToken": base64.urlsafe_b64encode(key(shown[-1]).encode()).decode()}


def _name_in(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, ValueError):
        return ""
