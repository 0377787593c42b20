"""Names in a definition: their syntax, how a message shows them, and what was probably meant."""

from __future__ import annotations

import re
from collections.abc import Collection

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
"""Step and parameter names (definition schema); the parameter API itself would allow 256."""

NAME_RULE = "Use 1 to 64 letters, digits, '-' and '_'."

_SHOWN = 80
_LARGE = 300


def quote(value: object) -> str:
    """The value in quotes, on one line, shortened, with every unprintable character escaped."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def printable(text: str) -> str:
    """The text on one line, with every unprintable character escaped."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def listed(names: Collection[str], limit: int = 8) -> str:
    """The first names, comma-separated and safe to print, with the number that is left out."""
    shown = ", ".join(quote(name)[1:-1] for name in list(names)[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown


def suggestion(name: str, known: Collection[str], noun: str) -> str:
    """A hint for an unknown name: the closest known one, else what there is.

    Args:
        noun: what is being named, in the plural ("parameters").
    """
    lowered = {candidate.lower(): candidate for candidate in known}
    close = [lowered[name.lower()]] if name.lower() in lowered else []
    if not close and len(known) <= _LARGE:
        import difflib  # 5 ms, for errors only

        close = difflib.get_close_matches(name[:256], known, n=1)
    if close:
        return f"Did you mean {quote(close[0])}?"
    return f"Known {noun}: {listed(known)}." if known else f"There are no {noun}."
