"""Command lines of ``s3-dist-cp``, and what its program makes of them."""

from __future__ import annotations

import gzip
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from engine.errors import JobError
from engine.steps.hdfs import hdfs_path, is_hdfs
from engine.steps.programs.s3_dist_cp import CopyError, copy
from engine.steps.s3_copy import Copy, copy_of

PLACES = ("--src=s3://a/in", "--dest=s3://a/out")


def test_a_copy_has_a_source_a_target_and_maybe_a_pattern() -> None:
    words = ["--src", "s3://a/b", "--dest=s3a://c/d", "--srcPattern=.*x", "--s3Endpoint=e"]
    assert copy_of(words) == Copy("s3://a/b", "s3a://c/d", ".*x", False)
    assert copy_of([*words, "--deleteOnSuccess"]).delete
    assert not copy_of([*words, "--deleteOnSuccess=false"]).delete
    assert not copy_of([*words, "--requirePreviousManifest", "false"]).require_previous
    assert copy_of([*words, "--disableMultipartUpload"]).require_previous


def test_places_in_hdfs_are_a_folder_and_the_stand_in_says_so() -> None:
    asked = copy_of(["--src=s3://a/b", "--dest=hdfs:///in/data"])
    assert asked.stand_in().endswith("a folder of the execution in place of the cluster's HDFS")
    assert "HDFS" not in copy_of(PLACES).stand_in()
    root = Path("/x/hdfs/j-1")
    for place in ("hdfs:///in/", "hdfs://node:8020/in/", "/in/"):
        assert is_hdfs(place)
        assert hdfs_path(root, place) == "/x/hdfs/j-1/in/"
    assert not any(map(is_hdfs, ("s3://a/b", "hdfs:///../x", "relative", "file:///a")))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--src=s3://a/b"], "no --dest"),
        (["--src=file:///a", "--dest=s3://c"], "neither in S3 nor in HDFS"),
        (["--src=hdfs:///../a", "--dest=s3://c"], "neither in S3 nor in HDFS"),
        ([*PLACES, "--groupBy=.*x"], "no parentheses"),
        ([*PLACES, "--targetSize=1.5"], "no number"),
        ([*PLACES, "--outputCodec=lzo"], "codec lzo"),
        ([*PLACES, "--appendToLastFile"], "objects in S3 are whole"),
        ([*PLACES, "--copyFromManifest"], "needs a --previousManifest"),
        ([*PLACES, "--outputManifest=../x"], "not the name of a file"),
        ([*PLACES, "--unheard", "of"], "--unheard"),
        ([*PLACES, "--srcPattern=("], "pattern"),
    ],
)
def test_a_copy_that_cannot_be_done_is_refused_and_says_why(words: list[str], told: str) -> None:
    with pytest.raises(JobError, match=told):
        copy_of(words)


class Folders:
    """A source with files in it, and a target."""

    def __init__(self, folder: Path) -> None:
        self.places = {"s3://a/in": folder / "in", "s3://a/out": folder / "out"}
        self.places["hdfs:///out"] = folder / "hdfs"
        self.folder = folder

    def put(self, **files: str | bytes) -> None:
        """Put files at the source; a double underscore stands for a dot."""
        for name, text in files.items():
            file = self.folder / "in" / name.replace("__", ".")
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(text.encode() if isinstance(text, str) else text)

    def copy(self, *words: str, dest: str = "s3://a/out") -> int:
        """Run the program in this process; returns how many files it read."""
        asked: dict[str, Any] = asdict(copy_of(["--src=s3://a/in", f"--dest={dest}", *words]))
        for place in (asked["previous_manifest"], asked["prefixes_file"]):
            if place:
                self.places[place] = self.folder / place.rpartition("/")[2]
        return copy(
            json.loads(json.dumps({**asked, "places": {k: str(v) for k, v in self.places.items()}}))
        )

    def found(self, folder: str = "out") -> dict[str, str]:
        """The files at the target, with what is in them."""
        files = (file for file in (self.folder / folder).rglob("*") if file.is_file())
        return {str(one.relative_to(self.folder / folder)): one.read_text() for one in files}


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


def test_files_of_a_group_are_joined_and_named_by_what_stands_in_parentheses(
    folders: Folders,
) -> None:
    folders.put(**{"2024-a__log": "1\n", "2024-b__log": "2\n", "2025-a__log": "3\n", "x": "no"})
    assert folders.copy(r"--groupBy=.*/(\d+)-.*(\.log)") == 3
    assert folders.found() == {"2024.log": "1\n2\n", "2025.log": "3\n"}


