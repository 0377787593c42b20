"""A picture and the statuses of the moment, joined row by row into pieces of text."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from rich.cells import cell_len

from pipetui.dag.cells import UNICODE, Glyphs
from pipetui.dag.detail import PENDING, Level, NodeStatus, Part, Role, gathered, rows
from pipetui.dag.picture import Box, BoxRow, Picture


class Look(IntEnum):
    """How an edge is drawn; where edges share a cell the greatest wins."""

    UNTAKEN = 0
    PLAIN = 1
    CRITICAL = 2
    FAILED = 3


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


def looks(
    picture: Picture, statuses: Mapping[str, NodeStatus], critical: Sequence[str] = ()
) -> list[Look]:
    """The look of each of the picture's edges, in their order."""
    path = [picture.visible(name) for name in critical]
    pairs = set(itertools.pairwise(path))
    seen = {name: status_of(picture, name, statuses) for name in picture.boxes}
    result = []
    for edge in picture.edges:
        source, target = seen[edge.source], seen[edge.target]
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
    statuses: Mapping[str, NodeStatus],
    edge_looks: Sequence[Look],
    glyphs: Glyphs = UNICODE,
    *,
    left: int = 0,
    right: int | None = None,
) -> list[Piece]:
    """The pieces of row `y` that touch the columns `left` to `right`, in their order."""
    pieces: list[Piece] = []
    for item in picture.lines[y] if 0 <= y < len(picture.lines) else ():
        if right is not None and item.x >= right:
            break
        if isinstance(item, BoxRow):
            if item.box.region.right > left:
                pieces += _box_pieces(picture, item, statuses, glyphs)
        elif item.x + len(item.masks) > left:
            look = max(edge_looks[edge] for edge in item.edges)
            pieces.append(Piece(item.x, item.text(glyphs, dashed=look is Look.UNTAKEN), look))
    return pieces


def _box_pieces(
    picture: Picture, item: BoxRow, statuses: Mapping[str, NodeStatus], glyphs: Glyphs
) -> list[Piece]:
    box = item.box
    x, width = box.region.x, box.region.width
    parts: list[Part]
    if picture.level > Level.LINE and item.index in (0, box.region.height - 1):
        parts = [(_border(box, item.index == 0, picture.downward, glyphs), Role.FRAME)]
    else:
        status = status_of(picture, box.node.name, statuses)
        inner = rows(box.node, picture.level, width, status, glyphs)
        if picture.level > Level.LINE:
            bar, port = glyphs.line[5], glyphs.line[7]
            leaves = not picture.downward and box.port == item.index
            parts = [
                (bar, Role.FRAME),
                *inner[item.index - 1],
                (port if leaves else bar, Role.FRAME),
            ]
        else:
            parts = inner[0]
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
