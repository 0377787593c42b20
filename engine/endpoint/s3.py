"""S3 over the local tree: buckets, objects, ranges and copies."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from urllib.parse import parse_qsl, unquote
from xml.etree import ElementTree

from aiohttp import web

from engine.endpoint import body, listing
from engine.endpoint.faults import S3_NAMESPACE, AwsFault, document, node, text
from engine.errors import StorageError
from engine.storage.attributes import Attributes
from engine.storage.base import ObjectInfo
from engine.storage.location import Location, s3_location
from engine.storage.tree import LocalTree

_PIECE = 256 * 1024
_KEPT = (
    "content-type",
    "content-encoding",
    "content-language",
    "content-disposition",
    "cache-control",
    "expires",
)
_META = "x-amz-meta-"
_SUBRESOURCES = frozenset(
    [
        "accelerate",
        "acl",
        "analytics",
        "attributes",
        "cors",
        "delete",
        "encryption",
        "intelligent-tiering",
        "inventory",
        "legal-hold",
        "lifecycle",
        "location",
        "logging",
        "metrics",
        "notification",
        "object-lock",
        "ownershipControls",
        "policy",
        "policyStatus",
        "publicAccessBlock",
        "replication",
        "requestPayment",
        "restore",
        "retention",
        "select",
        "session",
        "tagging",
        "torrent",
        "uploadId",
        "uploads",
        "versioning",
        "versions",
        "website",
    ]
)
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_VIRTUAL_HOSTS = (".s3.localhost", ".localhost", ".127.0.0.1")


@dataclass(frozen=True, slots=True)
class S3Request:
    """An HTTP request in S3's terms; ``bucket`` and ``key`` may be empty."""

    raw: web.BaseRequest
    bucket: str
    key: str
    query: Mapping[str, str]

    @property
    def subresource(self) -> str:
        """The part of the bucket or object that is meant (``?uploads``), empty for itself."""
        return next((name for name in self.query if name in _SUBRESOURCES), "")

    @property
    def location(self) -> Location:
        """The location of the object."""
        return s3_location(self.bucket, self.key)

    @classmethod
    def of(cls, raw: web.BaseRequest) -> S3Request:
        """Read bucket and key from the path (and a host such as ``bucket.localhost``)."""
        path, query = split_target(raw)
        host = raw.headers.get("Host", "").rpartition(":")[0] or raw.headers.get("Host", "")
        bucket = next((host.removesuffix(end) for end in _VIRTUAL_HOSTS if host.endswith(end)), "")
        if bucket in ("", "s3"):
            bucket, _, path = path.partition("/")
        return cls(raw, bucket, path, query)


Answer = Awaitable[web.StreamResponse]


def split_target(raw: web.BaseRequest) -> tuple[str, dict[str, str]]:
    """The decoded path without its first slash, and the query, of a request's raw target."""
    target = re.sub(r"^https?://[^/]*", "", raw.raw_path)
    path, _, query = target.partition("?")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict")
        return unquote(path.removeprefix("/"), errors="strict"), dict(pairs)
    except ValueError:
        raise AwsFault("InvalidURI", "The URI is not UTF-8.") from None


def xml(content: str, status: int = 200) -> web.Response:
    """A response that carries a document."""
    return web.Response(text=content, status=status, content_type="application/xml")


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that S3 stores with an object."""
    lower = {name.lower(): value for name, value in headers.items()}
    kept = {name: lower[name] for name in lower if name in _KEPT or name.startswith(_META)}
    encodings = [part.strip() for part in kept.pop("content-encoding", "").split(",")]
    if real := ",".join(part for part in encodings if part not in ("", "aws-chunked")):
        kept["content-encoding"] = real
    return {"content-type": "binary/octet-stream"} | kept


def parse_xml(content: bytes) -> ElementTree.Element:
    """Read a request's document, names without namespaces; a DTD is refused."""
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise AwsFault("MalformedXML", "The document has a DTD.")
    try:
        root = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError):
        raise AwsFault("MalformedXML", "The document is not well-formed XML.") from None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def check_conditions(headers: Mapping[str, str], info: ObjectInfo) -> None:
    """Apply If-Match and If-None-Match to an object that exists."""
    tags = {f'"{info.etag}"', info.etag, "*"}
    if "If-Match" in headers and not tags & _tags(headers["If-Match"]):
        raise AwsFault("PreconditionFailed", "The object has changed.")
    if "If-None-Match" in headers and tags & _tags(headers["If-None-Match"]):
        raise AwsFault("NotModified", "The object has not changed.")


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """First and end position of a Range header; None where the whole object is meant."""
    found = _RANGE.fullmatch(header.strip())
    if not found or not (found[1] or found[2]):
        return None
    first, last = found[1], found[2]
    if first:
        start, end = int(first), min(size, int(last) + 1 if last else size)
    else:
        start, end = max(0, size - int(last)), size
    if first and last and int(first) > int(last):
        return None
    if start >= size or start >= end:
        raise AwsFault("InvalidRange", "The range lies beyond the object's end.")
    return start, end


