"""Packing a folder as ``tar.gz``, and unpacking tar and zip files that nobody vouches for."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import posixpath
import secrets
import shutil
import stat as modes
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, cast

from engine.errors import StorageError
from engine.storage import files
from engine.storage.base import reporting
from engine.storage.transfer import Transfer

LIMIT_BYTES = 64 << 30
LIMIT_MEMBERS = 200_000
# Level 1 packs model weights within a few percent of level 9, five to ten times faster.
_LEVEL = 1
_HEADER_BYTES = 1 << 20
_NAME_BYTES = 1024
_DIRECTORY_BYTES_PER_MEMBER = 256
_OPENERS: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    struct.error,
    NotImplementedError,
    ValueError,
    RecursionError,
    gzip.BadGzipFile,
)

Kind = Literal["file", "folder", "link", "hardlink", "other"]


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an archive: name, kind, size in bytes, target of a link, executable or not."""

    name: str
    kind: Kind
    size: int
    target: str = ""
    executable: bool = False


def pack(folder: Path, target: Path) -> Transfer:
    """Pack a folder's content as a ``tar.gz`` that depends on names and content alone.

    Members are sorted; times are 0, owners root, modes 0644 or 0755. A link is kept where it points
    into the folder; links out of it and special files are skipped and named in the result.
    """
    root = os.path.realpath(folder)
    partial = f"{target}.{secrets.token_hex(6)}.part"
    count = size = 0
    skipped = []
    with reporting(str(target)):
        try:
            with (
                open(files.create(partial), "wb") as raw,
                gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) as packed,
                tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
            ):
                for name, entry in files.walk(root, folders=True):
                    info = _header(root, name, entry)
                    if info is None:
                        skipped.append(name)
                    elif info.isreg():
                        with open(entry.path, "rb") as content:
                            info.size = os.fstat(content.fileno()).st_size
                            tar.addfile(info, content)
                        count, size = count + 1, size + info.size
                    else:
                        tar.addfile(info)
            os.replace(partial, target)
        finally:
            Path(partial).unlink(missing_ok=True)
    return Transfer(count, size, tuple(skipped))


def unpack(
    archive: Path,
    into: Path,
    *,
    limit_bytes: int = LIMIT_BYTES,
    limit_members: int = LIMIT_MEMBERS,
) -> Transfer:
    """Unpack a tar (plain, gzip, bzip2, xz) or zip file into a new or empty folder: all or nothing.

    Raises:
        StorageError: ``archive-unsafe`` (a name or link that leads out, a device, a sparse file),
            ``archive-too-large``, ``archive-invalid``, ``target-not-empty``; no file is left then.
    """
    with reporting(str(into)):
        files.make_folders(os.path.dirname(os.path.abspath(into)))
        if os.path.lexists(into) and (
            into.is_symlink() or not into.is_dir() or any(into.iterdir())
        ):
            raise StorageError(
                f"{into} is not an empty folder.",
                code="target-not-empty",
                hint="Unpack into a new folder.",
            )
        staging = into.with_name(f".{into.name[:200]}.{secrets.token_hex(6)}.part")
        staging.mkdir(0o700)
        try:
            done = _Unpacking(archive, staging, limit_bytes).run(limit_members)
            os.replace(staging, into)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return done


