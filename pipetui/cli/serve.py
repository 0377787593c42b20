"""``serve``: the home's AWS face on this host, for boto3 and the AWS CLI."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping

import click

from pipetui.cli.program import command
from pipetui.cli.session import Session

_MISLEADING = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE")
"""Variables that would lead a client elsewhere."""


@command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="N",
              help="The port on 127.0.0.1; else a free one.")  # fmt: skip
def serve(session: Session, port: int) -> int:
    """Answer boto3 and the AWS CLI on this host: SageMaker, S3, SQS and STS on the home.

    Prints the lines that a shell needs to use it, with throw-away credentials of this home, and
    serves until Ctrl-C.
    """
    import engine.api as api

    home = session.home.prepare()
    session.resume(home)

    def ready(variables: Mapping[str, str]) -> None:
        if session.text:
            for name, value in variables.items():
                session.line(f"export {name}={shlex.quote(value)}")
            session.line(f"unset {' '.join(_MISLEADING)}")
            session.note(f"serving {home.root}; Ctrl-C ends it")
        else:
            session.json(dict(variables))
        sys.stdout.flush()

    api.serve(home, port, ready)
    return 0
