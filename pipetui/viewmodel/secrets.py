"""Values that are not shown, because their names say that they are secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pipetui.viewmodel.lines import Line, Span

_SECRET = re.compile(
    r"(?i)passw(or)?d|secret|(?<!callback)(?<!next)token|api_?key|private_?key|credential"
)
_HIDDEN = "••••••"
LOG_MASK = "******"
"""What stands in place of a secret in the text of logs, on any terminal and in files."""


_SHORTEST = 6
"""Characters of a value from which it is looked for elsewhere: shorter ones stand in any text."""
_PLAIN = re.compile(r"[a-z]+|\d{1,7}|arn:.*|s3://.*|\{\{resolve:.*")
"""Words, small numbers, and references to a secret rather than the secret."""


def known_secrets(*given: Any) -> frozenset[str]:
    """The values, in JSON of any depth, whose names say that they are secret, line by line.

    Both ``{"API_KEY": "..."}`` and ``{"Name": "API_KEY", "Value": "..."}`` name a value. What any
    text may hold is left out: short values, plain words and small numbers.
    """
    found: set[str] = set()
    waiting = list(given)
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            waiting += one.values()
            named = {str(name): value for name, value in one.items()}
            named[str(one.get("Name", one.get("Key", "")))] = one.get("Value")
            for name, value in named.items():
                if isinstance(value, str) and _SECRET.search(name):
                    found.update(line.strip() for line in value.split("\n"))
        elif isinstance(one, list | tuple):
            waiting += one
    return frozenset(
        text for text in found if len(text) >= _SHORTEST and not _PLAIN.fullmatch(text)
    )


def without(lines: Iterable[Line], secrets: Iterable[str]) -> list[Line]:
    """Lines with a mask in place of each secret."""
    known = sorted(secrets, key=len, reverse=True)
    if not known:
        return list(lines)
    pattern = re.compile("|".join(map(re.escape, known)))
    return [
        tuple(Span(pattern.sub(LOG_MASK, span.text), span.tone) for span in line) for line in lines
    ]


def masked(name: str, value: str) -> str:
    """A value, or dots where its name says that it is a secret."""
    return _HIDDEN if value and _SECRET.search(name) else value
