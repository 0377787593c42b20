"""S3 URIs, file URIs and paths as one value, and how an S3 key is named on disk. Pure.

An S3 key may hold what a file path cannot: empty, ``.`` and ``..`` segments. On disk such a segment
has one ``%`` in front (``a//b`` lies at ``a/%/b``, ``../x`` at ``%../x``, the folder marker ``a/``
at ``a/%``), and so has a segment that starts with ``%`` itself. All other segments are stored as
they are. The mapping is one to one, so every key that is accepted comes back as it was written.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Literal

from engine.errors import StorageError

KEY_BYTES = 1024
SEGMENT_BYTES = 255
_ESCAPE = "%"
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_FORMS = "Write s3://bucket/key, file:///folder/file, or a path."


@dataclass(frozen=True, slots=True)
class Location:
    """A place in S3 (``bucket`` and ``key``) or on disk (``key`` is an absolute path)."""

    scheme: Literal["s3", "file"]
    bucket: str
    key: str

    @property
    def uri(self) -> str:
        """The location as text that `parse` reads back."""
        return f"s3://{self.bucket}/{self.key}" if self.scheme == "s3" else f"file://{self.key}"

    @property
    def name(self) -> str:
        """The last segment: a file's name; empty for a key that ends in a slash."""
        return self.key.rpartition("/")[2]

    def child(self, relative: str) -> Location:
        """The location of ``relative`` below this one taken as a folder."""
        key = self.key + "/" * bool(self.key and not self.key.endswith("/")) + relative
        if self.scheme == "s3":
            check_key(key)
        return Location(self.scheme, self.bucket, key)


def parse(text: str, base: str = "") -> Location:
    """Read an S3 URI, a file URI or a path.

    Args:
        text: ``s3://bucket/key``, ``file:///absolute``, ``file://relative`` or a path. As in the
            SageMaker SDK's local mode nothing in it is percent-decoded.
        base: absolute folder that relative paths start from (the definition file's).

    Raises:
        StorageError: ``uri-invalid``, ``uri-unsupported``, ``bucket-invalid``, ``key-invalid``,
            ``key-too-long`` or ``path-without-base``.
    """
    if not text or "\0" in text:
        raise StorageError(f"{text!r} is not a location.", code="uri-invalid", hint=_FORMS)
    scheme = _SCHEME.match(text)
    if scheme is None:
        return _file(text, base)
    rest = text[scheme.end() :]
    match scheme[1].lower():
        case "s3":
            bucket, _, key = rest.partition("/")
            return s3_location(bucket, key)
        case "file":
            return _file(
                rest.removeprefix("localhost") if rest.startswith("localhost/") else rest, base
            )
        case other:
            raise StorageError(
                f"{text!r} has the scheme {other!r}, which is neither s3 nor file.",
                code="uri-unsupported",
                hint=_FORMS,
            )


def s3_location(bucket: str, key: str) -> Location:
    """The location of a key (or key prefix, which may be empty) in a bucket; checks both."""
    if not _BUCKET.fullmatch(bucket):
        raise StorageError(
            f"{bucket!r} is not a bucket name.",
            code="bucket-invalid",
            hint="A bucket name has 2 to 63 letters, digits, dots, hyphens or underscores.",
        )
    check_key(key)
    return Location("s3", bucket, key)


def check_key(key: str) -> None:
    """Refuse a key that is over 1024 bytes (S3's limit) or no text (NUL, lone surrogate)."""
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        size = -1
    if size < 0 or "\0" in key:
        raise StorageError(
            f"The S3 key {key!r} is not valid UTF-8 text without NUL.",
            code="key-invalid",
            hint="Rename the file or the key.",
        )
    if size > KEY_BYTES:
        raise StorageError(
            f"The S3 key {key[:60]!r}... has {size} bytes; S3 allows {KEY_BYTES}.",
            code="key-too-long",
            hint="Use a shorter prefix or shorter names.",
        )


def path_of_key(key: str) -> str:
    """The relative file path that stores ``key``; never leaves the folder it is joined to."""
    return "/".join(file_name(segment) for segment in key.split("/"))


def file_name(segment: str) -> str:
    """The file name that stores one key segment.

    Raises:
        StorageError: ``key-segment-too-long`` where no file may have that name.
    """
    name = _ESCAPE + segment if segment in ("", ".", "..") or segment[0] == _ESCAPE else segment
    if len(name.encode()) > SEGMENT_BYTES:
        raise StorageError(
            f"The part {segment[:60]!r}... of an S3 key is longer than a file name may be "
            f"({SEGMENT_BYTES} bytes).",
            code="key-segment-too-long",
            hint="Shorten the names between the slashes.",
        )
    return name


def segment_of(name: str) -> str:
    """The key segment that a file name stores; the inverse of `file_name`."""
    return name[1:] if name.startswith(_ESCAPE) else name


def relative_path(suffix: str) -> str:
    """The part of a key after its prefix as a path inside a folder (empty and ``.`` parts dropped).

    Raises:
        StorageError: ``key-unsafe`` where the key would climb out of the folder.
    """
    parts = [part for part in suffix.split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in suffix:
        raise StorageError(
            f"The key part {suffix!r} climbs out of its folder.",
            code="key-unsafe",
            hint="Rename the object so that no part of its key is '..'.",
        )
    return "/".join(parts)


def _file(path: str, base: str) -> Location:
    if not path:
        raise StorageError("A file URI without a path.", code="uri-invalid", hint=_FORMS)
    if not path.startswith("/") and not base.startswith("/"):
        raise StorageError(
            f"The relative path {path!r} has no folder to start from.",
            code="path-without-base",
            hint="Give an absolute path: relative ones start from the definition file's folder.",
        )
    whole = posixpath.join(base, path)
    normal = "/" + posixpath.normpath(whole).lstrip("/")
    return Location("file", "", normal)
