"""Condition: decides which branch runs."""

from __future__ import annotations

from engine.config import Config
from engine.definition.conditions import Comparison, evaluate
from engine.definition.document import Step
from engine.errors import PlanError
from engine.steps.base import Outcome, StepContext, succeeded


class ConditionStep:
    """Evaluates the conditions; its only property is ``Outcome``."""

    runs_jobs = False
    interruptible = True

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """Never."""
        return None

    def stand_in(self, step: Step) -> str:
        """None: conditions are evaluated as the service does."""
        return ""

    async def run(self, context: StepContext) -> Outcome:
        """All conditions must hold; what was compared is kept for the reader."""
        verdict = evaluate(context.step.conditions, context.resolve)
        note = "; ".join(map(_words, verdict.comparisons))
        return succeeded(
            {"Outcome": verdict.outcome},
            {"Condition": {"Outcome": str(verdict.outcome)}},
            note=note[:1024],
        )


def _words(comparison: Comparison) -> str:
    return f"{comparison.text} is {comparison.result}"
