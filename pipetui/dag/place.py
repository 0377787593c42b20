"""Where the items of a layer stand on the integer grid, across the direction of flow."""

from __future__ import annotations

from collections.abc import Sequence

from pipetui.dag.layers import Layered
from pipetui.dag.order import median

_ROUNDS = 3
_STRAIGHT = 8.0
_LOOSE = 0.05


def place(graph: Layered, sizes: Sequence[int], pins: Sequence[int], gap: int) -> list[int]:
    """The grid line of each item's pin, the cell where its edges begin and end.

    Items keep their order, item `i` covers `sizes[i]` cells of which cell `pins[i]` is its pin, and
    `gap` cells stay free between neighbours. Each layer in turn moves as near as its neighbours
    allow to the medians of the layer before; long edges have priority, so that they run straight.
    """
    spots = [0] * len(sizes)
    steps = [_steps(layer, sizes, pins, gap) for layer in graph.layers]
    for layer, offsets in zip(graph.layers, steps, strict=True):
        for item, offset in zip(layer, offsets, strict=True):
            spots[item] = offset
    last = len(graph.layers) - 1
    for round_ in range(_ROUNDS):
        for index in range(1, last + 1):
            _pull(graph, index, graph.up, steps[index], spots)
        for index in range(last - 1, -1, -1):
            _pull(graph, index, graph.down, steps[index], spots)
        if round_ == _ROUNDS - 1:
            for index in range(1, last + 1):
                _pull(graph, index, graph.up, steps[index], spots)
    low = min((spots[item] - pins[item] for item in range(len(spots))), default=0)
    return [spot - low for spot in spots]


def _steps(layer: Sequence[int], sizes: Sequence[int], pins: Sequence[int], gap: int) -> list[int]:
    """The least distance of each item's pin from the first item's pin."""
    offsets: list[int] = []
    at = 0
    for item in layer:
        offsets.append(at + pins[item])
        at += sizes[item] + gap
    return offsets


def _pull(
    graph: Layered,
    index: int,
    near: Sequence[Sequence[int]],
    offsets: Sequence[int],
    spots: list[int],
) -> None:
    """Isotonic regression: the places nearest to the wanted ones that keep order and room."""
    layer = graph.layers[index]
    blocks: list[tuple[float, float, int]] = []
    for item, offset in zip(layer, offsets, strict=True):
        others = near[item]
        if others:
            wanted = median([spots[other] for other in others])
            straight = item >= graph.real or (len(others) == 1 and others[0] >= graph.real)
            weight = _STRAIGHT if straight else 1.0
        else:
            wanted, weight = float(spots[item]), _LOOSE
        mean, size = wanted - offset, 1
        while blocks and blocks[-1][0] >= mean:
            above, heavy, length = blocks.pop()
            mean = (above * heavy + mean * weight) / (heavy + weight)
            weight += heavy
            size += length
        blocks.append((mean, weight, size))
    spot = 0
    for mean, _, size in blocks:
        for item in layer[spot : spot + size]:
            spots[item] = round(mean) + offsets[spot]
            spot += 1
