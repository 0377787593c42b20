"""The endpoint's process: serves an inherited listening socket until it is no longer needed."""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from engine.endpoint.activation import ACCESS_KEY_VARIABLE
from engine.endpoint.app import Endpoint
from engine.endpoint.lifetime import Activity, until_unneeded
from engine.home import Home
from engine.queues.local import Queues
from engine.storage.overlay import open_tree

if TYPE_CHECKING:
    from engine.endpoint.logs import LogService
    from engine.endpoint.sagemaker import SageMaker
    from engine.storage.tree import LocalTree

# What a writer left behind a day ago belongs to nobody.
_LEFT_OVER_SECONDS = 24 * 3600.0
_DRAIN_SECONDS = 5.0


async def serve(listener: socket.socket, endpoint: Endpoint, waiting: asyncio.Future[None]) -> None:
    """Serve until ``waiting`` is done, then let running requests end for a few seconds."""
    runner = web.ServerRunner(
        web.Server(endpoint.handle, access_log=None), shutdown_timeout=_DRAIN_SECONDS
    )
    await runner.setup()
    await web.SockSite(runner, listener).start()
    await waiting
    endpoint.close()
    await runner.cleanup()


def open_sagemaker(home: Home, tree: LocalTree) -> SageMaker:
    """What speaks for SageMaker on a home; imported with the first request to it."""
    from contextlib import closing

    from engine.actor import actor
    from engine.endpoint.sagemaker import Desk, SageMaker
    from engine.sources.control import LocalControl
    from engine.sources.pipelines import LocalPipelines
    from engine.sources.reader import LocalReader
    from engine.sources.requests import AnsweredRequests
    from engine.storage.location import s3_location

    home.prepare()
    who = f"{actor()} by API"

    def object_text(bucket: str, key: str) -> str:
        return tree.read(s3_location(bucket, key).uri).decode()

    desk = Desk(
        lambda: closing(LocalReader(home)),
        LocalControl(home, who=who),
        LocalPipelines(home, who=who),
        AnsweredRequests(home),
        object_text,
        tree,
    )
    return SageMaker(desk)


def open_logs(home: Home) -> LogService:
    """What speaks for CloudWatch Logs on a home; imported with the first request to it."""
    from contextlib import closing

    from engine.endpoint.logs import LogService
    from engine.sources.reader import LocalReader

    home.prepare()
    return LogService(lambda: closing(LocalReader(home)), home.root)


def main() -> None:
    """Read the command line (see `engine.endpoint.activation`) and serve."""
    parser = argparse.ArgumentParser(prog="engine.endpoint")
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--owner-pid", type=int, required=True)
    parser.add_argument("--owner-start", type=int, required=True)
    parser.add_argument("--idle", type=float, required=True)
    parser.add_argument("--account", required=True)
    options = parser.parse_args()
    os.umask(0o077)
    tree = open_tree(options.root)
    tree.sweep(_LEFT_OVER_SECONDS)
    activity = Activity()
    access_key = os.environ.pop(ACCESS_KEY_VARIABLE)
    home = Home(options.root.parent)
    endpoint = Endpoint(
        tree,
        access_key,
        account=options.account,
        activity=activity,
        queues=Queues.of_home(home.root),
        open_sagemaker=partial(open_sagemaker, home, tree),
        open_logs=partial(open_logs, home),
    )

    async def run() -> None:
        waiting = asyncio.ensure_future(
            until_unneeded(activity, options.owner_pid, options.owner_start, options.idle)
        )
        await serve(socket.socket(fileno=options.fd), endpoint, waiting)

    asyncio.run(run())


if __name__ == "__main__":
    main()
