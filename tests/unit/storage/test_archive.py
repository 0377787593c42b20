from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import StorageError
from engine.storage.archive import members, pack, unpack


def tar_of(path: Path, *members: tarfile.TarInfo, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size) if member.isreg() else None)
    return path


def member(
    name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 1
) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    info.size = size if kind == tarfile.REGTYPE else 0
    return info


def link(name: str, target: str) -> tarfile.TarInfo:
    return member(name, tarfile.SYMTYPE, target)


def zip_of(path: Path, entries: dict[str, bytes], mode: int = 0o100644) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in entries.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            package.writestr(info, content, zipfile.ZIP_DEFLATED)
    return path


def refused(archive: Path, **limits: int) -> str:
    """The code that unpacking is refused with; nothing may be left of it."""
    before = {path for path in archive.parent.rglob("*")}
    with pytest.raises(StorageError) as raised:
        unpack(archive, archive.parent / "deep/into", **limits)
    assert {path for path in archive.parent.rglob("*")} - before <= {archive.parent / "deep"}
    return raised.value.code


def tree_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_packed_folder_comes_back_whole(tmp_path: Path) -> None:
    source = tmp_path / "model"
    (source / "code/empty").mkdir(parents=True)
    (source / "model.bin").write_bytes(os.urandom(3_000_000))
    (source / "code/run.sh").write_bytes(b"#!/bin/sh\n")
    (source / "code/run.sh").chmod(0o755)
    (source / "latest").symlink_to("code/run.sh")
    (source / "outside").symlink_to("/etc/hostname")
    (source / "folder").symlink_to("code")
    (source / "behind").symlink_to("folder/run.sh")
    (source / "nowhere").symlink_to("missing")
    packed = pack(source, tmp_path / "model.tar.gz")
    unpack(tmp_path / "model.tar.gz", tmp_path / "out")
    assert packed.files == 2
    assert packed.skipped == ("behind", "nowhere", "outside")
    assert tree_of(tmp_path / "out") == {
        name: content for name, content in tree_of(source).items() if name not in packed.skipped
    }
    assert (tmp_path / "out/code/empty").is_dir()
    assert os.access(tmp_path / "out/code/run.sh", os.X_OK)
    assert not os.access(tmp_path / "out/model.bin", os.X_OK)
    assert os.readlink(tmp_path / "out/latest") == "code/run.sh"


def test_packing_depends_on_names_and_content_alone(tmp_path: Path) -> None:
    digests = set()
    for turn, order in enumerate((["a", "b"], ["b", "a"])):
        folder = tmp_path / f"{turn}"
        folder.mkdir()
        for name in order:
            (folder / name).write_bytes(name.encode())
            os.utime(folder / name, (turn * 1000, turn * 1000))
        pack(folder, tmp_path / f"{turn}.tar.gz")
        digests.add(hashlib.sha256((tmp_path / f"{turn}.tar.gz").read_bytes()).hexdigest())
    assert len(digests) == 1


@pytest.mark.parametrize(
    "members",
    [
        [member("../x")],
        [member("a/../../x")],
        [member("/tmp/x")],
        [link("a", "/etc"), member("a/x")],
        [link("a", "..")],
        [link("a/b", "../..")],
        [link("a", "b"), member("a/x")],
        [link("a", ".."), member("b")],
        [link("nowhere", "missing")],
        [member("d/f"), link("d/up", ".."), link("out", "d/up/..")],
        [member("d/f"), link("out", "d/up/.."), link("d/up", "..")],
        [link("loop", "loop")],
        [member("hard", tarfile.LNKTYPE, "../../etc/passwd")],
        [member("hard", tarfile.LNKTYPE, "/etc/passwd")],
        [member("hard", tarfile.LNKTYPE, "missing")],
        [member("f"), link("s", "f"), member("hard", tarfile.LNKTYPE, "s")],
        [member("device", tarfile.CHRTYPE)],
        [member("device", tarfile.BLKTYPE)],
        [member("pipe", tarfile.FIFOTYPE)],
        [member("f"), member("f/x")],
        [member("d/x"), member("d")],
        [member("n" * 2000)],
    ],
    ids=lambda members: " ".join(f"{m.name[:20]}:{m.linkname}" for m in members),
)
@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_member_that_leads_out_refuses_the_whole_archive(
    tmp_path: Path, members: list[tarfile.TarInfo], mode: str
) -> None:
    archive = tar_of(tmp_path / "bad.tar", member("good"), *members, mode=mode)
    assert refused(archive) == "archive-unsafe"


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as raised:
        unpack(tmp_path / "none.tar.gz", tmp_path / "out")
    assert raised.value.code == "object-not-found"
    assert "none.tar.gz" in raised.value.message


def test_links_inside_are_kept(tmp_path: Path) -> None:
    archive = tar_of(
        tmp_path / "a.tar.gz",
        member("lib/x.1"),
        link("lib/x", "x.1"),
        link("current", "lib"),
        member("hard", tarfile.LNKTYPE, "lib/x.1"),
    )
    unpack(archive, tmp_path / "out")
    assert tree_of(tmp_path / "out") == {"lib/x.1": b"x", "lib/x": b"x", "hard": b"x"}
    assert os.readlink(tmp_path / "out/current") == "lib"


