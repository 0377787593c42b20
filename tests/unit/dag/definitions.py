"""Graphs for tests: from definitions of real pipelines, and made up at any size."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from pipetui.dag.graph import Dag, DagEdge, DagNode, EdgeKind

_STEP = re.compile(r'"Get": "Steps\.([^.\["]+)')
_BRANCHES = {"IfSteps": EdgeKind.BRANCH_IF, "ElseSteps": EdgeKind.BRANCH_ELSE}


def dag_of(path: Path) -> Dag:
    """The graph of a definition file: references, DependsOn and branches."""
    nodes: list[DagNode] = []
    edges: list[DagEdge] = []
    for step, parent, branch in _steps(json.loads(path.read_text())["Steps"]):
        name = step["Name"]
        nodes.append(DagNode(name, step["Type"], parent=parent))
        if branch:
            edges.append(DagEdge(parent, name, branch))
        own = {key: value for key, value in step["Arguments"].items() if key not in _BRANCHES}
        for source in _STEP.findall(json.dumps(own)):
            edges.append(DagEdge(source, name))
        for source in step.get("DependsOn") or ():
            edges.append(
                DagEdge(
                    source if isinstance(source, str) else source["Step"],
                    name,
                    EdgeKind.DEPENDS_ON,
                )
            )
    return Dag(tuple(nodes), tuple(edges))


def _steps(
    steps: list[dict[str, Any]], parent: str = "", branch: EdgeKind | None = None
) -> Iterator[tuple[dict[str, Any], str, EdgeKind | None]]:
    for step in steps:
        step.setdefault("Arguments", {})
        if not isinstance(step["Arguments"], dict):
            step["Arguments"] = {"": step["Arguments"]}
        yield step, parent, branch
        for key, kind in _BRANCHES.items():
            yield from _steps(step["Arguments"].get(key, []), step["Name"], kind)


def layered(count: int, *, width: int = 5, skips: float = 0.08, seed: int = 1) -> Dag:
    """A random graph of about `width` nodes to a layer, with a few edges that skip layers."""
    random = Random(seed)
    names = [f"{random.choice(_WORDS)}-{_letters(index)}" for index in range(count)]
    edges: list[DagEdge] = []
    for index in range(width, count):
        layer = index // width
        for _ in range(random.choice((1, 1, 2))):
            back = 1 if random.random() > skips else random.randint(1, min(layer, 6))
            source = (layer - back) * width + random.randrange(width)
            edges.append(DagEdge(names[source], names[index]))
    return Dag(tuple(DagNode(name, "Processing") for name in names), tuple(edges))


def _letters(index: int) -> str:
    return (_letters(index // 26 - 1) if index >= 26 else "") + chr(97 + index % 26)


_WORDS = ("prep", "train", "evaluate", "split", "features", "score", "join", "check")
