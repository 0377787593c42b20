"""``ls``, ``status``, ``steps``, ``events``, ``logs`` and ``models``: what there is to see."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from pipetui.cli.arguments import execution_argument, step_argument
from pipetui.cli.masking import log_of
from pipetui.cli.program import command
from pipetui.cli.session import Session
from pipetui.cli.text import Cell, duration, table
from pipetui.term.glyphs import Look
from pipetui.viewmodel.executions import tally
from pipetui.viewmodel.state import HELD, approval_state, execution_state, hold_words, step_state

if TYPE_CHECKING:
    from engine.api import Event, ExecutionView, LocalReader, LogSource, StepView

POLL_S = 0.1
_BATCH = 2000
_Row = Sequence[Cell | Look | str]


@command()
@click.argument("pipeline", required=False, default="")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True,
              help="How many, counted from the newest.")  # fmt: skip
def ls(session: Session, pipeline: str, limit: int) -> int:
    """List executions, newest first; of one PIPELINE or of all."""
    import engine.api as api

    with session.reader() as reader:
        views = reader.executions(limit, pipeline)
    if not session.text:
        return _documents(session, api.list_executions(views), "PipelineExecutionSummaries")
    if not views:
        session.note("no executions yet; start one with `pipetui run FILE`")
        return 0
    rows: list[_Row] = [
        (
            one.id,
            one.pipeline,
            execution_state(one),
            f"{datetime.fromtimestamp(one.created_at):%m-%d %H:%M}",
            duration(_seconds(one)),
            tally(one, short=True),
            Cell(_about(one), "muted"),
        )
        for one in views
    ]
    heads = ("EXECUTION", "PIPELINE", "STATUS", "STARTED", "TOOK", "STEPS", "")
    return _lines(session, table(session.ink, heads, rows))


def _about(view: ExecutionView) -> str:
    if view.first_failed:
        return f"{view.first_failed}: {_first_line(view.first_told)}"
    if view.steps_held and view.ended_at is None:
        return HELD
    return view.display_name or (f"from {view.source_execution}" if view.source_execution else "")


def _seconds(view: ExecutionView) -> float:
    return (time.time() if view.ended_at is None else view.ended_at) - view.created_at


@command()
@execution_argument
def status(session: Session, execution: str) -> int:
    """Show one execution.

    EXECUTION is an id, a unique prefix of one, an ARN, @last or PIPELINE@last.
    """
    import engine.api as api

    with session.reader() as reader:
        view = reader.execution(execution)
        waiting = [one for one in reader.waiting() if one.execution_id == view.id]
        held = [one for one in reader.steps(view.id) if one.held] if view.steps_held else []
    if not session.text:
        session.json(api.describe_execution(view))
        return 0
    ink = session.ink
    session.line(
        f"{ink.state(execution_state(view))}  {ink.paint(ink.safe(view.pipeline), 'bold')}"
        f"  {view.id}"
    )
    for name, value in _facts(view, str(session.home.execution(view.id))):
        session.line(f"  {ink.paint(f'{name:<11}', 'muted')} {ink.safe(value)}")
    for step in waiting:
        session.line(f"  {step.name} waits for you: pipetui approve {step.callback_token}")
    for step in held:
        session.line(f"  {step.name} is {hold_words(step)}")
    return 0


def _facts(view: ExecutionView, folder: str) -> Iterator[tuple[str, str]]:
    if view.display_name:
        yield "name", view.display_name
    if view.failure_reason:
        yield "reason", _first_line(view.failure_reason)
    if view.first_failed:
        yield "first", f"{view.first_failed}: {_first_line(view.first_told)}"
    began = f"{datetime.fromtimestamp(view.created_at):%Y-%m-%d %H:%M:%S}"
    yield "started", f"{began} by {view.created_by}, took {duration(_seconds(view))}"
    counts = {
        "running": view.steps_running,
        "of them reused": view.steps_reused,
    }
    words = "".join(f", {count} {word}" for word, count in counts.items() if count)
    yield "steps", f"{tally(view)}{words}"
    for name, value in view.parameters.items():
        yield "parameter", f"{name} = {value}"
    if view.source_execution:
        yield "source", view.source_execution
    version = f", version {view.pipeline_version}" if view.pipeline_version else ""
    yield "definition", f"{view.file}{version}".lstrip(", ")
    yield "folder", folder
    yield "runner", f"process {view.runner_pid}, lease epoch {view.epoch}"


@command()
@execution_argument
def steps(session: Session, execution: str) -> int:
    """List every step of an execution, those that have not started too."""
    import engine.api as api

    with session.reader() as reader:
        view = reader.execution(execution)
        found = reader.steps(view.id)
        usage = {} if session.text else {one.name: reader.usage(one) for one in found}
    if not session.text:
        return _documents(session, api.list_steps(view, found, usage), "PipelineExecutionSteps")
    rows: list[_Row] = [
        (
            one.name,
            Cell(one.type, "muted"),
            step_state(one),
            duration(_step_seconds(one)),
            str(one.attempt or ""),
            Cell(_first_line(_note(one)), "error" if one.status == "Failed" else ""),
        )
        for one in found
    ]
    heads = ("STEP", "TYPE", "STATUS", "TOOK", "TRY", "")
    return _lines(session, table(session.ink, heads, rows))


def _step_seconds(step: StepView) -> float | None:
    if step.started_at is None:
        return None
    return (time.time() if step.ended_at is None else step.ended_at) - step.started_at


def _note(step: StepView) -> str:
    if step.waits_for_answer:
        return f"pipetui approve {step.callback_token}"
    if step.held:
        return hold_words(step)
    if step.breakpoint and step.status == "Waiting":
        return f"breakpoint; {step.reason}"
    if step.source_execution:
        return f"from {step.source_execution}"
    if step.failure or step.doing or step.note:
        return step.failure or step.doing or step.note
    if step.attempts and step.stand_in:
        return step.stand_in
    # Of a step that ran, what it waited for is no news; what the cache lacked is.
    return step.reason if not step.attempts or step.reason.startswith("cache:") else ""


@command()
@execution_argument
@click.option("-f", "--follow", is_flag=True, help="Go on until the execution ends.")
def events(session: Session, execution: str, follow: bool) -> int:
    """Print what happened, oldest first.

    As text every event; as json or jsonl the status changes in EventBridge's shape, one a line.
    """
    import engine.api as api

    changes = api.StatusChanges()
    with session.reader() as reader:
        view = reader.execution(execution)
        if session.output == "json":
            session.output = "jsonl"
        for event in _events(reader, view.id, follow):
            found = changes.take(event)
            if session.text:
                session.line(_event_line(session, event))
            for change in () if session.text else found:
                session.json(change)
    return 0


def _events(reader: LocalReader, execution_id: str, follow: bool) -> Iterator[Event]:
    import engine.api as api

    seq, version = 0, -1
    while True:
        now = reader.version()
        if now != version:
            version = now
            # Asked before the events: what had ended by now has no later ones.
            ended = reader.execution(execution_id).status in api.EXECUTION_ENDED
            while found := reader.events(execution_id, seq):
                yield from found
                seq = found[-1].seq
            if not follow or ended:
                return
        time.sleep(POLL_S)


def _event_line(session: Session, event: Event) -> str:
    fact: Any = event.fact
    words = [
        str(getattr(fact, name))
        for name in ("status", "doing", "reason", "cause", "failure_reason", "comment", "note")
        if getattr(fact, name, "")
    ]
    moment = datetime.fromtimestamp(event.at)
    clock = session.ink.paint(f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}", "muted")
    step = f"{event.step}  " if event.step else ""
    who = "" if event.actor == "runner" else f"  by {event.actor}"
    said = _first_line("; ".join(words))
    return f"{clock}  {event.kind:<18} {session.ink.safe(step + said + who)}".rstrip()


@command()
@execution_argument
@step_argument()
@click.option("-f", "--follow", is_flag=True, help="Go on until the step ends.")
@click.option("--attempt", type=click.IntRange(min=1), metavar="N", default=None,
              help="Which attempt; else the last.")  # fmt: skip
@click.option("--tail", type=click.IntRange(min=1), metavar="N", default=None,
              help="Only the last N lines.")  # fmt: skip
@click.option("--secrets", "clear", is_flag=True, help="With secrets as they were logged.")
def logs(
    session: Session,
    execution: str,
    step: str,
    follow: bool,
    attempt: int | None,
    tail: int | None,
    clear: bool,
) -> int:
    """Print the log of a step. What a terminal could obey in it is made visible.

    Values that the step was given under a name like PASSWORD or API_KEY are masked.
    """
    with session.reader() as reader:
        view = reader.execution(execution)
        found = reader.step(view.id, step)
        number = attempt or found.attempt
        log = log_of(reader, found, number, clear=clear)
        if session.output == "json":
            lines = _drain(log, tail)
            about = {
                "Path": str(reader.log_path(found, number)),
                "Attempt": number,
                "StepStatus": str(found.status),
            }
            session.json({"events": [{"message": one} for one in lines], "Local": about})
            return 0
        for line in _log_lines(reader, found, log, follow, tail):
            if session.text:
                session.line(session.ink.safe(line))
            else:
                session.json({"message": line})
    return 0


def _drain(log: LogSource, tail: int | None) -> list[str]:
    _count_all(log)
    first = max(0, log.count - tail) if tail else 0
    return [line.text for line in log.lines(first, log.count)]


def _log_lines(
    reader: LocalReader, step: StepView, log: LogSource, follow: bool, tail: int | None
) -> Iterator[str]:
    _count_all(log)
    row = max(0, log.count - tail) if tail else 0
    while True:
        # Read before the log: a step that has ended by now writes nothing more.
        ended = not follow or not reader.step(step.execution_id, step.name).running
        _count_all(log)
        while row < log.count:
            for line in log.lines(row, _BATCH):
                yield line.text
                row += 1
        if ended:
            return
        time.sleep(POLL_S)


def _count_all(log: LogSource) -> None:
    while log.refresh() and not log.complete:
        pass


_HEADS = ("GROUP", "VERSION", "APPROVAL", "CREATED", "EXECUTION", "")


@command()
@click.argument("group", required=False, default="")
def models(session: Session, group: str) -> int:
    """List model package versions, newest first; of one GROUP or of all."""
    import engine.api as api

    with session.reader() as reader:
        packages = reader.packages(group)
    if not session.text:
        return _documents(session, api.list_packages(packages), "ModelPackageSummaryList")
    if not packages:
        session.note("no model packages yet; a RegisterModel step makes them")
        return 0
    rows: list[_Row] = [
        (
            one.group or one.arn,
            str(one.version or ""),
            approval_state(one.approval),
            f"{datetime.fromtimestamp(one.created_at):%m-%d %H:%M}",
            one.execution_id,
            Cell(f"by {last.actor}: {last.comment}" if (last := _last(one)) else "", "muted"),
        )
        for one in packages
    ]
    return _lines(session, table(session.ink, _HEADS, rows))


def _last(package: Any) -> Any:
    return package.approvals[-1] if package.approvals else None


def _documents(session: Session, document: dict[str, Any], key: str) -> int:
    """One document for ``json``; for ``jsonl`` each of its items on a line."""
    for part in document[key] if session.output == "jsonl" else [document]:
        session.json(part)
    return 0


def _lines(session: Session, lines: Sequence[str]) -> int:
    for line in lines:
        session.line(line)
    return 0


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0]
