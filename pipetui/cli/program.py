"""The program: its commands, the options they share, and what becomes of errors."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from keyword import iskeyword
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engine.errors import ConfigError, NotFound, PipetuiError
from pipetui.cli.failures import report_crash, report_errors
from pipetui.cli.session import Session

if TYPE_CHECKING:
    import subprocess

    from click.shell_completion import CompletionItem

OUTPUTS = ("text", "json", "jsonl")
_DEFINITIONS = (".json", ".yaml", ".yml", ".py")
INTERRUPTED, BROKEN_PIPE = 130, 141

_COMMANDS = {
    "run": ("start", "Run a definition"),
    "rerun": ("start", "Run an execution again, or part of it, as a new one"),
    "replay": ("replay", "Run a step again in a scratch copy, and compare"),
    "retry": ("start", "Run what did not succeed again, in the same execution"),
    "validate": ("check", "Check a definition"),
    "plan": ("check", "Show what a run would do, and why"),
    "ls": ("show", "List executions"),
    "status": ("show", "Show one execution"),
    "steps": ("show", "List the steps of an execution"),
    "events": ("show", "Print what happened"),
    "logs": ("show", "Print the log of a step"),
    "artifacts": ("artifacts", "List what a step reads and writes"),
    "get": ("artifacts", "Copy an artifact of a step"),
    "diff": ("diff", "Show what differs between two executions"),
    "shell": ("shell", "Open a shell where a step's job ran"),
    "graph": ("graph", "Draw the steps and what waits for what"),
    "audit": ("audit", "List what people did"),
    "models": ("show", "List model packages"),
    "lineage": ("lineage", "Show where a model or a file comes from"),
    "pipelines": ("pipelines", "List pipelines"),
    "versions": ("pipelines", "List the versions of a pipeline, name or describe one"),
    "endpoints": ("endpoints", "List endpoints, stop or delete one"),
    "invoke": ("endpoints", "Ask an endpoint"),
    "stop": ("act", "Stop an execution"),
    "parallelism": ("pipelines", "Change how many steps of an execution run at once"),
    "break": ("act", "Hold a step before it starts, or let it go on"),
    "approve": ("act", "Approve a Callback step or a model package"),
    "reject": ("act", "Reject a Callback step or a model package"),
    "resume": ("act", "Go on with executions whose runner died"),
    "serve": ("serve", "Answer the AWS CLI and boto3 on this host"),
    "doctor": ("doctor", "Check this host, home and terminal"),
    "completion": ("completion", "Print a shell's completion script"),
}
"""Command -> the module of this package that has it, and what it does."""

Function = TypeVar("Function", bound=Callable[..., Any])


def shared_options(function: Function) -> Function:
    """The options that stand before or after any command."""
    for option in (
        click.option("--home", metavar="DIR", expose_value=False, callback=_keep("home_text"),
                     help="The home folder; else PIPETUI_HOME, else the XDG state folder."),
        click.option("-o", "--output", type=click.Choice(OUTPUTS), expose_value=False,
                     callback=_keep("output"), help="Form of the output.  [default: text]"),
    ):  # fmt: skip
        function = option(function)
    return function


def _keep(name: str) -> Callable[[click.Context, click.Parameter, str | None], None]:
    def keep(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
        if value is not None:
            setattr(context.ensure_object(Session), name, value)

    return keep


def command(**settings: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """A command that gets the session first, and has the shared options."""

    def make(function: Callable[..., int]) -> click.Command:
        @wraps(function)
        def guarded(*given: Any, **options: Any) -> int:
            # Here, because click has its own exit code for a reader that leaves.
            return _while_read(lambda: function(*given, **options))

        made: click.Command = click.command(**settings)(shared_options(click.pass_obj(guarded)))
        return made

    return make


def _while_read(work: Callable[[], int]) -> int:
    """Do something that writes to standard output; its exit code, or that for a lost reader."""
    try:
        code = work()
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered must not raise once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return BROKEN_PIPE
    return code


class Program(click.Group):
    """The commands, each imported when it is wanted; what is none of them opens the app on it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"pipetui.cli.{_COMMANDS[cmd_name][0]}")
        found: click.Command = getattr(module, cmd_name + "_" * iskeyword(cmd_name))
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in _COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not args or args[0] in _COMMANDS or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        if _can_be_opened(ctx.ensure_object(Session), args[0]):
            return "open", _open, args
        from difflib import get_close_matches

        close = get_close_matches(args[0], _COMMANDS, 1)
        hint = f" Did you mean {close[0]}?" if close else ""
        ctx.fail(f"There is no command or execution {args[0]!r}.{hint}")

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from pipetui.cli.arguments import complete_executions

        commands = super().shell_complete(ctx, incomplete)
        return commands + (complete_executions(ctx, None, incomplete) if incomplete else [])


def _can_be_opened(session: Session, word: str) -> bool:
    """Whether a word that is no command names something on the disk, or an execution.

    Errors: ``CommandRejected`` where it is the prefix of several executions.
    """
    if word.endswith("@last") or word.startswith("arn:") or os.path.exists(word):
        return True
    try:
        with session.reader(resume=False) as reader:
            reader.execution(word)
    except NotFound:
        return False
    return True


