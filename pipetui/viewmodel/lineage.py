"""What something comes from, as a tree of lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipetui.viewmodel.executions import short_id
from pipetui.viewmodel.lines import Line, Span, Tone

if TYPE_CHECKING:
    from engine.api import Branch

_UNICODE, _ASCII = ("├─ ", "└─ ", "│  ", "   "), ("|- ", "`- ", "|  ", "   ")
_WORDS = {
    "TrainingJob": "training job",
    "ProcessingJob": "processing job",
    "TransformJob": "transform job",
    "TuningJob": "tuning job",
    "AutoMLJob": "AutoML job",
    "DataSet": "data",
    "ModelPackage": "model package",
    "ModelPackageGroup": "model package group",
    "ModelPackageRegistration": "registration",
    "ModelDeployment": "deployment",
}


def about(branch: Branch) -> str:
    """What an entity is, how it ended, which step of which execution made it, what was edited."""
    one = branch.entity
    parts = [_WORDS.get(one.type, one.type.lower()), one.status]
    if one.generated_by:
        parts.append(f"step {one.step} of {one.generated_by.rpartition('/')[2]}")
    parts += [f"edited: {', '.join(one.edits)}"] if one.edits else []
    parts += ["see above"] if branch.repeated else []
    return ", ".join(filter(None, parts))


def twigs(
    branch: Branch, unicode: bool, first: str = "", rest: str = ""
) -> Iterator[tuple[str, Branch]]:
    """A tree from its root on, each entity with the lines that lead to it."""
    yield first, branch
    tee, corner, bar, blank = _UNICODE if unicode else _ASCII
    for number, child in enumerate(branch.children, 1):
        last = number == len(branch.children)
        yield from twigs(
            child, unicode, rest + (corner if last else tee), rest + (blank if last else bar)
        )


def lineage_lines(branch: Branch, unicode: bool) -> list[Line]:
    """A tree as lines, two cells from the edge; executions by the ids that lists show."""
    lines: list[Line] = []
    for stem, twig in twigs(branch, unicode):
        told = about(twig)
        if made_by := twig.entity.generated_by.rpartition("/")[2]:
            told = told.replace(made_by, short_id(made_by))
        lines.append(
            (Span(f"  {stem}", Tone.FAINT), Span(twig.entity.name), Span(f"  {told}", Tone.DIM))
        )
    return lines
