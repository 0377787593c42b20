"""The command line; every screen has its scriptable twin here.

Command modules import click and each other only. What they need of the engine comes through
``engine.api``, whose names load on first use, so that ``--help`` loads none of it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

_GLOBAL_WITH_VALUE = ("--home", "--output", "-o")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code.

    Args:
        arguments: what follows the program's name; default: the process's own.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    runner = None
    if _starts_execution(given):
        # The runner loads while this process still loads click and reads the options.
        import engine.api as api

        runner = api.launch()
    from pipetui.cli.program import run_command

    return run_command(given, runner)


def _starts_execution(arguments: Sequence[str]) -> bool:
    """Whether the command is ``run``, and not a question about it."""
    words = iter(arguments)
    for word in words:
        if word in _GLOBAL_WITH_VALUE:
            next(words, "")
        elif not word.startswith("-"):
            return word == "run" and not {"-h", "--help"} & set(arguments)
    return False
