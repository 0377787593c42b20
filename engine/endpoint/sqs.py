"""SQS in its JSON protocol, on the queues of the home.

A queue is there as soon as somebody names it. Of a queue's URL only the last part counts, its name,
so that a program may use the URL that the definition has.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import md5
from typing import Any

from aiohttp import web

from engine.endpoint import body
from engine.endpoint.faults import AwsFault
from engine.errors import StorageError
from engine.model.views import LOCAL_REGION
from engine.queues.local import VISIBILITY_S, LocalQueue, Message, Queues, queue_name

TARGET = "AmazonSQS."
"""What ``X-Amz-Target`` begins with."""
CONTENT_TYPE = "application/x-amz-json-1.0"
LOOK_S = 0.05
"""Pause between two looks for messages of a long poll: their senders are other processes."""
_MOST_MESSAGES = 10
_MOST_WAIT_S = 20.0
_MOST_VISIBILITY_S = 43_200.0
_FAULTS = {"receipt-invalid": "ReceiptHandleIsInvalid", "queue-unnamed": "InvalidAddress"}

Json = dict[str, Any]
Operation = Callable[[LocalQueue, Json], Awaitable[Json]]


class QueueService:
    """Answers SQS requests.

    Args:
        account: the account number in the URLs of queues.
    """

    def __init__(self, queues: Queues, account: str) -> None:
        self._queues = queues
        self._account = account
        self._closing = asyncio.Event()
        self._operations: dict[str, Operation] = {
            "SendMessage": _send,
            "ReceiveMessage": self._receive,
            "DeleteMessage": _delete,
            "ChangeMessageVisibility": _change_visibility,
            "PurgeQueue": _purge,
            "GetQueueAttributes": self._attributes,
        }

    def close(self) -> None:
        """Have the polls that wait for messages end now."""
        self._closing.set()

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer one request. Errors: ``AwsFault`` in SQS's own codes."""
        operation = request.headers.get("X-Amz-Target", "").removeprefix(TARGET)
        given = body.json_object(await body.read_document(request))
        try:
            answer = await self._do(operation, given, request.host)
        except StorageError as problem:
            code = _FAULTS.get(problem.code)
            raise AwsFault(code, problem.message) if code else AwsFault.of(problem) from problem
        return web.Response(text=json.dumps(answer), content_type=CONTENT_TYPE)

    async def _do(self, operation: str, given: Json, host: str) -> Json:
        if operation == "ListQueues":
            names = await asyncio.to_thread(self._queues.names, given.get("QueueNamePrefix", ""))
            return {"QueueUrls": [self._url(host, name) for name in names]}
        if operation in ("CreateQueue", "GetQueueUrl"):
            name = _text(given, "QueueName")
            if queue_name(name) != name:
                raise AwsFault("InvalidParameterValue", f"{name!r} cannot name a queue.")
            queue = await asyncio.to_thread(self._queues.queue, name)
            if attributes := given.get("Attributes"):
                await asyncio.to_thread(queue.configure, attributes)
            return {"QueueUrl": self._url(host, name)}
        act = self._operations.get(operation)
        if act is None:
            raise AwsFault(
                "UnsupportedOperation", f"The local endpoint has no SQS operation {operation!r}."
            )
        queue = await asyncio.to_thread(self._queues.queue, _text(given, "QueueUrl"))
        return await act(queue, given)

    def _url(self, host: str, name: str) -> str:
        return f"http://{host}/{self._account}/{name}"

    async def _receive(self, queue: LocalQueue, given: Json) -> Json:
        """ReceiveMessage; waits up to WaitTimeSeconds for a first message."""
        kept = await asyncio.to_thread(lambda: queue.attributes)
        limit = int(_number(given, "MaxNumberOfMessages", 1, 1, _MOST_MESSAGES))
        hidden = float(kept.get("VisibilityTimeout", VISIBILITY_S))
        hidden = _number(given, "VisibilityTimeout", hidden, 0, _MOST_VISIBILITY_S)
        wait = float(kept.get("ReceiveMessageWaitTimeSeconds", 0))
        wait = _number(given, "WaitTimeSeconds", wait, 0, _MOST_WAIT_S)
        loop = asyncio.get_running_loop()
        until = loop.time() + wait
        while True:
            messages = await asyncio.to_thread(queue.receive, limit, hidden)
            left = until - loop.time()
            if messages or left <= 0 or self._closing.is_set():
                return {"Messages": [_received(one, given) for one in messages]} if messages else {}
            await _first(self._closing, min(LOOK_S, left))

    async def _attributes(self, queue: LocalQueue, given: Json) -> Json:
        counts = await asyncio.to_thread(queue.counts)
        known = {
            "VisibilityTimeout": f"{VISIBILITY_S:g}",
            **await asyncio.to_thread(lambda: queue.attributes),
            "ApproximateNumberOfMessages": str(counts.visible),
            "ApproximateNumberOfMessagesNotVisible": str(counts.received),
            "ApproximateNumberOfMessagesDelayed": str(counts.delayed),
            "QueueArn": f"arn:aws:sqs:{LOCAL_REGION}:{self._account}:{queue.name}",
        }
        return {"Attributes": _asked(known, given.get("AttributeNames") or ())}


