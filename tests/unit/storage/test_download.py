"""What is copied out is there whole, and replaces nothing unasked."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from engine.errors import NotFound, StorageError
from engine.storage.download import download


def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "s3" / "report"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "deep" / "b.txt").write_text("bb")
    (folder / "link").symlink_to("/etc/passwd")
    return folder


def test_a_file_is_copied_under_the_name_asked_for_or_into_a_folder(tmp_path: Path) -> None:
    source = _folder(tmp_path) / "a.txt"
    assert download(source, "", tmp_path / "new" / "x").path == str(tmp_path / "new" / "x")
    done = download(source, "", tmp_path / "new")
    assert (done.path, done.files, done.size) == (str(tmp_path / "new" / "a.txt"), 1, 1)


def test_a_folder_is_copied_whole_without_links(tmp_path: Path) -> None:
    done = download(_folder(tmp_path), "", tmp_path / "out")
    assert (done.files, done.size) == (2, 3)
    assert (tmp_path / "out" / "deep" / "b.txt").read_text() == "bb"
    assert not (tmp_path / "out" / "link").exists()


def test_a_member_of_an_archive_is_copied(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "m.tar.gz", "w:gz") as archive:
        archive.add(_folder(tmp_path) / "a.txt", "inner/a.txt")
    assert Path(download(tmp_path / "m.tar.gz", "inner/a.txt", tmp_path).path).read_text() == "a"
    with pytest.raises(NotFound):
        download(tmp_path / "m.tar.gz", "inner/b.txt", tmp_path)


def test_nothing_is_replaced_unasked_and_never_a_folder(tmp_path: Path) -> None:
    source, target = _folder(tmp_path), tmp_path / "there"
    target.write_text("mine")
    with pytest.raises(StorageError) as refused:
        download(source / "a.txt", "", target)
    assert refused.value.code == "target-exists" and target.read_text() == "mine"
    download(source / "a.txt", "", target, replace=True)
    assert target.read_text() == "a"
    (tmp_path / "out" / "report").mkdir(parents=True)
    with pytest.raises(StorageError):
        download(source, "", tmp_path / "out", replace=True)


def test_a_copy_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(_folder(tmp_path), "", tmp_path / "out" / "x", told=stop)
    assert not list((tmp_path / "out").iterdir())
