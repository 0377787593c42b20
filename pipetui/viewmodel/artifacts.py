"""The artifact browser: a tree of artifacts, folders and members, and the preview of one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from pipetui.term.sanitize import plain
from pipetui.viewmodel.lines import (
    BLANK,
    Column,
    Line,
    Row,
    Span,
    Tone,
    column_widths,
    heading,
    lay,
    length,
    words,
)
from pipetui.viewmodel.sizes import size
from pipetui.viewmodel.state import Display

if TYPE_CHECKING:
    from engine.api import Artifact, ArtifactEntry, Preview

COLUMNS = (
    Column("ROLE", 6, keep=4),
    Column("NAME", 16, grow=2, most=60),
    Column("SIZE", 9, keep=6, right=True),
    Column("", 12, grow=4, keep=2, tail=True),
)
_WIDEST, _PATH = 24, 56
"""Cells of a column of a table, and of the paths of numbers."""
_LISTED = 500
"""Names of a folder that its preview shows."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the tree.

    Args:
        uri: of the object, the folder, or the archive that ``member`` is in; its path on this
            host where it has one.
        folder: whether it opens to entries.
        member: name of a file in the archive ``uri``.
        artifact: name of the artifact it belongs to.
        inside: its path in that artifact; empty for the artifact itself.
        modified_at: seconds since the epoch; 0 where that is not known.
    """

    uri: str
    name: str
    depth: int = 0
    role: str = ""
    folder: bool = False
    member: str = ""
    size: int | None = None
    note: str = ""
    there: bool = True
    artifact: str = ""
    inside: str = ""
    files: int = 1
    modified_at: float = 0.0

    @property
    def key(self) -> str:
        """What tells it from every other line."""
        return f"{self.role}\n{self.uri}\n{self.member}"


def of_artifact(artifact: Artifact) -> Item:
    """An artifact at the top of the tree."""
    files = f"{artifact.files} files  " if artifact.files > 1 else ""
    return Item(
        uri=artifact.path or artifact.uri,
        name=artifact.name,
        role=artifact.role,
        folder=artifact.folder or artifact.uri.endswith("/"),
        size=artifact.size if artifact.exists else None,
        note=files + artifact.uri,
        there=artifact.exists,
        artifact=artifact.name,
        files=artifact.files,
        modified_at=artifact.modified_at,
    )


def of_entry(entry: ArtifactEntry, above: Item, *, now: float, display: Display) -> Item:
    """An object or a folder in the one ``above`` it."""
    note = display.moment(entry.modified_at, now) if entry.modified_at else ""
    return Item(
        uri=entry.uri,
        name=entry.name.rstrip("/"),
        depth=above.depth + 1,
        role=above.role,
        folder=entry.folder,
        size=None if entry.folder else entry.size,
        note=note,
        artifact=above.artifact,
        inside=f"{above.inside}/{entry.name}".strip("/"),
        modified_at=entry.modified_at,
    )


def of_members(archive: Item, preview: Preview) -> list[Item]:
    """The files in an archive, from its preview."""
    if preview.kind != "archive" or preview.table is None:
        return []
    return [
        Item(
            uri=archive.uri,
            name=name,
            depth=archive.depth + 1,
            role=archive.role,
            member=name,
            size=int(count) if count.isdigit() else None,
            artifact=archive.artifact,
            inside=archive.inside,
            modified_at=archive.modified_at,
        )
        for name, kind, count in preview.table.rows
        if kind == "file"
    ]


def row(item: Item, *, opened: bool, display: Display) -> Row:
    """One line of the tree as a row."""
    arrows = ("▾ ", "▸ ") if display.unicode else ("- ", "+ ")
    sign = (arrows[0] if opened else arrows[1]) if item.folder or opened else "  "
    amount = "" if item.size is None else size(item.size)
    amount = amount if item.there else "not there"
    return Row(
        key=item.key,
        cells=(
            words(item.role if not item.depth else "", Tone.DIM),
            (Span("  " * item.depth + sign, Tone.DIM), Span(item.name)),
            words(amount, Tone.DIM),
            words(item.note, Tone.FAINT),
        ),
        search=f"{item.role} {item.name} {item.uri}",
    )


def about(item: Item, *, now: float, display: Display) -> list[Line]:
    """What is known of an item without looking into it."""
    place = f"{item.uri}  {item.member}" if item.member else item.uri
    facts = [size(item.size)] if item.size is not None else []
    if item.files > 1:
        facts.append(f"{item.files:,} files")
    if item.modified_at:
        facts.append(display.moment(item.modified_at, now))
    if not item.there:
        facts.append("not there")
    told = " · ".join((item.role, item.artifact or item.name, *facts))
    return [words(f" {place}", Tone.DIM), words(f" {told}", Tone.DIM)]


def listing_lines(items: Sequence[Item], width: int) -> list[Line]:
    """What lies directly in a folder: how much it is, then each name with its size and time.

    Args:
        items: as `of_entry` gives them.
    """
    files = [one for one in items if not one.folder]
    folders = len(items) - len(files)
    amount = sum(one.size or 0 for one in files)
    told = [
        f"{folders:,} folder{'s' * (folders != 1)}" if folders else "",
        f"{len(files):,} file{'s' * (len(files) != 1)}, {size(amount)}" if files else "",
    ]
    lines: list[Line] = [
        words(f" {' · '.join(filter(None, told)) or 'an empty folder'}", Tone.STRONG),
        BLANK,
    ]
    shown = items[:_LISTED]
    widest = max((length(words(one.name)) + one.folder for one in shown), default=1)
    columns = (Column("", min(widest, _PATH)), Column("", 9, right=True), Column("", 19, keep=1))
    widths = column_widths(columns, max(12, width - 2))
    for one in shown:
        amount_of = "folder" if one.folder else size(one.size or 0)
        cells = (
            words(one.name + "/" * one.folder),
            words(amount_of, Tone.DIM),
            words(one.note, Tone.FAINT),
        )
        lines.append((Span(" "), *lay(cells, columns, widths)))
    if len(items) > len(shown):
        lines.append(words(f" … {len(items) - len(shown):,} more: enter opens it", Tone.FAINT))
    return lines


def preview_lines(preview: Preview) -> list[Line]:
    """A preview: its title, its numbers, its lines or table, its columns, what is not shown."""
    lines: list[Line] = [words(f" {preview.title}", Tone.STRONG)]
    if preview.note:
        lines.append(words(f" {preview.note}", Tone.WAIT))
    lines.append(BLANK)
    summary, table = preview.summary, preview.table
    if summary is not None and table is None:
        lines += [*_table(summary.columns, summary.rows, _PATH), BLANK]
    if table is not None:
        lines += _table(table.columns, table.rows)
    lines += [words(f" {text}") for text in preview.lines]
    if preview.truncated and preview.picture is None:
        lines += [words(" … more is not shown", Tone.FAINT)]
    if summary is not None and table is not None:
        lines += [BLANK, heading("COLUMNS"), *_table(summary.columns, summary.rows)]
    return lines


def shifted(line: Line, cells: int) -> Line:
    """The line without its first cells."""
    left: list[Span] = []
    for span in line:
        if cells <= 0:
            left.append(span)
            continue
        text = plain(span.text)
        taken = cell_len(text)
        if taken > cells:
            # A wide character that is cut through leaves a space.
            kept = set_cell_size(text[::-1], taken - cells)[::-1]
            left.append(Span(kept, span.tone))
        cells -= taken
    return tuple(left)


def _table(
    names: Sequence[str], rows: Sequence[Sequence[str]], widest: int = _WIDEST
) -> list[Line]:
    count = max([len(names), *(len(row) for row in rows)])
    columns = [_column(index, names, rows, widest) for index in range(count)]
    widths = column_widths(columns, sum(column.width + 2 for column in columns))
    titles = [words(column.title, Tone.DIM) for column in columns]
    body = [
        [words(row[index]) if index < len(row) else BLANK for index in range(count)] for row in rows
    ]
    return [(Span(" "), *lay(cells, columns, widths)) for cells in (titles, *body)]


def _column(index: int, names: Sequence[str], rows: Sequence[Sequence[str]], most: int) -> Column:
    title = names[index] if index < len(names) else ""
    cells = [row[index] for row in rows if index < len(row)]
    widest = max([length(words(text)) for text in (title, *cells)], default=1)
    numbers = bool(cells) and all(_number(cell) for cell in cells)
    return Column(title, min(most, max(1, widest)), right=numbers)


def _number(text: str) -> bool:
    try:
        float(text or "0")
    except ValueError:
        return False
    return True
