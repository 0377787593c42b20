"""Images become a few pixels within bounds; no bytes break a preview."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from engine.storage import picture
from engine.storage.preview import Limit, Preview, preview, preview_member

ROOM = Limit(picture=(40, 30))
RED, BLUE = (255, 0, 0), (0, 0, 255)


def _saved(image: Image.Image, format: str, **more: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **more)
    return buffer.getvalue()


def _of(path: Path, content: bytes) -> Preview:
    path.write_bytes(content)
    return preview(path, ROOM)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "BMP"])
def test_an_image_fits_the_room_and_keeps_its_shape(tmp_path: Path, format: str) -> None:
    found = _of(tmp_path / "x", _saved(Image.new("RGB", (400, 200), RED), format))
    assert found.kind == "image" and f"{format} image, 400 x 200" in found.title
    assert found.picture is not None
    assert (found.picture.width, found.picture.height) == (40, 20)
    red, green, blue = found.picture.at(20, 10)
    assert red > 240 and green < 10 and blue < 10


def test_a_small_image_is_not_made_larger(tmp_path: Path) -> None:
    found = _of(tmp_path / "x.png", _saved(Image.new("RGB", (3, 2), RED), "PNG"))
    assert found.picture is not None
    assert (found.picture.width, found.picture.height) == (3, 2)


def test_of_an_animation_the_first_frame_is_shown(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, BLUE)]
    content = _saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    found = _of(tmp_path / "x.gif", content)
    assert found.picture is not None and found.picture.at(0, 0) == RED


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    found = _of(tmp_path / "x.png", _saved(Image.new("RGBA", (4, 4), (0, 0, 0, 0)), "PNG"))
    assert found.picture is not None and found.picture.at(1, 1) == (255, 255, 255)


def test_a_picture_of_sixteen_bits_keeps_its_greys(tmp_path: Path) -> None:
    image = Image.new("I;16", (4, 4), 32768)
    found = _of(tmp_path / "x.png", _saved(image, "PNG"))
    assert found.picture is not None and 120 <= found.picture.at(0, 0)[0] <= 136


def test_too_many_pixels_are_told_and_not_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture, "PIXELS", 100)
    found = _of(tmp_path / "bomb.png", _saved(Image.new("RGB", (11, 10)), "PNG"))
    assert found.picture is None and "not shown" in found.note


def test_an_image_that_is_cut_short_says_so(tmp_path: Path) -> None:
    content = _saved(Image.effect_noise((200, 200), 90).convert("RGB"), "PNG")
    found = _of(tmp_path / "x.png", content[: len(content) // 2])
    assert found.kind == "image" and found.picture is None and "cannot be decoded" in found.note


def test_an_image_in_an_archive_is_shown(tmp_path: Path) -> None:
    (tmp_path / "plot.png").write_bytes(
        _saved(Image.effect_noise((400, 400), 90).convert("RGB"), "PNG")
    )
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "plot.png", "out/plot.png")
    found = preview_member(tmp_path / "x.tar.gz", "out/plot.png", ROOM)
    assert found.picture is not None and found.picture.height == 30


_HEADS = st.sampled_from(
    [
        *(b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"BM", b"II*\0", b"PAR1"),
        *(
            b"PK\x03\x04",
            b"\x1f\x8b\x08\0",
            b"RIFF\0\0\0\0WEBP",
            b'{"a": ',
            b"\x1b[31m",
            b"a,b\n1,",
        ),
    ]
)
_NAMES = st.sampled_from(["x", "x.png", "x.csv", "x.tsv", "x.json", "x.ipynb", "x.parquet", "x.gz"])


@settings(max_examples=150, deadline=None)
@given(_NAMES, _HEADS, st.binary(max_size=300))
def test_no_bytes_break_a_preview_or_reach_the_terminal(
    name: str, head: bytes, rest: bytes
) -> None:
    with TemporaryDirectory() as folder:
        found = _of(Path(folder) / name, head + rest)
    tables = [table for table in (found.table, found.summary) if table is not None]
    cells = [cell for table in tables for row in (table.columns, *table.rows) for cell in row]
    assert all(text.isprintable() for text in (found.title, found.note, *found.lines, *cells))
    if found.picture is not None:
        assert len(found.picture.pixels) == 3 * found.picture.width * found.picture.height
