"""Callback steps: the messages they send, who gets them, and programs that answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from engine.endpoint.access import key_pair
from engine.model import events as e
from engine.model.commands import AnswerCallback, StopExecution
from engine.model.fold import ExecutionState
from engine.model.status import ExecutionStatus, StepStatus
from engine.queues.local import LocalQueue, Message, Queues, message_id
from engine.sources.control import LocalControl
from tests.contract.test_observer import Hooks
from tests.engine.crash import Host, host, until
from tests.engine.embedded import Embedded, definition

__all__ = ["host"]

QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/approvals"
ASK: dict[str, Any] = {
    "Name": "Gate",
    "Type": "Callback",
    "SqsQueueUrl": QUEUE,
    "Arguments": {"Question": "Deploy?", "Model": {"Get": "Parameters.Model"}, "Share": 10},
    "OutputParameters": [{"OutputName": "By", "OutputType": "String"}],
}
ASKING = definition(
    ASK, parameters=[{"Name": "Model", "Type": "String", "DefaultValue": "s3://bucket/model"}]
)
INPUTS = {"Question": "Deploy?", "Model": "s3://bucket/model", "Share": 10}
YES = {"By": "ana"}


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    hooks = Hooks()
    yield hooks
    hooks.close()


def queue_of(home: Path) -> LocalQueue:
    return Queues.of_home(home).queue(QUEUE)


async def sent(
    embedded: Embedded, execution_id: str, message: str, besides: str = ""
) -> e.CallbackMessageSent:
    """Wait until a message is on record as sent; each look waits for the store.

    Args:
        besides: a token whose messages do not count.
    """
    async with asyncio.timeout(60):
        while True:
            for event in await embedded.events(execution_id):
                fact = event.fact
                told = isinstance(fact, e.CallbackMessageSent) and fact.message == message
                if told and fact.token != besides:
                    return fact


async def asked(embedded: Embedded) -> tuple[str, str, asyncio.Task[ExecutionState]]:
    """An execution that waits for an answer: its id, the token and the task that runs it."""
    execution_id = await embedded.create(ASKING)
    running = asyncio.create_task(embedded.go_on(execution_id))
    return execution_id, (await sent(embedded, execution_id, "Executing")).token, running


async def test_the_message_holds_token_execution_inputs_and_status(embedded: Embedded) -> None:
    execution_id, token, running = await asked(embedded)
    (message,) = queue_of(embedded.home.root).receive(10)
    await embedded.send(execution_id, AnswerCallback(token, True, YES))
    state = await running
    assert json.loads(message.body) == {
        "token": token,
        "pipelineExecutionArn": state.execution.arn,
        "arguments": INPUTS,
        "status": "Executing",
    }
    assert message.id == message_id(token, "Executing")
    assert state.steps["Gate"].status is StepStatus.SUCCEEDED


async def test_a_stop_sends_a_second_message_and_waits_for_the_answer(embedded: Embedded) -> None:
    execution_id, token, running = await asked(embedded)
    await embedded.send(execution_id, StopExecution("enough"))
    await sent(embedded, execution_id, "Stopping")
    first, second = queue_of(embedded.home.root).receive(10)
    assert json.loads(second.body) == {**json.loads(first.body), "status": "Stopping"}
    assert first.id != second.id
    assert not running.done()
    await embedded.send(execution_id, AnswerCallback(token, True, YES))
    state = await running
    assert state.execution.status is ExecutionStatus.STOPPED
    assert state.steps["Gate"].status is StepStatus.STOPPED
    assert queue_of(embedded.home.root).counts().visible == 0


async def test_each_attempt_asks_with_a_message_of_its_own(embedded: Embedded) -> None:
    execution_id, token, running = await asked(embedded)
    await embedded.send(execution_id, AnswerCallback(token, False, reason="not today"))
    await running
    queue_of(embedded.home.root).purge()
    again = asyncio.create_task(embedded.retry(execution_id))
    second = (await sent(embedded, execution_id, "Executing", besides=token)).token
    (message,) = queue_of(embedded.home.root).receive()
    assert json.loads(message.body)["token"] == second
    await embedded.send(execution_id, AnswerCallback(second, True, YES))
    assert (await again).execution.status is ExecutionStatus.SUCCEEDED


async def test_a_question_that_nobody_answers_in_time_fails_its_step(embedded: Embedded) -> None:
    embedded.home.config.write_text("[callback]\nexpire_after_s = 0.05\n")
    state = await embedded.run(ASKING)
    gate = state.steps["Gate"]
    assert (gate.status, gate.failure_code) == (StepStatus.FAILED, "callback-expired")
    assert gate.failure_reason.startswith("Gate: nobody answered within 0.05 seconds")
    assert not gate.callback_token


async def test_a_question_expires_by_the_moment_it_was_asked_whoever_runs_it(
    embedded: Embedded,
) -> None:
    execution_id, _, running = await asked(embedded)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    embedded.home.config.write_text("[callback]\nexpire_after_s = 0.001\n")
    gate = (await embedded.go_on(execution_id)).steps["Gate"]
    assert gate.failure_code == "callback-expired"
    events = [one.fact for one in await embedded.events(execution_id)]
    assert sum(isinstance(one, e.CallbackRequested) for one in events) == 1, "asked once"


async def test_a_stop_of_what_waits_ends_when_the_question_expires(embedded: Embedded) -> None:
    embedded.home.config.write_text("[callback]\nexpire_after_s = 0.3\n")
    execution_id, _, running = await asked(embedded)
    await embedded.send(execution_id, StopExecution("enough"))
    assert (await running).execution.status is ExecutionStatus.STOPPED


@pytest.mark.parametrize("entry", ["approvals", "default"])
async def test_a_program_gets_the_message(embedded: Embedded, entry: str) -> None:
    seen = embedded.folder / "seen"
    embedded.home.config.write_text(
        f'[callbacks.{entry}]\ncommand = ["sh", "-c", "cat >> {seen}"]\n'
    )
    execution_id, token, running = await asked(embedded)
    assert json.loads(seen.read_text())["token"] == token
    await embedded.send(execution_id, AnswerCallback(token, True, YES))
    await running


async def test_a_queue_of_its_own_comes_before_the_default(
    embedded: Embedded, hooks: Hooks
) -> None:
    embedded.home.config.write_text(
        '[callbacks.default]\ncommand = ["false"]\n'
        f'[callbacks.approvals]\nwebhook = "{hooks.url}"\n'
    )
    execution_id, token, running = await asked(embedded)
    assert [body["token"] for body in hooks.bodies] == [token]
    assert (await sent(embedded, execution_id, "Executing")).reason == ""
    await embedded.send(execution_id, AnswerCallback(token, True, YES))
    await running


async def test_whoever_does_not_take_the_message_is_named_and_the_token_keeps_waiting(
    embedded: Embedded, hooks: Hooks
) -> None:
    hooks.answers = [503]
    embedded.home.config.write_text(
        f'[callbacks.default]\nwebhook = "{hooks.url}"\n'
        'command = ["sh", "-c", "echo nobody is there >&2; exit 4"]\n'
    )
    execution_id, token, running = await asked(embedded)
    reason = (await sent(embedded, execution_id, "Executing")).reason
    assert "sh exited with 4: nobody is there" in reason and "503" in reason
    store = await embedded.store()
    step = (await store.state(execution_id)).steps["Gate"]
    await store.close()
    assert step.waits_for_answer and reason in step.doing
    assert queue_of(embedded.home.root).counts().visible == 1
    await embedded.send(execution_id, AnswerCallback(token, True, YES))
    assert (await running).steps["Gate"].status is StepStatus.SUCCEEDED


@pytest.mark.parametrize("fault", ["telling:1", "told:1", "recorded:3"])
def test_a_killed_runner_sends_no_message_twice(host: Host, fault: str) -> None:
    execution_id = host.start(ASKING, host.launch(fault))
    assert host.wait(execution_id), "the fault was missed"
    host.take_over(execution_id)
    token = _told(host, execution_id, "Executing")
    assert [json.loads(one.body)["token"] for one in _messages(host)] == [token]
    host.send(execution_id, AnswerCallback(token, True, YES))
    assert host.settle(execution_id).execution.status is ExecutionStatus.SUCCEEDED


@pytest.mark.parametrize("fault", ["telling:2", "told:2", "obeyed:1"])
def test_a_runner_that_is_killed_while_it_stops_sends_the_second_message_once(
    host: Host, fault: str
) -> None:
    execution_id = host.start(ASKING, host.launch(fault))
    token = _told(host, execution_id, "Executing")
    host.send(execution_id, StopExecution())
    assert host.wait(execution_id), "the fault was missed"
    host.take_over(execution_id)
    _told(host, execution_id, "Stopping")
    statuses = [json.loads(one.body)["status"] for one in _messages(host)]
    assert statuses == ["Executing", "Stopping"]
    host.send(execution_id, AnswerCallback(token, True, YES))
    assert host.settle(execution_id).execution.status is ExecutionStatus.STOPPED


def _told(host: Host, execution_id: str, message: str) -> str:
    """Wait until a message is on record; returns its token."""
    return until(
        lambda: next(
            (
                event.fact.token
                for event in host.events(execution_id)
                if isinstance(event.fact, e.CallbackMessageSent) and event.fact.message == message
            ),
            "",
        )
    )


def _messages(host: Host) -> list[Message]:
    return queue_of(host.home.root).receive(10)


@pytest.mark.network
def test_a_worker_on_boto3_polls_the_queue_and_its_answer_ends_the_step(host: Host) -> None:
    execution_id = host.start(ASKING)
    _told(host, execution_id, "Executing")
    port = int((host.home.execution(execution_id) / "endpoint.port").read_text())
    access_key, secret_key = key_pair(host.home.token())
    sqs = boto3.client(
        "sqs", region_name="us-east-1", endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id=access_key, aws_secret_access_key=secret_key,
    )  # fmt: skip
    (received,) = sqs.receive_message(QueueUrl=QUEUE, WaitTimeSeconds=20)["Messages"]
    message = json.loads(received["Body"])
    assert message["arguments"] == INPUTS and message["status"] == "Executing"
    sqs.delete_message(QueueUrl=QUEUE, ReceiptHandle=received["ReceiptHandle"])
    asyncio.run(LocalControl(host.home).answer(message["token"], success=True, outputs=YES))
    sqs.close()
    state = host.settle(execution_id)
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    assert state.steps["Gate"].properties == {"OutputParameters": YES}
    counts = queue_of(host.home.root).counts()
    assert (counts.visible, counts.received) == (0, 0)
