"""A picture and the statuses of the moment, joined row by row into pieces of text."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from operator import attrgetter

from rich.cells import cell_len

from pipetui.dag.cells import UNICODE, Glyphs, Stroke
from pipetui.dag.detail import PENDING, Level, NodeStatus, Part, Role, gathered, rows
from pipetui.dag.picture import Box, BoxRow, Picture


class Look(IntEnum):
    """How an edge is drawn; where edges share a cell the greatest wins."""

    UNTAKEN = 0
    PLAIN = 1
    CRITICAL = 2
    FAILED = 3

    @property
    def stroke(self) -> Stroke:
        """The line that says so without colour."""
        return _STROKES[self]


_STROKES = {
    Look.UNTAKEN: Stroke.DASHED,
    Look.PLAIN: Stroke.PLAIN,
    Look.CRITICAL: Stroke.HEAVY,
    Look.FAILED: Stroke.DOUBLE,
}


@dataclass(frozen=True, slots=True)
class Piece:
    """Text from column `x`: a wire's (`look`), or a part of the box called `name` (`role`)."""

    x: int
    text: str
    look: Look | None = None
    role: Role = Role.FRAME
    name: str = ""


def status_of(picture: Picture, name: str, statuses: Mapping[str, NodeStatus]) -> NodeStatus:
    """A visible node's status, a folded one's gathered from its members."""
    members = picture.members.get(name)
    return gathered(members, statuses) if members else statuses.get(name, PENDING)


def visible_statuses(picture: Picture, statuses: Mapping[str, NodeStatus]) -> dict[str, NodeStatus]:
    """The status of each visible node, from those of the steps."""
    return {name: status_of(picture, name, statuses) for name in picture.boxes}


def looks(
    picture: Picture, shown: Mapping[str, NodeStatus], critical: Sequence[str] = ()
) -> list[Look]:
    """The look of each of the picture's edges, in their order, by the visible nodes' statuses."""
    path = [picture.visible(name) for name in critical]
    pairs = set(itertools.pairwise(path))
    result = []
    for edge in picture.edges:
        source = shown.get(edge.source, PENDING)
        target = shown.get(edge.target, PENDING)
        if target.failed:
            result.append(Look.FAILED)
        elif (edge.source, edge.target) in pairs:
            result.append(Look.CRITICAL)
        else:
            result.append(Look.UNTAKEN if source.untaken or target.untaken else Look.PLAIN)
    return result


def paint(
    picture: Picture,
    y: int,
    shown: Mapping[str, NodeStatus],
    edge_looks: Sequence[Look],
    glyphs: Glyphs = UNICODE,
    *,
    left: int = 0,
    right: int | None = None,
    marks: Collection[str] = (),
) -> list[Piece]:
    """The pieces of row `y` that touch the columns `left` to `right`, in their order.

    `shown` are the statuses of the visible nodes, `marks` the names of those that are marked.
    """
    pieces: list[Piece] = []
    line = picture.lines[y] if 0 <= y < len(picture.lines) else ()
    first = max(0, bisect_right(line, left, key=attrgetter("x")) - 1)
    for item in itertools.islice(line, first, None):
        if right is not None and item.x >= right:
            break
        if isinstance(item, BoxRow):
            if item.box.region.right > left:
                status = shown.get(item.box.node.name, PENDING)
                marked = item.box.node.name in marks
                pieces += _box_pieces(picture, item, status, glyphs, marked)
        elif item.x + len(item.masks) > left:
            look = max(edge_looks[edge] for edge in item.edges)
            pieces.append(Piece(item.x, item.text(glyphs, look.stroke), look))
    return pieces


def _box_pieces(
    picture: Picture, item: BoxRow, status: NodeStatus, glyphs: Glyphs, marked: bool
) -> list[Piece]:
    box, level = item.box, picture.level
    x, width = box.region.x, box.region.width
    parts: list[Part]
    if level > Level.LINE and item.index in (0, box.region.height - 1):
        parts = [(_border(box, item.index == 0, picture.downward, glyphs), Role.FRAME)]
    else:
        parts = rows(box.node, level, width, status, glyphs, marked=marked)[
            item.index - (level > Level.LINE)
        ]
        if level > Level.LINE:
            bar, port = glyphs.line[5], glyphs.line[7]
            leaves = not picture.downward and box.port == item.index
            parts = [(bar, Role.FRAME), *parts, (port if leaves else bar, Role.FRAME)]
    pieces: list[Piece] = []
    for text, role in parts:
        pieces.append(Piece(x, text, role=role, name=box.node.name))
        x += cell_len(text)
    return pieces


def _border(box: Box, top: bool, downward: bool, glyphs: Glyphs) -> str:
    across = glyphs.line[10]
    first, last = (glyphs.line[6], glyphs.line[12]) if top else (glyphs.line[3], glyphs.line[9])
    inner = across * (box.region.width - 2)
    if downward and not top and box.port is not None:
        spot = box.port - 1
        inner = inner[:spot] + glyphs.line[14] + inner[spot + 1 :]
    return first + inner + last
