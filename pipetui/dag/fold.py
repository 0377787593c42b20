"""Folding: many steps of one kind drawn as one counted node."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from pipetui.dag.graph import Dag, DagEdge, DagNode, drawable

_LEAST_MEMBERS = 3
_ROUNDS = 40
_MOST_FAMILIES = 200
_NUMBERED = re.compile(r"^(.*?)[\s\-_.\[(#]*(\d+)[\])]*$", re.DOTALL)
_FAMILY = re.compile(r"^(\D+?)[\s\-_.\[(#]*\d", re.DOTALL)


class Grade(IntEnum):
    """How alike the steps of a group are; folding goes from the closest to the loosest.

    TWINS: the names differ only in a number at the end, the types, dependencies and dependents are
    alike. KIN: such names and types at one depth, whatever their edges. FAMILY: the names begin
    alike up to their first number, at any depth, where that part of the graph can be one node.
    """

    TWINS = 1
    KIN = 2
    FAMILY = 3


@dataclass(frozen=True, slots=True)
class Group:
    """Steps that may fold. `key` (grade and first member) stays the same while the graph does."""

    key: str
    title: str
    members: tuple[str, ...]
    grade: Grade


@dataclass(frozen=True, slots=True)
class Drawn:
    """The part of a graph that is drawn, and its groups, closest first."""

    dag: Dag
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Folded:
    """A graph with some groups folded, the members of each folded node, and each member's node."""

    dag: Dag
    members: dict[str, tuple[str, ...]]
    homes: dict[str, str]


@lru_cache(maxsize=8)
def drawn(dag: Dag) -> Drawn:
    """What is drawn of a graph, and what may fold in it."""
    plain = drawable(dag)
    return Drawn(plain, groups(plain))


def groups(dag: Dag) -> tuple[Group, ...]:
    """The groups of three or more steps in a drawable graph, closest first.

    Any two groups are apart or one holds the other, and folding any of them leaves the graph
    without a cycle: the edges between depths lead onward, and a family is one only where no path
    leaves it and comes back.
    """
    depth = _depths(dag)
    kinds = {
        node.name: (match[1], node.type, node.parent, depth[node.name])
        for node in dag.nodes
        if node.count == 1 and (match := _NUMBERED.match(node.name))
    }
    shapes = _shapes(dag, kinds)
    twins = _collected({name: shapes[name] for name in kinds})
    kin = _collected(kinds)
    ranked = (
        (Grade.TWINS, twins),
        (Grade.KIN, kin),
        (Grade.FAMILY, _families(dag, kin)),
    )
    found: dict[tuple[str, ...], Group] = {}
    for grade, sets in ranked:
        for names in sets:
            group = Group(f"{grade.name.lower()}:{names[0]}", _title(names), names, grade)
            found.setdefault(names, group)
    return tuple(found.values())


def ladder(found: Iterable[Group]) -> list[frozenset[str]]:
    """The keys to fold, from none to all of them, one grade more at each rung."""
    grades = {group.key: group.grade for group in found}
    rungs = [frozenset(key for key, own in grades.items() if own <= top) for top in (0, *Grade)]
    return list(dict.fromkeys(rungs))


def fold(dag: Dag, found: Sequence[Group], keys: Collection[str]) -> Folded:
    """The graph with the groups of these keys folded; a folded node stands at its first member.

    Of groups that hold each other the outermost counts.
    """
    taken = {node.name for node in dag.nodes}
    homes: dict[str, str] = {}
    members: dict[str, tuple[str, ...]] = {}
    for group in reversed(found):
        if group.key in keys and group.members[0] not in homes:
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
        DagEdge(source, target, e.kind)
        for e in dag.edges
        if (source := homes.get(e.source, e.source)) != (target := homes.get(e.target, e.target))
    )
    return Folded(Dag(tuple(nodes.values()), tuple(edges)), members, homes)


