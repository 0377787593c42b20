"""The picture as an SVG document of its own: the same boxes and lines, in light and dark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from rich.cells import cell_len

from pipetui.dag.cells import Point, Wire
from pipetui.dag.detail import NodeStatus, Role, clean, rows
from pipetui.dag.paint import Look, looks, visible_statuses
from pipetui.dag.picture import Box, Picture

_WIDE, _HIGH, _MARGIN = 9, 18, 18
_ARROW = 7
_JUNCTIONS = frozenset({7, 11, 13, 14, 15})
"""Masks of cells where lines are joined, not only crossed."""

_LIGHT = {
    "page": "fill:#ffffff",
    "box": "fill:#f6f8fa;stroke:#8c959f",
    "name": "fill:#1f2328",
    "fact": "fill:#57606a",
    "line": "stroke:#6e7781",
    "dot": "fill:#6e7781",
    "ended": "fill:#1a7f37",
    "running": "fill:#0969da",
    "bad": "fill:#cf222e;stroke:#cf222e",
    "hot": "fill:#1f2328;stroke:#1f2328",
    "alarm": "stroke:#cf222e",
    "main": "stroke:#1f2328",
}
_DARK = {
    "page": "fill:#0d1117",
    "box": "fill:#161b22;stroke:#6e7681",
    "name": "fill:#e6edf3",
    "fact": "fill:#9198a1",
    "line": "stroke:#8b949e",
    "dot": "fill:#8b949e",
    "ended": "fill:#3fb950",
    "running": "fill:#58a6ff",
    "bad": "fill:#f85149;stroke:#f85149",
    "hot": "fill:#e6edf3;stroke:#e6edf3",
    "alarm": "stroke:#f85149",
    "main": "stroke:#e6edf3",
}
_SHAPES = """\
text{font:14px ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;white-space:pre}
text{stroke:none}.line{fill:none;stroke-width:1.5}
.bad.line,.hot.line{fill:none;stroke-width:3}.alarm,.main{stroke-width:3}
.dashed{stroke-dasharray:3 4}.faint{opacity:.55}"""
_CLASSES = {
    Look.PLAIN: ("line", "dot"),
    Look.UNTAKEN: ("line dashed", "dot"),
    Look.CRITICAL: ("line hot", "hot"),
    Look.FAILED: ("line bad", "bad"),
}
"""The classes of an edge's line, and of its arrow head and junctions."""


def to_svg(
    picture: Picture,
    statuses: Mapping[str, NodeStatus] | None = None,
    critical: Sequence[str] = (),
    title: str = "",
) -> str:
    """A document that needs nothing else; `picture` has boxes. Times and words are as in them."""
    shown = visible_statuses(picture, statuses or {})
    edge_looks = looks(picture, shown, critical)
    width = picture.width * _WIDE + 2 * _MARGIN
    height = picture.height * _HIGH + 2 * _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve"'
        f' width="{width}" height="{height}" viewBox="{-_MARGIN} {-_MARGIN} {width} {height}">',
        f"<title>{escape(clean(title))}</title>" if title else "",
        f"<style>{_rules(_LIGHT)}\n{_SHAPES}\n"
        f"@media (prefers-color-scheme:dark){{{_rules(_DARK)}}}</style>",
        f'<rect class="page" x="{-_MARGIN}" y="{-_MARGIN}" width="{width}" height="{height}"/>',
        *_lines(picture, edge_looks),
        *_joints(picture, edge_looks),
    ]
    for name, box in picture.boxes.items():
        known = statuses is not None or name in picture.members
        parts += _box(picture, box, shown[name], known, name in critical)
    return "\n".join([*filter(None, parts), "</svg>"]) + "\n"


def _rules(colours: Mapping[str, str]) -> str:
    return "".join(f".{name}{{{rule}}}" for name, rule in colours.items())


def _middle(point: Point) -> tuple[float, float]:
    return (point[0] + 0.5) * _WIDE, (point[1] + 0.5) * _HIGH


