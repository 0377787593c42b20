"""How much a number grew, as a person reads it: equal is equal, and no growth is ever zero."""

from __future__ import annotations


def percent(before: float, now: float) -> str:
    """``+4.6%``, with more digits where it is less; ``same`` for equal ones, empty from zero."""
    if now == before:
        return "same"
    if not before:
        return ""
    growth = (now - before) / abs(before) * 100
    for digits in (1, 2, 3, 4):
        if abs(growth) >= 0.95 * 10**-digits:
            return f"{growth:+,.{digits}f}%"
    return "+ under 0.0001%" if growth > 0 else "- under 0.0001%"


def grown(before: float, now: float) -> str:
    """``+0.002  +0.2%``: the difference, then the part that it is of what was."""
    if now == before:
        return "same"
    return f"{now - before:+.4g}  {percent(before, now)}".rstrip()
