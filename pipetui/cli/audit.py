"""``audit``: what people did, over all executions."""

from __future__ import annotations

from datetime import datetime

import click

from pipetui.cli.program import command
from pipetui.cli.session import Session
from pipetui.cli.text import Cell, table
from pipetui.viewmodel.audit import action, document

_HEADS = ("WHEN", "WHO", "DID", "TO", "HOW")


@command()
@click.option("-n", "--limit", type=click.IntRange(min=1), metavar="N", default=100,
              show_default=True, help="The newest N.")  # fmt: skip
def audit(session: Session, limit: int) -> int:
    """List what people did, newest first: who, when, what, to which execution."""
    import json

    import engine.api as api

    with session.reader() as reader:
        names = {one.id: one.pipeline for one in reader.executions(limit=-1)}
        events = reader.actions(limit=limit)
    done = [(one, action(one, json.loads(api.encode(one.fact)), names)) for one in events]
    documents = [{**document(*pair), "at": api.timestamp(pair[0].at)} for pair in done]
    if session.output == "jsonl":
        for one in documents:
            session.json(one)
    elif not session.text:
        session.json({"Actions": documents})
    else:
        rows = [
            (
                Cell(f"{datetime.fromtimestamp(event.at):%Y-%m-%d %H:%M:%S}", "muted"),
                event.actor,
                what.did,
                what.target,
                "  ".join(part for part in (what.result, what.comment) if part),
            )
            for event, what in done
        ]
        for line in table(session.ink, _HEADS, rows):
            session.line(line)
    return 0
