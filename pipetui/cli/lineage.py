"""``lineage``: where a model or a file comes from, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from pipetui.cli.program import command
from pipetui.cli.session import Session

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


@command()
@click.argument("subject", metavar="URI|MODEL-PACKAGE")
@click.option("--downstream", is_flag=True, help="Show what came of it instead.")
def lineage(session: Session, subject: str, downstream: bool) -> int:
    """Show where a model package or a file in S3 comes from, back to the raw data.

    MODEL-PACKAGE is GROUP/VERSION or an ARN. Of several jobs that wrote to one URI the last before
    it was read counts; the executions of the whole home are looked at.
    """
    import engine.api as api

    with session.reader() as reader:
        tree = api.lineage_of(reader, subject, downstream=downstream)
    if not session.text:
        session.json(api.lineage_document(tree, api.timestamp))
        return 0
    for line in _lines(session, tree, "", ""):
        session.line(line)
    return 0


def _lines(session: Session, branch: Branch, first: str, rest: str) -> Iterator[str]:
    """A branch as lines, the first and the rest with what stands before them."""
    ink, one = session.ink, branch.entity
    about = [_WORDS.get(one.type, one.type.lower()), one.status]
    if one.generated_by:
        about.append(f"step {one.step} of {one.generated_by.rpartition('/')[2]}")
    about += [f"edited: {', '.join(one.edits)}"] if one.edits else []
    about += ["see above"] if branch.repeated else []
    told = ink.paint(ink.safe(", ".join(filter(None, about))), "muted")
    yield f"{ink.paint(first, 'muted')}{ink.safe(one.name)}  {told}"
    tee, corner, bar, blank = _UNICODE if ink.unicode else _ASCII
    for number, child in enumerate(branch.children, 1):
        last = number == len(branch.children)
        yield from _lines(
            session, child, rest + (corner if last else tee), rest + (blank if last else bar)
        )
