"""How edges run through the channel between two layers: orthogonal, on tracks, never ambiguous.

Coordinates are abstract: a `row` is a grid line along the flow (a pin), a `track` one across it.
Edges share a track only as a net whose every source leads to every target, so that following any
line from a source ends at one of its targets.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pipetui.dag.layers import Edge
from pipetui.dag.nets import Net, gather


@dataclass(frozen=True, slots=True)
class Channel:
    """The routed channel: how many tracks, and each edge's turns as (track, row it turns into).

    `jogs` counts the rows without an item that lines use to change their track.
    """

    tracks: int
    jogs: int
    turns: Mapping[Edge, tuple[tuple[int, int], ...]]


def route(edges: Sequence[Edge], rows: Sequence[int]) -> Channel:
    """Route edges between two layers; `rows` gives the pin row of each item.

    Items of one layer have different rows. Turns may use a row that no item has, also one below
    all.
    """
    nets, home = gather(edges, rows)
    jogs: dict[int, tuple[int, int]] = {}
    unclear = [index for index, net in enumerate(nets) if not (net.last or net.first)]
    while True:
        earlier = _constraints(nets, {row for row, _ in jogs.values()})
        halves = {half for index, (_, other) in jogs.items() for half in (index, other)}
        stuck = unclear.pop() if unclear else _in_cycle(earlier, nets, halves)
        if stuck is None:
            break
        whole = nets[stuck]
        row = _free_row(nets, whole)
        jogs[stuck] = (row, len(nets))
        nets.append(Net(frozenset([row]), whole.rights, False, whole.first))
        nets[stuck] = Net(whole.lefts, frozenset([row]), whole.last, False)
    tracks, count = _pack(nets, earlier)
    turns: dict[Edge, tuple[tuple[int, int], ...]] = {}
    for edge in edges:
        net, end = home[edge], rows[edge[1]]
        if net in jogs:
            row, half = jogs[net]
            turns[edge] = ((tracks[net], row), (tracks[half], end))
        elif nets[net].straight:
            turns[edge] = ()
        else:
            turns[edge] = ((tracks[net], end),)
    return Channel(count, len(jogs), turns)


def _constraints(nets: Sequence[Net], jog_rows: Collection[int]) -> list[set[int]]:
    """For each net the nets that must lie left of it.

    On a row where one edge leaves and another enters, the leaving one turns off first; on a jog row
    the same edge enters first. A source's last net lies behind its others, a target's first before.
    """
    earlier: list[set[int]] = [set() for _ in nets]
    leaving: dict[int, list[int]] = defaultdict(list)
    entering: dict[int, list[int]] = defaultdict(list)
    for index, net in enumerate(nets):
        if not net.straight:
            for row in net.lefts:
                leaving[row].append(index)
            for row in net.rights:
                entering[row].append(index)
    for row, outs in leaving.items():
        for out in outs:
            if nets[out].last:
                earlier[out].update(other for other in outs if not nets[other].last)
            for entry in entering.get(row, ()):
                if row in jog_rows:
                    earlier[out].add(entry)
                elif entry != out:
                    earlier[entry].add(out)
    for entries in entering.values():
        for first in entries:
            if nets[first].first:
                for other in entries:
                    if not nets[other].first:
                        earlier[other].add(first)
    return earlier


def _in_cycle(
    earlier: Sequence[set[int]], nets: Sequence[Net], split: Collection[int]
) -> int | None:
    """The net in a cycle of constraints that is the cheapest to split: it has the fewest pins.

    A half of a net is never needed: every cycle holds a whole one.
    """
    later: list[list[int]] = [[] for _ in earlier]
    waiting = [len(before) for before in earlier]
    for index, before in enumerate(earlier):
        for other in before:
            later[other].append(index)
    ready = [index for index, count in enumerate(waiting) if not count]
    for index in ready:
        for other in later[index]:
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    left = set(range(len(nets))) - set(ready)
    while left:
        inner = {n for n in left if earlier[n] & left and any(o in left for o in later[n])}
        if inner == left:
            break
        left = inner
    whole = [n for n in left if n not in split]
    return min(whole, key=lambda n: (len(nets[n].lefts) + len(nets[n].rights), n), default=None)


def _free_row(nets: Sequence[Net], net: Net) -> int:
    """The nearest row to the net's middle where no line of this channel begins or ends."""
    used = {row for other in nets for row in other.lefts | other.rights}
    middle = (net.low + net.high) // 2
    distance = 0
    while True:
        for row in (middle + distance, middle - distance):
            if row >= 0 and row not in used:
                return row
        distance += 1


def _pack(nets: Sequence[Net], earlier: Sequence[set[int]]) -> tuple[dict[int, int], int]:
    """Interval colouring: fill tracks from the left with nets that do not overlap."""
    waiting = [n for n, net in enumerate(nets) if not net.straight]
    waiting.sort(key=lambda n: (nets[n].low, nets[n].high, n))
    tracks: dict[int, int] = {}
    track = 0
    while waiting:
        free_from = -1
        chosen: list[int] = []
        for index in waiting:
            if nets[index].low > free_from and all(
                tracks.get(o, track) < track for o in earlier[index]
            ):
                chosen.append(index)
                free_from = nets[index].high
        for index in chosen:
            tracks[index] = track
        waiting = [index for index in waiting if index not in tracks]
        track += 1
    return tracks, track
