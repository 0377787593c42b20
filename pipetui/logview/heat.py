"""Where in a log the errors and warnings are, as bars beside the screen. Pure."""

from __future__ import annotations

from collections.abc import Sequence

HEAT = 8
"""Cells of the strip."""


def bars(
    errors: Sequence[int], warnings: Sequence[int], width: int = HEAT
) -> tuple[tuple[int, int], ...]:
    """For each part of the log, how many cells its errors and its warnings take.

    The fullest part takes the whole width; anything takes a cell at least, errors first.

    Args:
        errors: number of errors in each part.
        warnings: number of warnings in each part.
    """
    most = max((e + w for e, w in zip(errors, warnings, strict=True)), default=0)
    found = []
    for error, warning in zip(errors, warnings, strict=True):
        total = -(-(error + warning) * width // most) if most else 0
        red = min(total, -(-error * total // (error + warning))) if error else 0
        found.append((red, total - red))
    return tuple(found)
