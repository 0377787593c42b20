"""Condition: decides which branch runs."""

from __future__ import annotations

import json
from typing import Any

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

    def stand_in(self, step: Step, config: Config) -> str:
        """None: conditions are evaluated as the service does."""
        return ""

    async def run(self, context: StepContext) -> Outcome:
        """All conditions must hold; what was compared is kept for the reader."""
        verdict = evaluate(context.step.conditions, context.resolve)
        note = "; ".join(map(_words, verdict.comparisons))
        compared = [_document(one) for one in verdict.comparisons]
        return succeeded(
            {"Outcome": verdict.outcome},
            {"Condition": {"Outcome": str(verdict.outcome), "Compared": compared}},
            note=note[:1024],
        )


def _words(comparison: Comparison) -> str:
    if comparison.parts:
        return f"{comparison.text} is {comparison.result}"
    left, right = (_short(value) for value in (comparison.left, comparison.right))
    return f"{comparison.text} is {comparison.result} ({left}, {right})"


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:80]


def _document(comparison: Comparison) -> dict[str, Any]:
    """A condition as it came out; its expressions stand in the definition, in the same order."""
    if comparison.operator in ("Not", "Or"):
        return {"Result": comparison.result, "Parts": [_document(one) for one in comparison.parts]}
    return {"Result": comparison.result, "Left": comparison.left, "Right": comparison.right}
