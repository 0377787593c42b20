"""The person's editor and pager, run while the screen is given back to them."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from pipetui.term.sanitize import plain

_TAKES_PLUS = ("vi", "vim", "nvim", "nano", "emacs", "emacsclient", "micro", "kak", "joe", "view")


def command() -> list[str]:
    """The editor's command line: ``VISUAL``, ``EDITOR`` or ``vi``."""
    return shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")


def open_at(file: str, line: int) -> str:
    """Open a file; returns why that was not possible, or nothing."""
    editor = command()
    place = [f"+{line}"] if line and Path(editor[0]).name in _TAKES_PLUS else []
    return _run([*editor, *place, file])


def page(file: str) -> str:
    """Show a file in the pager; returns why that was not possible, or nothing.

    The file is data: what it holds reaches the terminal as text, by way of ``plain`` unless the
    pager does that itself.
    """
    pager = pager_command()
    if shows_text_only(pager, os.environ.get("LESS", "")):
        return _run([*pager, file])
    try:
        with open(file, encoding="utf-8", errors="replace", newline="\n") as lines:
            process = subprocess.Popen(pager, stdin=subprocess.PIPE, text=True, encoding="utf-8")
            assert process.stdin is not None
            with suppress(BrokenPipeError), process.stdin:
                for line in lines:
                    process.stdin.write(plain(line.rstrip("\r\n")) + "\n")
            code = process.wait()
    except OSError as problem:
        return f"{pager[0]} cannot be run: {problem.strerror}; set PAGER"
    return f"{pager[0]} ended with {code}" if code else ""


def pager_command() -> list[str]:
    """The pager's command line: ``PAGER``, ``less`` or ``more``."""
    chosen = os.environ.get("PAGER") or ("less" if shutil.which("less") else "more")
    return shlex.split(chosen)


def shows_text_only(pager: list[str], settings: str) -> bool:
    """Whether a pager shows control characters as text: ``less`` does, unless told otherwise.

    Args:
        settings: the value of ``LESS``.
    """
    if Path(pager[0]).name != "less":
        return False
    options = [*shlex.split(settings), *pager[1:]]
    # LESS may hold options without a dash.
    return not any("r" in one.lower() for one in options if not one.startswith("+"))


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
