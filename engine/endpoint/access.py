"""Who calls: the access key and service that a request is signed for.

The endpoint listens on loopback and knows its callers by a secret access key id, made from the
token of the execution: the signature itself is not recomputed. The key id travels in headers and
presigned URLs only, never in process arguments.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from engine.endpoint.faults import AwsFault

_SCOPE = r"([^/,\s]+)/[^/,\s]+/[^/,\s]*/([^/,\s]+)/aws4_request"
_HEADER_V4 = re.compile(r"AWS4-\S+\s.*?Credential=" + _SCOPE)
_HEADER_V2 = re.compile(r"AWS ([^:\s]+):")
_QUERY_V4 = re.compile(_SCOPE)


@dataclass(frozen=True, slots=True)
class Caller:
    """The access key id and the service (``s3``, ``sts``, ...) of a signed request."""

    access_key: str
    service: str


def key_pair(token: str) -> tuple[str, str]:
    """The access key id and secret key that belong to a token; they look as AWS's do."""
    digest = hashlib.sha256(b"pipetui endpoint " + token.encode()).hexdigest()
    return f"LKIA{digest[:28].upper()}", digest[24:64]


def caller_of(headers: Mapping[str, str], query: Mapping[str, str], now: datetime) -> Caller:
    """Read who signed a request, from its Authorization header or its presigned query.

    Raises:
        AwsFault: ``AccessDenied`` where it is not signed, or presigned and expired.
    """
    header = headers.get("Authorization", "")
    if found := _HEADER_V4.match(header):
        return Caller(found[1], found[2])
    if found := _HEADER_V2.match(header):
        return Caller(found[1], "s3")
    if found := _QUERY_V4.fullmatch(query.get("X-Amz-Credential", "")):
        _check_expiry(query, now)
        return Caller(found[1], found[2])
    if key := query.get("AWSAccessKeyId"):
        if not query.get("Expires", "").isdecimal() or int(query["Expires"]) < now.timestamp():
            raise AwsFault("AccessDenied", "Request has expired")
        return Caller(key, "s3")
    raise AwsFault("AccessDenied", "The request is not signed.")


def check(caller: Caller, access_key: str) -> None:
    """Refuse a caller whose access key id is another one."""
    if not hmac.compare_digest(caller.access_key.encode(), access_key.encode()):
        raise AwsFault(
            "AccessDenied",
            "This local endpoint does not know the access key. Use the AWS_* variables that the "
            "step was started with.",
        )


def _check_expiry(query: Mapping[str, str], now: datetime) -> None:
    try:
        signed = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        until = signed + timedelta(seconds=int(query["X-Amz-Expires"]))
    except (KeyError, ValueError, OverflowError):
        raise AwsFault(
            "AuthorizationQueryParametersError", "The presigned URL is not complete."
        ) from None
    if until < now:
        raise AwsFault("AccessDenied", "Request has expired")
