"""Multipart uploads: parts wait in a staging folder until they are put together."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import secrets
from pathlib import Path

from aiohttp import web

from engine.endpoint import body, listing
from engine.endpoint.faults import S3_NAMESPACE, AwsFault, document, node, text
from engine.endpoint.s3 import S3Request, byte_range, copy_source, kept_headers, parse_xml, xml
from engine.storage import files
from engine.storage.attributes import Attributes
from engine.storage.tree import LocalTree

_UPLOAD_ID = re.compile(r"[0-9a-f]{24}")
_LAST_PART = 10_000
_TARGET = "target.json"


class Multipart:
    """The operations on uploads; a part is the file ``<number>.<md5>`` in the upload's folder."""

    def __init__(self, tree: LocalTree) -> None:
        self._tree = tree
        self.routes = {
            ("POST", "object", "uploads"): self.create,
            ("PUT", "object", "uploadId"): self.upload_part,
            ("GET", "object", "uploadId"): self.list_parts,
            ("POST", "object", "uploadId"): self.complete,
            ("DELETE", "object", "uploadId"): self.abort,
        }

    async def create(self, request: S3Request) -> web.StreamResponse:
        """CreateMultipartUpload."""
        location = request.location
        self._tree.path_of(location)
        folder = self._tree.staging_file()
        files.make_folders(folder)
        target = {"uri": location.uri, "headers": kept_headers(request.raw.headers)}
        files.write_file(f"{folder}/{_TARGET}", json.dumps(target).encode())
        content = _names(request, os.path.basename(folder))
        return xml(document("InitiateMultipartUploadResult", *content, namespace=S3_NAMESPACE))

    async def upload_part(self, request: S3Request) -> web.StreamResponse:
        """UploadPart, or UploadPartCopy where a source is named."""
        folder = self._folder(request)
        number = request.query.get("partNumber", "")
        if not number.isdecimal() or not 1 <= int(number[:9]) <= _LAST_PART:
            raise AwsFault("InvalidArgument", f"The part number is not 1 to {_LAST_PART}.")
        arriving = folder / f"arriving-{secrets.token_hex(8)}"
        try:
            source = request.raw.headers.get("x-amz-copy-source")
            if source is None:
                md5 = (await body.save(request.raw, str(arriving))).md5
            else:
                span = request.raw.headers.get("x-amz-copy-source-range", "")
                md5 = await asyncio.to_thread(self._copy_part, source, span, arriving)
            for older in folder.glob(f"{int(number):05d}.*"):
                older.unlink()
            arriving.rename(folder / f"{int(number):05d}.{md5}")
        finally:
            arriving.unlink(missing_ok=True)
        if source is None:
            return web.Response(headers={"ETag": f'"{md5}"'})
        content = (
            text("LastModified", listing.iso(folder.stat().st_mtime)),
            text("ETag", f'"{md5}"'),
        )
        return xml(document("CopyPartResult", *content, namespace=S3_NAMESPACE))

    async def list_parts(self, request: S3Request) -> web.StreamResponse:
        """ListParts, all of them."""
        folder = self._folder(request)
        rows = []
        for part in sorted(folder.glob("[0-9]*.*")):
            number, _, md5 = part.name.partition(".")
            row = (text("PartNumber", int(number)), text("ETag", f'"{md5}"'))
            rows.append(node("Part", *row, text("Size", part.stat().st_size)))
        content = (*_names(request, folder.name), text("IsTruncated", "false"), *rows)
        return xml(document("ListPartsResult", *content, namespace=S3_NAMESPACE))

    async def complete(self, request: S3Request) -> web.StreamResponse:
        """CompleteMultipartUpload: the named parts, in ascending order, become the object."""
        folder = self._folder(request)
        root = parse_xml(await body.read_document(request.raw))
        parts = [_part(folder, row.findtext("PartNumber"), row.findtext("ETag")) for row in root]
        if not parts:
            raise AwsFault("MalformedXML", "The document names no parts.")
        if sorted(set(parts)) != parts:
            raise AwsFault("InvalidPartOrder", "The parts are not in ascending order.")
        etag = await asyncio.to_thread(self._join, folder, parts, request)
        _remove(folder)
        content = (
            text("Location", f"/{request.bucket}/{request.key}"),
            text("Bucket", request.bucket),
            text("Key", request.key),
            text("ETag", f'"{etag}"'),
        )
        return xml(document("CompleteMultipartUploadResult", *content, namespace=S3_NAMESPACE))

    async def abort(self, request: S3Request) -> web.StreamResponse:
        """AbortMultipartUpload."""
        _remove(self._folder(request))
        return web.Response(status=204)

    def _folder(self, request: S3Request) -> Path:
        upload = request.query["uploadId"]
        if _UPLOAD_ID.fullmatch(upload):
            folder = Path(self._tree.staging_file()).with_name(upload)
            target = folder / _TARGET
            if target.is_file() and json.loads(target.read_bytes())["uri"] == request.location.uri:
                return folder
        raise AwsFault("NoSuchUpload", "The upload does not exist, was completed or aborted.")

    def _copy_part(self, source: str, span: str, target: Path) -> str:
        file, info, _ = self._tree.open(copy_source(source))
        md5 = hashlib.md5(usedforsecurity=False)
        with file, open(files.create(str(target)), "wb") as sink:
            start, end = byte_range(span, info.size) or (0, info.size)
            file.seek(start)
            left = end - start
            while left and (piece := file.read(min(left, files.CHUNK))):
                md5.update(piece)
                sink.write(piece)
                left -= len(piece)
        return md5.hexdigest()

    def _join(self, folder: Path, parts: list[Path], request: S3Request) -> str:
        digests = b"".join(bytes.fromhex(part.suffix[1:]) for part in parts)
        etag = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
        headers = json.loads((folder / _TARGET).read_bytes())["headers"]
        with self._tree.staged(request.location) as staged:
            with open(files.create(staged.path), "wb", buffering=0) as sink:
                for part in parts:
                    with open(part, "rb", buffering=0) as source:
                        files.copy_bytes(source.fileno(), sink.fileno())
            exclusive = request.raw.headers.get("If-None-Match") == "*"
            staged.commit(Attributes(etag, headers), exclusive=exclusive)
        return etag


def _part(folder: Path, number: str | None, etag: str | None) -> Path:
    digest = (etag or "").strip('"')
    if number and number.isdecimal() and re.fullmatch("[0-9a-f]{32}", digest):
        part = folder / f"{int(number[:9]):05d}.{digest}"
        if part.is_file():
            return part
    raise AwsFault("InvalidPart", f"Part {number} was not uploaded, or with another content.")


def _names(request: S3Request, upload: str) -> tuple[str, ...]:
    return (text("Bucket", request.bucket), text("Key", request.key), text("UploadId", upload))


def _remove(folder: Path) -> None:
    for part in folder.iterdir():
        part.unlink()
    folder.rmdir()
