"""S3 as Spark itself sees it: each bucket's folder of the local tree, mounted at ``s3://bucket``.

Hadoop 3.3.1 and newer can mount a file system under another one's scheme. With that the URIs that a
program has, in its code and in its arguments, are read and written as on a cluster, and no checksum
files, which would be objects, come beside what is written. An older Hadoop is given paths instead.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from engine.errors import StorageError
from engine.storage.tree import LocalTree

_SCHEMES = ("s3", "s3a", "s3n")
_LITERAL = re.compile(r"s3[an]?://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(/[\w!.*'()/=-]*)?")
_NODE = re.compile(r"hdfs://([\w.-]+)")
_NO_NODE = "default"
"""What Hadoop looks up for a URI that names none, as ``hdfs:///path``."""
_LARGEST_PROGRAM = 1 << 20
_JARS = ("../jars", "../lib/python*/site-packages/pyspark/jars")
_API = re.compile(r"hadoop-client-api-(\d+)\.(\d+)\.(\d+)")
_MOUNTS = (3, 3, 1)
"""The first Hadoop whose mounts fall back to a folder for everything below a bucket."""
_RAW = "org.apache.hadoop.fs.RawLocalFileSystem"
_OVERLOADED = "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme"
_TREE = "pipetui-tree"
"""A scheme of our own for files without checksums; ``file`` has to keep Hadoop's."""


def can_mount(program: str) -> bool:
    """Whether the Hadoop of a ``spark-submit`` can mount buckets; not where none is found."""
    folder = Path(os.path.realpath(program)).parent
    found = (_API.match(jar.name) for place in _JARS for jar in folder.glob(f"{place}/hadoop-*"))
    versions = [tuple(map(int, one.groups())) for one in found if one]
    return bool(versions) and min(versions) >= _MOUNTS


def mounted(tree: LocalTree, texts: Sequence[str], hdfs: Path | None = None) -> dict[str, str]:
    """Spark's settings for S3: every bucket there is, and those that the texts name.

    Args:
        tree: where the objects lie; what the texts name is there at its path afterwards.
        texts: arguments, and the program where it can be read.
        hdfs: the folder that stands for HDFS, whatever node a URI names; None for none.
    """
    buckets = {name for name, _ in tree.buckets()}
    for text in texts:
        for found in _LITERAL.finditer(text):
            buckets.add(found[1])
            if found[2] and found[2] != "/":
                with suppress(StorageError):
                    tree.path_of(f"s3://{found[1]}{found[2].rstrip('/')}")
    settings = {f"spark.hadoop.fs.{_TREE}.impl": _RAW}
    for scheme in (*_SCHEMES, *(["hdfs"] if hdfs else [])):
        settings[f"spark.hadoop.fs.{scheme}.impl"] = _OVERLOADED
        settings[f"spark.hadoop.fs.viewfs.overload.scheme.target.{scheme}.impl"] = _RAW
    for bucket in sorted(buckets):
        # Hadoop would read the settings of ``a.b`` as wrong ones of a bucket ``a``.
        if not any(bucket.startswith(f"{other}.") for other in buckets):
            settings |= _mount(bucket, tree.root / bucket)
    if hdfs:
        nodes = {node[1] for text in texts for node in _NODE.finditer(text)}
        for node in (_NO_NODE, *sorted(nodes)):
            settings |= _mount(node, hdfs)
    return settings


def _mount(name: str, folder: Path) -> dict[str, str]:
    place = f"{_TREE}://{quote(os.fspath(folder))}"
    return {f"spark.hadoop.fs.viewfs.mounttable.{name}.linkFallback": place}


def program_text(path: str) -> str:
    """The text of a program, to look for buckets in; empty where it is none or too large."""
    try:
        if os.path.getsize(path) > _LARGEST_PROGRAM:
            return ""
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
