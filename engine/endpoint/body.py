"""Request bodies: plain ones and ``aws-chunked`` ones, on to disk, with their checksums checked.

Format of aws-chunked: ``<hex size>[;chunk-signature=...]\\r\\n<bytes>\\r\\n`` repeated, a chunk of
size 0 without bytes, then trailers as ``name:value`` lines up to an empty line.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from engine.endpoint.faults import AwsFault
from engine.storage import files

_PIECE = 256 * 1024
_XML_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Saved:
    """A stored body: its MD5 in hex and its size in bytes."""

    md5: str
    size: int


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


# Checksums that the standard library cannot compute (CRC32C, CRC64NVME) are not checked.
_CHECKSUMS: dict[str, Callable[[], Any]] = {
    "x-amz-checksum-crc32": _Crc32,
    "x-amz-checksum-sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "x-amz-checksum-sha256": hashlib.sha256,
}


@dataclass(slots=True)
class _Chunked:
    """An aws-chunked body being read; the trailers are there once it has ended."""

    request: web.BaseRequest
    trailers: dict[str, str] = field(default_factory=dict)

    async def pieces(self) -> AsyncIterator[bytes]:
        content = self.request.content
        while left := await self._size():
            while left:
                piece = await content.read(min(left, _PIECE))
                if not piece:
                    raise _incomplete()
                left -= len(piece)
                yield piece
            if await self._line():
                raise _incomplete()
        while line := await self._line():
            name, _, value = line.partition(":")
            self.trailers[name.strip().lower()] = value.strip()

    async def _size(self) -> int:
        digits = (await self._line()).partition(";")[0]
        try:
            return int(digits, 16)
        except ValueError:
            raise _incomplete() from None

    async def _line(self) -> str:
        line = await self.request.content.readline()
        return line.decode("latin-1").rstrip("\r\n")


def is_chunked(headers: Mapping[str, str]) -> bool:
    """Whether a body is in the aws-chunked format."""
    signed = headers.get("x-amz-content-sha256", "")
    return signed.startswith("STREAMING-") or "aws-chunked" in headers.get("Content-Encoding", "")


async def save(request: web.BaseRequest, path: str) -> Saved:
    """Write a request's body into a new file.

    Raises:
        AwsFault: ``IncompleteBody`` or ``BadDigest``.
    """
    headers = request.headers
    chunked = _Chunked(request) if is_chunked(headers) else None
    announced = f"{headers.get('x-amz-trailer', '')},{','.join(headers)}".lower()
    sums = {name: make() for name, make in _CHECKSUMS.items() if name in announced}
    md5 = hashlib.md5(usedforsecurity=False)
    size = 0
    pieces = chunked.pieces() if chunked else request.content.iter_chunked(_PIECE)
    writer = files.create(path)
    try:
        async for piece in pieces:
            md5.update(piece)
            for checksum in sums.values():
                checksum.update(piece)
            files.write_all(writer, piece)
            size += len(piece)
    finally:
        os.close(writer)
    length = headers.get("x-amz-decoded-content-length" if chunked else "Content-Length")
    if length is not None and length != str(size):
        raise _incomplete()
    sent = {**headers, **(chunked.trailers if chunked else {})}
    claims = {name.lower(): value for name, value in sent.items()}
    for name, checksum in {**sums, "content-md5": md5}.items():
        if name in claims and claims[name] != base64.b64encode(checksum.digest()).decode():
            raise AwsFault("BadDigest", f"The body does not fit its {name}.")
    return Saved(md5.hexdigest(), size)


async def read_document(request: web.BaseRequest) -> bytes:
    """The whole of a small body (XML or a form)."""
    pieces = []
    left = _XML_BYTES
    chunks = _Chunked(request).pieces() if is_chunked(request.headers) else None
    async for piece in chunks or request.content.iter_chunked(_PIECE):
        left -= len(piece)
        if left < 0:
            raise AwsFault("MalformedXML", "The document is too large.")
        pieces.append(piece)
    return b"".join(pieces)


def json_object(data: bytes) -> dict[str, Any]:
    """The JSON object that a request is; an empty one for no body. Errors: ``AwsFault``."""
    try:
        given = json.loads(data or b"{}")
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise AwsFault("SerializationException", "The body is not a JSON object.")
    return given


def _incomplete() -> AwsFault:
    return AwsFault("IncompleteBody", "The body is shorter or longer than announced.")
