"""Which edges between two layers share a line, such that no line can be read as another edge."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipetui.dag.layers import Edge


@dataclass(frozen=True, slots=True)
class Net:
    """Edges that share one track: the rows they come from, and the rows they lead to.

    Every source of a net leads to each of its targets. Lines are read with the flow: where a source
    has several nets its line goes on past all but the last, where a target has several nets their
    lines join behind the first. A net that is neither `last` at its sources nor `first` at its
    targets would let lines that join it run on into lines that leave it.
    """

    lefts: frozenset[int]
    rights: frozenset[int]
    last: bool
    first: bool

    @property
    def low(self) -> int:
        return min(min(self.lefts), min(self.rights))

    @property
    def high(self) -> int:
        return max(max(self.lefts), max(self.rights))

    @property
    def straight(self) -> bool:
        return self.low == self.high


def gather(edges: Sequence[Edge], rows: Sequence[int]) -> tuple[list[Net], dict[Edge, int]]:
    """The nets of a channel, and the number of each edge's net; `rows` are the items' pin rows."""
    return _Gathering(edges, rows).nets()


class _Gathering:
    def __init__(self, edges: Sequence[Edge], rows: Sequence[int]) -> None:
        self.rows = rows
        self.targets: dict[int, set[int]] = defaultdict(set)
        self.sources: dict[int, set[int]] = defaultdict(set)
        for source, target in edges:
            self.targets[source].add(target)
            self.sources[target].add(source)
        self.left = dict.fromkeys(edges)
        self.groups: list[tuple[list[Edge], bool, bool]] = []
        self.last_of: set[int] = set()
        self.first_of: set[int] = set()

    def nets(self) -> tuple[list[Net], dict[Edge, int]]:
        self._closed_groups()
        self._straight_lines()
        self._stars()
        self._rest()
        rows = self.rows
        nets = [
            Net(
                frozenset(rows[s] for s, _ in group),
                frozenset(rows[t] for _, t in group),
                last,
                first,
            )
            for group, last, first in self.groups
        ]
        home = {edge: index for index, (group, _, _) in enumerate(self.groups) for edge in group}
        return nets, home

    def _take(self, group: Iterable[Edge], *, last: bool, first: bool) -> None:
        taken = list(group)
        for edge in taken:
            del self.left[edge]
            if last:
                self.last_of.add(edge[0])
            if first:
                self.first_of.add(edge[1])
        self.groups.append((taken, last, first))

    def _closed_groups(self) -> None:
        """Sources and targets that are joined each to each and to nothing else."""
        for source, ends in self.targets.items():
            starts = self.sources[min(ends)]
            if (
                source == min(starts)
                and all(self.sources[end] == starts for end in ends)
                and all(self.targets[start] == ends for start in starts)
            ):
                group = [(start, end) for start in sorted(starts) for end in sorted(ends)]
                self._take(group, last=True, first=True)

    def _straight_lines(self) -> None:
        for source, target in list(self.left):
            if self.rows[source] == self.rows[target]:
                self._take([(source, target)], last=True, first=True)

    def _stars(self) -> None:
        """One source's edges, first at their targets, or one target's, last at their sources."""
        stars = [(len(ends), 0, source) for source, ends in self.targets.items()]
        stars += [(len(starts), 1, target) for target, starts in self.sources.items()]
        for _, side, centre in sorted(stars, key=lambda star: (-star[0], star[1:])):
            if side == 0:
                ends = sorted(self.targets[centre] - self.first_of)
                star = [(centre, end) for end in ends if (centre, end) in self.left]
            else:
                starts = sorted(self.sources[centre] - self.last_of)
                star = [(start, centre) for start in starts if (start, centre) in self.left]
            if len(star) > 1:
                self._take(star, last=side == 1, first=side == 0)

    def _rest(self) -> None:
        """Single edges: each the last of its source or the first of its target while there is one.

        An end with one edge left serves that edge before any edge with a choice is served.
        """
        progress = True
        while self.left and progress:
            progress = False
            leaving: dict[int, int] = defaultdict(int)
            entering: dict[int, int] = defaultdict(int)
            for source, target in self.left:
                leaving[source] += 1
                entering[target] += 1
            for source, target in list(self.left):
                if source not in self.last_of and leaving[source] == 1:
                    self._take([(source, target)], last=True, first=False)
                elif target not in self.first_of and entering[target] == 1:
                    self._take([(source, target)], last=False, first=True)
                else:
                    continue
                leaving[source] -= 1
                entering[target] -= 1
                progress = True
        for source, target in list(self.left):
            first = target not in self.first_of
            last = not first and source not in self.last_of
            self._take([(source, target)], last=last, first=first)
