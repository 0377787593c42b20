"""A curve in one line of text."""

from __future__ import annotations

import math
from collections.abc import Sequence

_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII = "_.-~=+*#"


def spark(
    values: Sequence[float], width: int, *, unicode: bool = True, floor: float | None = None
) -> str:
    """Up to ``width`` cells, each the mean of its part of the values; empty where there is none.

    Args:
        floor: the value of the lowest sign; the lowest value where it is None.
    """
    known = [one for one in values if math.isfinite(one)]
    if not known or width < 1:
        return ""
    parts = min(width, len(known))
    means = [
        _mean(known[len(known) * n // parts : len(known) * (n + 1) // parts]) for n in range(parts)
    ]
    low = min(means) if floor is None else min(floor, *means)
    high = max(means)
    signs = _BLOCKS if unicode else _ASCII
    if high <= low:
        return signs[0 if high == floor else len(signs) // 2] * parts
    top = len(signs) - 1
    return "".join(signs[round((one / 2 - low / 2) / (high / 2 - low / 2) * top)] for one in means)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(one / len(values) for one in values)
