"""Beside the screen: where it stands in the log, and where errors and warnings are. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pipetui.logview.matches import Matches
from pipetui.logview.view import View

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


def track(view: View, parts: Sequence[tuple[int, int]], errors: Matches) -> str:
    """For each row "x" where an error is, "." where the screen stands in the log, or " ".

    Args:
        parts: for each row the lines it stands for.
    """
    if view.total <= view.height or not view.height:
        return " " * view.height
    first = view.top * view.height // view.total
    last = min(view.total - 1, view.top + view.height - 1) * view.height // view.total
    return "".join(
        "x" if errors.within(low, high) else "." if first <= y <= last else " "
        for y, (low, high) in enumerate(parts)
    )


def heat(
    parts: Sequence[tuple[int, int]], errors: Matches, severe: Matches
) -> tuple[tuple[int, int], ...]:
    """The bars of the parts of a log.

    Args:
        severe: warnings and errors.
    """
    red = [errors.within(low, high) for low, high in parts]
    both = [severe.within(low, high) for low, high in parts]
    return bars(red, [max(0, all_ - e) for e, all_ in zip(red, both, strict=True)])
