"""Queues of a home: files under a lock, and the SQS face that boto3 sees."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.endpoint.activation import EndpointSocket
from engine.errors import StorageError
from engine.queues.local import LocalQueue, Queues, message_id, queue_name


class Turned:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.at = 1000.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Turned:
    return Turned()


@pytest.fixture
def queue(tmp_path: Path, clock: Turned) -> LocalQueue:
    return Queues(tmp_path / "sqs", clock).queue("q")


# Names


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://sqs.us-east-1.amazonaws.com/123456789012/approvals", "approvals"),
        ("https://sqs.us-east-1.amazonaws.com/123456789012/orders.fifo", "orders.fifo"),
        ("http://127.0.0.1:4566/000000000000/q/", "q"),
        ("bare-name_1", "bare-name_1"),
        ("https://host/1/..", "--"),
        ("https://host/1/a b%2f.c", "a-b-2f-c"),
        ("", ""),
        ("https://host", ""),
        ("https://host/1/.fifo", ""),
        ("http://[", ""),
    ],
)
def test_a_queue_is_named_by_the_end_of_its_url(url: str, name: str) -> None:
    assert queue_name(url) == name


@given(st.text(max_size=120) | st.text(max_size=120).map("https://host/1/".__add__))
def test_no_url_leads_out_of_the_folder_of_queues(url: str) -> None:
    name = queue_name(url)
    assert "/" not in name and not name.startswith(".") and len(name) <= 80


def test_a_url_that_names_no_queue_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        Queues(tmp_path).queue("https://host/")
    assert caught.value.code == "queue-unnamed"


# Messages


def test_messages_come_oldest_first_and_are_hidden_while_somebody_works_on_them(
    queue: LocalQueue, clock: Turned
) -> None:
    for body in ("a", "b", "c"):
        queue.send(body)
        clock.at += 1
    assert [one.body for one in queue.receive(2, 30)] == ["a", "b"]
    assert [one.body for one in queue.receive(5, 30)] == ["c"]
    assert queue.receive() == []
    clock.at += 30
    assert [(one.body, one.received) for one in queue.receive(5)] == [("a", 2), ("b", 2), ("c", 2)]


def test_a_deleted_message_does_not_come_again(queue: LocalQueue, clock: Turned) -> None:
    queue.send("a")
    (message,) = queue.receive()
    queue.delete(message.receipt)
    queue.delete(message.receipt)
    clock.at += 1000
    assert queue.receive() == []


def test_only_the_last_who_received_a_message_deletes_it(queue: LocalQueue, clock: Turned) -> None:
    queue.send("a")
    (first,) = queue.receive(1, 5)
    clock.at += 5
    (second,) = queue.receive(1, 5)
    queue.delete(first.receipt)
    assert queue.counts().received == 1
    with pytest.raises(StorageError):
        queue.change_visibility(first.receipt, 0)
    queue.change_visibility(second.receipt, 0)
    assert [one.receipt for one in queue.receive()] == [f"{first.id}.3"]


@pytest.mark.parametrize("receipt", ["", "x", "../../etc.1", f"{'../' * 12}.1", "a.b"])
def test_what_is_no_receipt_is_refused(queue: LocalQueue, receipt: str) -> None:
    with pytest.raises(StorageError) as caught:
        queue.delete(receipt)
    assert caught.value.code == "receipt-invalid"


def test_a_message_of_the_same_id_is_not_added_again(queue: LocalQueue) -> None:
    for body in ("first", "second"):
        queue.send(body, id=message_id("token", "Executing"))
    assert [one.body for one in queue.receive(10)] == ["first"]


def test_counts_tell_waiting_received_and_delayed_messages_apart(
    queue: LocalQueue, clock: Turned
) -> None:
    queue.send("a")
    queue.send("b")
    queue.send("late", delay_s=60)
    queue.receive()
    counts = queue.counts()
    assert (counts.visible, counts.received, counts.delayed) == (1, 1, 1)
    clock.at += 60
    assert queue.counts().visible == 3
    queue.purge()
    assert queue.receive(10) == []


def test_each_message_goes_to_one_of_many_who_receive_at_once(tmp_path: Path) -> None:
    queues = Queues(tmp_path)
    sent = {queues.queue("q").send(str(number)).id for number in range(40)}

    def work() -> list[str]:
        own, taken = queues.queue("q"), []
        while messages := own.receive(3):
            taken += [message.id for message in messages]
        return taken

    with ThreadPoolExecutor(8) as threads:
        shares = [share.result() for share in [threads.submit(work) for _ in range(8)]]
    taken = [id for share in shares for id in share]
    assert len(taken) == len(sent) and set(taken) == sent


def test_what_is_no_message_is_passed_over_and_messages_are_private(
    queue: LocalQueue, tmp_path: Path
) -> None:
    queue.send("a")
    folder = tmp_path / "sqs" / "q" / "messages"
    (folder / "half.json").write_text('{"id": "x"')
    (folder / ".draft").write_text("{}")
    (message,) = queue.receive(10)
    assert os.stat(folder / f"{message.id}.json").st_mode & 0o777 == 0o600
    assert os.stat(folder).st_mode & 0o777 == 0o700


def test_a_queue_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "sqs").write_text("a file")
    with pytest.raises(StorageError) as caught:
        Queues(tmp_path / "sqs").queue("q")
    assert caught.value.code == "queue-failed"


# boto3

URL = "https://sqs.us-east-1.amazonaws.com/123456789012/work"


@pytest.fixture
async def endpoint(tmp_path: Path) -> Any:
    socket = EndpointSocket.bind(tmp_path / "s3", tmp_path / "endpoint.log", "token")
    socket.watch(asyncio.get_running_loop())
    yield socket
    socket.close()


Use = Callable[[Callable[[Any], Any]], Any]


@pytest.fixture
def with_boto3(endpoint: EndpointSocket) -> Iterator[Use]:
    """Hands a client to a function, off the loop that has to start the endpoint."""
    given = endpoint.environment()
    sqs = boto3.client(
        "sqs",
        region_name="us-east-1",
        endpoint_url=given["AWS_ENDPOINT_URL"],
        aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
    )
    yield lambda function: asyncio.to_thread(function, sqs)
    sqs.close()


@pytest.mark.network
async def test_a_message_is_sent_received_hidden_and_deleted(with_boto3: Use) -> None:
    def work(sqs: Any) -> None:
        attribute = {"Kind": {"DataType": "String", "StringValue": "x"}}
        sent = sqs.send_message(QueueUrl=URL, MessageBody="häß", MessageAttributes=attribute)
        (message,) = sqs.receive_message(
            QueueUrl=URL, MessageSystemAttributeNames=["All"], MessageAttributeNames=["Kind"]
        )["Messages"]
        assert (message["Body"], message["MessageId"]) == ("häß", sent["MessageId"])
        assert message["MD5OfBody"] == sent["MD5OfMessageBody"]
        assert message["MessageAttributes"] == attribute
        assert message["Attributes"]["ApproximateReceiveCount"] == "1"
        assert "Messages" not in sqs.receive_message(QueueUrl=URL)
        receipt = message["ReceiptHandle"]
        sqs.change_message_visibility(QueueUrl=URL, ReceiptHandle=receipt, VisibilityTimeout=0)
        (again,) = sqs.receive_message(QueueUrl=URL)["Messages"]
        assert "Attributes" not in again and "MessageAttributes" not in again
        sqs.delete_message(QueueUrl=URL, ReceiptHandle=again["ReceiptHandle"])
        assert _counts(sqs, URL) == ("0", "0")

    await with_boto3(work)


@pytest.mark.network
async def test_queues_are_made_found_listed_and_purged(with_boto3: Use) -> None:
    def work(sqs: Any) -> None:
        made = sqs.create_queue(QueueName="orders", Attributes={"VisibilityTimeout": "0"})
        url = made["QueueUrl"]
        assert sqs.get_queue_url(QueueName="orders")["QueueUrl"] == url
        sqs.send_message(QueueUrl=url, MessageBody="1")
        for _ in range(2):
            assert len(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]) == 1
        assert _counts(sqs, url) == ("1", "0")
        sqs.purge_queue(QueueUrl=url)
        assert _counts(sqs, url) == ("0", "0")
        sqs.create_queue(QueueName="other")
        assert sqs.list_queues(QueueNamePrefix="or")["QueueUrls"] == [url]

    await with_boto3(work)


@pytest.mark.network
async def test_a_long_poll_ends_with_the_first_message(with_boto3: Use, tmp_path: Path) -> None:
    await with_boto3(lambda sqs: sqs.create_queue(QueueName="work"))
    polling = asyncio.create_task(
        with_boto3(lambda sqs: sqs.receive_message(QueueUrl=URL, WaitTimeSeconds=20))
    )
    await asyncio.to_thread(Queues.of_home(tmp_path).queue("work").send, "here")
    assert [one["Body"] for one in (await polling)["Messages"]] == ["here"]


@pytest.mark.network
async def test_an_endpoint_that_ends_lets_its_long_polls_go(
    with_boto3: Use, endpoint: EndpointSocket
) -> None:
    def poll(sqs: Any) -> Any:
        return sqs.receive_message(QueueUrl=URL, WaitTimeSeconds=20)

    await with_boto3(lambda sqs: sqs.create_queue(QueueName="work"))
    polling = asyncio.create_task(with_boto3(poll))
    done, _ = await asyncio.wait([polling], timeout=0.5)
    assert not done
    endpoint.close()
    assert "Messages" not in await polling


@pytest.mark.network
async def test_what_sqs_refuses_is_refused_in_its_own_codes(with_boto3: Use) -> None:
    def work(sqs: Any) -> None:
        with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
            sqs.delete_message(QueueUrl=URL, ReceiptHandle="nope")
        for call, code in [
            (
                lambda: sqs.receive_message(QueueUrl=URL, WaitTimeSeconds=21),
                "InvalidParameterValue",
            ),
            (lambda: sqs.create_queue(QueueName="a b"), "InvalidParameterValue"),
            (lambda: sqs.receive_message(QueueUrl="https://host/"), "InvalidAddress"),
            (lambda: sqs.delete_queue(QueueUrl=URL), "UnsupportedOperation"),
        ]:
            with pytest.raises(sqs.exceptions.ClientError) as caught:
                call()
            assert code in caught.value.response["Error"]["Code"]

    await with_boto3(work)


def _counts(sqs: Any, url: str) -> tuple[str, str]:
    """How many messages wait, and how many were received."""
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return found["ApproximateNumberOfMessages"], found["ApproximateNumberOfMessagesNotVisible"]
