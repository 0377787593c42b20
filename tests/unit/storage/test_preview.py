from __future__ import annotations

import gzip
import json
import random
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import NotFound, StorageError
from engine.storage.preview import Limit, Preview, preview, preview_member, visible


def of(path: Path, content: bytes, limit: Limit = Limit()) -> Preview:  # noqa: B008
    path.write_bytes(content)
    return preview(path, limit)


def tar(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, BytesIO(content))
    return path


def test_text_is_shown_line_by_line(tmp_path: Path) -> None:
    shown = of(tmp_path / "notes.txt", "eins\nzwei ü\n".encode())
    assert (shown.kind, shown.lines, shown.truncated) == ("text", ("eins", "zwei ü"), False)


def test_no_more_than_the_limit_is_shown_and_it_says_so(tmp_path: Path) -> None:
    lines = of(tmp_path / "a.txt", b"x\n" * 500, Limit(rows=10))
    assert (len(lines.lines), lines.truncated) == (10, True)
    size = of(tmp_path / "b.txt", b"x" * 500, Limit(bytes=100))
    assert (size.lines, size.truncated) == (("x" * 100,), True)


def test_a_character_cut_at_the_limit_is_still_text(tmp_path: Path) -> None:
    shown = of(tmp_path / "a.txt", "ü".encode() * 100, Limit(bytes=51))
    assert (shown.kind, shown.lines) == ("text", ("ü" * 25,))


def test_json_is_indented_and_cut_or_broken_json_is_text(tmp_path: Path) -> None:
    content = json.dumps({"a": [1, 2]}).encode()
    assert of(tmp_path / "a.json", content).lines[:2] == ("{", '  "a": [')
    assert of(tmp_path / "evaluation", content).kind == "json"
    assert of(tmp_path / "b.json", content, Limit(json=5)).kind == "text"
    assert of(tmp_path / "c.json", b"{").kind == "text"
    assert of(tmp_path / "d.json", b"[" * 60_000).kind == "text"


def test_csv_has_a_header_and_rows(tmp_path: Path) -> None:
    shown = of(tmp_path / "a.csv", b'x,y\n1,"two, three"\n4,5\n', Limit(rows=1))
    assert shown.table is not None
    assert shown.table.columns == ("x", "y")
    assert shown.table.rows == (("1", "two, three"),)
    assert shown.truncated
    assert "2 columns" in shown.title


def test_a_csv_row_cut_at_the_limit_is_left_out(tmp_path: Path) -> None:
    shown = of(tmp_path / "a.csv", b"x,y\n1,2\n3,4\n", Limit(bytes=10))
    assert shown.table is not None
    assert shown.table.rows == (("1", "2"),)
    assert shown.truncated


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.zip"])
def test_an_archive_lists_its_members_and_previews_one(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    files = {"code/run.py": b"print(1)\n", "metrics.json": b'{"a":1}'}
    if name == "a.zip":
        with zipfile.ZipFile(path, "w") as package:
            for member, content in files.items():
                package.writestr(member, content)
    else:
        tar(path, files)
    shown = preview(path)
    assert shown.kind == "archive"
    assert shown.table is not None
    assert [(row[0], row[2]) for row in shown.table.rows] == [
        ("code/run.py", "9"),
        ("metrics.json", "7"),
    ]
    assert preview_member(path, "code/run.py").lines == ("print(1)",)
    assert preview_member(path, "metrics.json").kind == "json"
    with pytest.raises(NotFound):
        preview_member(path, "none")


def test_only_the_beginning_of_a_long_archive_is_scanned(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar.gz", {"first": b"1", "big": bytes(3_000_000), "last": b"2"})
    limit = Limit(scan=1_000_000)
    shown = preview(path, limit)
    assert shown.table is not None
    assert [row[0] for row in shown.table.rows] == ["first", "big"]
    assert shown.truncated
    assert preview_member(path, "first", limit).lines == ("1",)
    with pytest.raises(NotFound):
        preview_member(path, "last", limit)


def test_a_gzip_file_shows_what_is_packed(tmp_path: Path) -> None:
    shown = of(tmp_path / "a.csv.gz", gzip.compress(b"x,y\n1,2\n"))
    assert shown.kind == "csv"
    bomb = of(tmp_path / "zeros.txt.gz", gzip.compress(b"0" * 10_000_000))
    assert bomb.truncated
    assert len(bomb.lines[0]) == Limit().bytes


def test_a_damaged_archive_shows_what_can_be_read_and_says_so(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar.gz", {"a": b"x", "b": random.Random(1).randbytes(200_000)})
    shown = of(tmp_path / "b.tar.gz", path.read_bytes()[:-90_000])
    assert shown.table is not None
    assert [row[0] for row in shown.table.rows] == ["a", "b"]
    assert "not a complete" in shown.note
    with pytest.raises(StorageError) as raised:
        preview_member(tmp_path / "b.tar.gz", "none")
    assert raised.value.code == "archive-invalid"


def test_parquet_shows_types_rows_and_the_count(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "odd [1]*.parquet"
    with duckdb.connect() as db:
        plain = tmp_path / "plain.parquet"
        db.execute(f"COPY (SELECT range AS n, 'x' AS s FROM range(5)) TO '{plain}'")
    plain.rename(path)
    shown = preview(path, Limit(rows=2))
    assert shown.table is not None
    assert shown.table.columns == ("n BIGINT", "s VARCHAR")
    assert shown.table.rows == (("0", "x"), ("1", "x"))
    assert "5 rows" in shown.title
    assert shown.truncated


def test_a_broken_parquet_file_says_so(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    shown = of(tmp_path / "a.parquet", b"PAR1" + bytes(100))
    assert (shown.kind, shown.truncated) == ("parquet", True)
    assert shown.note


def test_an_image_tells_its_size_and_a_broken_one_is_binary(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    image.new("RGB", (40, 30)).save(tmp_path / "a.png")
    shown = preview(tmp_path / "a.png")
    assert shown.kind == "image"
    assert "40 x 30" in shown.title
    assert of(tmp_path / "b.png", b"\x89PNG\0\0").kind == "binary"


def test_binary_is_a_hex_dump(tmp_path: Path) -> None:
    shown = of(tmp_path / "a.bin", b"A\0B" + bytes(14))
    assert shown.kind == "binary"
    assert shown.lines[0].startswith("00000000  41 00 42")
    assert shown.lines[0].endswith("A.B.............")
    assert shown.lines[1].startswith("00000010  00 ")


def test_an_empty_file_is_empty_and_a_missing_one_an_error(tmp_path: Path) -> None:
    assert of(tmp_path / "a", b"").kind == "empty"
    with pytest.raises(StorageError):
        preview(tmp_path / "none")


def test_escape_sequences_and_direction_marks_become_visible() -> None:
    assert visible("\x1b[31mred\x07") == "␛[31mred␇"
    assert visible("a\u202eb\u200b") == "a�b�"
    assert visible("\x9b1m\x7f") == "�1m␡"


@given(st.text())
def test_only_printable_characters_pass(text: str) -> None:
    assert visible(text).isprintable()


@given(st.binary(max_size=300), st.sampled_from([".csv", ".json", ".txt", ".tar.gz", ".parquet"]))
def test_any_bytes_make_a_clean_preview_or_a_typed_error(content: bytes, suffix: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        try:
            shown = of(Path(folder) / f"a{suffix}", content, Limit(bytes=200, rows=5))
        except StorageError:
            return
    rows = shown.table.rows if shown.table else ()
    for text in (shown.title, shown.note, *shown.lines, *(cell for row in rows for cell in row)):
        assert visible(text) == text
