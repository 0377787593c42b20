"""Errors as a person reads them, and as a program does."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import engine.api as api
from engine.errors import PipetuiError
from pipetui.cli.session import Session, ink_for
from pipetui.cli.text import Ink

CRASHED = 1


def report_errors(session: Session, problems: Sequence[BaseException]) -> int:
    """Tell what went wrong; returns the exit code, the highest where there are several errors."""
    found = [one for problem in problems for one in _flat(problem)]
    write_errors(session, [entry for entry, _ in found])
    return max(code for _, code in found)


def _flat(problem: BaseException) -> Iterator[tuple[Mapping[str, Any], int]]:
    """Each error as JSON with its exit code."""
    if isinstance(problem, BaseExceptionGroup):
        for inner in problem.exceptions:
            yield from _flat(inner)
    elif isinstance(problem, api.Refused) and problem.errors:
        for entry in problem.errors:
            yield entry, problem.exit
    elif isinstance(problem, PipetuiError):
        yield problem.as_dict(), problem.exit_code


def write_errors(session: Session, entries: Sequence[Mapping[str, Any]]) -> None:
    """Errors: as text on standard error, else as one document on standard output."""
    if not session.text:
        session.json({"errors": list(entries)})
        return
    ink = ink_for(sys.stderr)
    for entry in entries:
        for line in error_lines(ink, entry):
            print(line, file=sys.stderr)


def error_lines(ink: Ink, entry: Mapping[str, Any], word: str = "error") -> list[str]:
    """An error or a warning: sentence and code, where it stands, the way out."""
    style = "error" if word == "error" else "warning"
    message = ink.safe(str(entry.get("message", "")))
    code = ink.paint(f"[{entry.get('code', '')}]", "muted")
    lines = [f"{ink.paint(f'{word}:', style)} {message} {code}"]
    if place := place_of(entry):
        lines.append(f"  at {ink.safe(place)}")
    if hint := entry.get("hint"):
        lines.append(f"  {ink.safe(str(hint))}")
    return lines


def place_of(entry: Mapping[str, Any]) -> str:
    """``file:line  $.json.path``, as much of it as is known."""
    file, line, path = entry.get("file"), entry.get("line"), entry.get("path")
    spot = f"{file}:{line}" if file and line else file or (f"line {line}" if line else "")
    return "  ".join(str(part) for part in (spot, path) if part)


def report_crash(session: Session, problem: BaseException) -> int:
    """Tell that the program itself failed, and where the report of it lies."""
    entry = {
        "code": "internal-error",
        "message": f"PipeTUI itself failed: {type(problem).__name__}: {problem}",
        "hint": f"The report is {_write_report(session, problem)}; runs are not affected.",
    }
    write_errors(session, [entry])
    return CRASHED


def _write_report(session: Session, problem: BaseException) -> str:
    import tempfile
    import traceback

    text = "".join(traceback.format_exception(problem))
    name = f"crash-{time.strftime('%Y%m%d-%H%M%S')}-"
    for folder in (session.home.root / "crashes", Path(tempfile.gettempdir())):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", prefix=name, suffix=".txt", dir=folder, delete=False, encoding="utf-8"
            ) as file:
                file.write(text)
            return file.name
        except OSError:
            continue
    return "not written: no folder for it can be used"
