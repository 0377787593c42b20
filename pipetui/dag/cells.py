"""Lines as characters: a mask of four sides in each cell becomes a box character."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from operator import itemgetter

Point = tuple[int, int]


UP, RIGHT, DOWN, LEFT = 1, 2, 4, 8
"""The sides of a cell that a line reaches; a mask is their sum."""
ACROSS = LEFT | RIGHT
ALONG = UP | DOWN


class Stroke(IntEnum):
    """How a line is drawn, told apart without any colour."""

    PLAIN = 0
    DASHED = 1
    HEAVY = 2
    DOUBLE = 3


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters that a picture is made of: one for each mask, for each stroke, and signs."""

    strokes: tuple[str, str, str, str]
    right: str
    down: str
    diamond: str
    pile: str
    mark: str
    ellipsis: str

    @property
    def line(self) -> str:
        """The plain stroke's characters."""
        return self.strokes[Stroke.PLAIN]


UNICODE = Glyphs(
    ("?│─└││┌├─┘─┴┐┤┬┼", "?┊┄└┊┊┌├┄┘┄┴┐┤┬┼", "?┃━┗┃┃┏┣━┛━┻┓┫┳╋", "?║═╚║║╔╠═╝═╩╗╣╦╬"),
    right="▶",
    down="▼",
    diamond="◆",
    pile="▤",
    mark="*",
    ellipsis="…",
)
ASCII = Glyphs(
    ("?|-+||++-+-+++++", "?:.+::++.+.+++++", "?#=+##++=+=+++++", "?!!!!!!!!!!!!!!!"),
    right=">",
    down="v",
    diamond="<",
    pile="%",
    mark="*",
    ellipsis="~",
)


@dataclass(slots=True)
class _Cell:
    arms: int = 0
    turns: bool = False
    ends: bool = False
    edges: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Wire:
    """A run of line cells in one row that belong to the same edges.

    `masks` has one entry for each cell: a mask of sides, or the text of an arrow head or a label.
    """

    x: int
    masks: tuple[int | str, ...]
    edges: tuple[int, ...]

    def text(self, glyphs: Glyphs = UNICODE, stroke: Stroke = Stroke.PLAIN) -> str:
        """The run's characters."""
        table = glyphs.strokes[stroke]
        heads = {UNICODE.right: glyphs.right, UNICODE.down: glyphs.down}
        return "".join(
            heads.get(mask, mask) if isinstance(mask, str) else table[mask] for mask in self.masks
        )


class Canvas:
    """Collects the lines of edges and the letters upon them.

    `flow` is the side that all edges run to, RIGHT or DOWN. Where lines only cross, the one that
    runs with the flow passes over the other; a cross is drawn only where four arms are joined.
    """

    def __init__(self, flow: int) -> None:
        self._flow = flow
        self._cells: dict[Point, _Cell] = {}
        self._letters: dict[Point, str] = {}

    def draw(self, edge: int, points: Sequence[Point]) -> None:
        """Draw an edge's line through its corner points, each in line with the one before.

        Edges are numbered in the order in which they are drawn.
        The first cell reaches back to the source, the last one on to the target.
        """
        cells = list(walk(points))
        into = _opposite(self._flow)
        for index, point in enumerate(cells):
            out = _side(point, cells[index + 1]) if index + 1 < len(cells) else self._flow
            cell = self._cells.setdefault(point, _Cell())
            cell.arms |= into | out
            cell.turns |= into | out not in (ACROSS, ALONG)
            if not cell.edges or cell.edges[-1] != edge:
                cell.edges.append(edge)
            into = _opposite(out)

    def write(self, point: Point, text: str) -> None:
        """Write one-cell letters to the right from `point`, over lines that are there."""
        for offset, letter in enumerate(text):
            self._letters[point[0] + offset, point[1]] = letter

    def rows(self) -> dict[int, list[Wire]]:
        """The runs of each row that has any, from left to right."""
        letters = self._letters
        result: dict[int, list[Wire]] = {}
        run: list[int | str] = []
        start = row = end = -1
        owners: tuple[int, ...] = ()
        for x, y in sorted({*self._cells, *letters}, key=itemgetter(1, 0)):
            cell = self._cells.get((x, y))
            mask = letters.get((x, y)) or self._mask(cell or _Cell())
            edges = tuple(cell.edges) if cell else owners
            if run and (y != row or x != end or edges != owners):
                result.setdefault(row, []).append(Wire(start, tuple(run), owners))
                run = []
            if not run:
                start, row, owners = x, y, edges
            run.append(mask)
            end = x + 1
        if run:
            result.setdefault(row, []).append(Wire(start, tuple(run), owners))
        return result

    def _mask(self, cell: _Cell) -> int:
        if cell.arms == ACROSS | ALONG and not cell.turns:
            return ALONG if self._flow == DOWN else ACROSS
        return cell.arms


def walk(points: Sequence[Point]) -> Iterable[Point]:
    """Every cell of a line through corner points."""
    yield points[0]
    for (x, y), (to_x, to_y) in itertools.pairwise(points):
        step_x, step_y = (to_x > x) - (to_x < x), (to_y > y) - (to_y < y)
        while (x, y) != (to_x, to_y):
            x, y = x + step_x, y + step_y
            yield x, y


def _side(start: Point, end: Point) -> int:
    if start[0] != end[0]:
        return RIGHT if end[0] > start[0] else LEFT
    return DOWN if end[1] > start[1] else UP


def _opposite(side: int) -> int:
    return ((side << 2) | (side >> 2)) & 15
