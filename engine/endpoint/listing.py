"""One page of a bucket listing: keys, common prefixes and where the next page starts."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

from engine.endpoint.faults import S3_NAMESPACE, AwsFault, document, node, text
from engine.storage.base import ObjectInfo
from engine.storage.location import Location, s3_location
from engine.storage.tree import LocalTree

_MOST = 1000


@dataclass(slots=True)
class Page:
    """What a page shows; ``last`` is the last key or prefix on it."""

    objects: list[ObjectInfo] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    last: str = ""
    truncated: bool = False


def list_page(tree: LocalTree, location: Location, delimiter: str, after: str, most: int) -> Page:
    """The first ``most`` keys and common prefixes after ``after`` below a key prefix."""
    page = Page()
    if most == 0:
        return page
    for info in tree.scan(location, after=after, fold=delimiter == "/"):
        end = info.key.find(delimiter, len(location.key)) if delimiter else -1
        name = info.key[: end + len(delimiter)] if end >= 0 else info.key
        if name <= after or (end >= 0 and name == page.last):
            continue
        if len(page.objects) + len(page.prefixes) == most:
            page.truncated = True
            break
        if end >= 0:
            page.prefixes.append(name)
        else:
            page.objects.append(info)
        page.last = name
    return page


def answer(tree: LocalTree, bucket: str, query: Mapping[str, str]) -> str:
    """Answer ListObjects (version 1) or ListObjectsV2."""
    second = query.get("list-type") == "2"
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    most = _number(query.get("max-keys", f"{_MOST}"))
    token = query.get("continuation-token", "")
    after = (_key_of(token) or query.get("start-after", "")) if second else query.get("marker", "")
    page = list_page(tree, s3_location(bucket, prefix), delimiter, after, most)
    shown: Callable[[str], str] = _quoted if query.get("encoding-type") == "url" else str
    children = [text("Name", bucket), text("Prefix", shown(prefix)), text("MaxKeys", most)]
    children.append(text("IsTruncated", str(page.truncated).lower()))
    if delimiter:
        children.append(text("Delimiter", shown(delimiter)))
    if "encoding-type" in query:
        children.append(text("EncodingType", query["encoding-type"]))
    if second:
        children.append(text("KeyCount", len(page.objects) + len(page.prefixes)))
        if token:
            children.append(text("ContinuationToken", token))
        if "start-after" in query:
            children.append(text("StartAfter", shown(query["start-after"])))
        if page.truncated:
            children.append(text("NextContinuationToken", _token_of(page.last)))
    else:
        children.append(text("Marker", shown(after)))
        if page.truncated:
            children.append(text("NextMarker", shown(page.last)))
    children += [_contents(info, shown) for info in page.objects]
    children += [node("CommonPrefixes", text("Prefix", shown(name))) for name in page.prefixes]
    return document("ListBucketResult", *children, namespace=S3_NAMESPACE)


def iso(seconds: float) -> str:
    """A time as S3 writes it in XML."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _contents(info: ObjectInfo, shown: Callable[[str], str]) -> str:
    return node(
        "Contents",
        text("Key", shown(info.key)),
        text("LastModified", iso(info.modified_at)),
        text("ETag", f'"{info.etag}"'),
        text("Size", info.size),
        text("StorageClass", "STANDARD"),
    )


def _quoted(key: str) -> str:
    return quote(key, safe="/*-._")


def _number(given: str) -> int:
    if not given.isdecimal():
        raise AwsFault("InvalidArgument", "max-keys is not a whole number of 0 or more.")
    return min(int(given[:9]), _MOST)


def _token_of(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _key_of(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except (binascii.Error, ValueError):
        raise AwsFault("InvalidArgument", "The continuation token is not one of ours.") from None