class _Unpacking:
    """One archive on its way into a private folder."""

    def __init__(self, archive: Path, staging: Path, limit_bytes: int) -> None:
        self._archive = archive.name
        self._path = archive
        self._root = os.path.realpath(staging)
        self._left = limit_bytes
        self._links: set[str] = set()
        self._files = 0
        self._bytes = 0

    def run(self, limit_members: int) -> Transfer:
        with members(self._path, limit_members) as found:
            for member, content in found:
                self._place(member, content)
        for link in self._links:
            self._check_link(link)
        return Transfer(self._files, self._bytes)

    def _place(self, member: Member, content: IO[bytes] | None) -> None:
        name = self._inside(member.name, member.name)
        if not name:
            return
        path = os.path.join(self._root, name)
        try:
            files.make_folders(path if member.kind == "folder" else os.path.dirname(path))
            if member.kind != "folder" and os.path.lexists(path):
                os.unlink(path)
                self._links.discard(name)
        except (NotADirectoryError, IsADirectoryError) as error:
            raise self._unsafe(member.name, "is both a file and a folder") from error
        match member.kind:
            case "file" if content is not None:
                self._write(member, path, content)
            case "link":
                folder = posixpath.dirname(name)
                self._inside(member.target and posixpath.join(folder, member.target), member.name)
                os.symlink(member.target, path)
                self._links.add(name)
            case "hardlink":
                original = os.path.join(self._root, self._inside(member.target, member.name))
                if not os.path.isfile(original) or os.path.islink(original):
                    raise self._unsafe(member.name, "is a link to what is not in the archive")
                os.link(original, path)
                self._files += 1
            case "folder":
                pass
            case _:
                raise self._unsafe(member.name, "is a device, a pipe or a sparse file")

    def _write(self, member: Member, path: str, content: IO[bytes]) -> None:
        if member.size > self._left:
            raise self._too_large(member.name)
        writer = files.create(path)
        try:
            while chunk := content.read(files.CHUNK):
                self._left -= len(chunk)
                if self._left < 0:
                    raise self._too_large(member.name)
                files.write_all(writer, chunk)
                self._bytes += len(chunk)
            if member.executable:
                os.fchmod(writer, 0o700)
        finally:
            os.close(writer)
        self._files += 1

    def _inside(self, path: str, member: str) -> str:
        """The normal form of a relative path that stays inside and passes through no link."""
        if not path or path.startswith("/") or "\0" in path or len(os.fsencode(path)) > _NAME_BYTES:
            raise self._unsafe(member, "leads out of the folder, or has too long a name")
        name = posixpath.normpath(path)
        if name == ".." or name.startswith("../"):
            raise self._unsafe(member, "leads out of the folder")
        parents = name.split("/")[:-1]
        if any("/".join(parents[: n + 1]) in self._links for n in range(len(parents))):
            raise self._unsafe(member, "lies behind a link")
        return "" if name == "." else name

    def _check_link(self, link: str) -> None:
        try:
            real = os.path.realpath(os.path.join(self._root, link), strict=True)
        except OSError as error:
            raise self._unsafe(link, "is a link that points nowhere") from error
        if os.path.commonpath([real, self._root]) != self._root:
            raise self._unsafe(link, "is a link that leads out of the folder")

    def _unsafe(self, member: str, reason: str) -> StorageError:
        return StorageError(
            f"{self._archive}: the member {member[:200]!r} {reason}.",
            code="archive-unsafe",
            hint="Nothing was unpacked. Pack the archive again from a plain folder.",
        )

    def _too_large(self, member: str) -> StorageError:
        return StorageError(
            f"{self._archive}: the member {member[:200]!r} exceeds the size limit.",
            code="archive-too-large",
            hint="Nothing was unpacked. Raise the limit if you trust the archive.",
        )


@contextmanager
def members(
    archive: Path, limit_members: int = LIMIT_MEMBERS, limit_read: int | None = None
) -> Iterator[Iterator[tuple[Member, IO[bytes] | None]]]:
    """The members of a tar or zip file in their order, each with a reader if it is a file.

    A reader is good until the next member is asked for.

    Args:
        archive: the file; what it is is told by its content.
        limit_members: more members raise ``archive-too-large``.
        limit_read: so does reading more unpacked bytes of a tar file than this, skipped ones too.
    """
    with ExitStack() as stack:
        try:
            with reporting(str(archive)):
                raw = stack.enter_context(open(archive, "rb"))
            if raw.read(4) in (b"PK\x03\x04", b"PK\x05\x06"):
                _check_zip_directory(raw, archive, limit_members)
                package = stack.enter_context(zipfile.ZipFile(raw))
                found = _zip_members(package)
            else:
                plain = stack.enter_context(_decompressed(raw))
                window = cast(IO[bytes], _Window(plain, limit_read))
                tar = stack.enter_context(tarfile.open(fileobj=window, mode="r:"))
                found = _tar_members(tar)
            yield _counted(found, archive, limit_members)
        except (*_DAMAGED, OSError) as error:
            # The decompressors' own complaints carry no error number.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise StorageError(
                f"{archive.name} is not a complete tar or zip file: {error}",
                code="archive-invalid",
                hint="Pack it again, or check that the upload was complete.",
            ) from error


def _counted(
    found: Iterator[tuple[Member, IO[bytes] | None]], archive: Path, limit: int
) -> Iterator[tuple[Member, IO[bytes] | None]]:
    for number, item in enumerate(found):
        if number == limit:
            raise _too_many(archive, limit)
        yield item


