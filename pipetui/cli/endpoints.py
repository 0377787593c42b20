"""Local endpoints: listed, asked, stopped."""

from __future__ import annotations

import asyncio
import sys
from typing import BinaryIO

import click

from pipetui.cli.program import command
from pipetui.cli.session import Session
from pipetui.cli.text import Cell, table

_HEADS = ("ENDPOINT", "STATUS", "CONFIGURATION", "URL")
_STYLES = {"InService": "success", "Failed": "error", "Stopped": "muted"}
FAILED = 4


@command()
@click.argument("name", required=False, default="")
@click.option("--stop", is_flag=True, help="End the process of endpoint NAME.")
@click.option("--delete", is_flag=True, help="End it and forget it, log and all.")
def endpoints(session: Session, name: str, stop: bool, delete: bool) -> int:
    """List the endpoints of this home; they outlive the run that made them."""
    import engine.api as api

    root = session.home.root
    if stop or delete:
        if not name:
            raise click.UsageError("--stop and --delete want the NAME of an endpoint.")
        asyncio.run(api.delete_endpoint(root, name) if delete else api.stop_endpoint(root, name))
        session.note(f"{name} is {'deleted' if delete else 'stopped'}")
        return 0
    found = [one for one in api.list_endpoints(root) if name in ("", one.name)]
    if not session.text:
        session.json({"Endpoints": [dict(one.description) for one in found]})
        return 0
    if not found:
        session.note(
            "no such endpoint" if name else "no endpoints yet; an Endpoint step makes them"
        )
        return 0
    rows = [
        (one.name, Cell(one.status, _STYLES.get(one.status, "muted")), one.config_name, one.url)
        for one in found
    ]
    for line in table(session.ink, _HEADS, rows):
        session.line(line)
    return 0


@command()
@click.argument("name")
@click.option("--body", type=click.File("rb"), default="-", help="The payload; standard input.")
@click.option("--content-type", default="text/csv", show_default=True)
@click.option("--accept", default="", help="What the answer should be.")
@click.option("--variant", default="", help="The production variant; else chosen by weight.")
def invoke(
    session: Session, name: str, body: BinaryIO, content_type: str, accept: str, variant: str
) -> int:
    """Send a payload to an endpoint and print its answer; exit code 4 where it refuses."""
    import engine.api as api

    answer = api.invoke(
        session.home.root,
        name,
        body.read(),
        content_type=content_type,
        accept=accept,
        variant=variant,
    )
    sys.stdout.buffer.write(answer.body)
    sys.stdout.flush()
    if answer.status >= 400:
        session.note(f"{name} answered with status {answer.status}")
        return FAILED
    return 0
