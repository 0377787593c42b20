"""``artifacts`` and ``get``: what a step reads and writes, listed and copied."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.errors import NotFound
from pipetui.cli.arguments import execution_argument, step_argument
from pipetui.cli.program import command
from pipetui.cli.session import Session
from pipetui.cli.text import Cell, table
from pipetui.viewmodel.sizes import size

if TYPE_CHECKING:
    from engine.api import Artifact, Source, StepView


@command()
@execution_argument
@step_argument()
def artifacts(session: Session, execution: str, step: str) -> int:
    """List what STEP of EXECUTION reads and writes: inputs, outputs, model, reports, logs."""
    view = _step(session, execution, step)

    async def listed(source: Source) -> list[Artifact]:
        return await source.artifacts(view)

    found = asyncio.run(_with_source(session, listed))
    if not session.text:
        session.json({"Artifacts": [_document(one) for one in found]})
        return 0
    if not found:
        session.note(f"{view.name} reads and writes nothing, or has not started")
        return 0
    rows = [
        (
            one.role,
            one.name,
            size(one.size) if one.exists else Cell("not there", "muted"),
            str(one.files) if one.folder else "",
            Cell(one.uri, "muted"),
        )
        for one in found
    ]
    for line in table(session.ink, ("ROLE", "NAME", "SIZE", "FILES", "URI"), rows):
        session.line(line)
    return 0


def _document(one: Artifact) -> dict[str, Any]:
    return {
        "Role": one.role,
        "Name": one.name,
        "Uri": one.uri,
        "Path": one.path,
        "Exists": one.exists,
        "SizeBytes": one.size,
        "Files": one.files,
        "Folder": one.folder,
    }


@command()
@execution_argument
@step_argument()
@click.argument("name", metavar="NAME[/PATH]")
@click.argument("destination", required=False, default=".", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def get(
    session: Session, execution: str, step: str, name: str, destination: Path, force: bool
) -> int:
    """Copy an artifact of STEP to DESTINATION, the working folder by default.

    NAME is as `pipetui artifacts` lists it; role/NAME tells an input from an output of one name.
    PATH is a file or folder in it, or a member of an archive. What is there already is not
    replaced without --force.
    """
    view = _step(session, execution, step)

    async def copied(source: Source) -> tuple[str, int, int]:
        artifact, inside = _named(await source.artifacts(view), name, view)
        uri = artifact.path or artifact.uri
        member = "" if artifact.folder else inside
        if artifact.folder and inside:
            uri, member = await _inside(source, uri, inside)
        done = await source.download(uri, member, str(destination), replace=force)
        return done.path, done.files, done.size

    path, files, count = asyncio.run(_with_source(session, copied))
    if session.text:
        several = f"{files:,} files, " if files != 1 else ""
        session.line(session.ink.safe(f"{path}  {several}{size(count)}"))
    else:
        session.json({"Path": path, "Files": files, "SizeBytes": count})
    return 0


def _named(found: Sequence[Artifact], name: str, step: StepView) -> tuple[Artifact, str]:
    """The artifact that a text begins with, outputs before inputs, and what is left of it."""
    order = {"output": 0, "model": 1, "report": 2, "input": 3, "log": 4}
    for one in sorted(found, key=lambda one: order.get(one.role, 9)):
        for title in (one.name, f"{one.role}/{one.name}"):
            if name.rstrip("/") == title or name.startswith(f"{title}/"):
                return one, name[len(title) :].strip("/")
    raise NotFound(
        f"step {step.name} has no artifact {name!r}",
        code="artifact-not-found",
        hint="It has " + (", ".join(dict.fromkeys(one.name for one in found)) or "none") + ".",
    )


async def _inside(source: Source, uri: str, inside: str) -> tuple[str, str]:
    """URI of what lies inside a folder, and the rest of the path: a member of an archive."""
    parts = inside.split("/")
    place = uri.rstrip("/")
    for number, part in enumerate(parts):
        entries = {one.name.rstrip("/"): one for one in await source.entries(place)}
        if part not in entries:
            raise NotFound(
                f"{place} holds no {part!r}",
                code="artifact-not-found",
                hint="It holds " + (", ".join(list(entries)[:12]) or "nothing") + ".",
            )
        place = entries[part].uri
        if not entries[part].folder:
            return place, "/".join(parts[number + 1 :])
    return place, ""


def _step(session: Session, execution: str, step: str) -> StepView:
    with session.reader() as reader:
        return reader.step(reader.execution(execution).id, step)


async def _with_source(session: Session, use: Any) -> Any:
    import engine.api as api

    source, _ = await api.open_local(session.home)
    try:
        return await use(source)
    finally:
        await source.close()
