"""From a graph to its picture, at the level of detail and in the direction that suit the screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

from pipetui.dag.cells import DOWN, RIGHT, Canvas, Point, Wire
from pipetui.dag.compose import Drawing, Part, compose, least_size
from pipetui.dag.detail import Level, size
from pipetui.dag.fold import Folded, drawn, fold, ladder
from pipetui.dag.graph import Dag, DagEdge, DagNode, drawable
from pipetui.dag.layers import cut
from pipetui.dag.order import arrange
from pipetui.dag.picture import Box, BoxRow, Picture, Region

VISIBLE_LIMIT = 300
"""More nodes than this are no readable picture: they are shown as a heat map."""
_LEAST_CAP = 12
_MOST_SPOKES = 1_000
"""Edges of one node; the lines of more would take longer to draw than anybody waits."""
_MOST_BREAKS = 4
"""Into how many layers a layer that is higher than the view is broken at most."""
_LEVELS = (Level.DETAIL, Level.BOX, Level.LINE)


def lay_out(
    dag: Dag,
    *,
    width: int,
    height: int,
    level: Level | None = None,
    folded: Collection[str] | None = None,
) -> Picture:
    """Lay the graph out for a view of `width` x `height` cells.

    `level` None takes the largest level of detail that fits the view, `folded` None folds as little
    as lets it fit (`folded` are keys of groups, see `fold.groups`). Where nothing fits, everything
    is folded and shown at one line for each node with scrolling, or as a heat map when there are
    still more than 300 nodes. What has a node with more than 1000 edges is always a heat map.
    """
    whole = drawn(dag)
    rungs = ladder(whole.groups) if folded is None else [frozenset(folded)]
    for keys in rungs:
        piled = fold(whole.dag, whole.groups, keys)
        seen = drawable(piled.dag) if piled.members else whole.dag
        last = keys is rungs[-1]
        many = (level is None and len(seen.nodes) > VISIBLE_LIMIT) or _spokes(seen) > _MOST_SPOKES
        if level is Level.HEAT or (last and many):
            return _heat_map(seen, height, piled, keys)
        fits = _may_show(seen, _LEVELS[-1] if level is None else level, width, height)
        if not (fits or last):
            continue
        parts, singles = split(seen, max(_LEAST_CAP, height))
        sheet = _fitting(parts, singles, level, width, height) if fits else None
        if sheet is None and last:
            sheet = _least_excess(parts, singles, level, width, height)
        if sheet is not None:
            return sheet.picture(seen, piled, keys)
    return Picture()


def _may_show(dag: Dag, level: Level, width: int, height: int) -> bool:
    """Whether the nodes alone, without any line, have room in the view."""
    sizes = [size(node, level) for node in dag.nodes]
    return sum(wide * high for wide, high in sizes) <= width * height


def _fitting(
    parts: Sequence[Part], singles: Sequence[DagNode], level: Level | None, width: int, height: int
) -> _Sheet | None:
    """The picture of the largest level of detail that fits the view."""
    for candidate in _LEVELS if level is None else (level,):
        for downward in (False, True):
            if _may_fit(parts, singles, candidate, downward, width, height):
                sheet = _Sheet(parts, singles, candidate, downward, width)
                if sheet.width <= width and sheet.height <= height:
                    return sheet
    return None


def _least_excess(
    parts: Sequence[Part], singles: Sequence[DagNode], level: Level | None, width: int, height: int
) -> _Sheet:
    """The picture of the direction that needs less scrolling."""
    shown = _LEVELS[-1] if level is None else level
    sheets = [_Sheet(parts, singles, shown, downward, width) for downward in (False, True)]
    return min(sheets, key=lambda sheet: sheet.excess(width, height))


def split(dag: Dag, cap: int) -> tuple[list[Part], list[DagNode]]:
    """The connected parts of a drawable graph in layers and order, and the nodes without edges."""
    number = {node.name: index for index, node in enumerate(dag.nodes)}
    leader = list(range(len(dag.nodes)))

    def find(node: int) -> int:
        while leader[node] != node:
            leader[node] = leader[leader[node]]
            node = leader[node]
        return node

    for edge in dag.edges:
        a, b = find(number[edge.source]), find(number[edge.target])
        leader[max(a, b)] = min(a, b)
    members: dict[int, list[DagNode]] = {}
    for index, node in enumerate(dag.nodes):
        members.setdefault(find(index), []).append(node)
    edges: dict[int, list[DagEdge]] = {}
    for edge in dag.edges:
        edges.setdefault(find(number[edge.source]), []).append(edge)
    parts = [_part(members[key], edges[key], cap) for key in members if key in edges]
    return parts, [nodes[0] for key, nodes in members.items() if key not in edges]


def _part(nodes: Sequence[DagNode], edges: Iterable[DagEdge], cap: int) -> Part:
    number = {node.name: index for index, node in enumerate(nodes)}
    pairs = {(number[edge.source], number[edge.target]): edge for edge in edges}
    ordered = dict(sorted(pairs.items()))
    graph = cut(len(nodes), list(ordered), max(cap, _widest(len(nodes), ordered) // _MOST_BREAKS))
    arrange(graph)
    return Part(nodes, graph, ordered)


def _widest(count: int, edges: Iterable[tuple[int, int]]) -> int:
    """The most nodes at one depth."""
    depth = [0] * count
    for source, target in edges:
        depth[target] = max(depth[target], depth[source] + 1)
    return max(Counter(depth).values())


def _spokes(dag: Dag) -> int:
    """The most edges into or out of one node."""
    ends = Counter(edge.source for edge in dag.edges), Counter(edge.target for edge in dag.edges)
    return max((count for end in ends for count in end.values()), default=0)


def _may_fit(
    parts: Sequence[Part],
    singles: Sequence[DagNode],
    level: Level,
    downward: bool,
    width: int,
    height: int,
) -> bool:
    """Whether drawing is worth a try: what the parts need at least is within the view."""
    sizes = [least_size(part, level, downward) for part in parts]
    sizes += [size(node, level) for node in singles]
    return all(w <= width and h <= height for w, h in sizes)


class _Sheet:
    """The parts of one picture side by side (flow down) or one below the other (flow right)."""

    def __init__(
        self,
        parts: Sequence[Part],
        singles: Sequence[DagNode],
        level: Level,
        downward: bool,
        width: int,
    ) -> None:
        self.level, self.downward = level, downward
        self.drawings: list[tuple[Point, Drawing]] = []
        self.width = self.height = 0
        x = y = 0
        for part in parts:
            drawing = compose(part, level, downward)
            self.drawings.append(((x, y), drawing))
            self.width = max(self.width, x + drawing.width)
            self.height = max(self.height, y + drawing.height)
            if downward:
                x += drawing.width + 3
            else:
                y += drawing.height + 1
        self.singles = list(self._flow(singles, max(self.width, width)))
        for box in self.singles:
            self.width = max(self.width, box.region.right)
            self.height = max(self.height, box.region.bottom)

    def _flow(self, nodes: Iterable[DagNode], limit: int) -> Iterator[Box]:
        """Unconnected nodes in rows below the rest, in columns of one width."""
        sized = [(node, *size(node, self.level)) for node in nodes]
        widest = max((w for _, w, _ in sized), default=0)
        x, y = 0, self.height + 1 if self.height else 0
        for node, wide, high in sized:
            if x and x + widest > limit:
                x, y = 0, y + high
            boxed = self.level > Level.LINE
            yield Box(node, Region(x, y, widest if boxed else wide, high))
            x += widest + 3

    def excess(self, width: int, height: int) -> float:
        """How many screens of scrolling the picture needs; sideways scrolling counts double."""
        over = max(0, self.width - width) / max(1, width)
        return 2 * over + max(0, self.height - height) / max(1, height)

    def picture(self, dag: Dag, piled: Folded, keys: frozenset[str]) -> Picture:
        """Put everything into one coordinate system and cut it into rows."""
        canvas = Canvas(DOWN if self.downward else RIGHT)
        boxes: list[Box] = list(self.singles)
        edges: list[DagEdge] = []
        paths: list[tuple[Point, ...]] = []
        for (x, y), drawing in self.drawings:
            boxes += [Box(b.node, b.region.moved(x, y), b.port) for b in drawing.boxes]
            for edge, points in drawing.lines:
                moved = tuple((px + x, py + y) for px, py in points)
                canvas.draw(len(edges), moved)
                edges.append(edge)
                paths.append(moved)
            for (px, py), text in drawing.letters:
                canvas.write((px + x, py + y), text)
        return Picture(
            self.level,
            self.downward,
            self.width,
            self.height,
            _by_name(dag, boxes),
            tuple(edges),
            tuple(paths),
            _lines(self.height, boxes, canvas.rows()),
            piled.members,
            piled.homes,
            keys,
        )


def _by_name(dag: Dag, boxes: Iterable[Box]) -> dict[str, Box]:
    placed = {box.node.name: box for box in boxes}
    return {node.name: placed[node.name] for node in dag.nodes}


def _lines(
    height: int, boxes: Iterable[Box], wires: dict[int, list[Wire]]
) -> tuple[tuple[Wire | BoxRow, ...], ...]:
    lines: list[list[Wire | BoxRow]] = [list(wires.get(y, ())) for y in range(height)]
    for box in boxes:
        for index in range(box.region.height):
            lines[box.region.y + index].append(BoxRow(box, index))
    return tuple(tuple(sorted(line, key=lambda item: item.x)) for line in lines)


def _heat_map(dag: Dag, height: int, piled: Folded, keys: frozenset[str]) -> Picture:
    """One cell for each node, layer after layer; a layer higher than the view is broken."""
    parts, singles = split(dag, len(dag.nodes))
    depth = max((len(part.graph.layers) for part in parts), default=1)
    layers: list[list[DagNode]] = [[] for _ in range(depth)]
    for part in parts:
        for layer, items in zip(layers, part.graph.layers, strict=False):
            layer += [part.nodes[item] for item in items if item < part.graph.real]
    layers[0] += singles
    tall = max(1, min(height, max(len(layer) for layer in layers)))
    boxes: list[Box] = []
    x = 0
    for layer in layers:
        for spot, node in enumerate(layer):
            boxes.append(Box(node, Region(x + spot // tall, spot % tall, 1, 1)))
        x += (len(layer) - 1) // tall + 2
    return Picture(
        Level.HEAT,
        False,
        max(0, x - 1),
        tall,
        _by_name(dag, boxes),
        dag.edges,
        (),
        _lines(tall, boxes, {}),
        piled.members,
        piled.homes,
        keys,
    )
