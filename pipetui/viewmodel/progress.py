"""A progress bar as text."""

from __future__ import annotations

_EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(done: float, width: int, *, unicode: bool = True) -> str:
    """``███████▌··``: the part that is done, from 0 to 1, in ``width`` cells.

    A bar is full only when everything is done, and not empty once anything is.
    """
    done = min(1.0, max(0.0, done))
    if not unicode:
        full = _bounded(round(done * width), done, width)
        return "#" * full + "." * (width - full)
    eighths = _bounded(round(done * width * 8), done, width * 8)
    full, part = divmod(eighths, 8)
    text = "█" * full + (_EIGHTHS[part] if part else "")
    return text + "·" * (width - len(text))


def _bounded(units: int, done: float, most: int) -> int:
    if done >= 1.0:
        return most
    return max(1 if done > 0.0 else 0, min(units, most - 1))
