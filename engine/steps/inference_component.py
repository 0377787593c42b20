"""InferenceComponent: one more model on an endpoint, asked for by its own name."""

from __future__ import annotations

import time
from typing import Any

from engine.config import Config
from engine.definition.document import Step
from engine.errors import PlanError
from engine.model.views import local_arn
from engine.serving.endpoints import find_endpoint
from engine.steps.base import Outcome, StepContext, succeeded
from engine.steps.endpoint import Wanted, roll_out
from engine.steps.model_container import home_of


class InferenceComponentStep:
    """Creates a component, or updates the one of this name: a new revision of its endpoint."""

    runs_jobs = False
    interruptible = True

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """Nothing: what a component is to serve is seen when it starts."""
        return None

    def stand_in(self, step: Step, config: Config) -> str:
        """What a local component is."""
        return (
            "one more model in the local endpoint's process; compute requirements and copy counts"
            " have no effect"
        )

    async def run(self, context: StepContext) -> Outcome:
        """The properties are DescribeInferenceComponent's."""
        arguments = context.arguments
        name = str(arguments.get("InferenceComponentName") or context.job_name)
        home = home_of(context.services)
        endpoint = find_endpoint(home, str(arguments.get("EndpointName") or ""))
        local = endpoint.description["Local"]
        wanted = Wanted(
            endpoint.name,
            endpoint.config_name,
            local["Variants"],
            {**local["Components"], name: dict(arguments)},
        )
        endpoint = await roll_out(context, wanted)
        arn = local_arn("inference-component", name.lower())
        properties: dict[str, Any] = {
            **arguments,
            "InferenceComponentName": name,
            "InferenceComponentArn": arn,
            "EndpointArn": endpoint.description["EndpointArn"],
            "InferenceComponentStatus": "InService",
            "CreationTime": time.time(),
        }
        note = f"{endpoint.url} answers for {name}"
        return succeeded(properties, {"InferenceComponent": {"Arn": arn}}, note=note)
