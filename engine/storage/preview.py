"""The beginning of a file as plain data for a screen: never more than a set number of bytes read.

Files come from jobs and strangers: control characters, escape sequences and invisible direction
marks are replaced by visible ones before anything leaves this module.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import IO, Any

from engine.errors import NotFound, StorageError
from engine.storage import archive, picture
from engine.storage.base import reporting
from engine.storage.columns import ROWS, SUMMARY, Columns, Unreadable
from engine.storage.notebook import notebook_lines
from engine.storage.picture import Picture

_EXTRA = "Install it with: pip install 'pipetui[preview]'."
_CELL = 200
_IMAGES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF")
_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_TAR_MAGIC_AT = 257
_NOTEBOOK = ".ipynb"
_JSON = (".json", ".geojson")
_NUMBERS = 24
"""Numbers of a JSON file that are told ahead of it."""
_HEAD_ROWS = 20
"""Rows that are shown where a summary of the columns comes below."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How much is looked at: bytes read, lines or rows shown, bytes scanned in an archive.

    A notebook or JSON cannot be read by half: for one, ``notebook`` or ``json`` bytes are read.

    Args:
        summary: bytes of the largest CSV file whose columns are summed up.
        picture: pixels of a picture, width and height.
    """

    bytes: int = 64 * 1024
    rows: int = 200
    scan: int = 64 << 20
    notebook: int = 16 << 20
    json: int = 1 << 20
    summary: int = 64 << 20
    picture: tuple[int, int] = (160, 100)

    def of(self, name: str) -> int:
        """Bytes that are read of a file."""
        if name.lower().endswith(_NOTEBOOK):
            return self.notebook
        return self.json if name.lower().endswith(_JSON) else self.bytes


@dataclass(frozen=True, slots=True)
class Table:
    """Column names and rows of text cells."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What to show of a file.

    Attributes:
        kind: ``text``, ``json``, ``notebook``, ``csv``, ``archive``, ``parquet``, ``image``,
            ``binary``, or ``empty``.
        title: one line: the name and what the file is.
        lines: text lines, where there is no table.
        table: columns and rows, for csv, archive and parquet.
        summary: of csv and parquet what each column holds; of JSON its numbers by their paths.
        picture: the pixels of an image.
        truncated: whether the file holds more than is shown.
        note: a sentence about what is missing and why; empty where nothing is.
    """

    kind: str
    title: str
    lines: tuple[str, ...] = ()
    table: Table | None = None
    truncated: bool = False
    note: str = ""
    summary: Table | None = None
    picture: Picture | None = None


_DEFAULT = Limit()


def visible(text: str) -> str:
    """Text without anything that acts on a terminal: ESC becomes ``␛``, a direction mark ``�``."""
    if text.isprintable():
        return text
    return "".join(map(_mark, text)).expandtabs(4)


def _mark(char: str) -> str:
    if char.isprintable() or char == "\t":
        return char
    if char < " ":
        return chr(0x2400 + ord(char))
    if char == "\x7f":
        return "␡"
    return " " if char.isspace() else "�"


def preview(path: Path, limit: Limit = _DEFAULT) -> Preview:
    """Preview a file by its content, its name deciding where the content leaves a choice.

    Raises:
        StorageError: the file cannot be read.
    """
    with reporting(str(path)), open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(limit.of(path.name))
        if head.startswith(b"PAR1"):
            return _parquet(path, size, limit)
        if head.startswith(_ZIP) or _is_tar(head):
            return _archive(path, size, limit)
        if head.startswith(_GZIP):
            inner = _inflated(head, limit.bytes)
            if inner:
                return _of_bytes(path.name.removesuffix(".gz"), inner, None, limit)
        if head.startswith(_IMAGES):
            file.seek(0)
            return _image(path.name, file, head, size, limit)
        found = _of_bytes(path.name, head, size, limit)
        if found.kind == "csv" and size <= limit.summary:
            return _summed_up(found, path, limit)
        return found


def preview_member(path: Path, member: str, limit: Limit = _DEFAULT) -> Preview:
    """Preview one file inside a tar or zip file.

    Raises:
        NotFound: the part of the archive that may be scanned has no such file.
        StorageError: the archive cannot be read.
    """
    with reporting(str(path)), archive.members(path, limit_read=limit.scan) as members:
        try:
            for found, content in members:
                if found.name == member and content is not None:
                    head = content.read(limit.of(member))
                    if head.startswith(_IMAGES) and found.size <= picture.BYTES:
                        whole = io.BytesIO(head + content.read(found.size - len(head)))
                        return _image(member, whole, head, found.size, limit)
                    return _of_bytes(member, head, found.size, limit)
        except StorageError as error:
            if error.code != "archive-too-large":
                raise
    raise NotFound(
        f"{path.name} has no file {member!r} in the part that was scanned.",
        hint="Unpack the archive to see all of it.",
    )


def _of_bytes(name: str, head: bytes, size: int | None, limit: Limit) -> Preview:
    """Preview a file of which only the first bytes are at hand (``size`` None: not known)."""
    cut = len(head) >= limit.of(name) if size is None else size > len(head)
    if not head:
        return Preview("empty", visible(f"{name}: empty"))
    text = _decoded(head, cut)
    if text is None:
        return _binary(name, head, size, cut, limit)
    suffix = Path(name).suffix.lower()
    lines = notebook_lines(text) if suffix == _NOTEBOOK and not cut else None
    if lines is not None:
        return _text("notebook", f"{name}: notebook, {_size(size)}", "\n".join(lines), cut, limit)
    if suffix in _JSON or text.lstrip()[:1] in ("{", "["):
        parsed = _json(name, text, cut, limit)
        if parsed is not None:
            return parsed
    if suffix in (".csv", ".tsv"):
        return _csv(name, text, "\t" if suffix == ".tsv" else ",", cut, limit)
    return _text("text", f"{name}: text, {_size(size)}", text, cut, limit)


def _text(kind: str, title: str, text: str, cut: bool, limit: Limit, note: str = "") -> Preview:
    lines = text.splitlines()
    truncated = cut or len(lines) > limit.rows
    shown = tuple(visible(line) for line in lines[: limit.rows])
    return Preview(kind, visible(title), shown, truncated=truncated, note=note)


def _json(name: str, text: str, cut: bool, limit: Limit) -> Preview | None:
    if cut:
        return None
    try:
        value = json.loads(text)
        pretty = json.dumps(value, indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
    found = _text("json", f"{name}: JSON, {_size(len(text))}", pretty, False, limit)
    numbers = [_cells(pair) for pair in islice(_numbers(value), _NUMBERS + 1)]
    # Where there are more, it is data, not a report.
    if not numbers or len(numbers) > _NUMBERS or not isinstance(value, dict):
        return found
    return replace(found, summary=Table(("number", "value"), tuple(numbers)))


def _numbers(value: Any) -> Iterator[tuple[str, str]]:
    """The numbers in the objects of a JSON value with their paths, in its order."""
    waiting = [("", value)]
    while waiting:
        path, one = waiting.pop()
        if isinstance(one, dict):
            inner = [(f"{path}.{key}" if path else str(key), item) for key, item in one.items()]
            waiting += reversed(inner)
        elif isinstance(one, int | float) and not isinstance(one, bool):
            yield path, f"{one:.6g}" if isinstance(one, float) else str(one)


def _csv(name: str, text: str, delimiter: str, cut: bool, limit: Limit) -> Preview:
    lines = text.splitlines(keepends=True)
    if cut and len(lines) > 1:
        lines.pop()
    rows: list[tuple[str, ...]] = []
    note = ""
    try:
        for row in csv.reader(lines, delimiter=delimiter):
            if len(rows) > limit.rows + 1:
                break
            rows.append(_cells(row))
    except csv.Error as error:
        note = f"Reading stopped: {error}."
    if rows and _has_header(rows):
        columns, body = rows[0], rows[1:]
    else:
        columns, body = tuple(str(at) for at in range(len(rows[0]) if rows else 0)), rows
    truncated = cut or len(body) > limit.rows or bool(note)
    table = Table(columns, tuple(body[: limit.rows]))
    title = visible(f"{name}: {len(columns)} columns")
    if not truncated:
        title += f", {len(body):,} rows"
    return Preview("csv", title, table=table, truncated=truncated, note=note)


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names columns; one that holds a number is data, as XGBoost wants."""
    return not any(_is_number(cell) for cell in rows[0])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _summed_up(found: Preview, path: Path, limit: Limit) -> Preview:
    """The preview of a CSV file with its rows counted and its columns summed up."""
    assert found.table is not None
    names = found.table.columns
    header = not names or names[0] != "0"
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    try:
        columns = Columns(path, "csv", header=header, delimiter=delimiter)
        rows, looked_at = columns.summary()
        [(_, [(total,)])] = columns.ask("SELECT count(*) FROM {table}")
    except ImportError:
        return replace(found, note=f"A summary of the columns needs duckdb. {_EXTRA}")
    except Unreadable:
        return replace(found, note=found.note or "duckdb cannot read it: no summary of columns.")
    if not header:
        rows = [(str(at), *row[1:]) for at, row in enumerate(rows)]
    title = found.title.partition(", ")[0] + f", {total:,} rows"
    return _with_summary(replace(found, title=title), rows, looked_at, total)


