"""``stop``, ``approve``, ``reject`` and ``resume``: what a person does to what runs or waits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import click

from pipetui.cli.arguments import execution_argument, pairs_of, step_argument
from pipetui.cli.program import command
from pipetui.cli.session import Session


@command()
@execution_argument
@click.option("--reason", metavar="TEXT", default="", help="Goes on record.")
def stop(session: Session, execution: str, reason: str) -> int:
    """Stop an execution: no step starts any more, running jobs are told to end."""
    import engine.api as api

    with session.reader() as reader:
        found = reader.execution(execution).id
        asyncio.run(session.control().stop(found, reason))
        view, steps = reader.execution(found), reader.steps(found)
    session.note_open_questions(steps)
    if session.text:
        session.line(f"{view.id} is {view.status.lower()}")
    else:
        session.json(api.describe_execution(view))
    return 0


@command()
@click.argument("target")
@click.option("--comment", metavar="TEXT", default="", help="Goes on record.")
@click.option("--output-parameter", "outputs", multiple=True, metavar="NAME=VALUE",
              help="What a Callback step hands on; typed as it declares.")  # fmt: skip
def approve(session: Session, target: str, comment: str, outputs: Sequence[str]) -> int:
    """Approve what waits: a Callback step, or a model package.

    TARGET is the step's token, EXECUTION/STEP, or a model package: its ARN or GROUP/VERSION.
    """
    return _decide(session, target, True, comment, pairs_of(outputs, "--output-parameter"))


@command()
@click.argument("target")
@click.option("--comment", metavar="TEXT", default="", help="Goes on record; why a step fails.")
def reject(session: Session, target: str, comment: str) -> int:
    """Reject what waits: a Callback step, which then fails, or a model package.

    TARGET is the step's token, EXECUTION/STEP, or a model package: its ARN or GROUP/VERSION.
    """
    return _decide(session, target, False, comment, {})


def _decide(
    session: Session, target: str, success: bool, comment: str, outputs: dict[str, str]
) -> int:
    import engine.api as api

    word = "approved" if success else "rejected"
    with session.reader() as reader:
        found = reader.decidable(target)
        if isinstance(found, api.StepView):
            asyncio.run(
                session.control().answer(
                    found.callback_token, success=success, outputs=outputs, comment=comment
                )
            )
            document = api.list_steps(
                reader.execution(found.execution_id), [reader.step(found.execution_id, found.name)]
            )
            name = f"{found.execution_id}/{found.name}"
        else:
            if outputs:
                raise click.UsageError("--output-parameter is for Callback steps.")
            approval = api.ApprovalStatus.APPROVED if success else api.ApprovalStatus.REJECTED
            package = asyncio.run(session.control().decide(found.arn, approval, comment))
            document = api.list_packages([package])
            name = f"{package.group}/{package.version}" if package.group else package.arn
    if session.text:
        session.line(f"{word} {session.ink.safe(name)}")
    else:
        session.json(document)
    return 0


@command(name="break")
@execution_argument
@step_argument()
@click.option("--clear", is_flag=True, help="Take it away; a step that is held starts.")
def break_(session: Session, execution: str, step: str, clear: bool) -> int:
    """Set a breakpoint: STEP, which has not started, is held when it could start.

    Other branches go on. The execution waits for a held step until it is released with --clear,
    or stopped. SageMaker has no breakpoints: the status of a held step stays Waiting.
    """
    import engine.api as api

    with session.reader() as reader:
        found = reader.execution(execution).id
        reader.step(found, step)
        asyncio.run(session.control().change_breakpoint(found, step, hold=not clear))
        view, after = reader.execution(found), reader.step(found, step)
    if not session.text:
        session.json(api.list_steps(view, [after]))
    elif clear:
        session.line(f"{step} goes on")
    else:
        session.line(f"{step} {'is held' if after.held else 'will be held when it could start'}")
    return 0


@command()
def resume(session: Session) -> int:
    """Go on with executions whose runner died, as every other command does on its way."""
    import engine.api as api

    taken = api.resume_orphans(session.home.prepare())
    if not session.text:
        session.json({"resumed": taken})
    elif not taken:
        session.line("nothing to resume")
    for execution_id in taken if session.text else ():
        session.line(execution_id)
    return 0
