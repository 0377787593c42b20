"""``diff``: what differs between two executions."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from engine.errors import NotFound
from pipetui.cli.arguments import execution_argument
from pipetui.cli.program import command
from pipetui.cli.session import Session

if TYPE_CHECKING:
    from engine.api import ExecutionDifference, ExecutionView, LocalReader

SAME, DIFFERENT = 0, 12
_WIDTH = 100


@command()
@execution_argument
@click.argument("other", required=False, default="")
@click.option("--step", default="", help="Only what differs in this step.")
def diff(session: Session, execution: str, other: str, step: str) -> int:
    """Show what differs between EXECUTION and OTHER, the earlier of the two first.

    Without OTHER: the last execution of the same pipeline before EXECUTION that succeeded.
    Parameters, definition, code, inputs, environments, arguments, metrics and durations are
    compared; names that are new in every execution are not told.

    Exit code 0 nothing differs, 12 something does; how long steps took does not count.
    """
    with session.reader() as reader:
        one = reader.execution(execution)
        pair = [reader.execution(other) if other else _last_green(reader, one), one]
        before, now = sorted(pair, key=lambda view: view.created_at)
        if step:
            reader.step(now.id, step)
    found = asyncio.run(_compare(session, before.id, now.id))
    if step:
        found = _of_step(found, step)
    if session.text:
        _write(session, before, now, found)
    else:
        import json

        import engine.api as api

        told = json.loads(api.encode(found.differences))
        same = [str(area) for area in found.same]
        session.json({"Before": before.id, "Now": now.id, "Differences": told, "Same": same})
    counted = [one for one in found.differences if one.area != "duration"]
    return DIFFERENT if counted else SAME


def _last_green(reader: LocalReader, one: ExecutionView) -> ExecutionView:
    for view in reader.executions(1000, one.pipeline):
        if view.created_at < one.created_at and view.status == "Succeeded":
            return view
    raise NotFound(
        f"no execution of {one.pipeline} before {one.id} succeeded",
        code="execution-not-found",
        hint="Name the other execution: pipetui diff EXECUTION OTHER",
    )


async def _compare(session: Session, before: str, now: str) -> ExecutionDifference:
    import engine.api as api

    source, _ = await api.open_local(session.home)
    try:
        return await source.compare(before, now)
    finally:
        await source.close()


def _of_step(found: ExecutionDifference, step: str) -> ExecutionDifference:
    from dataclasses import replace

    kept = tuple(one for one in found.differences if one.step == step)
    return replace(found, differences=kept)


def _write(
    session: Session, before: ExecutionView, now: ExecutionView, found: ExecutionDifference
) -> None:
    from pipetui.viewmodel.compare import execution_lines
    from pipetui.viewmodel.lines import text_of

    ink = session.ink
    session.line(f"{ink.paint(before.id, 'muted')} → {now.id}  {ink.safe(now.pipeline)}")
    for line in execution_lines(found, ink.width or _WIDTH):
        session.line(ink.safe(text_of(line)).rstrip())
