"""``shell``: a shell where a step's job ran."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

import click

from pipetui.cli.arguments import execution_argument, step_argument
from pipetui.cli.program import command
from pipetui.cli.session import Session


@command()
@execution_argument
@step_argument()
@click.option("--job", default="", metavar="NAME",
              help="Which of several jobs: the end of its folder's name.")  # fmt: skip
@click.argument("words", nargs=-1, metavar="[-- COMMAND...]", type=click.UNPROCESSED)
def shell(session: Session, execution: str, step: str, job: str, words: Sequence[str]) -> int:
    """Open a shell where the job of STEP ran, or run COMMAND there.

    The job's interpreter comes first in PATH, its variables are set, secrets included, and its
    folder is at /opt/ml. What is changed there goes with the shell: the attempt stays as it is.
    `rerun-step` does again what the job did; PIPETUI_COMMAND holds its command line.

    Exit code: that of the shell or of COMMAND.
    """
    import engine.api as api

    with session.reader() as reader:
        view = reader.step(reader.execution(execution).id, step)
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    home = session.home.prepare()
    with asyncio.run(api.shell_of(home, view, words, job=job, terminal=terminal)) as opened:
        if not words:
            for line in opened.banner:
                session.note(line)
        sys.stdout.flush()
        return opened.run()