def test_a_group_beyond_the_target_size_is_several_files_with_numbers(folders: Folders) -> None:
    folders.put(**{f"d-{n}__log": str(n) * (1 << 20) for n in range(3)})
    folders.copy(r"--groupBy=.*/(d)-.*(\.log)", "--targetSize=2")
    assert {name: len(text) >> 20 for name, text in folders.found().items()} == {
        "d0.log": 2,
        "d1.log": 1,
    }


def test_files_are_packed_and_unpacked(folders: Folders) -> None:
    folders.put(a__csv="1\n", b__csv__gz=gzip.compress(b"2\n"))
    folders.copy("--outputCodec=none")
    assert folders.found() == {"a.csv": "1\n", "b.csv": "2\n"}
    folders.copy("--outputCodec", "gz", dest="hdfs:///out")
    packed = sorted((folders.folder / "hdfs").iterdir())
    assert [file.name for file in packed] == ["a.csv.gz", "b.csv.gz"]
    assert [gzip.decompress(file.read_bytes()) for file in packed] == [b"1\n", b"2\n"]


def test_names_are_numbered_where_that_is_asked_for(folders: Folders) -> None:
    folders.put(a="1", b="2")
    folders.copy("--numberFiles", "--startingIndex=5")
    assert folders.found() == {"5a": "1", "6b": "2"}


def test_what_a_manifest_lists_is_not_copied_again_and_stays_listed(folders: Folders) -> None:
    folders.put(a="1")
    folders.copy("--outputManifest=done.gz")
    (folders.folder / "out/done.gz").rename(folders.folder / "done.gz")
    folders.put(b="2")
    words = ("--previousManifest=s3://a/done.gz", "--outputManifest=next.gz")
    assert folders.copy(*words) == 1
    with gzip.open(folders.folder / "out/next.gz", "rt") as lines:
        entries = [json.loads(line) for line in lines]
    assert [entry["path"] for entry in entries] == ["s3://a/out/a", "s3://a/out/b"]
    assert entries[1] == {
        "path": "s3://a/out/b", "baseName": "b", "srcDir": "s3://a/out", "size": 1
    }  # fmt: skip


def test_a_manifest_tells_what_to_copy_from_where_it_was_copied_to(folders: Folders) -> None:
    folders.put(a="1", b="2")
    entry = {"path": "s3://a/in/b", "baseName": "b", "srcDir": "s3://a/in", "size": 1}
    (folders.folder / "list.gz").write_bytes(gzip.compress(json.dumps(entry).encode()))
    words = ("--copyFromManifest", "--previousManifest=s3://a/list.gz")
    assert folders.copy(*words) == 1
    assert folders.found() == {"b": "2"}
    entry["path"] = "s3://a/in/../b"
    (folders.folder / "list.gz").write_bytes(gzip.compress(json.dumps(entry).encode()))
    with pytest.raises(CopyError, match="not below"):
        folders.copy(*words)


def test_a_manifest_that_is_missing_is_an_error_unless_it_may_be(folders: Folders) -> None:
    folders.put(a="1")
    with pytest.raises(CopyError, match="no manifest at s3://a/none"):
        folders.copy("--previousManifest=s3://a/none")
    assert folders.copy("--previousManifest=s3://a/none", "--requirePreviousManifest=false") == 1


def test_only_what_begins_with_a_prefix_of_the_file_is_copied(folders: Folders) -> None:
    folders.put(a1="1", a2="2", b="3")
    (folders.folder / "prefixes").write_text("s3://a/in/a\n\n")
    folders.copy("--srcPrefixesFile=s3://a/prefixes", "--deleteOnSuccess")
    assert folders.found() == {"a1": "1", "a2": "2"}
    assert folders.found("in") == {"b": "3"}


def test_files_of_hdfs_are_written_on_up_to_the_target_size(folders: Folders) -> None:
    group = (r"--groupBy=.*/(d)\d", "--targetSize=1", "--appendToLastFile")
    for text in ("x", "y" * (1 << 20), "z"):
        folders.put(d1=text)
        folders.copy(*group, dest="hdfs:///out")
    found = folders.found("hdfs")
    assert {name: len(text) for name, text in found.items()} == {"d0": (1 << 20) + 1, "d1": 1}
    folders.put(d1="more")
    folders.copy("--appendToLastFile", dest="hdfs:///out")
    assert folders.found("hdfs")["d1"] == "zmore"