async def _first(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, at most so long."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass


async def _send(queue: LocalQueue, given: Json) -> Json:
    text = _text(given, "MessageBody")
    attributes = given.get("MessageAttributes") or {}
    delay = float((await asyncio.to_thread(lambda: queue.attributes)).get("DelaySeconds", 0))
    delay = _number(given, "DelaySeconds", delay, 0, 900)
    message = await asyncio.to_thread(
        lambda: queue.send(text, attributes=attributes, delay_s=delay)
    )
    return {"MessageId": message.id, "MD5OfMessageBody": _md5(text)}


async def _delete(queue: LocalQueue, given: Json) -> Json:
    await asyncio.to_thread(queue.delete, _text(given, "ReceiptHandle"))
    return {}


async def _change_visibility(queue: LocalQueue, given: Json) -> Json:
    seconds = _number(given, "VisibilityTimeout", 0, 0, _MOST_VISIBILITY_S)
    await asyncio.to_thread(queue.change_visibility, _text(given, "ReceiptHandle"), seconds)
    return {}


async def _purge(queue: LocalQueue, given: Json) -> Json:
    await asyncio.to_thread(queue.purge)
    return {}


def _received(message: Message, given: Json) -> Json:
    """A message as ReceiveMessage gives it."""
    system = {
        "SentTimestamp": _milliseconds(message.sent_at),
        "ApproximateReceiveCount": str(message.received),
        "ApproximateFirstReceiveTimestamp": _milliseconds(message.first_received_at),
    }
    names = (given.get("AttributeNames") or []) + (given.get("MessageSystemAttributeNames") or [])
    shown: Json = {
        "MessageId": message.id,
        "ReceiptHandle": message.receipt,
        "Body": message.body,
        "MD5OfBody": _md5(message.body),
        "Attributes": _asked(system, names),
        "MessageAttributes": _asked(message.attributes, given.get("MessageAttributeNames") or ()),
    }
    return {name: value for name, value in shown.items() if value != {}}


def _asked(known: Mapping[str, Any], names: Sequence[str]) -> Json:
    """The attributes that were asked for: by name, all, or those that begin as ``name.*`` says."""
    if "All" in names or ".*" in names:
        return dict(known)
    starts = tuple(name.removesuffix("*") for name in names if name.endswith(".*"))
    return {
        name: value for name, value in known.items() if name in names or name.startswith(starts)
    }


def _text(given: Json, name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise AwsFault("MissingParameter", f"The request must contain the parameter {name}.")
    return value


def _number(given: Json, name: str, default: float, least: float, most: float) -> float:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise AwsFault("InvalidParameterValue", f"{name} must be between {least:g} and {most:g}.")
    return float(value)


def _milliseconds(at: float) -> str:
    return str(int(at * 1000))


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()
