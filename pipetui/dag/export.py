"""The graph for other places: plain text, Mermaid and Graphviz source, JSON, an SVG picture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum

from rich.cells import cell_len

from pipetui.dag.cells import UNICODE, Glyphs
from pipetui.dag.critical import critical_path
from pipetui.dag.detail import Level, NodeStatus, clean
from pipetui.dag.fold import drawn, ladder
from pipetui.dag.graph import Dag, DagEdge, DagNode, EdgeKind
from pipetui.dag.layout import VISIBLE_LIMIT, lay_out
from pipetui.dag.paint import looks, paint, visible_statuses
from pipetui.dag.picture import Picture
from pipetui.dag.svg import to_svg

_ROOM = 1_000_000
_Statuses = Mapping[str, NodeStatus]


class Format(StrEnum):
    """What a graph can be written as; each is also the end of a file's name."""

    TEXT = "text"
    MERMAID = "mermaid"
    DOT = "dot"
    SVG = "svg"
    JSON = "json"


SUFFIXES = {
    ".svg": Format.SVG,
    ".txt": Format.TEXT,
    ".mmd": Format.MERMAID,
    ".mermaid": Format.MERMAID,
    ".dot": Format.DOT,
    ".gv": Format.DOT,
    ".json": Format.JSON,
}
"""The end of a file's name -> what is written to it."""


def export(
    dag: Dag,
    form: Format,
    *,
    statuses: _Statuses | None = None,
    durations: Mapping[str, float] | None = None,
    width: int = 100,
    unfolded: bool = False,
    title: str = "",
    glyphs: Glyphs = UNICODE,
) -> str:
    """The graph as a text in some form.

    Args:
        statuses: how each step stands; None writes the bare graph.
        durations: seconds by step, for the critical path.
        width: columns that plain text may use.
        unfolded: draw each step in text and SVG, where many of a kind would be one counted node.
        title: of an SVG picture.
        glyphs: of plain text.
    """
    path = critical_path(dag, durations or {})
    match form:
        case Format.MERMAID:
            return to_mermaid(dag, statuses)
        case Format.DOT:
            return to_dot(dag, statuses)
        case Format.JSON:
            return to_json(dag, statuses, path)
        case Format.TEXT:
            folded = frozenset[str]() if unfolded else None
            picture = lay_out(dag, width=width, height=_ROOM, folded=folded)
            if picture.level is Level.HEAT:
                picture = lay_out(dag, width=width, height=_ROOM, level=Level.LINE, folded=folded)
            return to_text(picture, statuses, glyphs, path)
    rungs = ladder(drawn(dag).groups)
    many = len(dag.nodes) > VISIBLE_LIMIT and not unfolded
    folded = rungs[-1] if many else rungs[0]
    picture = lay_out(dag, width=_ROOM, height=_ROOM, level=Level.DETAIL, folded=folded)
    if picture.level is Level.HEAT:
        picture = lay_out(dag, width=_ROOM, height=_ROOM, level=Level.DETAIL, folded=rungs[-1])
    return to_svg(picture, statuses, path, title)


def to_text(
    picture: Picture,
    statuses: _Statuses | None = None,
    glyphs: Glyphs = UNICODE,
    critical: tuple[str, ...] = (),
) -> str:
    """The picture as lines of text without any style, no spaces at line ends."""
    shown = visible_statuses(picture, statuses or {})
    edge_looks = looks(picture, shown, critical)
    lines = []
    for y in range(picture.height):
        line, used = "", 0
        for piece in paint(picture, y, shown, edge_looks, glyphs):
            line += " " * (piece.x - used) + piece.text
            used = piece.x + cell_len(piece.text)
        lines.append(line.rstrip())
    return "\n".join(lines) + "\n"


