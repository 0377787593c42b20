"""A copy of a text file in which the values that are known to be secret are masked."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

_READ = 1 << 20
_LOOKED_AT = 8192
"""Bytes at the beginning by which text is told from other contents."""


def is_text(file: Path) -> bool:
    """Whether a file is one of text: another one would be broken by a mask.

    Errors: ``OSError``.
    """
    with file.open("rb") as opened:
        return b"\0" not in opened.read(_LOOKED_AT)


def copy_masked(
    source: Path, target: Path, secrets: Collection[str], mask: str, *, replace: bool = False
) -> tuple[Path, int]:
    """Copy a file for its user alone; returns where to, and how many values were masked.

    Args:
        target: a file, or the folder to put it in under its own name.
        secrets: the exact values.
        mask: what stands in the place of each.
        replace: write over a file that is there.

    Errors: ``FileExistsError`` and other ``OSError``; nothing is left behind then.
    """
    target = target / source.name if target.is_dir() else target
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    if target.exists() and not replace:
        raise FileExistsError(target)
    try:
        place = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with source.open("rb") as read, os.fdopen(place, "wb") as write:
            masked = 0
            for text, count in _masked(read, secrets, mask.encode()):
                write.write(text)
                masked += count
        draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)
    return target, masked


def _masked(read: BinaryIO, secrets: Collection[str], mask: bytes) -> Iterator[tuple[bytes, int]]:
    """The contents part by part, each with how many values are masked in it."""
    # The longest first: one may begin with another.
    known = sorted((one.encode() for one in secrets), key=len, reverse=True)
    pattern = re.compile(b"|".join(map(re.escape, known)))
    kept = b""
    while part := read.read(_READ):
        kept += part
        # A value may go on in the next part.
        end = max(0, len(kept) - len(known[0]) + 1)
        for found in pattern.finditer(kept):
            if found.start() < end:
                end = max(end, found.end())
        yield pattern.subn(mask, kept[:end])
        kept = kept[end:]
    yield pattern.subn(mask, kept)
