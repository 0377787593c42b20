"""One connected part of the graph as boxes and lines, flowing to the right or down.

Coordinates are abstract until the last step: `along` the flow and `across` it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pipetui.dag.cells import UNICODE, Point
from pipetui.dag.detail import Level, size
from pipetui.dag.graph import DagEdge, DagNode
from pipetui.dag.layers import Layered
from pipetui.dag.picture import Box, Region
from pipetui.dag.place import place
from pipetui.dag.route import Channel, route


@dataclass(frozen=True, slots=True)
class Part:
    """A connected part: its nodes by number, their layers, and its edges by node numbers."""

    nodes: Sequence[DagNode]
    graph: Layered
    edges: Mapping[tuple[int, int], DagEdge]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A part in screen cells: boxes, the corner points of each edge, and letters on lines."""

    width: int
    height: int
    boxes: list[Box]
    lines: list[tuple[DagEdge, list[Point]]]
    letters: list[tuple[Point, str]]


@dataclass(frozen=True, slots=True)
class _Spacing:
    """Free cells: beside a box, before and behind tracks, between tracks, between neighbours."""

    pad: int
    out: int
    into: int
    pitch: int
    gap: int


_SPACING = {
    (False, False): _Spacing(1, 1, 1, 1, 0),
    (False, True): _Spacing(0, 1, 2, 2, 0),
    (True, False): _Spacing(0, 0, 0, 1, 2),
    (True, True): _Spacing(0, 0, 1, 1, 2),
}
"""By (flow downward, boxes)."""
_WIDE_TRACKS = 5


def least_size(part: Part, level: Level, downward: bool) -> tuple[int, int]:
    """A width and height that the part surely needs, without drawing it."""
    sizes = [size(node, level) for node in part.nodes]
    boxed = level > Level.LINE
    gap, between = (2, 1) if downward else (0, 3 if boxed else 4)
    along_at = 1 if downward else 0
    along, across = -between, 0
    for layer in part.graph.layers:
        real = [item for item in layer if item < part.graph.real]
        along += max((sizes[item][along_at] for item in real), default=0) + between
        used = sum(sizes[item][1 - along_at] for item in real) + len(layer) - len(real)
        across = max(across, used + gap * (len(layer) - 1))
    return (across, along) if downward else (along, across)


def compose(part: Part, level: Level, downward: bool) -> Drawing:
    """Draw one connected part at a level of detail above `HEAT`.

    Lines of text stand close together unless edges need the rows between them.
    """
    composer = _Composer(part, level, downward, _SPACING[downward, level > Level.LINE])
    if composer.jogs and not composer.space.gap and level is Level.LINE:
        composer = _Composer(part, level, downward, replace(composer.space, gap=1))
    return composer.draw()


