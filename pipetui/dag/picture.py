"""The finished picture: where everything is, apart from any status, and how to walk about in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from pipetui.dag.cells import Point, Wire
from pipetui.dag.detail import Level
from pipetui.dag.graph import DagEdge, DagNode

Direction = Literal["left", "right", "up", "down"]


class Region(NamedTuple):
    """A rectangle of cells."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    def holds(self, x: int, y: int) -> bool:
        """Whether the cell lies inside."""
        return self.x <= x < self.right and self.y <= y < self.bottom

    def moved(self, x: int, y: int) -> Region:
        """The same size elsewhere."""
        return Region(self.x + x, self.y + y, self.width, self.height)


@dataclass(frozen=True, slots=True)
class Box:
    """A node in its place; `port` is the offset of the cell where its edges leave, if any do."""

    node: DagNode
    region: Region
    port: int | None = None


@dataclass(frozen=True, slots=True)
class BoxRow:
    """Row `index` of a box, counted from its top."""

    box: Box
    index: int

    @property
    def x(self) -> int:
        return self.box.region.x


@dataclass(frozen=True, slots=True)
class Picture:
    """A laid-out graph; equal input gives an equal picture, and no status is part of it.

    `lines` has for each row its wires and box rows from left to right, `edges` are the drawn edges,
    `paths` their corner points, `members` the steps behind each folded node, `homes` the reverse,
    `folded` the keys of the groups that are folded.
    """

    level: Level = Level.LINE
    downward: bool = False
    width: int = 0
    height: int = 0
    boxes: Mapping[str, Box] = field(default_factory=dict)
    edges: tuple[DagEdge, ...] = ()
    paths: tuple[tuple[Point, ...], ...] = ()
    lines: tuple[tuple[Wire | BoxRow, ...], ...] = ()
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    homes: Mapping[str, str] = field(default_factory=dict)
    folded: frozenset[str] = frozenset()

    def visible(self, name: str) -> str | None:
        """The box that shows this step: its own, or the folded one it is in."""
        return name if name in self.boxes else self.homes.get(name)

    def box(self, name: str) -> Region:
        """The region of a step, or of the folded node it is in. KeyError when it is not drawn."""
        return self.boxes[self.visible(name) or name].region

    def at(self, x: int, y: int) -> str | None:
        """The name of the box at a cell."""
        if not 0 <= y < len(self.lines):
            return None
        for item in self.lines[y]:
            if isinstance(item, BoxRow) and item.box.region.holds(x, y):
                return item.box.node.name
        return None


def navigate(picture: Picture, name: str, direction: Direction) -> str:
    """The node that an arrow key leads to: along an edge with the flow, to a sibling across it.

    Along the flow the nearest drawn neighbour wins, and where there is none, the nearest box in
    that direction; a node with nothing there stays selected.
    """
    here = picture.visible(name)
    if here is None:
        return next(iter(picture.boxes), name)
    onwards, backwards = ("down", "up") if picture.downward else ("right", "left")
    linked: list[str] = []
    if direction == onwards:
        linked = [edge.target for edge in picture.edges if edge.source == here]
    elif direction == backwards:
        linked = [edge.source for edge in picture.edges if edge.target == here]
    start = picture.boxes[here].region
    if linked:
        across = 0 if picture.downward else 1
        return min(
            linked, key=lambda other: abs(picture.boxes[other].region[across] - start[across])
        )
    best, least = here, -1
    for other, box in picture.boxes.items():
        cost = _distance(start, box.region, direction)
        if cost > 0 and (least < 0 or cost < least):
            best, least = other, cost
    return best


def _distance(start: Region, end: Region, direction: Direction) -> int:
    """How far a box lies in a direction, 0 when it does not; what is aside counts four times."""
    dx, dy = end.x - start.x, end.y - start.y
    ahead, aside = (abs(dx), abs(dy)) if direction in ("left", "right") else (abs(dy), abs(dx))
    signed = dx if direction in ("left", "right") else dy
    forward = signed > 0 if direction in ("right", "down") else signed < 0
    if not forward or aside > 4 * ahead + 40:
        return 0
    return ahead + 4 * aside
