"""Starts runner processes that outlive whoever starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import PipetuiError, StoreError

REPORT_TIMEOUT_S = 60.0
"""A definition of 5000 steps takes half a second; the rest is for a busy host."""


class Refused(PipetuiError):
    """A runner did not start; carries every reason.

    Args:
        errors: each with code, message and whichever of path, line, file, hint exist.
    """

    default_code = "start-refused"

    def __init__(self, errors: tuple[Mapping[str, Any], ...], exit_code: int) -> None:
        first: Mapping[str, Any] = errors[0] if errors else {"message": "the runner gave no reason"}
        super().__init__(
            str(first.get("message", "")),
            code=str(first.get("code", "")),
            hint=str(first.get("hint", "")),
            path=str(first.get("path", "")),
            line=int(first["line"]) if first.get("line") else None,
            file=str(first.get("file", "")),
        )
        self.errors = errors
        self.exit = exit_code


def spawn(request: bytes) -> str:
    """Start a runner process in a session of its own; returns the id of its execution.

    Args:
        request: JSON of a ``RunnerRequest``.

    Errors: ``Refused`` with what the runner found, ``StoreError`` where it died or hung.
    """
    root = str(Path(__file__).resolve().parents[2])
    environment = {**os.environ, "PYTHONPATH": _joined(root, os.environ.get("PYTHONPATH", ""))}
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.runner"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        cwd="/",
        env=environment,
    )
    assert process.stdin and process.stdout and process.stderr
    with process.stdin, process.stdout, process.stderr:
        process.stdin.write(request)
        process.stdin.close()
        line = process.stdout.readline()
        said = b"" if line else process.stderr.read()
    # The process that was started has ended by now: the runner is its child (see main).
    process.wait()
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


def _joined(*parts: str) -> str:
    return os.pathsep.join(filter(None, parts))
