"""``graph``: the picture of an execution or a definition, for a person, a page or another tool."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from pipetui.cli.program import command
from pipetui.cli.session import Session

if TYPE_CHECKING:
    from engine.api import Graph, Home, StepView

FORMATS = ("text", "mermaid", "dot", "svg", "json")


@command()
@click.argument("subject", metavar="EXECUTION|FILE")
@click.option("--format", "form", type=click.Choice(FORMATS), default=None,
              help="What to write.  [default: text, json with -o json]")  # fmt: skip
@click.option("--width", type=click.IntRange(min=20), metavar="N", default=None,
              help="Columns that text may use; else the terminal's.")  # fmt: skip
@click.option("--status/--no-status", default=True, show_default=True,
              help="Show how the steps of an execution stand.")  # fmt: skip
@click.option("--unfold", is_flag=True,
              help="Draw each step where many of a kind would be one counted node.")  # fmt: skip
def graph(
    session: Session, subject: str, form: str | None, width: int | None, status: bool, unfold: bool
) -> int:
    """Draw the steps of an execution, or of a definition file, and what waits for what.

    Text has the dashed branch that was not taken, heavy lines along the critical path and double
    ones to a failed step. Mermaid and dot are sources for other tools, SVG is a page of its own.
    """
    from pipetui.dag.cells import ASCII, UNICODE
    from pipetui.dag.export import Format, export
    from pipetui.viewmodel import steps as view
    from pipetui.viewmodel.executions import step_seconds
    from pipetui.viewmodel.state import Display

    found, steps, title = _read(session, subject)
    statuses, now = None, time.time()
    if steps and status:
        display = Display(session.ink.unicode)
        statuses = {
            one.name: view.node_status(one, now=now, display=display, styles={}) for one in steps
        }
    spent = {one.name: step_seconds(one, now) for one in steps} if status else {}
    text = export(
        view.dag(found),
        Format(form or ("text" if session.text else "json")),
        statuses=statuses,
        durations={name: seconds for name, seconds in spent.items() if seconds is not None},
        width=width or shutil.get_terminal_size((100, 24)).columns,
        unfolded=unfold,
        title=title,
        glyphs=UNICODE if session.ink.unicode else ASCII,
    )
    session.line(text.rstrip("\n"))
    return 0


def _read(session: Session, subject: str) -> tuple[Graph, Sequence[StepView], str]:
    """The graph, the steps of an execution as they stand, and what to call it."""
    import engine.api as api

    if os.path.isfile(subject):
        found = api.graph_of_file(session.home, os.path.abspath(subject))
        return found, (), os.path.basename(subject)
    return asyncio.run(_read_execution(session.home, subject))


async def _read_execution(home: Home, text: str) -> tuple[Graph, Sequence[StepView], str]:
    import engine.api as api

    source, _ = await api.open_local(home)
    try:
        execution = await source.execution(text)
        steps = await source.steps(execution.id)
        return await source.graph(execution.id), steps, f"{execution.pipeline} {execution.id}"
    finally:
        await source.close()
