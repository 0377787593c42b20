"""One request handler for everything that AWS clients send to the local endpoint."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import parse_qsl

from aiohttp import web

from engine.endpoint import access, body, s3, sts
from engine.endpoint.access import Caller
from engine.endpoint.faults import AwsFault
from engine.endpoint.lifetime import Activity
from engine.endpoint.multipart import Multipart
from engine.errors import StorageError
from engine.storage.base import failure
from engine.storage.tree import LocalTree

_FORM = "application/x-www-form-urlencoded"


class Endpoint:
    """S3 and STS on a local tree, for callers that hold one access key.

    Args:
        tree: where the objects lie.
        access_key: the access key id that callers have to sign with.
        account: the account number that STS tells them.
        activity: told of every request, to know when nobody needs the endpoint any more.
    """

    def __init__(
        self, tree: LocalTree, access_key: str, *, account: str, activity: Activity
    ) -> None:
        self._access_key = access_key
        self._account = account
        self._activity = activity
        self._objects = s3.Objects(tree)
        self._routes = self._objects.routes | Multipart(tree).routes

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, whatever it is."""
        with self._activity.request():
            service = "s3"
            try:
                _, query = s3.split_target(request)
                caller = access.caller_of(request.headers, query, datetime.now(UTC))
                service = caller.service
                access.check(caller, self._access_key)
                await _invite_body(request)
                return await self._serve(request, caller, query)
            except AwsFault as fault:
                return _refusal(request, service, fault)
            except StorageError as error:
                return _refusal(request, service, AwsFault.of(error))
            except OSError as error:
                if request.transport is None or request.transport.is_closing():
                    raise
                return _refusal(request, service, AwsFault.of(failure(error, request.path)))

    async def _serve(
        self, request: web.BaseRequest, caller: Caller, query: Mapping[str, str]
    ) -> web.StreamResponse:
        match caller.service:
            case "s3" | "s3express":
                return await self._serve_s3(s3.S3Request.of(request))
            case "sts":
                form = dict(parse_qsl((await body.read_document(request)).decode("latin-1")))
                answer = sts.answer(form or query, self._account)
                return web.Response(text=answer, content_type="text/xml")
            case other:
                operation = request.headers.get("X-Amz-Target", "")
                raise AwsFault(
                    "NotImplemented",
                    f"The local endpoint speaks S3 and STS; {other} {operation} is not there.",
                )

    async def _serve_s3(self, request: s3.S3Request) -> web.StreamResponse:
        level = "object" if request.key else "bucket" if request.bucket else "service"
        route = self._routes.get((request.raw.method, level, request.subresource))
        if route is None:
            raise AwsFault(
                "NotImplemented",
                f"The local endpoint has no S3 operation {request.raw.method} {level} "
                f"{request.subresource}.".replace(" .", "."),
            )
        return await route(request)


async def _invite_body(request: web.BaseRequest) -> None:
    """Tell a client that waits for it to send its body: botocore waits a second otherwise."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # aiohttp counts these bytes as the answer's own.
        request.writer.output_size = 0


def _refusal(request: web.BaseRequest, service: str, fault: AwsFault) -> web.Response:
    print(
        f"{request.method} {request.path!a} {service!a}: {fault.status} {fault.code}",
        file=sys.stderr,
        flush=True,
    )
    if request.method == "HEAD" or fault.status == HTTPStatus.NOT_MODIFIED:
        return web.Response(status=fault.status)
    if service in ("s3", "s3express"):
        return s3.xml(fault.s3_xml(request.path), fault.status)
    if request.content_type == _FORM:
        return s3.xml(fault.query_xml(), fault.status)
    content = json.dumps({"__type": fault.code, "message": fault.message})
    return web.Response(
        text=content,
        status=fault.status,
        content_type="application/x-amz-json-1.1",
        headers={"x-amzn-ErrorType": fault.code},
    )
