"""Where something in a home comes from, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import NotFound
from engine.lineage.graph import Branch, LineageGraph
from engine.lineage.projection import project

if TYPE_CHECKING:
    from engine.sources.reader import LocalReader

_ALL = -1
"""Number of executions: no limit."""


def lineage_of(reader: LocalReader, text: str, *, downstream: bool = False) -> Branch:
    """The tree of what something comes from, over all executions of a home.

    Args:
        text: a URI, a model package as an ARN or ``group/version``, or the ARN of an entity. A URI
            in a folder that a job read or wrote stands for that folder.
        downstream: what came of it instead.

    Errors: ``NotFound`` (``lineage-not-found``, ``package-not-found``).
    """
    graph = read_lineage(reader)
    if "://" in text:
        entity = graph.artifact_at(text)
        if entity is None:
            raise NotFound(
                f"no job has read or written {text}",
                code="lineage-not-found",
                hint="`pipetui steps EXECUTION -o json` shows what the steps read and write.",
            )
        return graph.tree(entity.arn, downstream=downstream)
    arn = text if text in graph.entities else reader.package(text).arn
    return graph.tree(arn, downstream=downstream)


def read_lineage(reader: LocalReader) -> LineageGraph:
    """The lineage of a whole home."""
    executions = reader.executions(limit=_ALL)
    found = [(execution, reader.steps(execution.id)) for execution in executions]
    return project(found, reader.packages())
