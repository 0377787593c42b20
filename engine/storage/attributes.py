"""What S3 keeps beside an object's bytes, in an extended attribute of its file.

The attribute is set before the file is renamed into place, so that content and attributes change
together, and never shows up in a listing. It counts only while the file's size and time are those
it was written with: an edited file falls back to the attributes of a plain file, whose ETag is made
from size, time and inode (and ends in ``-1``, so that nobody takes it for an MD5). On a file system
without extended attributes every file is a plain one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

_NAME = "user.pipetui"


@dataclass(frozen=True, slots=True)
class Attributes:
    """An object's ETag (without quotes) and the headers it was stored with, lower-case names."""

    etag: str
    headers: Mapping[str, str] = field(default_factory=dict)


def read(path: str | int, status: os.stat_result) -> Attributes:
    """The attributes of a file (path or descriptor) whose status was just taken."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        kept = json.loads(os.getxattr(path, _NAME))
        headers = kept["headers"]
        texts = [kept["etag"], *headers, *headers.values()]
        if kept["stamp"] == _stamp(status) and all(map(_is_header_text, texts)):
            return Attributes(kept["etag"], headers)
    stamp = ":".join(map(str, (*_stamp(status), status.st_ino)))
    return Attributes(hashlib.md5(stamp.encode(), usedforsecurity=False).hexdigest() + "-1")


def write(path: str, attributes: Attributes) -> None:
    """Keep attributes with a file that is complete; a file system that cannot is no error."""
    kept = {
        "stamp": _stamp(os.lstat(path)),
        "etag": attributes.etag,
        "headers": dict(attributes.headers),
    }
    with suppress(OSError):
        os.setxattr(path, _NAME, json.dumps(kept).encode())


def _stamp(status: os.stat_result) -> list[int]:
    return [status.st_size, status.st_mtime_ns]


def _is_header_text(text: object) -> bool:
    return isinstance(text, str) and text.isprintable()