def _with_summary(
    found: Preview, rows: Sequence[Sequence[str]], looked_at: int, total: int
) -> Preview:
    assert found.table is not None
    table = Table(found.table.columns, found.table.rows[:_HEAD_ROWS])
    note = f"Columns are summed up over the first {ROWS:,} rows." if looked_at < total else ""
    return replace(
        found,
        table=table,
        summary=Table(SUMMARY, tuple(_cells(row) for row in rows)),
        truncated=total > len(table.rows),
        note=found.note or note,
    )


def _archive(path: Path, size: int, limit: Limit) -> Preview:
    rows: list[tuple[str, ...]] = []
    note = ""
    try:
        with archive.members(path, limit_read=limit.scan) as members:
            for member, _ in members:
                if len(rows) == limit.rows:
                    note = f"The first {limit.rows} members are shown."
                    break
                rows.append(_cells((member.name, member.kind, f"{member.size}")))
    except StorageError as error:
        match error.code:
            case "archive-too-large":
                note = f"Only the first {_size(limit.scan)} were scanned."
            case "archive-invalid":
                note = visible(error.message)
            case _:
                raise
    table = Table(("name", "kind", "bytes"), tuple(rows))
    title = visible(f"{path.name}: archive, {_size(size)}")
    return Preview("archive", title, table=table, truncated=bool(note), note=note)


