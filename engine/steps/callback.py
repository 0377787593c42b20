"""Callback: sends a message with a token to a queue, and waits until somebody answers the token."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

from engine.config import CallbackTarget, Config
from engine.definition.document import Step
from engine.delivery import DeliveryError, to_program, to_url
from engine.errors import PlanError, StorageError
from engine.queues.local import Queues, message_id, queue_name
from engine.steps.base import Outcome, StepContext, failed, succeeded
from engine.steps.output_parameters import typed_outputs

REASON_LIMIT = 256
"""Characters of the FailureReason in SendPipelineExecutionStepFailure (API model)."""
DEFAULT_TARGET = "default"
"""The entry under ``[callbacks]`` for queues without one of their own."""


class CallbackStep:
    """Waits for an answer given in the app, on the command line or by API."""

    runs_jobs = False
    interruptible = False

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """Never."""
        return None

    def stand_in(self, step: Step, config: Config) -> str:
        """A queue of the home, and the inbox."""
        return "a queue of this home stands for SQS; the token waits in PipeTUI's inbox"

    async def run(self, context: StepContext) -> Outcome:
        """The answer's OutputParameters are the step's; a refusal fails it."""
        queue = str(context.resolve(context.step.extra.get("SqsQueueUrl")) or "")
        token = context.callback_token
        inputs = context.arguments or {}
        answer = await context.answer(token, queue, inputs, partial(_send, context, queue))
        about = {"CallbackToken": token, "SqsQueueUrl": queue}
        if not answer.success:
            reason = (answer.reason or "rejected")[:REASON_LIMIT]
            code = "callback-expired" if answer.expired else "callback-rejected"
            return failed(reason, code, metadata={"Callback": about}, note=answer.note)
        outputs = typed_outputs(context.step.output_parameters, answer.outputs, "the answer")
        listed = [{"Name": key, "Value": value} for key, value in outputs.items()]
        return succeeded(
            {"OutputParameters": outputs},
            {"Callback": {**about, "OutputParameters": listed}},
            note=answer.note,
        )


async def _send(context: StepContext, queue: str, status: str) -> str:
    """Send a message to the queue and to whom the configuration names; returns what went wrong.

    Its id comes from the token, so that one that is sent again is known as the same.
    """
    token, name = context.callback_token, queue_name(queue)
    message = {
        "token": token,
        "pipelineExecutionArn": context.run.arn,
        "arguments": context.arguments or {},
        "status": status,
    }
    problems = []
    if name:
        try:
            await context.in_thread(_put, context, name, message)
        except StorageError as problem:
            problems.append(problem.message)
    problems += await _tell(context, name, message)
    return "; ".join(problems)


def _put(context: StepContext, name: str, message: dict[str, Any]) -> None:
    id = message_id(message["token"], message["status"])
    Queues.of_home(context.services.home).queue(name).send(json.dumps(message), id=id)


async def _tell(context: StepContext, name: str, message: dict[str, Any]) -> list[str]:
    """Tell the program and the URL of a queue; returns what went wrong."""
    config, home = context.services.config, str(context.services.home)
    targets = config.callbacks
    target = targets.get(name) or targets.get(DEFAULT_TARGET) or CallbackTarget()
    limit = config.observers_timeout_s
    sent = []
    if target.command:
        sent.append(to_program(target.command, message, limit, {"PIPETUI_HOME": home}))
    if target.webhook:
        sent.append(to_url(target.webhook, message, limit))
    ends = await asyncio.gather(*sent, return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException) and not isinstance(end, DeliveryError):
            raise end
    return [end.message for end in ends if isinstance(end, DeliveryError)]
