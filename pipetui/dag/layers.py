"""The layer of each node, and the chains that carry long edges through the layers between."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

Edge = tuple[int, int]


@dataclass(slots=True)
class Layered:
    """A graph cut into layers, with edges between neighbouring layers only.

    Items `0 .. real-1` are the nodes; larger numbers are the points where a long edge passes a
    layer. `chains` gives, for each edge of the graph, the items it runs through, its two nodes
    included.
    """

    real: int
    layers: list[list[int]]
    up: list[list[int]]
    down: list[list[int]]
    chains: dict[Edge, tuple[int, ...]] = field(default_factory=dict)


def assign_layers(
    before: Sequence[Sequence[int]], after: Sequence[Sequence[int]], cap: int
) -> list[int]:
    """The layer of each node: the longest path to it, at most about `cap` nodes to a layer.

    Nodes are numbered in topological order. A node that feeds more than it reads moves next to its
    readers, which shortens lines.
    """
    layer = [0] * len(before)
    filled: Counter[int] = Counter()
    for node, sources in enumerate(before):
        at = max((layer[source] + 1 for source in sources), default=0)
        while filled[at] >= cap:
            at += 1
        layer[node] = at
        filled[at] += 1
    for node in range(len(before) - 1, -1, -1):
        if len(after[node]) <= len(before[node]):
            continue
        latest = min(layer[target] for target in after[node]) - 1
        if latest > layer[node] and filled[latest] < cap:
            filled[layer[node]] -= 1
            filled[latest] += 1
            layer[node] = latest
    used = {at: index for index, at in enumerate(sorted(set(layer)))}
    return [used[at] for at in layer]


def cut(count: int, edges: Sequence[Edge], cap: int) -> Layered:
    """Lay `count` nodes, numbered in topological order, into layers.

    Long edges that leave the same node, or enter the same node, share one chain: a bundle shows
    less ink and stays unambiguous.
    """
    before: list[list[int]] = [[] for _ in range(count)]
    after: list[list[int]] = [[] for _ in range(count)]
    for source, target in edges:
        before[target].append(source)
        after[source].append(target)
    layer = assign_layers(before, after, cap)
    layers: list[list[int]] = [[] for _ in range(max(layer, default=-1) + 1)]
    for node, at in enumerate(layer):
        layers[at].append(node)
    graph = Layered(count, layers, [[] for _ in range(count)], [[] for _ in range(count)])
    _add_chains(graph, layer, edges)
    return graph


def _add_chains(graph: Layered, layer: Sequence[int], edges: Sequence[Edge]) -> None:
    long_edges = [(s, t) for s, t in edges if layer[t] - layer[s] > 1]
    leaving = Counter(source for source, _ in long_edges)
    entering = Counter(target for _, target in long_edges)
    points: dict[tuple[bool, int, int], int] = {}
    joined: set[Edge] = set()
    for source, target in edges:
        by_source = leaving[source] >= entering[target]
        chain = [source]
        for at in range(layer[source] + 1, layer[target]):
            key = (by_source, source if by_source else target, at)
            if key not in points:
                points[key] = len(graph.up)
                graph.layers[at].append(points[key])
                graph.up.append([])
                graph.down.append([])
            chain.append(points[key])
        chain.append(target)
        graph.chains[source, target] = tuple(chain)
        for step in itertools.pairwise(chain):
            if step not in joined:
                joined.add(step)
                graph.down[step[0]].append(step[1])
                graph.up[step[1]].append(step[0])
