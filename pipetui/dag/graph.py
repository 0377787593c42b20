"""The graph to draw: nodes and edges as given, and the part of them that is drawn."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class EdgeKind(StrEnum):
    """Why one step comes after another."""

    REFERENCE = "reference"
    DEPENDS_ON = "depends_on"
    BRANCH_IF = "branch_if"
    BRANCH_ELSE = "branch_else"

    @property
    def word(self) -> str:
        """The label on the line: `if`, `else` or nothing."""
        return _WORDS.get(self, "")


_WORDS = {EdgeKind.BRANCH_IF: "if", EdgeKind.BRANCH_ELSE: "else"}
_STRENGTH = {
    EdgeKind.DEPENDS_ON: 0,
    EdgeKind.REFERENCE: 1,
    EdgeKind.BRANCH_ELSE: 2,
    EdgeKind.BRANCH_IF: 3,
}


@dataclass(frozen=True, slots=True)
class DagNode:
    """One step.

    `type` is the step type (`Condition` is drawn with a diamond), `label` a short second line such
    as `rmse <= 6.0`, `parent` the Condition or ForEach step that holds this one, `count` the number
    of steps that a folded node stands for.
    """

    name: str
    type: str = ""
    label: str = ""
    parent: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True)
class DagEdge:
    """`target` comes after `source`."""

    source: str
    target: str
    kind: EdgeKind = EdgeKind.REFERENCE


@dataclass(frozen=True, slots=True)
class Dag:
    """Nodes in the author's order, and edges between their names."""

    nodes: tuple[DagNode, ...] = ()
    edges: tuple[DagEdge, ...] = ()

    def digest(self) -> str:
        """A hash of the content, equal in every process: the key for cached pictures."""
        sums = hashlib.blake2b(digest_size=16)
        for node in self.nodes:
            sums.update(repr((node.name, node.type, node.label, node.parent, node.count)).encode())
        for edge in self.edges:
            sums.update(repr((edge.source, edge.target, edge.kind.value)).encode())
        return sums.hexdigest()


def drawable(dag: Dag) -> Dag:
    """The graph with only the edges that are drawn, nodes in topological order.

    Edges from or to unknown steps and a step's edge to itself are left out, several edges between
    two steps become the strongest one, a cycle is opened at its first step in the author's order,
    and an edge implied by a longer path is dropped. A branch edge counts as implied only by a path
    that starts in the same branch, so that a step never loses its `if` or `else`.
    """
    nodes = {node.name: node for node in reversed(dag.nodes)}
    names = list(dict.fromkeys(node.name for node in dag.nodes))
    kinds: dict[tuple[str, str], EdgeKind] = {}
    for edge in dag.edges:
        if edge.source == edge.target or edge.source not in nodes or edge.target not in nodes:
            continue
        known = kinds.get((edge.source, edge.target), edge.kind)
        kinds[edge.source, edge.target] = max(known, edge.kind, key=_STRENGTH.__getitem__)
    order = topological_order(names, list(kinds))
    rank = {name: index for index, name in enumerate(order)}
    ahead = {pair: kind for pair, kind in kinds.items() if rank[pair[0]] < rank[pair[1]]}
    return Dag(tuple(nodes[name] for name in order), _reduced(rank, ahead))


def topological_order(names: Sequence[str], pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Sources before targets, otherwise in the given order; a cycle is opened at its first name."""
    waiting = dict.fromkeys(names, 0)
    after: dict[str, list[str]] = {name: [] for name in names}
    for source, target in pairs:
        waiting[target] += 1
        after[source].append(target)
    order: list[str] = []
    ready = [name for name in names if not waiting[name]]
    placed = set(ready)
    first_left = 0
    while len(order) < len(names):
        if len(order) == len(ready):
            while names[first_left] in placed:
                first_left += 1
            ready.append(names[first_left])
            placed.add(names[first_left])
        name = ready[len(order)]
        order.append(name)
        for target in after[name]:
            waiting[target] -= 1
            if not waiting[target] and target not in placed:
                placed.add(target)
                ready.append(target)
    return order


def _reduced(
    rank: Mapping[str, int], kinds: Mapping[tuple[str, str], EdgeKind]
) -> tuple[DagEdge, ...]:
    """The transitive reduction of an acyclic graph: reachable sets are the bits of integers."""
    after: dict[str, list[str]] = {name: [] for name in rank}
    for source, target in kinds:
        after[source].append(target)
    reach: dict[str, int] = {}
    kept: list[DagEdge] = []
    for source in sorted(rank, key=rank.__getitem__, reverse=True):
        anywhere = 0
        in_branch: dict[EdgeKind, int] = {}
        edges: list[DagEdge] = []
        for target in sorted(after[source], key=rank.__getitem__):
            kind = kinds[source, target]
            implied = in_branch.get(kind, 0) if kind.word else anywhere
            bit = 1 << rank[target]
            if not implied & bit:
                edges.append(DagEdge(source, target, kind))
            anywhere |= bit | reach[target]
            in_branch[kind] = in_branch.get(kind, 0) | reach[target]
        reach[source] = anywhere
        kept[:0] = edges
    return tuple(kept)
