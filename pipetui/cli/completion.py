"""``completion``: the script that makes a shell complete commands, options and executions."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from pipetui.cli.program import command, program
from pipetui.cli.session import Session

SHELLS = ("bash", "zsh", "fish")


@command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(session: Session, shell: str) -> int:
    """Print the completion script of a shell.

    For bash: pipetui completion bash >> ~/.bashrc
    """
    found = get_completion_class(shell)
    assert found is not None, "click knows all of SHELLS"
    session.line(found(program, {}, "pipetui", "_PIPETUI_COMPLETE").source())
    return 0
