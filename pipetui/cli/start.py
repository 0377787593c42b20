"""``run``, ``rerun`` and ``retry``: what starts work, and how long the command stays with it."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipetui.cli.arguments import (
    execution_argument,
    pairs_of,
    parameter_options,
    parameters_of,
    step_argument,
    value_like,
)
from pipetui.cli.program import command
from pipetui.cli.session import Session

if TYPE_CHECKING:
    from engine.api import StartRequest

Function = TypeVar("Function", bound=Callable[..., Any])

SCOPES = ("whole", "from", "only", "failed")
_OTHER_STEP = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]*):(.+)", re.ASCII | re.DOTALL)


def python_option(function: Function) -> Function:
    """``--python``: what runs a FILE that is Python."""
    return click.option(
        "--python", metavar="PYTHON", default="",
        help="Interpreter for a .py FILE's get_pipeline; else the configuration's, else python3.",
    )(function)  # fmt: skip


def request_options(function: Function) -> Function:
    """What to run; read by ``request_of``."""
    for option in (
        click.argument("file", metavar="FILE|PIPELINE@VERSION", type=click.Path()),
        parameter_options,
        click.option("--steps", metavar="A,B", default="", help="Run these steps only."),
        click.option("--from", "source", metavar="EXECUTION", default="",
                     help="Reuse the results of the other steps from this execution."),
        click.option("--max-parallel", type=click.IntRange(min=1), metavar="N", default=None,
                     help="Steps at once; else the configuration's, else one per processor."),
        click.option("--name", metavar="PIPELINE", default="",
                     help="Name of the pipeline; else the file's, or its folder's."),
        click.option("--display-name", metavar="TEXT", default="", help="Name of the execution."),
        click.option("--description", metavar="TEXT", default="", help="What it is for."),
        click.option("--token", metavar="TEXT", default="",
                     help="The same token never starts a second execution; 32 to 128 letters."),
        python_option,
        click.option("--break", "breakpoints", multiple=True, metavar="STEP",
                     help="Hold this step when it could start; `pipetui break` lets it go on."),
    )[::-1]:  # fmt: skip
        function = option(function)
    return function


def request_of(
    session: Session,
    *,
    file: str,
    parameters: Sequence[str],
    parameters_file: str | None,
    steps: str,
    source: str,
    max_parallel: int | None,
    name: str,
    display_name: str,
    description: str,
    token: str,
    python: str,
    breakpoints: Sequence[str] = (),
) -> StartRequest:
    """What the options ask for.

    Errors: ``NotFound`` where there is no such source execution, ``DefinitionError``.
    """
    import engine.api as api

    if source:
        with session.reader(resume=False) as reader:
            source = reader.execution(source).id
    named, at, version = file.rpartition("@")
    pinned = bool(at and named) and not os.path.exists(file)
    if pinned and name:
        raise click.UsageError(f"--name does not go with {file}, which names its pipeline.")
    return api.StartRequest(
        file="" if pinned else os.path.abspath(file),
        version=version if pinned else "",
        parameters=parameters_of(parameters, parameters_file),
        pipeline=named if pinned else name,
        display_name=display_name,
        description=description,
        python=python,
        max_parallel=max_parallel or 0,
        selection=tuple(filter(None, map(str.strip, steps.split(",")))),
        source_execution=source,
        token=token,
        breakpoints=tuple(breakpoints),
    )


def stay_options(function: Function) -> Function:
    """Whether, and for how long, the command stays with the execution; read by ``stay_with``."""
    for option in (
        click.option("--watch", "mode", flag_value="watch",
                     help="Open the app on it.  [default on a terminal]"),
        click.option("--headless", "mode", flag_value="headless",
                     help="Print a line per step transition.  [default elsewhere]"),
        click.option("--detach", "mode", flag_value="detach", help="Only print its id."),
        click.option("--no-wait-approval", is_flag=True,
                     help="Leave with exit code 24 when only a person can go on."),
        click.option("--auto-approve", is_flag=True,
                     help="Approve every Callback step that asks, on record as such."),
        click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
                     help="Stop it when it runs longer, with exit code 22."),
    )[::-1]:  # fmt: skip
        function = option(function)
    return function


def checked_mode(session: Session, stay: Mapping[str, Any]) -> str:
    """How to stay with an execution: ``watch``, ``headless`` or ``detach``."""
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    headless = ("no_wait_approval", "auto_approve", "timeout")
    plain = not session.text or any(stay[name] for name in headless)
    mode = stay["mode"] or ("watch" if terminal and not plain else "headless")
    if mode == "watch" and not terminal:
        raise click.UsageError("--watch needs a terminal; in a pipe, use --headless.")
    if mode == "watch" and plain:
        raise click.UsageError(
            "--watch does not go with --output, --no-wait-approval, --auto-approve or --timeout;"
            " use --headless."
        )
    return str(mode)


def stay_with(
    session: Session, execution_id: str, mode: str, stay: Mapping[str, Any], *, after: int = 0
) -> int:
    """Stay with an execution as the options say; returns the exit code.

    Args:
        after: the event that was there before; only what comes later is told.
    """
    if mode == "watch":
        from pipetui.app import run_app

        return run_app(session.home, execution=execution_id, watch=True)
    if mode == "detach":
        return _introduce(session, execution_id)
    from pipetui.cli.follow import Patience, follow

    patience = Patience(not stay["no_wait_approval"], stay["timeout"], stay["auto_approve"])
    return follow(session, execution_id, patience, after=after)


def _introduce(session: Session, execution_id: str) -> int:
    import engine.api as api

    if session.text:
        session.line(execution_id)
        return 0
    with session.reader(resume=False) as reader:
        session.json(api.describe_execution(reader.execution(execution_id)))
    return 0


@command()
@request_options
@stay_options
def run(
    session: Session,
    mode: str | None,
    no_wait_approval: bool,
    auto_approve: bool,
    timeout: float | None,
    **options: Any,
) -> int:
    """Run a definition, or a version of a pipeline.

    FILE is a definition (.json, .yaml), or Python with a get_pipeline(). PIPELINE@VERSION is a
    version that ran here before, by its number or an alias; `pipetui versions` lists them.

    The run belongs to a process of its own: it goes on when this command, or the terminal, ends.

    Exit code 0 succeeded, 20 failed, 21 stopped, 22 timed out, 24 waits for approval
    (--no-wait-approval), 11 invalid definition, 130 interrupted.
    """
    import engine.api as api

    stay = {
        "mode": mode,
        "no_wait_approval": no_wait_approval,
        "auto_approve": auto_approve,
        "timeout": timeout,
    }
    chosen = checked_mode(session, stay)
    request = request_of(session, **options)
    runner, session.runner = session.runner, None
    execution_id = api.start(session.home, request, runner)
    session.resume(session.home)
    return stay_with(session, execution_id, chosen, stay)


@command()
@execution_argument
@step_argument(required=False)
@click.option("--scope", type=click.Choice(SCOPES), default=None,
              help="What runs: all; STEP and all after it; STEP alone; what did not succeed."
              "  [default: from with a STEP, else whole]")  # fmt: skip
@parameter_options
@click.option("--set", "edits", multiple=True, metavar="[STEP:]PATH=VALUE",
              help="Value in a step's Arguments, STEP's where none is named:"
              " HyperParameters['max_depth']=7.")  # fmt: skip
@click.option("--max-parallel", type=click.IntRange(min=1), metavar="N", default=None,
              help="Steps at once; else the execution's.")  # fmt: skip
@stay_options
def rerun(
    session: Session,
    execution: str,
    step: str | None,
    scope: str | None,
    parameters: Sequence[str],
    parameters_file: str | None,
    edits: Sequence[str],
    max_parallel: int | None,
    **stay: Any,
) -> int:
    """Run an execution, or part of it, again as a new one.

    Steps that do not run again are reused from EXECUTION. -p and --set change inputs.
    """
    import engine.api as api

    scope = scope or ("from" if step else "whole")
    if scope in ("from", "only") and not step:
        raise click.UsageError(f"--scope {scope} needs a STEP.")
    mode = checked_mode(session, stay)
    with session.reader() as reader:
        found = reader.execution(execution).id
        changes = edits_of(reader, found, step or "", edits)
    request = api.RerunRequest(
        found,
        scope,
        step or "",
        parameters_of(parameters, parameters_file),
        changes,
        max_parallel or 0,
    )
    return stay_with(session, asyncio.run(session.control().rerun(request)), mode, stay)


def edits_of(
    reader: Any, execution_id: str, step: str, pairs: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Edits by step and path, each value in the type of what stands there now.

    Args:
        step: whose Arguments are meant where a pair names no step; empty for none.

    Errors: ``NotFound`` where there is no such step.
    """
    import engine.api as api

    if step:
        reader.step(execution_id, step)
    edits: dict[str, dict[str, Any]] = {}
    for target, text in pairs_of(pairs, "--set").items():
        named = _OTHER_STEP.match(target)
        name, path = named.groups() if named else (step, target)
        if not name:
            raise click.UsageError(
                f"--set {target} needs the step whose Arguments it changes: --set STEP:{target}=..."
            )
        arguments = reader.step(execution_id, name).arguments
        present = api.value_at(arguments, path, name) if arguments is not None else None
        edits.setdefault(name, {})[path] = value_like(text, present)
    return edits


@command()
@execution_argument
@click.option("--max-parallel", type=click.IntRange(min=1), metavar="N", default=None,
              help="Steps at once from now on.")  # fmt: skip
@stay_options
def retry(session: Session, execution: str, max_parallel: int | None, **stay: Any) -> int:
    """Run what failed, was stopped or never started again, in the same execution.

    Steps that succeeded keep their results. Parameters and definition stay as they were.
    """
    mode = checked_mode(session, stay)
    with session.reader() as reader:
        found = reader.execution(execution)
    asyncio.run(session.control().retry(found.id, max_parallel or 0))
    return stay_with(session, found.id, mode, stay, after=found.seq)
