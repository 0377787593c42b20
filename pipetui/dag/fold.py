"""Folding: many steps of equal shape drawn as one counted node."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass

from pipetui.dag.graph import Dag, DagEdge, DagNode, topological_order

VISIBLE_LIMIT = 300
_LEAST_MEMBERS = 3
_ROUNDS = 40
_NUMBERED = re.compile(r"^(.*?)[\s\-_.\[(#]*(\d+)[\])]*$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Group:
    """Steps that may fold: the same kind of name, dependencies and dependents.

    `key` names the group (its first member) and stays the same while the graph does.
    """

    key: str
    title: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Folded:
    """A graph with some groups folded, the members of each folded node, and each member's node."""

    dag: Dag
    members: dict[str, tuple[str, ...]]
    homes: dict[str, str]


def groups(dag: Dag) -> tuple[Group, ...]:
    """The groups of three or more steps of equal shape, in the author's order.

    Steps have the same shape when their names differ only in a number at the end, they have the
    same type and depth, and their dependencies and dependents have, in turn, the same shapes. So
    parallel chains `prepare[i] -> train[i]` fold into two nodes, and the folded graph stays
    acyclic.
    """
    shapes = _shapes(dag)
    found: dict[Hashable, list[str]] = {}
    for node in dag.nodes:
        if _NUMBERED.match(node.name) and node.count == 1:
            found.setdefault(shapes[node.name], []).append(node.name)
    return tuple(
        Group(names[0], _title(names), tuple(names))
        for names in found.values()
        if len(names) >= _LEAST_MEMBERS
    )


def automatic(dag: Dag, found: Sequence[Group]) -> frozenset[str]:
    """The keys to fold when nobody has chosen: all, once the picture would not be readable."""
    return (
        frozenset(group.key for group in found) if len(dag.nodes) > VISIBLE_LIMIT else frozenset()
    )


def fold(dag: Dag, found: Sequence[Group], keys: Collection[str]) -> Folded:
    """The graph with the groups of these keys folded; a folded node stands at its first member."""
    taken = {node.name for node in dag.nodes}
    homes: dict[str, str] = {}
    members: dict[str, tuple[str, ...]] = {}
    for group in found:
        if group.key in keys:
            name = group.title
            while name in taken:
                name += "'"
            taken.add(name)
            members[name] = group.members
            homes.update(dict.fromkeys(group.members, name))
    nodes: dict[str, DagNode] = {}
    for node in dag.nodes:
        name = homes.get(node.name, node.name)
        folded = DagNode(name, node.type, parent=node.parent, count=len(members.get(name, ())))
        nodes.setdefault(name, folded if name in members else node)
    edges = dict.fromkeys(
        DagEdge(homes.get(e.source, e.source), homes.get(e.target, e.target), e.kind)
        for e in dag.edges
    )
    return Folded(Dag(tuple(nodes.values()), tuple(edges)), members, homes)


def _shapes(dag: Dag) -> dict[str, Hashable]:
    """Colour refinement from (name without number, type, depth) until no colour splits any more."""
    names = [node.name for node in dag.nodes]
    before: dict[str, list[tuple[str, str]]] = {name: [] for name in names}
    after: dict[str, list[tuple[str, str]]] = {name: [] for name in names}
    for edge in dag.edges:
        if edge.source in after and edge.target in before:
            before[edge.target].append((edge.kind, edge.source))
            after[edge.source].append((edge.kind, edge.target))
    depth: dict[str, int] = {}
    for name in topological_order(
        names, [(e.source, e.target) for e in dag.edges if e.source in after and e.target in before]
    ):
        depth[name] = max((depth.get(source, 0) + 1 for _, source in before[name]), default=0)
    start = {
        node.name: (_NUMBERED.sub(r"\1", node.name), node.type, node.parent, depth[node.name])
        for node in dag.nodes
    }
    colours = _numbered(start)
    for _ in range(_ROUNDS):
        refined = _numbered(
            {
                name: (
                    colours[name],
                    frozenset((kind, colours[other]) for kind, other in before[name]),
                    frozenset((kind, colours[other]) for kind, other in after[name]),
                )
                for name in names
            }
        )
        if len(set(refined.values())) == len(set(colours.values())):
            break
        colours = refined
    return dict(colours)


def _numbered(keys: Mapping[str, Hashable]) -> dict[str, int]:
    numbers: dict[Hashable, int] = {}
    return {name: numbers.setdefault(key, len(numbers)) for name, key in keys.items()}


def _title(names: Sequence[str]) -> str:
    matches = [match for name in names if (match := _NUMBERED.match(name))]
    numbers = sorted(int(match[2]) for match in matches)
    stem = matches[0][1]
    if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        return f"{stem}[{numbers[0]}..{numbers[-1]}]"
    return f"{stem}[{len(numbers)}]"
