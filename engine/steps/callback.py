"""Callback: waits until somebody answers its token."""

from __future__ import annotations

from engine.config import Config
from engine.definition.document import Step
from engine.errors import PlanError
from engine.steps.base import Outcome, StepContext, failed, succeeded
from engine.steps.output_parameters import typed_outputs

REASON_LIMIT = 256
"""Characters of the FailureReason in SendPipelineExecutionStepFailure (API model)."""


class CallbackStep:
    """Waits for an answer given in the app, on the command line or by API."""

    runs_jobs = False
    interruptible = False

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """Never."""
        return None

    def stand_in(self, step: Step) -> str:
        """No message goes to SQS; the token waits in the inbox."""
        return "the token waits in PipeTUI's inbox, no SQS message is sent"

    async def run(self, context: StepContext) -> Outcome:
        """The answer's OutputParameters are the step's; a refusal fails it."""
        queue = str(context.step.extra.get("SqsQueueUrl") or "")
        token = context.callback_token
        answer = await context.answer(token, queue, context.arguments or {})
        about = {"CallbackToken": token, "SqsQueueUrl": queue}
        if not answer.success:
            reason = (answer.reason or "rejected")[:REASON_LIMIT]
            return failed(
                reason, "callback-rejected", metadata={"Callback": about}, note=answer.note
            )
        outputs = typed_outputs(context.step.output_parameters, answer.outputs, "the answer")
        listed = [{"Name": key, "Value": value} for key, value in outputs.items()]
        return succeeded(
            {"OutputParameters": outputs},
            {"Callback": {**about, "OutputParameters": listed}},
            note=answer.note,
        )
