"""Writes the generated parts of the documentation: ``make docs``.

Keys, command line and configuration come from the tables in the code, pictures from the app on
recorded runs; tests compare them.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from docs.pictures import write
from engine.config import reference
from pipetui.actions import markdown

DOCS = Path(__file__).resolve().parent


def pages() -> None:
    """Write the pages that come from tables in the code."""
    (DOCS / "keys.md").write_text(markdown(), encoding="utf-8")
    (DOCS / "configuration.md").write_text(reference(), encoding="utf-8")
    command = [sys.executable, "-m", "pipetui.cli.reference"]
    (DOCS / "cli.md").write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)


if __name__ == "__main__":
    pages()
    asyncio.run(write())