@click.command(
    cls=Program,
    invoke_without_command=True,
    subcommand_metavar="[EXECUTION | FILE | FOLDER] | COMMAND [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)
@shared_options
@click.option("--read-only", is_flag=True, help="Refuse every action in the app.")
@click.option("--linear", is_flag=True, help="Say everything a line at a time.")
@click.option("--demo", is_flag=True, help="Open the app on recorded runs; nothing is run.")
@click.option("--version", is_flag=True, help="Print the version.")
@click.pass_context
def program(
    context: click.Context, read_only: bool, linear: bool, demo: bool, version: bool
) -> int:
    """Run, watch and debug Amazon SageMaker pipelines in a terminal.

    Without a command the app opens on the home's executions; with EXECUTION on that one (an id, a
    unique prefix of one, an ARN, @last or PIPELINE@last), with FILE on the form to run that
    definition, with FOLDER on the home that lies there.
    """
    session = context.ensure_object(Session)
    session.read_only, session.linear = read_only, linear
    if version:
        return _version(session)
    if demo:
        return _open_demo(session, context.invoked_subcommand)
    return _open_app(session) if context.invoked_subcommand is None else 0


@command(hidden=True)
@click.argument("what")
@click.option("--read-only", is_flag=True)
@click.option("--linear", is_flag=True)
def _open(session: Session, what: str, read_only: bool, linear: bool) -> int:
    """Open the app on an execution, a definition file or a home folder."""
    session.read_only, session.linear = session.read_only or read_only, session.linear or linear
    if os.path.isdir(what):
        session.home_text = _existing_home(what)
        return _open_app(session)
    if not os.path.exists(what):
        return _open_app(session, what)
    if session.linear or not what.endswith(_DEFINITIONS):
        raise ConfigError(
            f"the app cannot be opened on {what}",
            code="not-to-be-opened",
            hint=f"To run a definition: pipetui run {what}",
        )
    return _open_app(session, file=os.path.abspath(what))


def _existing_home(folder: str) -> str:
    """The folder, if it is a home or can become one: not one that holds other things."""
    import engine.api as api

    if os.listdir(folder) and not api.Home.locate(folder).database.exists():
        raise ConfigError(
            f"{folder} is a folder of something else, not a home",
            code="home-not-a-folder",
            hint="To run a definition in it: pipetui run FILE. The home is named with --home DIR.",
        )
    return folder


def _version(session: Session) -> int:
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("pipetui")
    except PackageNotFoundError:
        number = "unknown"
    if session.text:
        session.line(f"pipetui {number}")
    else:
        session.json({"version": number})
    return 0


def _open_app(session: Session, execution: str = "", file: str = "") -> int:
    if session.linear:
        from pipetui.linear import run_linear

        session.resume(session.home.prepare())
        return run_linear(session.home, execution=execution, read_only=session.read_only)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("The app needs a terminal. In a pipe, use the commands.")
    from pipetui.app import run_app

    session.home.prepare()
    return run_app(session.home, execution=execution, file=file, read_only=session.read_only)


def _open_demo(session: Session, subcommand: str | None) -> int:
    if subcommand is not None or session.linear:
        raise click.UsageError("--demo goes with the app alone, without a command or --linear.")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("The demo needs a terminal.")
    from pipetui.app import run_demo

    return run_demo(session.home, read_only=session.read_only)


def run_command(arguments: Sequence[str], runner: subprocess.Popen[bytes] | None = None) -> int:
    """Run a command line to its exit code; nothing is raised.

    Args:
        runner: a runner process that was launched ahead.
    """
    session = Session(output=_wanted_output(arguments), runner=runner)
    try:
        return _while_read(lambda: _run(session, list(arguments)))
    finally:
        if session.runner is not None:
            import engine.api as api

            api.dismiss(session.runner)


def _wanted_output(arguments: Sequence[str]) -> str:
    """The form of the output, also where the rest of the command line is not understood."""
    for word, after in zip(arguments, [*arguments[1:], ""], strict=False):
        name, equals, value = word.partition("=")
        if name in ("-o", "--output") and (value if equals else after) in OUTPUTS:
            return value if equals else after
    return "text"


def _run(session: Session, arguments: list[str]) -> int:
    try:
        result = program.main(arguments, prog_name="pipetui", standalone_mode=False, obj=session)
        return result if isinstance(result, int) else 0
    except click.UsageError as problem:
        return report_errors(session, [_usage(problem)])
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except (KeyboardInterrupt, click.Abort):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return INTERRUPTED
    except PipetuiError as problem:
        return report_errors(session, [problem])
    except ExceptionGroup as group:
        expected, unexpected = group.split(PipetuiError)
        if unexpected is not None or expected is None:
            return report_crash(session, group)
        return report_errors(session, expected.exceptions)
    except Exception as problem:
        return report_crash(session, problem)


class Usage(PipetuiError):
    """The command line itself is not understood."""

    default_code = "usage"
    exit_code = 2


def _usage(problem: click.UsageError) -> Usage:
    context = problem.ctx
    path = context.command_path if context else "pipetui"
    return Usage(problem.format_message(), hint=f"`{path} --help` tells more.")
