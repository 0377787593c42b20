"""Values that are not shown, because their names say that they are secret."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipetui.viewmodel.lines import BLANK, Line, Span, Tone, heading, wrap

_SECRET = re.compile(
    r"(?i)passw(or)?d|secret|(?<!callback)(?<!next)token|api_?key|private_?key|credential"
)
_HIDDEN = "••••••"
LOG_MASK = "******"
"""What stands in place of a secret in the text of logs, on any terminal and in files."""


ABOUT = (
    "Values named like PASSWORD, SECRET, TOKEN, API_KEY, PRIVATE_KEY or CREDENTIAL are masked where"
    " they stand; those that a step was given also in its log and its files. * shows what is masked"
    " on a screen until that is left."
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


def about_lines(width: int) -> list[Line]:
    """What is masked, and by what."""
    return [heading("MASKED"), *wrap(ABOUT, width, Tone.DIM, indent="   "), BLANK]


def masked(name: str, value: str, *, clear: bool = False) -> str:
    """A value, or dots where its name says that it is a secret.

    Args:
        clear: a person asked to see secrets.
    """
    return _HIDDEN if value and not clear and _SECRET.search(name) else value
