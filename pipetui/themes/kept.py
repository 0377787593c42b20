"""The theme that a person chose, kept in the home."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

NAMES = ("dark", "light", "high-contrast", "colour-blind", "16-colours")
"""Every theme there is, known without the colours."""


def kept(path: Path) -> str:
    """The kept theme's name; empty where there is none."""
    with suppress(OSError, UnicodeDecodeError):
        return path.read_text("utf-8").strip()
    return ""


def keep(path: Path, name: str) -> None:
    """Keep a theme's name; a home that cannot be written to forgets it."""
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(name + "\n", "utf-8")
