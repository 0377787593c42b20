"""The endpoint for clients that no runner started: served until a signal says to end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping

from engine.endpoint.activation import EndpointSocket
from engine.home import Home


async def serve_until_signal(
    home: Home, port: int, ready: Callable[[Mapping[str, str]], None]
) -> None:
    """Serve a home on loopback until SIGINT or SIGTERM; see ``engine.api.serve``."""
    loop = asyncio.get_running_loop()
    told_to_end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told_to_end.set)
    endpoint = EndpointSocket.bind(home.s3, home.root / "serve.log", home.token(), port)
    try:
        endpoint.watch(loop)
        ready(endpoint.environment(os.environ))
        await told_to_end.wait()
    finally:
        endpoint.close()
