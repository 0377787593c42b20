"""The lines of a source file around the one that failed, and the file a person would edit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

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


def original(copy: Path, definition: str, others: Iterable[str] = ()) -> Path | None:
    """The file that an attempt's copy was made of, where it still holds the same.

    Args:
        definition: the definition's file: the author keeps code in its folder.
        others: further files that it may be, best first.
    """
    folder = Path(definition).parent if definition else None
    beside = [folder / copy.name, *sorted(folder.glob(f"*/{copy.name}"))] if folder else []
    for path in (*beside, *map(Path, others)):
        with suppress(OSError):
            if path.is_file() and _same(path, copy):
                return path
    return None


def _same(one: Path, other: Path) -> bool:
    sizes = {one.stat().st_size, other.stat().st_size}
    return len(sizes) == 1 and max(sizes) <= _LARGEST and one.read_bytes() == other.read_bytes()


def source_uris(copy: Path, directory: str, arguments: Any) -> Iterator[str]:
    """Where a step's inputs name the file that lies as a copy in its attempt's folder.

    Args:
        arguments: the step's, resolved.
    """
    if not directory or not copy.is_relative_to(Path(directory) / "ml"):
        return
    inside = Path("/opt/ml") / copy.relative_to(Path(directory) / "ml")
    entries = arguments.get("ProcessingInputs") if isinstance(arguments, Mapping) else None
    for entry in entries if isinstance(entries, list) else []:
        found = entry.get("S3Input") if isinstance(entry, Mapping) else None
        uri, place = (found.get("S3Uri"), found.get("LocalPath")) if found else (None, None)
        if isinstance(uri, str) and isinstance(place, str) and inside.is_relative_to(place):
            rest = str(inside.relative_to(place))
            yield f"{uri.rstrip('/')}/{rest}"
            if uri.rpartition("/")[2] == rest:
                yield uri


def _candidates(path: Path, directory: str) -> list[Path]:
    if directory and path.is_relative_to("/opt/ml"):
        return [Path(directory) / "ml" / path.relative_to("/opt/ml"), path]
    if directory and not path.is_absolute():
        return [Path(directory) / "ml" / "code" / path, Path(directory) / path]
    return [path]
