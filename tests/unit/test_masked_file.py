"""Copies of text files without secrets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipetui import masked_file
from pipetui.masked_file import copy_masked, is_text

SECRETS = ("abcabcd", "abc-key", "bcd")
texts = st.text("abcd-ke\n", max_size=200)


@given(text=texts, size=st.integers(1, 9))
def test_parts_of_any_size_give_what_the_whole_gives(text: str, size: int) -> None:
    class Slow:
        """Reads a few bytes at a time."""

        def __init__(self) -> None:
            self.left = text.encode()

        def read(self, _: int) -> bytes:
            part, self.left = self.left[:size], self.left[size:]
            return part

    found = list(masked_file._masked(Slow(), SECRETS, b"*"))  # type: ignore[arg-type]
    pattern = re.compile("|".join(map(re.escape, sorted(SECRETS, key=len, reverse=True))))
    assert b"".join(part for part, _ in found).decode() == pattern.sub("*", text)
    assert sum(count for _, count in found) == len(pattern.findall(text))


def test_a_file_that_is_there_is_kept_and_nothing_is_left_behind(tmp_path: Path) -> None:
    source, target = tmp_path / "a.txt", tmp_path / "b.txt"
    source.write_text("an abc-key\n")
    target.write_text("mine")
    with pytest.raises(FileExistsError):
        copy_masked(source, target, SECRETS, "*")
    assert target.read_text() == "mine"
    assert copy_masked(source, target, SECRETS, "*", replace=True) == (target, 1)
    assert target.read_text() == "an *\n"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.txt", "b.txt"]


def test_into_a_folder_it_keeps_its_name(tmp_path: Path) -> None:
    source, folder = tmp_path / "a.txt", tmp_path / "to"
    source.write_text("bcd")
    folder.mkdir()
    assert copy_masked(source, folder, SECRETS, "*") == (folder / "a.txt", 1)


def test_contents_with_a_nul_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"PK\x03\x04\0\0")
    (tmp_path / "b").write_bytes(b"plain\n")
    assert not is_text(tmp_path / "a") and is_text(tmp_path / "b")
