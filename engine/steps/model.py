"""Model: keeps what CreateModel would create, for steps that refer to it."""

from __future__ import annotations

from engine.config import Config
from engine.definition.document import Step
from engine.errors import PlanError
from engine.model.views import local_arn
from engine.serving.descriptions import models
from engine.steps.base import Outcome, StepContext, succeeded
from engine.steps.model_container import home_of


class ModelStep:
    """Creates a model: a name for containers and model data."""

    runs_jobs = False
    interruptible = True

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """Never."""
        return None

    def stand_in(self, step: Step, config: Config) -> str:
        """A model is a record, locally as on AWS."""
        return ""

    async def run(self, context: StepContext) -> Outcome:
        """The properties are DescribeModel's."""
        name = str(context.arguments.get("ModelName") or context.job_name)
        arn = local_arn("model", name.lower())
        properties = {
            **context.arguments,
            "ModelName": name,
            "ModelArn": arn,
            "CreationTime": context.run.started_at,
        }
        models(home_of(context.services)).write(name, properties)
        return succeeded(properties, {"Model": {"Arn": arn}})
