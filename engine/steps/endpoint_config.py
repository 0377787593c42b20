"""EndpointConfig: keeps what CreateEndpointConfig would create, for endpoints that refer to it."""

from __future__ import annotations

import time
from typing import Any

from engine.config import Config
from engine.definition.document import Step
from engine.errors import JobError, PlanError
from engine.model.views import local_arn
from engine.serving.descriptions import endpoint_configs, models
from engine.steps.base import Outcome, StepContext, succeeded
from engine.steps.inputs import mappings
from engine.steps.model_container import home_of


class EndpointConfigStep:
    """Creates a configuration; one of the same name is replaced, so that a rerun works."""

    runs_jobs = False
    interruptible = True

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """Never: what cannot be served is said when it is to be served."""
        return None

    def stand_in(self, step: Step, config: Config) -> str:
        """A configuration is a record, locally as on AWS."""
        return ""

    async def run(self, context: StepContext) -> Outcome:
        """The properties are DescribeEndpointConfig's."""
        home = home_of(context.services)
        name = str(context.arguments.get("EndpointConfigName") or context.job_name)
        variants = mappings(context.arguments.get("ProductionVariants"))
        if not variants:
            raise JobError(
                f"ClientError: endpoint configuration {name} has no ProductionVariants",
                code="variants-missing",
                hint="Give it one production variant at least.",
            )
        for variant in variants:
            if variant.get("ModelName"):
                models(home).read(str(variant["ModelName"]))
        arn = local_arn("endpoint-config", name.lower())
        properties: dict[str, Any] = {
            **context.arguments,
            "EndpointConfigName": name,
            "EndpointConfigArn": arn,
            "CreationTime": time.time(),
        }
        endpoint_configs(home).write(name, properties)
        return succeeded(properties, {"EndpointConfig": {"Arn": arn}})
