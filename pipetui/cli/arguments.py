"""Arguments that several commands take, and how their text becomes values."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from engine.errors import DefinitionError, PipetuiError
from pipetui.cli.session import Session

Function = TypeVar("Function", bound=Callable[..., Any])


def execution_argument(function: Function) -> Function:
    """``EXECUTION``: an id, a unique prefix, an ARN, ``@last`` or ``PIPELINE@last``."""
    return click.argument("execution", shell_complete=complete_executions)(function)


def step_argument(**settings: Any) -> Callable[[Function], Function]:
    """``STEP``: the name of a step of EXECUTION."""
    return click.argument("step", shell_complete=_complete_steps, **settings)


def parameter_options(function: Function) -> Function:
    """``-p NAME=VALUE`` and ``--parameters-file``, read by ``parameters_of``."""
    file = click.option(
        "--parameters-file",
        type=click.Path(dir_okay=False),
        metavar="FILE",
        help="JSON with parameters: an object, or AWS's list of Name and Value. -p wins.",
    )
    given = click.option(
        "-p",
        "--parameter",
        "parameters",
        multiple=True,
        metavar="NAME=VALUE",
        help="Value of a parameter; may be given several times.",
    )
    return given(file(function))


def parameters_of(pairs: Sequence[str], file: str | None) -> dict[str, Any]:
    """Parameters from a file, with those of the command line on top.

    Errors: ``DefinitionError`` for a file that cannot be used.
    """
    return {**(_parameters_in(file) if file else {}), **pairs_of(pairs, "-p")}


def pairs_of(pairs: Sequence[str], option: str) -> dict[str, str]:
    """``NAME=VALUE`` texts as a mapping; the last of a name wins."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{option} takes NAME=VALUE, not {pair!r}.")
        found[name] = value
    return found


def _parameters_in(file: str) -> dict[str, Any]:
    try:
        value = json.loads(Path(file).read_text("utf-8"))
    except (OSError, ValueError) as problem:
        raise DefinitionError(
            f"the parameters in {file} cannot be read: {problem}",
            code="parameters-unreadable",
            hint='It is JSON like {"Name": "value"} or [{"Name": "Name", "Value": "value"}].',
            file=file,
        ) from problem
    if isinstance(value, list) and all(isinstance(one, dict) and "Name" in one for one in value):
        value = {one["Name"]: one.get("Value") for one in value}
    if not isinstance(value, dict):
        raise DefinitionError(
            f"{file} holds no parameters",
            code="parameters-unreadable",
            hint='It is JSON like {"Name": "value"} or [{"Name": "Name", "Value": "value"}].',
            file=file,
        )
    return value


def value_like(text: str, present: Any) -> Any:
    """The value a text stands for where ``present`` stands now.

    A text stays a text where one stands; elsewhere what reads as JSON becomes that value.
    """
    if isinstance(present, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def complete_executions(
    context: click.Context, _parameter: click.Parameter | None, incomplete: str
) -> list[CompletionItem]:
    """The newest executions that a word which is not typed to its end may name."""
    try:
        with context.find_root().ensure_object(Session).reader(resume=False) as reader:
            newest = reader.executions(50)
    except PipetuiError:
        return []
    pipelines = dict.fromkeys(one.pipeline for one in newest)
    names = [
        ("@last", "the newest"),
        *((f"{pipeline}@last", f"the newest of {pipeline}") for pipeline in pipelines),
        *((one.id, f"{one.pipeline} {one.status}") for one in newest),
    ]
    return [CompletionItem(n, help=about) for n, about in names if n.startswith(incomplete)]


def _complete_steps(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    try:
        with context.find_root().ensure_object(Session).reader(resume=False) as reader:
            execution = reader.execution(context.params.get("execution") or "@last")
            steps = reader.steps(execution.id)
    except PipetuiError:
        return []
    return [CompletionItem(s.name, help=s.status) for s in steps if s.name.startswith(incomplete)]
