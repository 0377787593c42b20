"""``replay``: one step again in a scratch copy, and how its outputs differ."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from pipetui.cli.arguments import execution_argument, step_argument
from pipetui.cli.program import command
from pipetui.cli.session import Session
from pipetui.cli.text import Cell, Ink, duration, table
from pipetui.viewmodel.sizes import size

if TYPE_CHECKING:
    from engine.api import (
        ContentDifference,
        Event,
        OutputDifference,
        Replay,
        ReplayReport,
        ValueDifference,
    )

INTERRUPTED = 130
CODES = {"same": 0, "different": 12, "failed": 20}
"""Verdict of a replay -> exit code."""

_STYLES = {"same": "muted", "changed": "warning", "only before": "error", "only now": "success"}
_SHOWN = 200
"""Files of an output that are listed; the JSON has all of them."""


@command()
@execution_argument
@step_argument()
@click.option("--set", "edits", multiple=True, metavar="PATH=VALUE",
              help="Value in STEP's Arguments: HyperParameters['max_depth']=7.")  # fmt: skip
@click.option("--keep", is_flag=True, help="Keep the scratch copy, with its logs and files.")
def replay(session: Session, execution: str, step: str, edits: Sequence[str], keep: bool) -> int:
    """Run STEP of EXECUTION again in a scratch copy, and show how its outputs differ.

    The step runs with its recorded arguments on the inputs as they are now. What it writes to S3
    goes to the copy, so that the execution and its outputs stay as they are. Files that a job
    writes on this host outside of /opt/ml and S3 are not caught.

    Exit code 0 the same outputs, 12 they differ, 20 the replay failed, 130 interrupted.
    """
    import engine.api as api
    from pipetui.cli.start import edits_of

    with session.reader() as reader:
        found = reader.execution(execution).id
        changes = edits_of(reader, found, step, edits)
    if others := [name for name in changes if name != step]:
        raise click.UsageError(f"A replay runs {step} alone: --set cannot change {others[0]}.")
    request = api.ReplayRequest(found, step, changes.get(step, {}), keep)
    begun = api.begin_replay(session.home, request)
    try:
        _narrate(session, begun)
        report = asyncio.run(api.finish_replay(begun))
    except KeyboardInterrupt:
        session.note("interrupted: the replay is being stopped")
        asyncio.run(api.stop_replay(begun))
        return INTERRUPTED
    if session.text:
        for line in report_lines(session.ink, report):
            session.line(line)
    else:
        import json

        session.json(json.loads(api.encode(report)))
    return CODES[report.verdict]


def _narrate(session: Session, begun: Replay) -> None:
    """Tell what the step does until it ends."""
    from pipetui.cli.follow import Follower, Patience
    from pipetui.cli.narrator import Narrator

    scratch = Session(home_text=str(begun.scratch.root), output=session.output)
    with scratch.reader(resume=False) as reader:
        follower, narrator = Follower(scratch, reader, begun.id), Narrator(scratch, reader)

        def tell(event: Event) -> None:
            before = narrator.before(follower.changes.state, event)
            follower.changes.take(event)
            if event.step and follower.changes.state is not None:
                narrator.tell(event, follower.changes.state, before)

        follower.until_end(tell, Patience())


def report_lines(ink: Ink, report: ReplayReport) -> Iterator[str]:
    """A report for a person."""
    style = {"same": "success", "different": "warning"}.get(report.verdict, "error")
    name = ink.safe(f"{report.execution_id}/{report.step}")
    yield ""
    yield f"{ink.paint(report.verdict, style)}: {name} against its replay {report.id}"
    for path, value in report.edits.items():
        yield f"  set {ink.safe(f'{path} = {value}')}"
    yield from _endings(ink, report)
    for output in report.outputs:
        yield from _output(ink, output)
    if report.results:
        yield ""
        yield "results"
        yield from _values(ink, report.results)
    for caveat in report.caveats:
        yield ink.paint(f"note: {ink.safe(caveat)}", "warning")
    if report.folder:
        yield f"kept: pipetui --home {ink.safe(report.folder)} logs @last {ink.safe(report.step)}"


def _endings(ink: Ink, report: ReplayReport) -> list[str]:
    before, now = report.before, report.now
    rows = [
        ("status", before.status, now.status),
        ("exit code", _number(before.exit_code), _number(now.exit_code)),
        ("took", duration(before.seconds), duration(now.seconds)),
        *(
            (metric, _number(before.metrics.get(metric)), _number(now.metrics.get(metric)))
            for metric in {**before.metrics, **now.metrics}
        ),
        ("reason", before.failure_reason, now.failure_reason),
        ("first error", before.first_error, now.first_error),
    ]
    cells = [
        (
            Cell(ink.safe(name), "muted"),
            _line(ink, old),
            Cell(_line(ink, new), _style(name, old, new)),
        )
        for name, old, new in rows
        if old or new
    ]
    return table(ink, ("", "BEFORE", "NOW"), cells)


def _style(name: str, before: str, now: str) -> str:
    return "warning" if before != now and name != "took" else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _line(ink: Ink, text: str) -> str:
    return ink.safe(text.strip().split("\n", 1)[0])


def _output(ink: Ink, output: OutputDifference) -> Iterator[str]:
    files = output.tree.files
    yield ""
    yield f"{ink.paint(ink.safe(f'{output.role} {output.name}'), 'bold')}  {ink.safe(output.uri)}"
    if not files:
        yield "  no files, before and now"
        return
    differing = output.tree.differing
    if same := len(files) - len(differing):
        yield f"  {same} file{'s' * (same != 1)} the same"
    rows = [
        (
            Cell(one.change, _STYLES[one.change]),
            ink.safe(one.name),
            "" if one.size_before is None else size(one.size_before),
            "" if one.size_now is None else size(one.size_now),
        )
        for one in differing[:_SHOWN]
    ]
    if rows:
        for line in table(ink, ("", "FILE", "BEFORE", "NOW"), rows):
            yield f"  {line}"
    if len(differing) > _SHOWN:
        yield f"  and {len(differing) - _SHOWN} more"
    for name, content in output.contents.items():
        yield f"  {ink.paint(ink.safe(name), 'bold')}"
        yield from _content(ink, content)


def _content(ink: Ink, content: ContentDifference) -> Iterator[str]:
    yield from _values(ink, content.values)
    for line in content.lines:
        style = {"+": "success", "-": "error", "@": "muted"}.get(line[:1], "")
        yield f"    {ink.paint(ink.safe(line), style)}"
    if content.table is not None:
        found = content.table
        if found.rows_before != found.rows_now:
            yield f"    rows: {found.rows_before} -> {found.rows_now}"
        for words, names in (
            ("columns only before", found.columns_removed),
            ("columns only now", found.columns_added),
        ):
            if names:
                yield f"    {words}: {ink.safe(', '.join(names))}"
        if found.moved:
            yield "    the columns stand in another order"
        for cell in found.cells:
            where = f"row {cell.row}, {cell.column}"
            yield f"    {ink.safe(f'{where}: {cell.before} -> {cell.now}')}"
    for member in content.members.differing if content.members else ():
        yield f"    {ink.paint(member.change, _STYLES[member.change])} {ink.safe(member.name)}"
    if content.digests[0]:
        yield f"    sha256 {content.digests[0][:16]} -> {content.digests[1][:16]}"
    if content.note:
        yield f"    {content.note}"
    elif content.more:
        yield "    and more"


def _values(ink: Ink, values: Sequence[ValueDifference]) -> Iterator[str]:
    for one in values:
        old, new = one.before or "(nothing)", one.now or "(nothing)"
        yield f"    {ink.safe(f'{one.path}: {old} -> {new}')}"
