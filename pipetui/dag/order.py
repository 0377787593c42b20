"""The order of the items within each layer: few crossings, the same answer every time."""

from __future__ import annotations

import itertools
from bisect import bisect_right, insort
from collections.abc import Sequence

from pipetui.dag.layers import Layered

_SWEEPS = 16
_SWEEPS_OF_MANY = 6
_MANY = 1_000


def arrange(graph: Layered) -> None:
    """Reorder `graph.layers` in place by median sweeps, keeping the best order seen.

    The number of sweeps is bounded by the size and ties keep their former order, so the same graph
    gives the same picture.
    """
    given = graph.layers
    graph.layers = _first_order(graph)
    best = min(graph.layers, given, key=lambda layers: crossings(graph, layers))
    fewest = crossings(graph, best)
    items = len(graph.up)
    idle = 0
    for sweep in range(_SWEEPS if items <= _MANY else _SWEEPS_OF_MANY):
        if not fewest or idle > 3:
            break
        layers = _swept(graph, graph.layers, downwards=sweep % 2 == 0)
        if items <= _MANY:
            _swap_neighbours(graph, layers)
        graph.layers = layers
        count = crossings(graph, layers)
        idle = 0 if count < fewest else idle + 1
        if count < fewest:
            best, fewest = layers, count
    graph.layers = min(
        best, [layer[::-1] for layer in best], key=lambda layers: _unlike(graph, layers)
    )


def _unlike(graph: Layered, layers: Sequence[Sequence[int]]) -> int:
    """How many neighbours do not stand in the author's order."""
    pairs = (pair for layer in layers for pair in itertools.pairwise(layer))
    return sum(left > right for left, right in pairs if max(left, right) < graph.real)


def crossings(graph: Layered, layers: Sequence[Sequence[int]]) -> int:
    """How many pairs of edges cross between neighbouring layers."""
    total = 0
    for upper, lower in itertools.pairwise(layers):
        place = {item: index for index, item in enumerate(lower)}
        seen: list[int] = []
        for item in upper:
            ends = sorted(place[target] for target in graph.down[item])
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _first_order(graph: Layered) -> list[list[int]]:
    """Depth first from the author's first nodes, so that what belongs together starts together."""
    at = {item: index for index, layer in enumerate(graph.layers) for item in layer}
    layers: list[list[int]] = [[] for _ in graph.layers]
    seen: set[int] = set()
    for root in (item for layer in graph.layers for item in layer):
        stack = [root]
        while stack:
            item = stack.pop()
            if item in seen:
                continue
            seen.add(item)
            layers[at[item]].append(item)
            stack.extend(reversed(graph.down[item]))
    return layers


def _swept(graph: Layered, layers: Sequence[list[int]], *, downwards: bool) -> list[list[int]]:
    near = graph.up if downwards else graph.down
    result = [list(layer) for layer in layers]
    walk = range(1, len(result)) if downwards else range(len(result) - 2, -1, -1)
    for index in walk:
        fixed = result[index - 1 if downwards else index + 1]
        place = {item: spot for spot, item in enumerate(fixed)}
        own = {item: float(spot) for spot, item in enumerate(result[index])}
        scale = len(fixed) / max(1, len(own))
        keys = {
            item: median([place[other] for other in near[item]]) if near[item] else spot * scale
            for item, spot in own.items()
        }
        result[index].sort(key=keys.__getitem__)
    return result


def median(values: Sequence[int]) -> float:
    """The middle value, or the mean of the two middle ones."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return float(ordered[middle])
    return (ordered[middle - 1] + ordered[middle]) / 2


def _swap_neighbours(graph: Layered, layers: list[list[int]]) -> None:
    """Swap neighbours while that removes crossings: what medians leave behind."""
    place = {item: spot for layer in layers for spot, item in enumerate(layer)}
    for layer in layers:
        for _ in range(3):
            better = False
            for spot in range(len(layer) - 1):
                left, right = layer[spot], layer[spot + 1]
                gain = 0
                for near in (graph.up, graph.down):
                    a = [place[item] for item in near[left]]
                    b = [place[item] for item in near[right]]
                    gain += sum((x > y) - (x < y) for x in a for y in b)
                if gain > 0:
                    layer[spot], layer[spot + 1] = right, left
                    place[left], place[right] = spot + 1, spot
                    better = True
            if not better:
                break
