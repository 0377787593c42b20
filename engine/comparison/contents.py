"""Two contents of one file, told in the terms of what they are: JSON, CSV, text, or bytes. Pure."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.comparison.tables import TableDifference, compare_tables, read_table
from engine.comparison.trees import Change, TreeDifference
from engine.comparison.values import ValueDifference, compare_values

_DELIMITERS = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is compared, and how much of it told.

    Args:
        content: bytes of a file that a reader hands over.
        lines: lines of each text that are compared.
        told: lines of a text difference, and places in a value.
        cells: cells of a table.
    """

    content: int = 256 * 1024
    lines: int = 4000
    told: int = 100
    cells: int = 20


DEFAULT = Bounds()


@dataclass(frozen=True, slots=True)
class Content:
    """What was read of a file.

    Args:
        size: of the whole file in bytes; more than ``data`` holds where it was not read to its end.
    """

    data: bytes
    size: int

    @property
    def whole(self) -> bool:
        """Whether all of the file was read."""
        return len(self.data) >= self.size


@dataclass(frozen=True, slots=True)
class ContentDifference:
    """How two contents differ, in the first of these forms that both have.

    Args:
        kind: ``archive``, ``json``, ``csv``, ``text`` or ``binary``: which of the next is filled.
        members: of an archive.
        values: of JSON.
        table: of CSV.
        lines: of a text, as a unified diff without its heading.
        digests: SHA-256 of what was read of each, for binary contents.
        more: whether there is more to tell, or to read, than this.
        note: a sentence about what this does not show; empty where it shows all.
    """

    kind: str
    members: TreeDifference | None = None
    values: tuple[ValueDifference, ...] = ()
    table: TableDifference | None = None
    lines: tuple[str, ...] = ()
    digests: tuple[str, str] = ("", "")
    more: bool = False
    note: str = ""

    @property
    def empty(self) -> bool:
        """Whether no difference is told."""
        told = bool(self.values or self.lines or (self.members and not self.members.same))
        changed = self.table is not None and self.table.change is not Change.SAME
        return not told and not changed and self.digests[0] == self.digests[1]


def compare_contents(
    name: str, before: Content, now: Content, bounds: Bounds = DEFAULT
) -> ContentDifference:
    """Compare two contents of one file.

    Args:
        name: of the file; its ending tells CSV from other text.
    """
    texts = [_text(one) for one in (before, now)]
    if texts[0] is None or texts[1] is None:
        return _binary(before, now)
    cut = not (before.whole and now.whole)
    delimiter = next((d for end, d in _DELIMITERS.items() if name.lower().endswith(end)), "")
    found = (
        (_json(texts[0], texts[1], bounds) if not cut else None)
        or (_table(texts[0], texts[1], delimiter, cut, bounds) if delimiter else None)
        or _lines(texts[0], texts[1], cut, bounds)
    )
    if found.empty and not cut and before.data != now.data:
        note = "They differ in form alone: spacing, order of members, line ends, or quoting."
        return ContentDifference(found.kind, table=found.table, note=note)
    return found


def compare_archives(members: TreeDifference, *, more: bool) -> ContentDifference:
    """The difference of two archives whose members somebody has listed.

    Args:
        more: whether there are members that were not looked at.
    """
    note = "Only the beginning of the archives was compared." if more else ""
    if members.same and not more:
        note = "Their members are the same; how they are packed differs."
    return ContentDifference("archive", members=members, more=more, note=note)


def _text(content: Content) -> str | None:
    """A content as text; None where it is none. A character that was cut off at the end is left."""
    if b"\0" in content.data:
        return None
    for spare in range(1 if content.whole else 4):
        try:
            return content.data[: len(content.data) - spare].decode("utf-8-sig")
        except UnicodeDecodeError:
            continue
    return None


def _json(before: str, now: str, bounds: Bounds) -> ContentDifference | None:
    values: list[Any] = []
    for text in (before, now):
        try:
            values.append(json.loads(text))
        except (ValueError, RecursionError):
            return None
    if not all(isinstance(value, dict | list) for value in values):
        return None
    places, more = compare_values(*values, limit=bounds.told)
    return ContentDifference("json", values=places, more=more)


def _table(
    before: str, now: str, delimiter: str, cut: bool, bounds: Bounds
) -> ContentDifference | None:
    tables = [read_table(text, delimiter) for text in (before, now)]
    if tables[0] is None or tables[1] is None:
        return None
    found = compare_tables(tables[0], tables[1], limit=bounds.cells)
    note = "Only the beginning was compared; the rows are those read." if cut else ""
    return ContentDifference("csv", table=found, more=cut or found.more, note=note)


def _lines(before: str, now: str, cut: bool, bounds: Bounds) -> ContentDifference:
    old, new = before.splitlines(), now.splitlines()
    cut = cut or max(len(old), len(new)) > bounds.lines
    lines = unified(old[: bounds.lines], new[: bounds.lines])
    note = "Only the beginning was compared." if cut else ""
    more = cut or len(lines) > bounds.told
    return ContentDifference("text", lines=tuple(lines[: bounds.told]), more=more, note=note)


def unified(before: Sequence[str], now: Sequence[str], context: int = 2) -> list[str]:
    """A unified diff of lines, without the two that name the files; empty for equal ones."""
    return [*difflib.unified_diff(before, now, n=context, lineterm="")][2:]


def _binary(before: Content, now: Content) -> ContentDifference:
    digests = (hashlib.sha256(before.data).hexdigest(), hashlib.sha256(now.data).hexdigest())
    cut = not (before.whole and now.whole)
    note = "Only the beginning was compared." if cut else ""
    return ContentDifference("binary", digests=digests, more=cut, note=note)
