"""In which order pieces of a frame are written in few bytes: a short tour through them all. Pure.

From one piece to the next there is a way to go and a style to change; together they are half of
what a small frame costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pipetui.term.canvas import Cells
from pipetui.term.pen import PLAIN, Style, change, style, way

Run = tuple[int, int, Cells]
"""Row, column and cells that differ from what is there."""
_MOST = 48
"""Pieces of which a tour is sought: the time goes with their square."""
_EVERY = 3
"""Of so many pieces one is tried as the first; of all, ten bytes less cost three times the time."""
_MOVED = (1, 2, 3, 5)
"""Neighbours in a tour that are tried together in another place."""


def shorter(pieces: Sequence[Run], now: Style | None) -> list[Run]:
    """Pieces, each of one style, in an order that takes few bytes.

    Args:
        now: the style that is written in before; None where it is not known.
    """
    if len(pieces) > _MOST:
        return sorted(pieces, key=lambda piece: _by_style(piece, now or PLAIN))
    costs = _costs(pieces, now or PLAIN)
    tours = [_nearest(costs, at) for at in (None, *range(0, len(pieces), _EVERY))]
    tours.append(sorted(range(len(pieces)), key=lambda at: pieces[at][2].codes[0]))
    best = min((_improved(tour, costs) for tour in tours), key=lambda tour: _length(tour, costs))
    return [pieces[at] for at in best]


def _by_style(piece: Run, now: Style) -> tuple[bool, str, bool, str]:
    """What is painted on the present background first, and there in the present style."""
    codes = piece[2].codes[0]
    kind = style(codes)
    return kind.background != now.background, kind.background, kind != now, codes


def _costs(pieces: Sequence[Run], now: Style) -> list[list[int]]:
    """Bytes from each piece to each other one; the last stands for before and behind them all."""
    kinds = [style(cells.codes[0]) for _, _, cells in pieces]
    costs: list[list[int]] = []
    for (row, column, cells), kind in zip(pieces, kinds, strict=True):
        end = (row, column + len(cells.texts))
        costs.append([len(way(end, y, x)) for y, x, _ in pieces])
        for at, other in enumerate(kinds):
            costs[-1][at] += len(change(kind, other))
        costs[-1].append(0)
    first = [len(way(None, y, x)) for y, x, _ in pieces]
    costs.append([one + len(change(now, kind)) for one, kind in zip(first, kinds, strict=True)])
    costs[-1].append(0)
    return costs


def _nearest(costs: list[list[int]], first: int | None) -> list[int]:
    """Always on to the nearest, from one piece or, where there is none, from the present place."""
    left, tour = set(range(len(costs) - 1)), []
    row = costs[-1]
    if first is not None:
        row = [-(at == first) for at in range(len(costs))]
    while left:
        tour.append(min(left, key=lambda at: (row[at], at)))
        left.remove(tour[-1])
        row = costs[tour[-1]]
    return tour


def _length(tour: Sequence[int], costs: list[list[int]]) -> int:
    last = len(costs) - 1
    return sum(costs[a][b] for a, b in pairwise([last, *tour, last]))


def _improved(tour: list[int], costs: list[list[int]]) -> list[int]:
    """The tour after each move of a few neighbours that makes it shorter."""
    better = True
    while better:
        better = False
        for count in _MOVED:
            for start in range(len(tour) - count + 1):
                moved = _moved(tour, start, count, costs)
                if moved is not None:
                    tour, better = moved, True
    return tour


def _moved(tour: list[int], start: int, count: int, costs: list[list[int]]) -> list[int] | None:
    """The tour with some neighbours where they cost least; None where that is where they are."""
    ends = len(costs) - 1
    part, rest = tour[start : start + count], tour[:start] + tour[start + count :]
    first, last = part[0], costs[part[-1]]
    ring = [ends, *rest, ends]
    here = costs[ring[start]][first] + last[ring[start + 1]] - costs[ring[start]][ring[start + 1]]
    added = [costs[a][first] + last[b] - costs[a][b] for a, b in pairwise(ring)]
    least = min(added)
    if least >= here:
        return None
    at = added.index(least)
    return rest[:at] + part + rest[at:]
