"""One artifact of a step beside that of another run of the step. Blocking; for a thread."""

from __future__ import annotations

from pathlib import Path

from engine.comparison.executions import Difference, file_differences
from engine.errors import NotFound
from engine.model.views import StepView
from engine.sources.artifacts import artifacts_of
from engine.sources.folders import compare_folders
from engine.sources.snapshots import kept
from engine.storage.tree import LocalTree

Side = tuple[LocalTree, StepView]


def compare_artifact(
    before: Side, now: Side, role: str, name: str, inside: str = ""
) -> list[Difference]:
    """What differs in an artifact between two runs of a step, file by file.

    What the attempts' folders still hold of it is compared, as an object in S3 may have been
    written by both; else the objects are.

    Args:
        role, name: those of the artifact in both.
        inside: the name of a file or folder below it; empty for all of it.

    Errors: ``NotFound`` (``artifact-not-there``) where a run has no such artifact.
    """
    sides = (before, now)
    copies = [kept(step, role, name) for _, step in sides]
    if None in copies:
        copies = [_object(tree, step, role, name) for tree, step in sides]
    places = [copy for copy in copies if copy is not None]
    if len(places) < 2:
        missing = sides[copies.index(None)][1].execution_id
        raise NotFound(
            f"execution {missing} has no {role} {name} of {now[1].name} any more",
            code="artifact-not-there",
            hint="Only what both runs still have can be compared.",
        )
    if places[0] == places[1]:
        raise NotFound(
            f"both runs name the same object for {role} {name}",
            code="artifact-shared",
            hint="What the earlier run wrote there is overwritten, and no copy of it was kept.",
        )
    old, new = (place / inside if inside else place for place in places)
    return list(file_differences(now[1].name, [compare_folders(role, name, old, new)]))


def _object(tree: LocalTree, step: StepView, role: str, name: str) -> Path | None:
    for one in artifacts_of(tree, step):
        if (one.role, one.name) == (role, name) and one.exists:
            return Path(one.path)
    return None