def _too_many(archive: Path, limit: int) -> StorageError:
    return StorageError(
        f"{archive.name} has more than {limit} members.",
        code="archive-too-large",
        hint="Raise the limit if you trust the archive.",
    )


def _tar_members(tar: tarfile.TarFile) -> Iterator[tuple[Member, IO[bytes] | None]]:
    for info in tar:
        if info.size < 0:
            raise tarfile.ReadError("a member in it has a negative size")
        kind: Kind = "other"
        if info.isreg() and not info.issparse():
            kind = "file"
        elif info.isdir():
            kind = "folder"
        elif info.issym():
            kind = "link"
        elif info.islnk():
            kind = "hardlink"
        member = Member(info.name, kind, info.size, info.linkname, bool(info.mode & 0o111))
        yield member, tar.extractfile(info) if kind == "file" else None
        # The list of members that tarfile keeps would grow with the archive.
        tar.members.clear()  # type: ignore[attr-defined]


def _zip_members(package: zipfile.ZipFile) -> Iterator[tuple[Member, IO[bytes] | None]]:
    for info in package.infolist():
        mode = info.external_attr >> 16
        kind: Kind = "folder" if info.is_dir() else "file"
        if modes.S_IFMT(mode) not in (0, modes.S_IFREG, modes.S_IFDIR) or info.flag_bits & 1:
            kind = "other"
        member = Member(info.filename, kind, info.file_size, executable=bool(mode & 0o111))
        if kind == "file":
            with package.open(info) as content:
                yield member, content
        else:
            yield member, None


def _check_zip_directory(raw: IO[bytes], archive: Path, limit: int) -> None:
    """Refuse a directory of members that would not fit in memory, before it is read."""
    raw.seek(max(0, raw.seek(0, os.SEEK_END) - 65_557))
    tail = raw.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0:
        raise zipfile.BadZipFile("it has no end record")
    count, size = struct.unpack_from("<HI", tail, at + 10)
    if (count != 0xFFFF and count > limit) or size > max(limit, 256) * _DIRECTORY_BYTES_PER_MEMBER:
        raise _too_many(archive, limit)
    raw.seek(0)


def _decompressed(raw: IO[bytes]) -> IO[bytes]:
    raw.seek(0)
    head = raw.read(6)
    raw.seek(0)
    for magic, opener in _OPENERS.items():
        if head.startswith(magic):
            return cast(IO[bytes], opener(raw, "rb"))
    return raw


class _Window(io.RawIOBase):
    """A reader for tarfile that refuses huge headers and, where asked, to go on for ever.

    tarfile reads file content in small pieces but an extended header in one: a header of gigabytes,
    which packs into kilobytes, would be taken into memory whole.
    """

    def __init__(self, plain: IO[bytes], limit: int | None) -> None:
        self._plain = plain
        self._limit = limit

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _HEADER_BYTES:
            raise tarfile.ReadError("a header in it is too large")
        self._check(self._plain.tell() + size)
        return self._plain.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_SET:
            self._check(offset)
        return self._plain.seek(offset, whence)

    def tell(self) -> int:
        return self._plain.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def _check(self, position: int) -> None:
        if self._limit is not None and position > self._limit:
            raise StorageError(
                "The archive is longer than what may be read of it.",
                code="archive-too-large",
                hint="Unpack it to see the rest.",
            )


def _header(root: str, name: str, entry: files.Entry) -> tarfile.TarInfo | None:
    info = tarfile.TarInfo(name.rstrip("/"))
    info.mode = 0o755
    if entry.is_symlink():
        info.type = tarfile.SYMTYPE
        info.linkname = os.readlink(entry.path)
        return info if _stays_inside(root, entry.path, info.linkname) else None
    if entry.is_dir(follow_symlinks=False):
        info.type = tarfile.DIRTYPE
        return info
    if not entry.is_file(follow_symlinks=False):
        return None
    if not entry.stat(follow_symlinks=False).st_mode & 0o100:
        info.mode = 0o644
    return info


def _stays_inside(root: str, link: str, target: str) -> bool:
    """Whether a link is one that `unpack` takes: to something in the root, behind no other link."""
    end = posixpath.normpath(posixpath.join(posixpath.dirname(link), target))
    behind_link = os.path.realpath(os.path.dirname(end)) != os.path.dirname(end)
    real = os.path.realpath(link)
    inside = all(path == root or path.startswith(f"{root}/") for path in (end, real))
    return inside and not target.startswith("/") and not behind_link and os.path.exists(link)