def group_at(found: Sequence[Group], keys: Collection[str], members: Sequence[str]) -> str:
    """The key of the group to fold or unfold at a node that stands for `members`; empty for none.

    That is the folded node's own group, or the closest one around a step.
    """
    around = [group for group in found if set(members) <= set(group.members)]
    if len(members) > 1:
        around = [group for group in around if group.key in keys][-1:] or around
    return around[0].key if around else ""


def _depths(dag: Dag) -> dict[str, int]:
    before = _neighbours(dag)[0]
    depth: dict[str, int] = {}
    for node in dag.nodes:
        sources = [depth[source] for _, source in before[node.name]]
        depth[node.name] = max(sources, default=-1) + 1
    return depth


_Near = dict[str, list[tuple[str, str]]]


def _neighbours(dag: Dag) -> tuple[_Near, _Near]:
    """The (kind, name) of what comes right before and right after each node."""
    before: _Near = {node.name: [] for node in dag.nodes}
    after: _Near = {node.name: [] for node in dag.nodes}
    for edge in dag.edges:
        before[edge.target].append((edge.kind, edge.source))
        after[edge.source].append((edge.kind, edge.target))
    return before, after


def _shapes(dag: Dag, kinds: Mapping[str, Hashable]) -> dict[str, int]:
    """Colour refinement from the kinds until no colour splits any more."""
    before, after = _neighbours(dag)
    names = [node.name for node in dag.nodes]
    colours = _numbered({name: kinds.get(name, name) for name in names})
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
    return colours


def _numbered(keys: Mapping[str, Hashable]) -> dict[str, int]:
    numbers: dict[Hashable, int] = {}
    return {name: numbers.setdefault(key, len(numbers)) for name, key in keys.items()}


def _collected(keys: Mapping[str, Hashable]) -> list[tuple[str, ...]]:
    """The names of one key, where there are enough of them."""
    found: dict[Hashable, list[str]] = {}
    for name, key in keys.items():
        found.setdefault(key, []).append(name)
    return [tuple(names) for names in found.values() if len(names) >= _LEAST_MEMBERS]


def _families(dag: Dag, kin: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The families that can be one node each, all at once, with the kin folded beside them."""
    candidates = _collected(
        {
            node.name: match[1]
            for node in dag.nodes
            if node.count == 1 and (match := _FAMILY.match(node.name))
        }
    )
    if len(candidates) > _MOST_FAMILIES:
        return []
    home = {node.name: node.name for node in dag.nodes}
    home.update({name: names[0] for names in kin for name in names})
    after: dict[str, set[str]] = {name: set() for name in home.values()}
    for edge in dag.edges:
        after[home[edge.source]].add(home[edge.target])
    families = []
    for names in candidates:
        own = {home[name] for name in names}
        if not _comes_back(after, own):
            families.append(names)
            _merge(after, own, names[0])
            home.update(dict.fromkeys(names, names[0]))
    return families


def _comes_back(after: Mapping[str, set[str]], own: set[str]) -> bool:
    """Whether a path leaves these nodes and returns."""
    todo = list(set().union(*(after[name] for name in own)) - own)
    seen = set(todo)
    while todo:
        for name in after[todo.pop()]:
            if name in own:
                return True
            if name not in seen:
                seen.add(name)
                todo.append(name)
    return False


def _merge(after: dict[str, set[str]], own: set[str], name: str) -> None:
    onward = set().union(*(after.pop(one) for one in own)) - own
    after[name] = onward
    for ends in after.values():
        if not ends.isdisjoint(own):
            ends -= own
            ends.add(name)


def _title(names: Sequence[str]) -> str:
    matches = [match for name in names if (match := _NUMBERED.match(name))]
    stems = {match[1] for match in matches}
    if len(matches) == len(names) and len(stems) == 1:
        numbers = sorted(int(match[2]) for match in matches)
        if numbers == list(range(numbers[0], numbers[0] + len(names))):
            return f"{matches[0][1]}[{numbers[0]}..{numbers[-1]}]"
        return f"{matches[0][1]}[{len(names)}]"
    family = _FAMILY.match(names[0])
    return f"{family[1] if family else names[0]}[{len(names)}]"