def test_a_later_member_replaces_an_earlier_one_but_never_through_a_link(tmp_path: Path) -> None:
    archive = tar_of(tmp_path / "a.tar", member("f"), link("s", "f"), member("s", size=3), mode="w")
    unpack(archive, tmp_path / "out")
    assert tree_of(tmp_path / "out") == {"f": b"x", "s": b"xxx"}


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "a\\..\\..\\x"])
def test_a_zip_member_never_lands_outside(tmp_path: Path, name: str) -> None:
    archive = zip_of(tmp_path / "a.zip", {"good": b"x", name: b"x"})
    if "\\" in name:
        unpack(archive, tmp_path / "out")
        assert set(tree_of(tmp_path / "out")) == {"good", name}
    else:
        assert refused(archive) == "archive-unsafe"


@pytest.mark.parametrize("mode", [0o120777, 0o020666, 0o010644])
def test_a_zip_link_or_device_is_refused(tmp_path: Path, mode: int) -> None:
    assert refused(zip_of(tmp_path / "a.zip", {"x": b"/etc/passwd"}, mode)) == "archive-unsafe"


def test_a_sparse_file_is_refused(tmp_path: Path) -> None:
    info = member("sparse", size=0)
    info.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "sparse",
        "GNU.sparse.realsize": str(1 << 40),
    }
    info.size = 512
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(info, io.BytesIO(b"1\n0\n1\n".ljust(512, b"\0")))
    assert refused(tmp_path / "a.tar") == "archive-unsafe"


def test_unpacking_stops_at_the_byte_limit(tmp_path: Path) -> None:
    bomb = tar_of(tmp_path / "a.tar.gz", member("zeros", size=5_000_000))
    assert refused(bomb, limit_bytes=1_000_000) == "archive-too-large"
    many = tar_of(tmp_path / "b.tar.gz", *(member(f"{n}", size=600_000) for n in range(2)))
    assert refused(many, limit_bytes=1_000_000) == "archive-too-large"
    packed = zip_of(tmp_path / "a.zip", {"zeros": bytes(5_000_000)})
    assert refused(packed, limit_bytes=1_000_000) == "archive-too-large"


def test_unpacking_stops_at_the_member_limit(tmp_path: Path) -> None:
    entries = [member(f"{n}") for n in range(30)]
    assert refused(tar_of(tmp_path / "a.tar.gz", *entries), limit_members=29) == "archive-too-large"
    zipped = zip_of(tmp_path / "a.zip", {f"{n}": b"" for n in range(30)})
    assert refused(zipped, limit_members=29) == "archive-too-large"
    assert unpack(tmp_path / "a.zip", tmp_path / "out", limit_members=30).files == 30


def test_a_huge_header_is_refused_before_it_is_read(tmp_path: Path) -> None:
    header = tarfile.TarInfo("././@PaxHeader")
    header.type = tarfile.XHDTYPE
    header.size = 1 << 40
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(header.tobuf() + bytes(4096)))
    assert refused(tmp_path / "a.tar.gz") == "archive-invalid"


def test_a_long_chain_of_headers_is_refused(tmp_path: Path) -> None:
    header = tarfile.TarInfo("././@PaxHeader")
    header.type = tarfile.XHDTYPE
    header.size = 0
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(header.tobuf() * 20_000))
    assert refused(tmp_path / "a.tar.gz") == "archive-invalid"


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"plain text",
        lambda data: data[: len(data) // 2],
        lambda data: b"PK\x03\x04" + data,
        lambda data: b"BZh9" + data,
        lambda data: b"\xfd7zXZ\0" + data,
    ],
)
def test_a_damaged_archive_is_refused(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    good = tar_of(tmp_path / "good.tar.gz", member("a", size=100_000), member("b"))
    (tmp_path / "bad").write_bytes(damage(good.read_bytes()))
    assert refused(tmp_path / "bad") == "archive-invalid"


def test_an_existing_folder_must_be_empty(tmp_path: Path) -> None:
    archive = tar_of(tmp_path / "a.tar.gz", member("a"))
    (tmp_path / "empty").mkdir()
    unpack(archive, tmp_path / "empty")
    with pytest.raises(StorageError) as raised:
        unpack(archive, tmp_path / "empty")
    assert raised.value.code == "target-not-empty"


NAMES = st.lists(st.sampled_from(["a", "b", "..", ".", "", "c"]), min_size=1, max_size=5).map(
    "/".join
)
MEMBERS = st.one_of(
    st.builds(member, NAMES),
    st.builds(member, NAMES, st.just(tarfile.DIRTYPE)),
    st.builds(link, NAMES, NAMES),
    st.builds(member, NAMES, st.just(tarfile.LNKTYPE), NAMES),
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(members=st.lists(MEMBERS, max_size=8))
def test_whatever_the_members_nothing_appears_outside_the_folder(
    tmp_path_factory: pytest.TempPathFactory, members: list[tarfile.TarInfo]
) -> None:
    top = tmp_path_factory.mktemp("fuzz")
    archive = tar_of(top / "a.tar", *members, mode="w")
    into = top / "x/y/into"
    try:
        unpack(archive, into)
    except StorageError as error:
        assert error.code in ("archive-unsafe", "archive-invalid")
        assert not into.exists()
    inside = os.path.realpath(into)
    for path in top.rglob("*"):
        assert path in (archive, top / "x", top / "x/y", into) or into in path.parents
        assert not path.is_symlink() or os.path.realpath(path).startswith(inside)


def test_a_reader_of_pieces_is_given(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "a.zip", {"a": b"one", "b": b"two"})
    read: list[tuple[str, bytes]] = []
    with members(archive) as found:
        for entry, content in found:
            reader: IO[bytes] | None = content
            assert reader is not None
            read.append((entry.name, reader.read(2)))
    assert read == [("a", b"on"), ("b", b"tw")]
