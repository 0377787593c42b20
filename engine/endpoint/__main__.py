"""The endpoint's process: serves an inherited listening socket until it is no longer needed."""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
from pathlib import Path

from aiohttp import web

from engine.endpoint.activation import ACCESS_KEY_VARIABLE
from engine.endpoint.app import Endpoint
from engine.endpoint.lifetime import Activity, until_unneeded
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
    await runner.cleanup()


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
    tree = LocalTree(options.root)
    tree.sweep(_LEFT_OVER_SECONDS)
    activity = Activity()
    access_key = os.environ.pop(ACCESS_KEY_VARIABLE)
    endpoint = Endpoint(tree, access_key, account=options.account, activity=activity)

    async def run() -> None:
        waiting = asyncio.ensure_future(
            until_unneeded(activity, options.owner_pid, options.owner_start, options.idle)
        )
        await serve(socket.socket(fileno=options.fd), endpoint, waiting)

    asyncio.run(run())


if __name__ == "__main__":
    main()
