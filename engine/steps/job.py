"""Job: CreateJob requests, which only SageMaker itself can run.

What a job of a category does (synthetic data, fine-tuning of agents) is a closed program of the
service. There is nothing on a host to stand for it, so a pipeline with one is refused.
"""

from __future__ import annotations

import json
from typing import Any

from engine.config import Config
from engine.definition.document import Step
from engine.errors import JobError, PlanError
from engine.steps.base import Outcome, StepContext


class JobStep:
    """Refuses, with the reason."""

    runs_jobs = False
    interruptible = True

    def refuse(self, step: Step, config: Config) -> PlanError:
        """A document that is no JSON; else, that it takes AWS."""
        if problem := _document_problem(step.arguments.get("JobConfigDocument")):
            return PlanError(
                f"{step.name}: JobConfigDocument {problem}",
                code="job-document-invalid",
                hint="It is a text that holds one JSON object.",
                path=f"{step.path}.Arguments.JobConfigDocument",
            )
        category = step.arguments.get("JobCategory")
        kind = f"{category} jobs" if isinstance(category, str) else "jobs of CreateJob"
        return PlanError(
            f"{step.name}: {kind} run inside of SageMaker, and there is no program for them here",
            code="job-needs-aws",
            hint="Leave the step out with --steps, or run the pipeline on AWS.",
            path=step.path,
        )

    def stand_in(self, step: Step) -> str:
        """None: nothing stands for it."""
        return ""

    async def run(self, context: StepContext) -> Outcome:
        """Never gets that far. Errors: ``JobError`` with the reason for the refusal."""
        refusal = self.refuse(context.step, context.services.config)
        raise JobError(f"ClientError: {refusal.message}", code=refusal.code, hint=refusal.hint)


def _document_problem(document: Any) -> str:
    """What is wrong with a document; empty where it is fine, or not known yet."""
    if document is None:
        return "is missing"
    if isinstance(document, dict) and len(document) == 1:
        return ""
    if not isinstance(document, str):
        return "is no text"
    try:
        found = json.loads(document)
    except (ValueError, RecursionError) as problem:
        return f"is no JSON: {problem}"
    return "" if isinstance(found, dict) else "holds no object"