class _Composer:
    def __init__(self, part: Part, level: Level, downward: bool, space: _Spacing) -> None:
        self.part = part
        self.graph = part.graph
        self.boxed = level > Level.LINE
        self.downward = downward
        self.space = space
        sizes = [size(node, level) for node in part.nodes]
        flipped = [(height, width) for width, height in sizes]
        self.sizes = flipped if downward else sizes
        points = len(self.graph.up) - self.graph.real
        across = [pair[1] for pair in self.sizes] + [1] * points
        pins = [self._pin(extent) for extent in across]
        pins[self.graph.real :] = [0] * points
        self.rows = place(self.graph, across, pins, self.space.gap)
        self.pins = pins
        self.channels = [
            route([(item, target) for item in layer for target in self.graph.down[item]], self.rows)
            for layer in self.graph.layers[:-1]
        ]
        self.jogs = sum(channel.jogs for channel in self.channels)

    def _pin(self, extent: int) -> int:
        if not self.boxed:
            return 0
        return extent // 2 if self.downward else 1

    def draw(self) -> Drawing:
        words = self._words()
        starts = [0]
        gates: list[int] = []
        widths = [
            max((self.sizes[item][0] for item in layer if item < self.graph.real), default=0)
            for layer in self.graph.layers
        ]
        for index, channel in enumerate(self.channels):
            label = max(
                (len(words[item]) for item in self.graph.layers[index + 1] if item in words),
                default=0,
            )
            gates.append(starts[index] + widths[index])
            starts.append(gates[index] + self._breadth(channel, label))
        at = {item: index for index, layer in enumerate(self.graph.layers) for item in layer}
        lines = [
            (edge, self._line(self.graph.chains[pair], at, starts, gates))
            for pair, edge in self.part.edges.items()
        ]
        boxes = [
            self._box(item, starts[at[item]], widths[at[item]]) for item in range(self.graph.real)
        ]
        return self._turned(boxes, lines, self._letters(at, starts, words))

    def _words(self) -> dict[int, str]:
        """The label above each node that a branch leads to."""
        words: dict[int, str] = {}
        for (_, target), edge in self.part.edges.items():
            if edge.kind.word:
                words.setdefault(target, edge.kind.word)
        return words

    def _pitch(self, channel: Channel) -> int:
        return self.space.pitch if channel.tracks <= _WIDE_TRACKS else 1

    def _breadth(self, channel: Channel, label: int) -> int:
        space = self.space
        tracks = (channel.tracks - 1) * self._pitch(channel) + 1 if channel.tracks else 0
        if label:
            label = 1 if self.downward else label + 1
        return max(1, 2 * space.pad + space.out + tracks + label + space.into)

    def _line(
        self,
        chain: Sequence[int],
        at: Mapping[int, int],
        starts: Sequence[int],
        gates: Sequence[int],
    ) -> list[Point]:
        source, target = chain[0], chain[-1]
        pad = self.space.pad
        end = self.sizes[source][0] + starts[at[source]] if pad else gates[at[source]]
        row = self.rows[source]
        points = [(end + pad, row)]
        for item, following in itertools.pairwise(chain):
            layer = at[item]
            channel = self.channels[layer]
            for track, turn in channel.turns[item, following]:
                along = gates[layer] + pad + self.space.out + track * self._pitch(channel)
                points += [(along, row), (along, turn)]
                row = turn
        points.append((starts[at[target]] - 1 - pad, row))
        return points

    def _box(self, item: int, start: int, width: int) -> Box:
        along, across = self.sizes[item]
        along = width if self.boxed else along
        region = Region(start, self.rows[item] - self.pins[item], along, across)
        return Box(
            self.part.nodes[item], region, self.pins[item] if self.graph.down[item] else None
        )

    def _letters(
        self, at: Mapping[int, int], starts: Sequence[int], words: Mapping[int, str]
    ) -> list[tuple[Point, str]]:
        letters: list[tuple[Point, str]] = []
        for item in range(self.graph.real):
            if not self.graph.up[item]:
                continue
            last = starts[at[item]] - 1 - self.space.pad
            if self.boxed:
                letters.append(
                    ((last, self.rows[item]), UNICODE.down if self.downward else UNICODE.right)
                )
            if item in words:
                back = 0 if self.downward else len(words[item])
                letters.append(((last - back - self.boxed, self.rows[item]), words[item]))
        return letters

    def _turned(
        self,
        boxes: list[Box],
        lines: list[tuple[DagEdge, list[Point]]],
        letters: list[tuple[Point, str]],
    ) -> Drawing:
        """Abstract coordinates to screen cells."""
        if self.downward:
            boxes = [
                Box(b.node, Region(b.region.y, b.region.x, b.region.height, b.region.width), b.port)
                for b in boxes
            ]
            lines = [(edge, [(x, y) for y, x in points]) for edge, points in lines]
            letters = [((x, y), text) for (y, x), text in letters]
        ends = [point for _, points in lines for point in points]
        width = max([box.region.right for box in boxes] + [x + 1 for x, _ in ends])
        height = max([box.region.bottom for box in boxes] + [y + 1 for _, y in ends])
        return Drawing(width, height, boxes, lines, letters)
