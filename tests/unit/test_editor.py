"""What a pager is given reaches the terminal as text."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipetui import editor


@pytest.mark.parametrize(
    ("pager", "settings", "safe"),
    [
        (["less"], "", True),
        (["/usr/bin/less", "-S"], "", True),
        (["less", "-R"], "", False),
        (["less", "--RAW-CONTROL-CHARS"], "", False),
        (["less"], "-FRX", False),
        (["less"], "FRX", False),
        (["more"], "", False),
        (["bat"], "", False),
    ],
)
def test_only_less_without_raw_characters_is_trusted_with_a_file(
    pager: list[str], settings: str, safe: bool
) -> None:
    assert editor.shows_text_only(pager, settings) is safe


def test_another_pager_is_given_no_control_characters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, seen = tmp_path / "job.log", tmp_path / "seen"
    log.write_bytes(b"one\x1b]0;title\x07\ntwo\x9b31m\xff\n")
    code = f"import sys; open({str(seen)!r}, 'w').write(sys.stdin.read())"
    monkeypatch.setenv("PAGER", f'{sys.executable} -c "{code}"')
    assert editor.page(str(log)) == ""
    lines = seen.read_text("utf-8").split("\n")
    assert len(lines) == 3 and all(line.isprintable() for line in lines)
    assert lines[0].startswith("one")


def test_a_pager_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "x"
    file.write_text("x", "utf-8")
    monkeypatch.setenv("PAGER", "/nonexistent/pager")
    assert "cannot be run" in editor.page(str(file))


def test_a_pager_that_leaves_early_is_no_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "long.log"
    file.write_text("line\n" * 200_000, "utf-8")
    monkeypatch.setenv("PAGER", "true")
    assert editor.page(str(file)) == ""
