"""Values that are known to be secret, because their names say so. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

NAMES = re.compile(
    r"(?i)passw(or)?d|secret|(?<!callback)(?<!next)token|api_?key|private_?key|credential"
)
MASK = "******"
"""What stands in the place of a secret in any text."""
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
                if isinstance(value, str) and NAMES.search(name):
                    found.update(line.strip() for line in value.split("\n"))
        elif isinstance(one, list | tuple):
            waiting += one
    return frozenset(
        text for text in found if len(text) >= _SHORTEST and not _PLAIN.fullmatch(text)
    )


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """A text with a mask in the place of each secret."""
    # The longest first: one may begin with another.
    known = sorted(secrets, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, known)), MASK, text) if known else text
