"""The reference page of the command line, made from the commands themselves.

``python -m pipetui.cli.reference > docs/cli.md`` writes it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from pipetui.cli.program import program

_SHARED = {"home", "output", "help"}
_HEAD = """\
# Command line

Every screen of the app has its twin here. This page is made from the commands:
`python -m pipetui.cli.reference > docs/cli.md`.

`EXECUTION` is an id, a unique prefix of one, an ARN, `@last` for the newest or `PIPELINE@last` for
the newest of a pipeline. JSON has the shapes of the AWS API; what AWS lacks stands under the one
key `Local`. Points in time are ISO-8601. Steps that have not started are listed too, with the
status `Waiting`, `Skipped` or `Blocked`.

| Exit code | Meaning |
|---|---|
| 0 | succeeded |
| 1 | PipeTUI itself failed; the message says where the report is |
| 2 | usage: an option, a name or an action that does not fit |
| 3 | configuration, home or store cannot be used |
| 4 | AWS error |
| 11 | invalid definition or parameter |
| 20 | the execution failed |
| 21 | the execution was stopped |
| 22 | timed out (`--timeout`) |
| 24 | waits for approval (`--no-wait-approval`) |
| 130 | interrupted; the run goes on unless a second Ctrl-C followed within 2 s |
| 141 | whoever read the output left |
"""


def reference() -> str:
    """The page, in Markdown."""
    context = click.Context(program, info_name="pipetui")
    shared = [_option(one) for one in program.params if one.name in _SHARED]
    parts = [_HEAD, *_command(program, context), "Options of every command:\n", *shared]
    for name in program.list_commands(context):
        found = program.get_command(context, name)
        assert found is not None
        parts += ["", *_command(found, click.Context(found, context, info_name=name))]
    return "\n".join(parts).rstrip() + "\n"


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"## `{context.command_path} {usage}`\n"
    yield inspect.cleandoc(command.help or "") + "\n"
    options = [one for one in command.params if isinstance(one, click.Option)]
    own = [one for one in options if one.name not in _SHARED]
    if own:
        yield "\n".join(map(_option, own)) + "\n"


def _option(option: click.Parameter) -> str:
    assert isinstance(option, click.Option)
    names = ", ".join(option.opts)
    if not option.is_flag:
        value = option.metavar or _kind(option)
        names += f" {value}"
    text = " ".join((option.help or "").split())
    return f"- `{names}`: {text}"


def _kind(option: click.Option) -> str:
    if isinstance(option.type, click.Choice):
        return "|".join(map(str, option.type.choices))
    return "N"


if __name__ == "__main__":
    print(reference(), end="")
