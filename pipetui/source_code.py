"""The lines of a source file around the one that failed."""

from __future__ import annotations

from pathlib import Path

_LARGEST = 1_000_000
_AROUND = 3


def around(file: str, line: int, directory: str = "") -> list[tuple[int, str]]:
    """Numbered lines around ``line``; none where the file cannot be read.

    Args:
        file: a path as a traceback names it; ``/opt/ml/...`` lies in the attempt's folder.
        line: 1-based.
        directory: the attempt's folder.
    """
    if not line:
        return []
    for path in _candidates(file, directory):
        try:
            if not path.is_file() or path.stat().st_size > _LARGEST:
                continue
            lines = path.read_text("utf-8", "replace").split("\n")
        except OSError:
            continue
        first = max(1, line - _AROUND)
        return list(enumerate(lines[first - 1 : line + _AROUND], first))
    return []


def _candidates(file: str, directory: str) -> list[Path]:
    path = Path(file)
    if directory and path.is_relative_to("/opt/ml"):
        return [Path(directory) / "ml" / path.relative_to("/opt/ml"), path]
    if directory and not path.is_absolute():
        return [Path(directory) / "ml" / "code" / path, Path(directory) / path]
    return [path]
