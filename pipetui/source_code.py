"""The lines of a source file around the one that failed."""

from __future__ import annotations

from pathlib import Path

_LARGEST = 1_000_000
_AROUND = 3


def locate(file: str, directory: str = "") -> Path | None:
    """The file that a traceback names, where it lies on this host.

    Args:
        file: as the traceback names it; ``/opt/ml/...`` lies in the attempt's folder.
        directory: the attempt's folder.
    """
    for path in _candidates(Path(file), directory) if file else ():
        try:
            if path.is_file():
                return path
        except OSError:
            continue
    return None


def around(path: Path, line: int) -> list[tuple[int, str]]:
    """Numbered lines around the 1-based ``line``; none where the file cannot be read."""
    try:
        if not line or path.stat().st_size > _LARGEST:
            return []
        lines = path.read_text("utf-8", "replace").split("\n")
    except OSError:
        return []
    first = max(1, line - _AROUND)
    return list(enumerate(lines[first - 1 : line + _AROUND], first))


def _candidates(path: Path, directory: str) -> list[Path]:
    if directory and path.is_relative_to("/opt/ml"):
        return [Path(directory) / "ml" / path.relative_to("/opt/ml"), path]
    if directory and not path.is_absolute():
        return [Path(directory) / "ml" / "code" / path, Path(directory) / path]
    return [path]
