"""The person's editor, run while the screen is given back to them."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

_TAKES_PLUS = ("vi", "vim", "nvim", "nano", "emacs", "emacsclient", "micro", "kak", "joe", "view")


def command() -> list[str]:
    """The editor's command line: ``VISUAL``, ``EDITOR`` or ``vi``."""
    return shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")


def open_at(file: str, line: int) -> str:
    """Open a file; returns why that was not possible, or nothing."""
    editor = command()
    place = [f"+{line}"] if line and Path(editor[0]).name in _TAKES_PLUS else []
    return _run([*editor, *place, file])


def edit(text: str, *, suffix: str = "") -> tuple[str, str]:
    """Let a person edit a text; returns the text, and why it could not be edited or nothing."""
    with tempfile.TemporaryDirectory(prefix="pipetui-") as folder:
        path = Path(folder) / f"edit{suffix}"
        path.write_text(text, "utf-8")
        trouble = _run([*command(), str(path)])
        try:
            return (text if trouble else path.read_text("utf-8")), trouble
        except (OSError, UnicodeDecodeError) as problem:
            return text, f"the edited text cannot be read: {problem}"


def _run(arguments: list[str]) -> str:
    try:
        code = subprocess.run(arguments, check=False).returncode
    except OSError as problem:
        return f"{arguments[0]} cannot be run: {problem.strerror}; set EDITOR"
    return f"{arguments[0]} ended with {code}" if code else ""