class Objects:
    """The operations on buckets and objects."""

    def __init__(self, tree: LocalTree) -> None:
        self._tree = tree
        self.routes: dict[tuple[str, str, str], Callable[[S3Request], Answer]] = {
            ("GET", "service", ""): self.list_buckets,
            ("HEAD", "bucket", ""): self.head_bucket,
            ("PUT", "bucket", ""): self.create_bucket,
            ("DELETE", "bucket", ""): self.delete_bucket,
            ("GET", "bucket", ""): self.list_objects,
            ("GET", "bucket", "location"): self.bucket_location,
            ("POST", "bucket", "delete"): self.delete_objects,
            ("GET", "object", ""): self.get,
            ("HEAD", "object", ""): self.head,
            ("PUT", "object", ""): self.put,
            ("DELETE", "object", ""): self.delete,
        }

    async def list_buckets(self, request: S3Request) -> web.StreamResponse:
        """ListBuckets."""
        rows = [
            node("Bucket", text("Name", name), text("CreationDate", listing.iso(changed)))
            for name, changed in self._tree.buckets()
        ]
        owner = node("Owner", text("ID", "local"), text("DisplayName", "local"))
        content = (owner, node("Buckets", *rows))
        return xml(document("ListAllMyBucketsResult", *content, namespace=S3_NAMESPACE))

    async def head_bucket(self, request: S3Request) -> web.StreamResponse:
        """HeadBucket."""
        self.require_bucket(request)
        return web.Response(headers={"x-amz-bucket-region": "us-east-1"})

    async def create_bucket(self, request: S3Request) -> web.StreamResponse:
        """CreateBucket; one that exists is the caller's own, so that is no error."""
        self._tree.make_bucket(s3_location(request.bucket, "").bucket)
        return web.Response(headers={"Location": f"/{request.bucket}"})

    async def delete_bucket(self, request: S3Request) -> web.StreamResponse:
        """DeleteBucket, an empty one."""
        self.require_bucket(request)
        if not self._tree.drop_bucket(request.bucket):
            raise AwsFault("BucketNotEmpty", "The bucket holds objects.")
        return web.Response(status=204)

    async def list_objects(self, request: S3Request) -> web.StreamResponse:
        """ListObjects and ListObjectsV2."""
        self.require_bucket(request)
        return xml(listing.answer(self._tree, request.bucket, request.query))

    async def bucket_location(self, request: S3Request) -> web.StreamResponse:
        """GetBucketLocation: empty, which means us-east-1."""
        self.require_bucket(request)
        return xml(document("LocationConstraint", namespace=S3_NAMESPACE))

    async def delete_objects(self, request: S3Request) -> web.StreamResponse:
        """DeleteObjects: up to 1000 keys in one document."""
        root = parse_xml(await body.read_document(request.raw))
        keys = [found.text or "" for found in root.iterfind("Object/Key")]
        if root.tag != "Delete" or not 0 < len(keys) <= 1000:
            raise AwsFault("MalformedXML", "A Delete document names 1 to 1000 objects.")
        quiet = root.findtext("Quiet", "").lower() == "true"
        rows = []
        for key in keys:
            try:
                self._tree.delete(s3_location(request.bucket, key))
                if not quiet:
                    rows.append(node("Deleted", text("Key", key)))
            except StorageError as error:
                fault = AwsFault.of(error)
                row = (text("Key", key), text("Code", fault.code), text("Message", fault.message))
                rows.append(node("Error", *row))
        return xml(document("DeleteResult", *rows, namespace=S3_NAMESPACE))

    async def head(self, request: S3Request) -> web.StreamResponse:
        """HeadObject."""
        info, kept = self._tree.inspect(request.location)
        check_conditions(request.raw.headers, info)
        response = web.StreamResponse(headers=_headers(info, kept, request.query))
        response.content_length = info.size
        return response

    async def get(self, request: S3Request) -> web.StreamResponse:
        """GetObject, whole or one range."""
        self.require_bucket(request)
        file, info, kept = self._tree.open(request.location)
        with file:
            check_conditions(request.raw.headers, info)
            span = byte_range(request.raw.headers.get("Range", ""), info.size)
            start, end = span or (0, info.size)
            headers = _headers(info, kept, request.query)
            if span:
                headers["Content-Range"] = f"bytes {start}-{end - 1}/{info.size}"
            response = web.StreamResponse(status=206 if span else 200, headers=headers)
            response.content_length = left = end - start
            await response.prepare(request.raw)
            file.seek(start)
            while left and (piece := file.read(min(left, _PIECE))):
                await response.write(piece)
                left -= len(piece)
        await response.write_eof()
        return response

    async def put(self, request: S3Request) -> web.StreamResponse:
        """PutObject, or CopyObject where a source is named."""
        if "x-amz-copy-source" in request.raw.headers:
            return await self.copy(request)
        location, headers = request.location, request.raw.headers
        exclusive = self._check_write(location, headers)
        with self._tree.staged(location) as staged:
            saved = await body.save(request.raw, staged.path)
            kept = Attributes(saved.md5, kept_headers(headers))
            staged.commit(kept, exclusive=exclusive)
        return web.Response(headers={"ETag": f'"{saved.md5}"'})

    async def copy(self, request: S3Request) -> web.StreamResponse:
        """CopyObject; metadata comes along unless the directive is REPLACE."""
        headers = request.raw.headers
        source = copy_source(headers["x-amz-copy-source"])
        info, kept = self._tree.inspect(source)
        replace = headers.get("x-amz-metadata-directive") == "REPLACE"
        new = Attributes(info.etag, kept_headers(headers) if replace else kept.headers)
        copied = await asyncio.to_thread(
            self._tree.put, request.location.uri, self._tree.path_of(source), new
        )
        content = (text("LastModified", listing.iso(copied.modified_at)), _etag(copied))
        return xml(document("CopyObjectResult", *content, namespace=S3_NAMESPACE))

    async def delete(self, request: S3Request) -> web.StreamResponse:
        """DeleteObject; one that is not there is no error."""
        self._tree.delete(request.location)
        return web.Response(status=204)

    def require_bucket(self, request: S3Request) -> None:
        """Refuse a bucket into which nothing was put yet."""
        if not self._tree.has_bucket(s3_location(request.bucket, "").bucket):
            raise AwsFault(
                "NoSuchBucket",
                f"The local bucket {request.bucket} does not exist yet: the first object put "
                "into it makes it.",
            )

    def _check_write(self, location: Location, headers: Mapping[str, str]) -> bool:
        """Apply a write's conditions; whether it must make a new object."""
        if "If-Match" in headers:
            check_conditions(headers, self._tree.stat(location))
        return headers.get("If-None-Match") == "*"


def copy_source(header: str) -> Location:
    """The location that an ``x-amz-copy-source`` header names."""
    path = unquote(header.partition("?versionId=")[0])
    bucket, _, key = path.removeprefix("/").partition("/")
    return s3_location(bucket, key)


def _headers(info: ObjectInfo, kept: Attributes, query: Mapping[str, str]) -> dict[str, str]:
    overrides = {name: query[f"response-{name}"] for name in _KEPT if f"response-{name}" in query}
    return {
        "content-type": "binary/octet-stream",
        **kept.headers,
        **overrides,
        "ETag": f'"{info.etag}"',
        "Last-Modified": formatdate(info.modified_at, usegmt=True),
        "Accept-Ranges": "bytes",
    }


def _etag(info: ObjectInfo) -> str:
    return text("ETag", f'"{info.etag}"')


def _tags(header: str) -> set[str]:
    return {tag.strip() for tag in header.split(",")}
