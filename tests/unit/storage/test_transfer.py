from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from engine.errors import StorageError
from engine.storage.transfer import Transfer, download_local, upload_local
from engine.storage.tree import LocalTree


@pytest.fixture
def tree(tmp_path: Path) -> LocalTree:
    tree = LocalTree(tmp_path / "s3", base=tmp_path)
    for key in ("data/train/a.csv", "data/train/b/c.csv", "data/train.csv", "data/train.csv.bak"):
        tree.put(f"s3://bucket/{key}", key.encode())
    return tree


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3://bucket/data/train", {"a.csv", "b/c.csv", ".csv", ".csv.bak"}),
        ("s3://bucket/data/train/", {"a.csv", "b/c.csv"}),
        ("s3://bucket/data/train.csv", {"train.csv"}),
        ("s3://bucket/data/tr", {"ain/a.csv", "ain/b/c.csv", "ain.csv", "ain.csv.bak"}),
        ("s3://bucket", {f"data/train{end}" for end in ("/a.csv", "/b/c.csv", ".csv", ".csv.bak")}),
        ("s3/bucket/data/train", {"a.csv", "b/c.csv"}),
        ("s3/bucket/data/train.csv", {"train.csv"}),
    ],
)
def test_a_prefix_selects_as_sagemaker_does(
    tree: LocalTree, tmp_path: Path, uri: str, expected: set[str]
) -> None:
    done = download_local(tree, uri, tmp_path / "in")
    assert names(tmp_path / "in") == expected
    assert done.files == len(expected)
    assert done.bytes == sum((tmp_path / "in" / name).stat().st_size for name in expected)


def test_an_input_is_a_copy_that_a_job_may_write_to(tree: LocalTree, tmp_path: Path) -> None:
    download_local(tree, "s3://bucket/data/train.csv", tmp_path / "in")
    (tmp_path / "in/train.csv").write_bytes(b"changed")
    assert tree.read("s3://bucket/data/train.csv") == b"data/train.csv"


def test_a_folder_marker_is_no_file(tree: LocalTree, tmp_path: Path) -> None:
    tree.put("s3://bucket/data/train/", b"")
    download_local(tree, "s3://bucket/data/train/", tmp_path / "in")
    assert names(tmp_path / "in") == {"a.csv", "b/c.csv"}


@pytest.mark.parametrize("uri", ["s3://bucket/none/x.csv", "s3://nobody/x", "none"])
def test_a_missing_input_says_where_to_put_it(tree: LocalTree, tmp_path: Path, uri: str) -> None:
    with pytest.raises(StorageError) as raised:
        download_local(tree, uri, tmp_path / "in")
    assert raised.value.code == "input-not-found"
    assert uri in raised.value.message
    assert tree.place_of(uri) in raised.value.hint


def test_a_manifest_names_files_below_its_prefix(tree: LocalTree, tmp_path: Path) -> None:
    manifest = [{"prefix": "s3://bucket/data/"}, "train.csv", "train/b/c.csv"]
    tree.put("s3://bucket/manifest", json.dumps(manifest).encode())
    done = download_local(tree, "s3://bucket/manifest", tmp_path / "in", data_type="ManifestFile")
    assert names(tmp_path / "in") == {"train.csv", "train/b/c.csv"}
    assert done.files == 2


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "manifest-invalid"),
        (b"{}", "manifest-invalid"),
        (b"[]", "manifest-invalid"),
        (b'[{"prefix": 1}, "a"]', "manifest-invalid"),
        (b'[{"prefix": "s3://bucket/"}, 1]', "manifest-invalid"),
        (b"[" * 100_000, "manifest-invalid"),
        (b'[{"prefix": "s3://bucket/"}, "../x"]', "key-unsafe"),
        (b'[{"prefix": "s3://bucket/"}, "none"]', "input-not-found"),
        (b'[{"prefix": "s3://bucket/"}]', "input-not-found"),
    ],
)
def test_a_bad_manifest_is_refused(
    tree: LocalTree, tmp_path: Path, content: bytes, code: str
) -> None:
    tree.put("s3://bucket/manifest", content)
    with pytest.raises(StorageError) as raised:
        download_local(tree, "s3://bucket/manifest", tmp_path / "in", data_type="ManifestFile")
    assert raised.value.code == code


def test_an_augmented_manifest_is_refused_with_a_way_out(tree: LocalTree, tmp_path: Path) -> None:
    with pytest.raises(StorageError) as raised:
        download_local(tree, "s3://bucket/x", tmp_path, data_type="AugmentedManifestFile")
    assert raised.value.code == "data-type-unsupported"


def test_sharded_hosts_get_every_object_exactly_once(tree: LocalTree, tmp_path: Path) -> None:
    for number in range(7):
        tree.put(f"s3://bucket/parts/{number}", b"x")
    seen = []
    for host in range(3):
        into = tmp_path / f"host-{host}"
        download_local(
            tree,
            "s3://bucket/parts/",
            into,
            distribution="ShardedByS3Key",
            host_index=host,
            host_count=3,
        )
        seen.append(sorted(names(into)))
    assert seen == [["0", "3", "6"], ["1", "4"], ["2", "5"]]


def test_gzip_inputs_arrive_unpacked(tree: LocalTree, tmp_path: Path) -> None:
    tree.put("s3://bucket/packed/a.csv.gz", gzip.compress(b"1,2"))
    tree.put("s3://bucket/packed/b", gzip.compress(b"3,4"))
    download_local(tree, "s3://bucket/packed", tmp_path / "in", compression="Gzip")
    assert {name: (tmp_path / "in" / name).read_bytes() for name in names(tmp_path / "in")} == {
        "a.csv": b"1,2",
        "b": b"3,4",
    }


@pytest.mark.parametrize(
    "content", [b"plain", gzip.compress(b"x" * 1000)[:-9]], ids=["no gzip", "cut short"]
)
def test_a_damaged_gzip_input_is_refused(tree: LocalTree, tmp_path: Path, content: bytes) -> None:
    tree.put("s3://bucket/packed/a.gz", content)
    with pytest.raises(StorageError) as raised:
        download_local(tree, "s3://bucket/packed/a.gz", tmp_path / "in", compression="Gzip")
    assert raised.value.code == "gzip-invalid"


def test_outputs_are_stored_by_relative_name_and_links_are_named_as_skipped(
    tree: LocalTree, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    (output / "deep/er").mkdir(parents=True)
    (output / "deep/er/a").write_bytes(b"12")
    (output / "b").write_bytes(b"3")
    (output / "link").symlink_to("/etc/hostname")
    (output / "folder-link").symlink_to("/etc")
    os.mkfifo(output / "pipe")
    done = upload_local(tree, output, "s3://out/run/1")
    assert done == Transfer(2, 3, ("folder-link", "link", "pipe"))
    assert [info.key for info in tree.list("s3://out/")] == ["run/1/b", "run/1/deep/er/a"]


def test_an_empty_output_is_no_error(tree: LocalTree, tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()
    assert upload_local(tree, tmp_path / "output", "s3://out/run") == Transfer(0, 0)


def test_outputs_can_go_to_a_plain_folder(tree: LocalTree, tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()
    (tmp_path / "output/a").write_bytes(b"x")
    upload_local(tree, tmp_path / "output", "results/run")
    assert names(tmp_path / "results") == {"run/a"}
