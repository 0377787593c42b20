"""The graph for other places: plain text, Mermaid and Graphviz source."""

from __future__ import annotations

from collections.abc import Mapping

from rich.cells import cell_len

from pipetui.dag.cells import UNICODE, Glyphs
from pipetui.dag.detail import NodeStatus, clean
from pipetui.dag.graph import Dag, DagNode, EdgeKind, drawable
from pipetui.dag.paint import looks, paint
from pipetui.dag.picture import Picture


def to_text(
    picture: Picture, statuses: Mapping[str, NodeStatus] | None = None, glyphs: Glyphs = UNICODE
) -> str:
    """The picture as lines of text without any style, no spaces at line ends."""
    statuses = statuses or {}
    edge_looks = looks(picture, statuses)
    lines = []
    for y in range(picture.height):
        line, used = "", 0
        for piece in paint(picture, y, statuses, edge_looks, glyphs):
            line += " " * (piece.x - used) + piece.text
            used = piece.x + cell_len(piece.text)
        lines.append(line.rstrip())
    return "\n".join(lines) + "\n"


def to_mermaid(dag: Dag) -> str:
    """A Mermaid flowchart of the drawn edges; conditions are diamonds."""
    dag = drawable(dag)
    ids = {node.name: f"n{index}" for index, node in enumerate(dag.nodes)}
    lines = ["flowchart LR"]
    for node in dag.nodes:
        opening, closing = ("{", "}") if node.type == "Condition" else ("[", "]")
        text = "".join(
            char if char.isalnum() or char in " -_.:/" else f"#{ord(char)};" for char in _text(node)
        )
        lines.append(f'  {ids[node.name]}{opening}"{text}"{closing}')
    for edge in dag.edges:
        arrow = f"-->|{edge.kind.word}|" if edge.kind.word else _MERMAID_ARROWS[edge.kind]
        lines.append(f"  {ids[edge.source]} {arrow} {ids[edge.target]}")
    return "\n".join(lines) + "\n"


def to_dot(dag: Dag) -> str:
    """Graphviz source of the drawn edges; conditions are diamonds."""
    dag = drawable(dag)
    ids = {node.name: f"n{index}" for index, node in enumerate(dag.nodes)}
    lines = ["digraph pipeline {", "  rankdir=LR;", "  node [shape=box];"]
    for node in dag.nodes:
        shape = ", shape=diamond" if node.type == "Condition" else ""
        lines.append(f"  {ids[node.name]} [label={_quoted(_text(node))}{shape}];")
    for edge in dag.edges:
        about = ""
        if edge.kind.word:
            about = f" [label={_quoted(edge.kind.word)}]"
        elif edge.kind is EdgeKind.DEPENDS_ON:
            about = " [style=dashed]"
        lines.append(f"  {ids[edge.source]} -> {ids[edge.target]}{about};")
    return "\n".join([*lines, "}"]) + "\n"


_MERMAID_ARROWS = {EdgeKind.REFERENCE: "-->", EdgeKind.DEPENDS_ON: "-.->"}


def _text(node: DagNode) -> str:
    return clean(f"{node.name}: {node.label}" if node.label else node.name)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
