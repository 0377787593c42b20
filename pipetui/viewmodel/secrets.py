"""Values that are not shown, because their names say that they are secret."""

from __future__ import annotations

import re

_SECRET = re.compile(
    r"(?i)passw(or)?d|secret|(?<!callback)(?<!next)token|api_?key|private_?key|credential"
)
_HIDDEN = "••••••"


def masked(name: str, value: str) -> str:
    """A value, or dots where its name says that it is a secret."""
    return _HIDDEN if value and _SECRET.search(name) else value
