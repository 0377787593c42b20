"""Fail: ends the execution with a message of the author's."""

from __future__ import annotations

from engine.config import Config
from engine.definition.document import Step
from engine.errors import PlanError
from engine.steps.base import Outcome, StepContext, failed
from engine.steps.opt_ml import as_text


class FailStep:
    """Fails, always."""

    runs_jobs = False
    interruptible = True

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """Never."""
        return None

    def stand_in(self, step: Step, config: Config) -> str:
        """None: this is what the service does."""
        return ""

    async def run(self, context: StepContext) -> Outcome:
        """The message is the failure reason; an empty one leaves only the metadata."""
        message = as_text((context.arguments or {}).get("ErrorMessage") or "")
        return failed(message, "fail-step", metadata={"Fail": {"ErrorMessage": message}})