def _parquet(path: Path, size: int, limit: Limit) -> Preview:
    title = visible(f"{path.name}: Parquet, {_size(size)}")
    try:
        columns = Columns(path, "parquet")
        (names, body), (_, [(counted,)]) = columns.ask(
            f"SELECT * FROM {{table}} LIMIT {limit.rows}", "SELECT count(*) FROM {table}"
        )
        rows, looked_at = columns.summary()
    except ImportError:
        return Preview("parquet", title, truncated=True, note=f"Parquet needs duckdb. {_EXTRA}")
    except Unreadable as problem:
        note = f"duckdb cannot read it: {visible(str(problem))}"
        return Preview("parquet", title, truncated=True, note=note)
    total = int(counted)
    table = Table(_cells(names), tuple(_cells(map(str, row)) for row in body))
    title += f", {total:,} rows, {len(names)} columns"
    return _with_summary(Preview("parquet", title, table=table), rows, looked_at, total)


def _image(name: str, file: IO[bytes], head: bytes, size: int, limit: Limit) -> Preview:
    try:
        found = picture.reduce(file, limit.picture)
    except ImportError:
        title = visible(f"{name}: image, {_size(size)}")
        return Preview("image", title, truncated=True, note=f"To show it needs Pillow. {_EXTRA}")
    if found is None:
        return _binary(name, head, size, size > len(head), limit)
    title = visible(f"{name}: {found.about}, {_size(size)}")
    return Preview("image", title, note=found.note, picture=found.picture)


def _binary(name: str, head: bytes, size: int | None, cut: bool, limit: Limit) -> Preview:
    shown = head[: 16 * limit.rows]
    lines = []
    for start in range(0, len(shown), 16):
        part = shown[start : start + 16]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part)
        lines.append(f"{start:08x}  {part.hex(' '):<47}  {text}")
    truncated = cut or len(shown) < len(head)
    title = visible(f"{name}: binary, {_size(size)}")
    return Preview("binary", title, tuple(lines), truncated=truncated)


def _decoded(head: bytes, cut: bool) -> str | None:
    """The bytes as text; None where they are none (a NUL, or not UTF-8)."""
    if b"\0" in head:
        return None
    try:
        decoder = codecs.getincrementaldecoder("utf-8-sig")()
        return decoder.decode(head, final=not cut)
    except UnicodeDecodeError:
        return None


def _is_tar(head: bytes) -> bool:
    if head.startswith(_GZIP):
        head = _inflated(head, 512)
    elif head.startswith((b"BZh", b"\xfd7zXZ")):
        return True
    return head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar"


def _inflated(head: bytes, length: int) -> bytes:
    try:
        return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(head, length)
    except zlib.error:
        return b""


def _cells(row: Iterable[str]) -> tuple[str, ...]:
    return tuple(visible(cell[:_CELL] + "…" * (len(cell) > _CELL)) for cell in row)


def _size(count: int | None) -> str:
    if count is None:
        return "packed"
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
