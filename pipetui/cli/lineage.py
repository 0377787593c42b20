"""``lineage``: where a model or a file comes from, and what came of it."""

from __future__ import annotations

import click

from pipetui.cli.program import command
from pipetui.cli.session import Session
from pipetui.viewmodel.lineage import about, twigs


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
    ink = session.ink
    for stem, branch in twigs(tree, ink.unicode):
        told = ink.paint(ink.safe(about(branch)), "muted")
        session.line(f"{ink.paint(stem, 'muted')}{ink.safe(branch.entity.name)}  {told}")
    return 0
