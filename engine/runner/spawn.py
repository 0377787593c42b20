"""Starts runner processes that outlive whoever starts them."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

from engine.errors import Refused, StoreError

REPORT_TIMEOUT_S = 60.0
"""A definition of 5000 steps takes half a second; the rest is for a busy host."""


def environment() -> dict[str, str]:
    """The variables of this process for one that runs ``python -P -m engine...``."""
    root = str(Path(__file__).resolve().parents[2])
    return {**os.environ, "PYTHONPATH": _joined(root, os.environ.get("PYTHONPATH", ""))}


def launch() -> subprocess.Popen[bytes]:
    """Start a runner process that waits for its request, in a session of its own.

    Most of what a runner needs before its first step is the time to load; whoever knows early that
    one will be wanted launches it first and works out the request meanwhile. A process that is
    never asked ends when its input closes.
    """
    return subprocess.Popen(
        # -P: a folder named engine in the working directory is not ours.
        [sys.executable, "-P", "-m", "engine.runner"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        cwd="/",
        env=environment(),
    )


def ask(process: subprocess.Popen[bytes], request: bytes) -> str:
    """Hand a launched runner its request; returns the id of its execution.

    Args:
        request: JSON of a ``RunnerRequest``.

    Errors: ``Refused`` with what the runner found, ``StoreError`` where it died or hung.
    """
    import msgspec

    assert process.stdin and process.stdout and process.stderr
    with process.stdin, process.stdout, process.stderr:
        # One that died before it was asked says why on its standard error.
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(request)
            process.stdin.close()
        silent = not select.select([process.stdout], [], [], REPORT_TIMEOUT_S)[0]
        if silent:
            os.killpg(process.pid, signal.SIGKILL)
        line = process.stdout.readline()
        said = b"" if line else process.stderr.read()
    # The process that was started has ended by now: the runner is its child (see main).
    process.wait()
    if silent:
        raise StoreError(
            f"the runner does not answer within {REPORT_TIMEOUT_S:.0f} s",
            code="runner-silent",
            hint="`pipetui doctor` checks this host.",
        )
    if not line:
        last = said.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise StoreError(
            f"the runner did not start: {last or 'it said nothing'}",
            code="runner-died",
            hint="`pipetui doctor` checks this host.",
        )
    report = msgspec.json.decode(line)
    if report["errors"]:
        raise Refused(tuple(report["errors"]), int(report["exit_code"]))
    return str(report["execution_id"])


def dismiss(process: subprocess.Popen[bytes]) -> None:
    """End a launched runner that is not needed after all."""
    assert process.stdin and process.stdout and process.stderr
    with process.stdin, process.stdout, process.stderr:
        process.kill()
    process.wait()


def spawn(request: bytes) -> str:
    """Start a runner process; see ``launch`` and ``ask``."""
    return ask(launch(), request)


def _joined(*parts: str) -> str:
    return os.pathsep.join(filter(None, parts))
