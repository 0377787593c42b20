"""Hands a JSON document to a program or to a URL, within a time limit."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from engine.errors import PipetuiError

_SAID_BYTES = 500
"""How much of what a failed program wrote is told."""


class DeliveryError(PipetuiError):
    """A program or a URL did not take a document."""

    default_code = "delivery-failed"


async def to_program(
    command: Sequence[str], document: Any, timeout_s: float, environment: Mapping[str, str]
) -> None:
    """Run a program that gets a document on its standard input, as one line of JSON.

    Args:
        environment: variables on top of those of this process.

    Errors: ``DeliveryError`` where it cannot be started, exits with another code than 0, or takes
    longer than ``timeout_s``; it is killed then, with what it started.
    """
    with tempfile.TemporaryFile() as said:
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=said,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        except (OSError, ValueError) as problem:
            raise DeliveryError(f"{command[0]} cannot be started: {problem}") from problem
        try:
            async with asyncio.timeout(timeout_s):
                await process.communicate(line_of(document))
        except TimeoutError:
            raise DeliveryError(f"{command[0]} took longer than {timeout_s:g} s") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        if process.returncode:
            said.seek(0)
            words = said.read(_SAID_BYTES).decode(errors="replace").strip()
            raise DeliveryError(
                f"{command[0]} exited with {process.returncode}: {words}".strip(": ")
            )


async def to_url(url: str, document: Any, timeout_s: float) -> None:
    """POST a document as JSON.

    Proxies are taken from the environment, as every program does. A redirect is not followed: it
    would turn the POST into a GET.

    Errors: ``DeliveryError`` for another answer than 2xx, none within ``timeout_s``, or no way to
    the host.
    """
    try:
        async with asyncio.timeout(timeout_s):
            await asyncio.to_thread(_post, url, line_of(document), timeout_s)
    except TimeoutError:
        raise DeliveryError(f"{url} did not answer within {timeout_s:g} s") from None
    except (OSError, ValueError) as problem:
        raise DeliveryError(f"{url} did not take it: {problem}") from problem


def _post(url: str, body: bytes, timeout_s: float) -> None:
    # 30 ms, for homes that have a webhook
    from http.client import HTTPException
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    class NoRedirect(HTTPRedirectHandler):
        def redirect_request(self, *arguments: Any) -> None:
            return None

    headers = {"Content-Type": "application/json", "User-Agent": "pipetui"}
    request = Request(url, body, headers, method="POST")
    try:
        with build_opener(NoRedirect).open(request, timeout=timeout_s):
            pass
    except HTTPException as problem:
        raise OSError(str(problem) or type(problem).__name__) from problem


def line_of(document: Any) -> bytes:
    """A document as one line of JSON, its newline included."""
    return msgspec.json.encode(document) + b"\n"