def to_mermaid(dag: Dag, statuses: _Statuses | None = None) -> str:
    """A Mermaid flowchart of the drawn edges; conditions are diamonds, untaken edges dotted."""
    dag = drawn(dag).dag
    ids = {node.name: f"n{index}" for index, node in enumerate(dag.nodes)}
    lines = ["flowchart LR"]
    classes: dict[str, list[str]] = {}
    for node in dag.nodes:
        opening, closing = ("{", "}") if node.type == "Condition" else ("[", "]")
        text = "".join(
            char if char.isalnum() or char in " -_.:/" else f"#{ord(char)};"
            for char in _text(node, statuses)
        )
        lines.append(f'  {ids[node.name]}{opening}"{text}"{closing}')
        if kind := _kind(node, statuses):
            classes.setdefault(kind, []).append(ids[node.name])
    for edge in dag.edges:
        dotted = edge.kind is EdgeKind.DEPENDS_ON or _untaken(edge, statuses)
        arrow = "-.->" if dotted else "-->"
        label = f"|{edge.kind.word}|" if edge.kind.word else ""
        lines.append(f"  {ids[edge.source]} {arrow}{label} {ids[edge.target]}")
    for kind, members in classes.items():
        lines.append(f"  classDef {kind} {_MERMAID_STYLES[kind]}")
        lines.append(f"  class {','.join(members)} {kind}")
    return "\n".join(lines) + "\n"


def to_dot(dag: Dag, statuses: _Statuses | None = None) -> str:
    """Graphviz source of the drawn edges; conditions are diamonds, untaken edges dotted."""
    dag = drawn(dag).dag
    ids = {node.name: f"n{index}" for index, node in enumerate(dag.nodes)}
    lines = ["digraph pipeline {", "  rankdir=LR;", '  node [shape=box, fontname="monospace"];']
    for node in dag.nodes:
        about = [f"label={_quoted(_text(node, statuses))}"]
        if node.type == "Condition":
            about.append("shape=diamond")
        if kind := _kind(node, statuses):
            about.append(_DOT_STYLES[kind])
        lines.append(f"  {ids[node.name]} [{', '.join(about)}];")
    for edge in dag.edges:
        about = [f"label={_quoted(edge.kind.word)}"] if edge.kind.word else []
        if _untaken(edge, statuses):
            about.append("style=dotted")
        elif edge.kind is EdgeKind.DEPENDS_ON:
            about.append("style=dashed")
        attributes = f" [{', '.join(about)}]" if about else ""
        lines.append(f"  {ids[edge.source]} -> {ids[edge.target]}{attributes};")
    return "\n".join([*lines, "}"]) + "\n"


def to_json(dag: Dag, statuses: _Statuses | None, critical: tuple[str, ...]) -> str:
    """All steps and edges, those that are not drawn too."""
    nodes = []
    for node in dag.nodes:
        entry = {"name": node.name, "type": node.type}
        if node.parent:
            entry["parent"] = node.parent
        status = (statuses or {}).get(node.name)
        if status is not None:
            entry |= {"status": status.word, "elapsed": status.elapsed, "note": status.note}
        nodes.append(entry)
    edges = [
        {"source": edge.source, "target": edge.target, "kind": edge.kind.value}
        for edge in dag.edges
    ]
    document = {"nodes": nodes, "edges": edges, "criticalPath": list(critical)}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


_MERMAID_STYLES = {
    "failed": "stroke:#cf222e,stroke-width:3px",
    "untaken": "stroke-dasharray:4 3,color:#8c959f",
    "ended": "stroke:#1a7f37",
    "running": "stroke:#0969da,stroke-width:3px",
}
_DOT_STYLES = {
    "failed": 'color="#cf222e", penwidth=3',
    "untaken": 'style=dashed, fontcolor="#8c959f"',
    "ended": 'color="#1a7f37"',
    "running": 'color="#0969da", penwidth=3',
}


def _kind(node: DagNode, statuses: _Statuses | None) -> str:
    """What is drawn in a way of its own; empty for a step that waits or has no known status."""
    status = (statuses or {}).get(node.name)
    return status.kind if status and status.kind in _DOT_STYLES else ""


def _untaken(edge: DagEdge, statuses: _Statuses | None) -> bool:
    ends = [status for name in (edge.source, edge.target) if (status := (statuses or {}).get(name))]
    return any(status.untaken for status in ends)


def _text(node: DagNode, statuses: _Statuses | None) -> str:
    text = f"{node.name}: {node.label}" if node.label else node.name
    status = (statuses or {}).get(node.name)
    if status is not None:
        text = " ".join(filter(None, (status.glyph, text, status.elapsed)))
    return clean(text)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
