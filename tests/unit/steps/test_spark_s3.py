"""Buckets as Spark sees them: which Hadoop can mount them, and what it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.steps.spark_s3 import can_mount, mounted, program_text
from engine.storage.overlay import lay_over, open_tree
from engine.storage.tree import LocalTree

MOUNT = "spark.hadoop.fs.viewfs.mounttable.{}.linkFallback"


def spark(folder: Path, place: str, *jars: str) -> str:
    """A spark-submit with these jars at a place beside it."""
    program = folder / "spark" / "bin" / "spark-submit"
    program.parent.mkdir(parents=True)
    program.touch()
    where = program.parent / place
    where.mkdir(parents=True)
    for jar in jars:
        (where / jar).touch()
    return str(program)


@pytest.mark.parametrize("place", ["../jars", "../lib/python3.11/site-packages/pyspark/jars"])
@pytest.mark.parametrize(
    ("jars", "can"),
    [
        (["hadoop-client-api-3.3.4.jar", "hadoop-client-runtime-3.3.4.jar"], True),
        (["hadoop-client-api-3.3.1.jar"], True),
        (["hadoop-client-api-3.2.0.jar"], False),
        (["hadoop-common-2.7.4.jar"], False),
        ([], False),
    ],
)
def test_buckets_are_mounted_where_hadoop_is_new_enough(
    tmp_path: Path, place: str, jars: list[str], can: bool
) -> None:
    assert can_mount(spark(tmp_path, place, *jars)) is can


def test_a_spark_is_found_behind_a_link(tmp_path: Path) -> None:
    link = tmp_path / "spark-submit"
    link.symlink_to(spark(tmp_path, "../jars", "hadoop-client-api-3.3.6.jar"))
    assert can_mount(str(link))


def test_every_bucket_there_is_and_that_is_named_has_its_folder(tmp_path: Path) -> None:
    (tmp_path / "s 3" / "there").mkdir(parents=True)
    tree = LocalTree(tmp_path / "s 3")
    found = mounted(tree, ["--out=s3a://to-come/x,s3n://other", "spark.read.csv('s3://read/in/')"])
    mounts = {key for key in found if "mounttable" in key}
    assert mounts == {MOUNT.format(name) for name in ("there", "to-come", "other", "read")}
    place = str(tree.root / "there").replace(" ", "%20")
    assert found[MOUNT.format("there")] == f"pipetui-tree://{place}"


def test_a_bucket_whose_settings_would_be_anothers_is_left_out(tmp_path: Path) -> None:
    found = mounted(LocalTree(tmp_path), ["s3://logs/x s3://logs.archive/x s3://a.b/x"])
    assert [key for key in found if "mounttable" in key] == list(map(MOUNT.format, ("a.b", "logs")))


def test_what_a_program_names_is_in_a_replays_own_tree(tmp_path: Path) -> None:
    below = tmp_path / "below" / "bucket" / "in"
    below.mkdir(parents=True)
    (below / "rows.csv").write_text("1")
    lay_over(tmp_path / "below", tmp_path / "over")
    tree = open_tree(tmp_path / "over")
    mounted(tree, ['spark.read.csv("s3://bucket/in/")', "s3://not-there/x"])
    assert (tree.root / "bucket" / "in" / "rows.csv").read_text() == "1"


def test_a_program_that_is_no_text_names_nothing(tmp_path: Path) -> None:
    (tmp_path / "app.jar").write_bytes(b"\xff\xfe")
    assert program_text(str(tmp_path / "app.jar")) == ""
    assert program_text(str(tmp_path / "none.py")) == ""


def test_hdfs_is_a_folder_by_whatever_node_a_uri_names(tmp_path: Path) -> None:
    folder = tmp_path / "hdfs"
    found = mounted(LocalTree(tmp_path / "s3"), ["--in=hdfs://node-1:8020/x", "hdfs:///y"], folder)
    table = "spark.hadoop.fs.viewfs.mounttable"
    for node in ("default", "node-1"):
        assert found[f"{table}.{node}.linkFallback"] == f"pipetui-tree://{folder}"
    assert found["spark.hadoop.fs.hdfs.impl"].endswith("ViewFileSystemOverloadScheme")
    assert not [key for key in mounted(LocalTree(tmp_path / "s3"), ["hdfs://n/x"]) if "hdfs" in key]
