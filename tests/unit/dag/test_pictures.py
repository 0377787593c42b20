"""What holds for every picture, whatever the graph."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from pipetui.dag.cells import ACROSS, ALONG, ASCII, DOWN, LEFT, RIGHT, UP, walk
from pipetui.dag.detail import Level, NodeStatus
from pipetui.dag.export import to_text
from pipetui.dag.graph import Dag, DagEdge, DagNode, EdgeKind
from pipetui.dag.layout import lay_out
from pipetui.dag.paint import looks, paint
from pipetui.dag.picture import BoxRow, Direction, Picture, navigate
from tests.shared import DEFINITIONS, needs_shared
from tests.unit.dag.definitions import dag_of, layered

VIEWS = [(80, 22, None), (300, 10, None), (200, 48, Level.BOX), (1, 1, Level.DETAIL)]
SIDES = {UP: (0, -1), DOWN: (0, 1), LEFT: (-1, 0), RIGHT: (1, 0)}
OPPOSITE = {UP: DOWN, DOWN: UP, LEFT: RIGHT, RIGHT: LEFT}


@st.composite
def dags(draw: st.DrawFn, most: int = 14) -> Dag:
    """Graphs with any edges at all: cycles, loops, unknown ends, odd names."""
    plain = st.sampled_from(
        ["train", "x", "evaluate-the-model-of-the-month", "学習", "🚀", "a\x1b[31m", ""]
    )
    count = draw(st.integers(0, most))
    kinds = st.sampled_from(["Processing", "Condition", ""])
    nodes = [DagNode(f"{draw(plain)}{index}", draw(kinds)) for index in range(count)]
    names = st.sampled_from([node.name for node in nodes] + ["nowhere"])
    edges = draw(
        st.lists(st.builds(DagEdge, names, names, st.sampled_from(EdgeKind)), max_size=3 * most)
    )
    return Dag(tuple(nodes), tuple(edges))


pictures = st.builds(
    lambda dag, view: lay_out(dag, width=view[0], height=view[1], level=view[2]),
    dags(),
    st.sampled_from(VIEWS),
)


def wires(picture: Picture) -> dict[tuple[int, int], int]:
    """The mask of each line cell; arrow heads and labels lie on lines that run with the flow."""
    along = ALONG if picture.downward else ACROSS
    return {
        (item.x + offset, y): mask if isinstance(mask, int) else along
        for y, line in enumerate(picture.lines)
        for item in line
        if not isinstance(item, BoxRow)
        for offset, mask in enumerate(item.masks)
    }


def readings(picture: Picture, source: str) -> set[str]:
    """The nodes that an eye finds which follows the lines out of a node, never against the flow."""
    masks = wires(picture)
    flow = DOWN if picture.downward else RIGHT
    starts = {
        path[0]
        for edge, path in zip(picture.edges, picture.paths, strict=True)
        if edge.source == source
    }
    todo = [(point, flow) for point in starts]
    seen, found = set(todo), set()
    while todo:
        point, heading = todo.pop()
        mask = masks[point]
        passing = not mask & OPPOSITE[heading]
        exits = [heading] if passing else [s for s in SIDES if mask & s and s != OPPOSITE[heading]]
        for side in exits:
            if side == OPPOSITE[flow]:
                continue
            ahead = (point[0] + SIDES[side][0], point[1] + SIDES[side][1])
            if ahead in masks and (ahead, side) not in seen:
                seen.add((ahead, side))
                todo.append((ahead, side))
            elif ahead not in masks:
                gap = 0 if picture.downward or picture.level > Level.LINE else 1
                name = picture.at(ahead[0] + gap, ahead[1])
                assert name is not None, f"a line ends nowhere at {point}"
                found.add(name)
    return found


@given(pictures)
def test_boxes_never_overlap_and_lie_inside_the_picture(picture: Picture) -> None:
    regions = [box.region for box in picture.boxes.values()]
    for a, b in combinations(regions, 2):
        apart = a.right <= b.x or b.right <= a.x or a.bottom <= b.y or b.bottom <= a.y
        assert apart, (a, b)
    for region in regions:
        assert region.x >= 0 and region.y >= 0
        assert region.right <= picture.width and region.bottom <= picture.height


@given(pictures)
def test_no_line_runs_through_a_box(picture: Picture) -> None:
    for x, y in wires(picture):
        assert picture.at(x, y) is None


@given(pictures)
def test_each_edge_has_an_unbroken_line_from_its_source_to_its_target(picture: Picture) -> None:
    masks = wires(picture)
    for path in picture.paths:
        assert set(walk(path)) <= set(masks)
    for edge in picture.edges:
        assert edge.target in readings(picture, edge.source)


@settings(max_examples=300)
@given(pictures)
def test_no_line_can_be_read_as_an_edge_that_is_not_there(picture: Picture) -> None:
    targets = defaultdict(set)
    for edge in picture.edges:
        targets[edge.source].add(edge.target)
    for name in picture.boxes if picture.paths else ():
        assert readings(picture, name) == targets[name]


@given(dags(), st.sampled_from(VIEWS))
def test_the_same_graph_gives_the_same_picture(
    dag: Dag, view: tuple[int, int, Level | None]
) -> None:
    width, height, level = view
    first = lay_out(dag, width=width, height=height, level=level)
    assert lay_out(dag, width=width, height=height, level=level) == first


@given(pictures, st.data())
def test_a_status_never_moves_anything(picture: Picture, data: st.DataObject) -> None:
    words = st.sampled_from(
        ["", "00:06", "a very long detail that cannot fit", "\x1b]52;c;\x07", "学"]
    )
    statuses = {
        name: NodeStatus("x", data.draw(words), "red", data.draw(words), data.draw(words), 1, True)
        for name in picture.boxes
    }
    for y in range(picture.height):
        before = paint(picture, y, {}, looks(picture, {}))
        after = paint(picture, y, statuses, looks(picture, statuses))
        assert [(p.x, cell_len(p.text)) for p in before] == [(p.x, cell_len(p.text)) for p in after]
        assert all(piece.text.isprintable() for piece in after)


@given(pictures)
def test_the_pieces_of_a_row_never_overlap(picture: Picture) -> None:
    for y in range(picture.height):
        end = 0
        for piece in paint(picture, y, {}, looks(picture, {})):
            assert piece.x >= end
            end = piece.x + cell_len(piece.text)
        assert end <= picture.width


@given(pictures)
def test_the_plain_alphabet_draws_the_same_picture_in_ascii(picture: Picture) -> None:
    names = "".join(picture.boxes)
    text = to_text(picture, glyphs=ASCII)
    assert names.isascii() is False or text.replace("·", "").isascii()
    assert len(text.splitlines()) == len(to_text(picture).splitlines())


@given(dags(), st.sampled_from(["left", "right", "up", "down"]))
def test_arrow_keys_stay_on_nodes_that_are_drawn(dag: Dag, direction: Direction) -> None:
    picture = lay_out(dag, width=120, height=40)
    for name in picture.boxes:
        assert navigate(picture, name, direction) in picture.boxes


@pytest.mark.parametrize("count", [10, 50, 300])
@pytest.mark.parametrize("level", [Level.LINE, Level.BOX])
def test_lines_of_larger_graphs_read_right(count: int, level: Level) -> None:
    picture = lay_out(layered(count, width=max(3, count // 12)), width=200, height=50, level=level)
    targets = defaultdict(set)
    for edge in picture.edges:
        targets[edge.source].add(edge.target)
    assert len(picture.boxes) == count
    for name in picture.boxes:
        assert readings(picture, name) == targets[name]


@needs_shared
@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize(
    "path", sorted(DEFINITIONS.glob("*.json")) if DEFINITIONS.is_dir() else [], ids=lambda p: p.stem
)
def test_every_real_definition_reads_right_at_both_widths(path: Path, width: int) -> None:
    dag = dag_of(path)
    picture = lay_out(dag, width=width, height=24)
    targets = defaultdict(set)
    for edge in picture.edges:
        targets[edge.source].add(edge.target)
    assert {picture.visible(node.name) for node in dag.nodes} == set(picture.boxes)
    for name in picture.boxes:
        assert readings(picture, name) == targets[name]