def _lines(picture: Picture, edge_looks: Sequence[Look]) -> Iterator[str]:
    """Each edge from the frame of its source to that of its target, what stands out on top."""
    down = picture.downward
    order = sorted(range(len(picture.paths)), key=edge_looks.__getitem__)
    for index in order:
        path, look = picture.paths[index], edge_looks[index]
        corners = [_middle(point) for point in path]
        (x, y), (end_x, end_y) = corners[0], corners[-1]
        corners[0] = (x, y - _HIGH) if down else (x - _WIDE, y)
        tip = (end_x, end_y + _HIGH) if down else (end_x + _WIDE, end_y)
        corners[-1] = (tip[0], tip[1] - _ARROW) if down else (tip[0] - _ARROW, tip[1])
        line, head = _CLASSES[look]
        points = " ".join(f"{x:g},{y:g}" for x, y in corners)
        yield f'<polyline class="{line}" points="{points}"/>'
        side = _ARROW / 2
        wings = (
            ((tip[0] - side, tip[1] - _ARROW), (tip[0] + side, tip[1] - _ARROW))
            if down
            else ((tip[0] - _ARROW, tip[1] - side), (tip[0] - _ARROW, tip[1] + side))
        )
        points = " ".join(f"{x:g},{y:g}" for x, y in (tip, *wings))
        yield f'<polygon class="{head}" points="{points}"/>'


def _joints(picture: Picture, edge_looks: Sequence[Look]) -> Iterator[str]:
    """A dot where lines join, and the words upon lines."""
    for y, line in enumerate(picture.lines):
        for wire in line:
            if not isinstance(wire, Wire):
                continue
            look = max(edge_looks[edge] for edge in wire.edges)
            for offset, mask in enumerate(wire.masks):
                if mask in _JUNCTIONS:
                    cx, cy = _middle((wire.x + offset, y))
                    kind, radius = _CLASSES[look][1], 3 if look > Look.PLAIN else 2.2
                    yield f'<circle class="{kind}" cx="{cx:g}" cy="{cy:g}" r="{radius}"/>'
            letters = "".join(
                mask if isinstance(mask, str) and mask.isalpha() else " " for mask in wire.masks
            )
            if word := letters.strip():
                x = (wire.x + letters.index(word)) * _WIDE
                wide = len(word) * _WIDE
                yield f'<rect class="page" x="{x}" y="{y * _HIGH + 2}" width="{wide}" height="14"/>'
                yield f'<text class="fact" x="{x}" y="{y * _HIGH + 13}">{word}</text>'


def _box(
    picture: Picture, box: Box, status: NodeStatus, known: bool, critical: bool
) -> Iterator[str]:
    region = box.region
    x, y = _middle((region.x, region.y))
    wide, high = (region.width - 1) * _WIDE, (region.height - 1) * _HIGH
    stress = " alarm" if status.failed else " main" if critical else ""
    frame = "box" + (" dashed" if status.untaken else "") + stress
    about = clean(f"{box.node.name} {status.word} {status.elapsed}".strip())
    yield f'<g class="{"faint" if status.untaken else "node"}">'
    yield f"<title>{escape(about)}</title>"
    yield f'<rect class="{frame}" x="{x:g}" y="{y:g}" width="{wide}" height="{high}" rx="4"/>'
    inner = rows(box.node, picture.level, region.width, status)
    for index, parts in enumerate(inner):
        at = region.x + 1
        for text, role in parts:
            kind = _KINDS.get(status.kind, "fact") if role is Role.STATUS else _TEXTS[role]
            unsaid = not known and (role is Role.STATUS or index == len(inner) - 1)
            if text.strip() and not unsaid:
                indent = len(text) - len(text.lstrip())
                left, base = (at + indent) * _WIDE, (region.y + 1 + index) * _HIGH + 13
                yield f'<text class="{kind}" x="{left}" y="{base}">{escape(text.strip())}</text>'
            at += cell_len(text)
    yield "</g>"


_KINDS = {"failed": "bad", "ended": "ended", "running": "running"}
_TEXTS = {Role.NAME: "name", Role.FACT: "fact", Role.FRAME: "fact"}
