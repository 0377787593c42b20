"""AWS-shaped errors, and the few XML forms that S3 and STS answer in."""

from __future__ import annotations

import re
from html import escape
from http import HTTPStatus

from engine.errors import StorageError

S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
STS_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"

_STATUS = {
    "AccessDenied": 403,
    "BucketNotEmpty": 409,
    "InsufficientStorage": 507,
    "InvalidRange": 416,
    "MethodNotAllowed": 405,
    "NoSuchBucket": 404,
    "NoSuchKey": 404,
    "NoSuchUpload": 404,
    "NotImplemented": 501,
    "NotModified": 304,
    "PreconditionFailed": 412,
    "InternalError": 500,
}
_OF_STORAGE = {
    "object-not-found": "NoSuchKey",
    "object-exists": "PreconditionFailed",
    "bucket-invalid": "InvalidBucketName",
    "key-invalid": "InvalidArgument",
    "key-empty": "InvalidArgument",
    "key-too-long": "KeyTooLongError",
    "key-segment-too-long": "KeyTooLongError",
    "key-conflict": "InvalidRequest",
    "path-is-link": "AccessDenied",
    "access-denied": "AccessDenied",
    "read-only": "AccessDenied",
    "disk-full": "InsufficientStorage",
}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class AwsFault(Exception):
    """An error that an AWS client understands.

    Args:
        code: the service's own error code, such as ``NoSuchKey``.
        message: a sentence for a person.
        status: HTTP status; by default the one that belongs to the code, else 400.
    """

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = HTTPStatus(status or _STATUS.get(code, 400))

    @classmethod
    def of(cls, error: StorageError) -> AwsFault:
        """The fault for an error of the local tree."""
        message = f"{error.message} {error.hint}".strip()
        return cls(_OF_STORAGE.get(error.code, "InternalError"), message)

    def s3_xml(self, resource: str) -> str:
        """The error as S3 writes it."""
        children = (text("Code", self.code), text("Message", self.message))
        return document("Error", *children, text("Resource", resource), text("RequestId", "0"))

    def query_xml(self) -> str:
        """The error as the services of the query protocol (STS, SNS, IAM ...) write it."""
        inner = node("Error", text("Code", self.code), text("Message", self.message))
        return document("ErrorResponse", inner, text("RequestId", "0"), namespace=STS_NAMESPACE)


def document(name: str, *children: str, namespace: str = "") -> str:
    """A whole XML document; the children are XML already."""
    attribute = f' xmlns="{namespace}"' if namespace else ""
    inner = "".join(children)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{name}{attribute}>{inner}</{name}>'


def node(name: str, *children: str) -> str:
    """An element that holds other elements."""
    return f"<{name}>{''.join(children)}</{name}>"


def text(name: str, value: object) -> str:
    """An element that holds text; a character that XML cannot hold is written as S3 does."""
    shown = _NOT_XML.sub(lambda found: f"&#x{ord(found[0]):X};", escape(str(value), quote=False))
    return f"<{name}>{shown}</{name}>"
