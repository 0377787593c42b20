"""One request handler for everything that AWS clients send to the local endpoint."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from aiohttp import web

from engine.endpoint import access, body, feature_store, s3, sts
from engine.endpoint.access import Caller
from engine.endpoint.faults import AwsFault
from engine.endpoint.lifetime import Activity
from engine.endpoint.multipart import Multipart
from engine.endpoint.sqs import QueueService
from engine.errors import StorageError
from engine.queues.local import Queues
from engine.storage.base import failure
from engine.storage.tree import LocalTree

if TYPE_CHECKING:
    from engine.endpoint.logs import LogService
    from engine.endpoint.sagemaker import SageMaker

_FORM = "application/x-www-form-urlencoded"
_JSON = "application/x-amz-json-1.1"


class Endpoint:
    """S3, SQS, STS, CloudWatch Logs and SageMaker on a home, for callers that hold one access key.

    Args:
        tree: where the objects lie.
        queues: those that SQS speaks of.
        open_sagemaker: makes what speaks for SageMaker, with the first request to it.
        open_logs: the same for CloudWatch Logs.
        access_key: the access key id that callers have to sign with.
        account: the account number that STS tells them.
        activity: told of every request, to know when nobody needs the endpoint any more.
    """

    def __init__(
        self,
        tree: LocalTree,
        access_key: str,
        *,
        account: str,
        activity: Activity,
        queues: Queues,
        open_sagemaker: Callable[[], SageMaker],
        open_logs: Callable[[], LogService],
    ) -> None:
        self._access_key = access_key
        self._account = account
        self._activity = activity
        self._tree = tree
        self._objects = s3.Objects(tree)
        self._routes = self._objects.routes | Multipart(tree).routes
        self._sqs = QueueService(queues, account)
        self._open_sagemaker = open_sagemaker
        self._sagemaker: SageMaker | None = None
        self._open_logs = open_logs
        self._logs: LogService | None = None

    def close(self) -> None:
        """Answer what waits for something to happen: the endpoint is about to end."""
        self._sqs.close()

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
            case "sqs":
                return await self._sqs.answer(request)
            case "sagemaker":
                return await self._serve_sagemaker(request)
            case "logs":
                return await self._serve_logs(request)
            case other:
                operation = request.headers.get("X-Amz-Target", "")
                raise AwsFault(
                    "NotImplemented",
                    f"The local endpoint speaks S3, SQS, STS, CloudWatch Logs and SageMaker;"
                    f" {other} {operation} is not there.",
                )

    async def _serve_sagemaker(self, request: web.BaseRequest) -> web.StreamResponse:
        if feature_store.is_request(request.path):
            document = await body.read_document(request)
            query = {name: request.query.getall(name) for name in request.query}
            found = await asyncio.to_thread(
                feature_store.answer, self._tree, request.method, request.path, query, document
            )
            return web.Response(body=found, content_type=_JSON)
        if self._sagemaker is None:
            self._sagemaker = self._open_sagemaker()
        target = request.headers.get("X-Amz-Target", "")
        answer = await self._sagemaker.answer(target, await body.read_document(request))
        return web.Response(body=answer, content_type=_JSON)

    async def _serve_logs(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._logs is None:
            self._logs = self._open_logs()
        target = request.headers.get("X-Amz-Target", "")
        answer = await self._logs.answer(target, await body.read_document(request))
        return web.Response(body=answer, content_type=_JSON)

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
        content_type=_JSON,
        headers={"x-amzn-ErrorType": fault.code},
    )
