"""``pipelines``, ``versions`` and ``parallelism``: what runs here again and again, and how wide."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from pipetui.cli.arguments import execution_argument
from pipetui.cli.program import command
from pipetui.cli.session import Session
from pipetui.cli.text import Cell, table

_PIPELINE_HEADS = ("PIPELINE", "VERSION", "RUNS", "LAST RUN", "CHANGED", "")
_VERSION_HEADS = ("VERSION", "CREATED", "BY", "NAME", "ALIASES", "")


@command()
def pipelines(session: Session) -> int:
    """List pipelines; the first run of a definition makes one."""
    import engine.api as api

    with session.reader() as reader:
        found = [(one, reader.executions_of(one)) for one in reader.pipelines()]
    if not session.text:
        return _documents(session, api.list_pipelines(found), "PipelineSummaries")
    if not found:
        session.note("no pipelines yet; the first run of a definition makes one")
        return 0
    rows = [
        (
            view.name,
            str(view.newest.number),
            str(len(executions)),
            _moment(executions[0].created_at) if executions else "",
            _moment(view.modified_at),
            Cell(view.description or view.display_name, "muted"),
        )
        for view, executions in found
    ]
    return _table(session, _PIPELINE_HEADS, rows)


@command()
@click.argument("pipeline")
@click.argument("version", required=False, default="")
@click.option("--name", metavar="TEXT", default=None, help="Name VERSION.")
@click.option("--describe", metavar="TEXT", default=None, help="Describe VERSION.")
@click.option("--alias", "add", multiple=True, metavar="NAME",
              help="Let NAME mean VERSION; an alias of another version moves.")  # fmt: skip
@click.option("--remove-alias", "remove", multiple=True, metavar="NAME",
              help="Take an alias from VERSION.")  # fmt: skip
def versions(
    session: Session,
    pipeline: str,
    version: str,
    name: str | None,
    describe: str | None,
    add: Sequence[str],
    remove: Sequence[str],
) -> int:
    """List the versions of PIPELINE, newest first, or change one.

    VERSION is a number or an alias. A definition that says something new makes the next version
    when it runs. `pipetui run PIPELINE@VERSION` runs one again.
    """
    import engine.api as api

    change = api.VersionChange(name, describe, tuple(add), tuple(remove))
    changes = change != api.VersionChange()
    if changes and not version:
        raise click.UsageError("--name, --describe, --alias and --remove-alias want a VERSION.")
    with session.reader() as reader:
        view = reader.pipeline(pipeline)
        executions = reader.executions_of(view)
    number = view.version(version).number
    if changes:
        store = api.open_pipelines(session.home)
        view = asyncio.run(store.update_version(view.name, str(number), change))
    shown = [one for one in reversed(view.versions) if not version or one.number == number]
    if not session.text:
        document = api.list_versions(view, shown, executions)
        return _documents(session, document, "PipelineVersionSummaries")
    rows = [
        (
            str(one.number),
            _moment(one.created_at),
            one.created_by,
            one.display_name,
            ", ".join(one.aliases),
            Cell(one.description or one.file, "muted"),
        )
        for one in shown
    ]
    return _table(session, _VERSION_HEADS, rows)


@command()
@execution_argument
@click.argument("number", metavar="N", type=int)
def parallelism(session: Session, execution: str, number: int) -> int:
    """Change how many steps of a running execution may run at once.

    With more room, steps that wait start at once; with less, those that run end in peace.
    """
    import engine.api as api

    with session.reader() as reader:
        found = reader.execution(execution).id
        asyncio.run(session.control().change_parallelism(found, number))
        view = reader.execution(found)
    if session.text:
        session.line(f"{view.id} runs at most {view.max_parallel} steps at once")
    else:
        session.json(api.describe_execution(view))
    return 0


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at):%m-%d %H:%M}"


def _documents(session: Session, document: dict[str, Any], key: str) -> int:
    """One document for ``json``; for ``jsonl`` each of its items on a line."""
    for part in document[key] if session.output == "jsonl" else [document]:
        session.json(part)
    return 0


def _table(session: Session, heads: Sequence[str], rows: Sequence[Sequence[Cell | str]]) -> int:
    for line in table(session.ink, heads, rows):
        session.line(line)
    return 0
