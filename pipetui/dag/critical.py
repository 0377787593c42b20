"""The chain of steps that decides how long an execution takes."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from pipetui.dag.graph import Dag, topological_order


def critical_path(dag: Dag, durations: Mapping[str, float]) -> tuple[str, ...]:
    """The longest chain by the steps' own durations, first step first.

    `durations` are seconds by step name; a step without one counts as zero. Among chains of equal
    length the one whose steps come first in the author's order is taken. No duration, no path.
    """
    if not any(durations.get(node.name, 0.0) > 0 for node in dag.nodes):
        return ()
    known = {node.name for node in dag.nodes}
    pairs = [(e.source, e.target) for e in dag.edges if {e.source, e.target} <= known]
    order = topological_order([node.name for node in dag.nodes], pairs)
    rank = {name: index for index, name in enumerate(order)}
    before: dict[str, list[str]] = {name: [] for name in order}
    for source, target in pairs:
        if rank[source] < rank[target]:
            before[target].append(source)
    finish: dict[str, float] = {}
    previous: dict[str, str] = {}
    for name in order:
        start = 0.0
        for source in sorted(before[name], key=rank.__getitem__):
            if finish[source] > start:
                start, previous[name] = finish[source], source
        finish[name] = start + max(0.0, durations.get(name, 0.0))
    path = [max(order, key=lambda name: finish[name])]
    while path[-1] in previous:
        path.append(previous[path[-1]])
    return tuple(reversed(path))


def time_to_start(
    dag: Dag,
    name: str,
    expected: Mapping[str, float],
    spent: Mapping[str, float],
    ended: Collection[str],
) -> float | None:
    """Seconds until a step may start, None where a step before it has no expected duration.

    `dag` is drawable. `expected` and `spent` are seconds by step name; a step that takes longer
    than expected counts as about to end.
    """
    before: dict[str, list[str]] = {node.name: [] for node in dag.nodes}
    for edge in dag.edges:
        before[edge.target].append(edge.source)
    ends: dict[str, float] = {}
    for node in dag.nodes:
        start = max((ends[source] for source in before[node.name]), default=0.0)
        if node.name == name:
            return start if math.isfinite(start) else None
        left = expected.get(node.name, math.inf) - spent.get(node.name, 0.0)
        ends[node.name] = 0.0 if node.name in ended else start + max(0.0, left)
    return None
