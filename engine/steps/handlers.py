"""Which handler runs which step type; a module is imported when its type is first met."""

from __future__ import annotations

import importlib
from functools import cache

from engine.config import Config
from engine.definition.document import TOLERATED_TYPES, Step
from engine.errors import PlanError
from engine.steps.base import StepHandler

ENTRY_POINTS = "pipetui.step_handlers"
"""Entry-point group of handlers from other packages: step type -> ``module:Class``."""

_BUILT_IN = {
    "AutoML": "engine.steps.automl:AutoMLStep",
    "Callback": "engine.steps.callback:CallbackStep",
    "ClarifyCheck": "engine.steps.clarify_check:ClarifyCheckStep",
    "Cleanup": "engine.steps.cleanup:CleanupStep",
    "Condition": "engine.steps.condition:ConditionStep",
    "EMR": "engine.steps.emr:EmrStep",
    "EMRServerless": "engine.steps.emr_serverless:EmrServerlessStep",
    "Endpoint": "engine.steps.endpoint:EndpointStep",
    "EndpointConfig": "engine.steps.endpoint_config:EndpointConfigStep",
    "Fail": "engine.steps.fail:FailStep",
    "InferenceComponent": "engine.steps.inference_component:InferenceComponentStep",
    "Job": "engine.steps.job:JobStep",
    "Lambda": "engine.steps.lambda_:LambdaStep",
    "Lineage": "engine.steps.lineage:LineageStep",
    "Model": "engine.steps.model:ModelStep",
    "Processing": "engine.steps.processing:ProcessingStep",
    "QualityCheck": "engine.steps.quality_check:QualityCheckStep",
    "RegisterModel": "engine.steps.register_model:RegisterModelStep",
    "Training": "engine.steps.training_kinds:AnyTrainingStep",
    "Transform": "engine.steps.transform:TransformStep",
    "Tuning": "engine.steps.tuning:TuningStep",
}

_BY_RUNNER = frozenset({"ForEach"})
"""Types without a job or a call of their own: the runner sees to the steps that they contain."""


@cache
def handler_for(step_type: str) -> StepHandler | None:
    """The handler of a step type; None where there is none."""
    target = _BUILT_IN.get(step_type)
    if target is None:
        from importlib import metadata  # 15 ms, for types that others bring

        found = metadata.entry_points(group=ENTRY_POINTS, name=step_type)
        target = next((entry.value for entry in found), None)
    if target is None:
        return None
    module, _, name = target.partition(":")
    handler: StepHandler = getattr(importlib.import_module(module), name)()
    return handler


def refuse(step: Step, config: Config) -> PlanError | None:
    """Why a step cannot run here; None where it can."""
    if step.type in _BY_RUNNER:
        return None
    handler = handler_for(step.type)
    if step.type in TOLERATED_TYPES and handler is None:
        return PlanError(
            f"{step.name}: steps of type {step.type} run on AWS alone",
            code="step-type-unsupported",
            hint="Leave the step out with --steps, or run the pipeline on AWS.",
            path=step.path,
        )
    if handler is None:
        return PlanError(
            f"{step.name}: steps of type {step.type} do not run here",
            code="step-type-unsupported",
            hint="These do: "
            + ", ".join(sorted(_BUILT_IN.keys() | _BY_RUNNER))
            + ". Leave the step out with --steps,"
            " or run the pipeline on AWS.",
            path=step.path,
        )
    return handler.refuse(step, config)


def stand_in(step: Step, config: Config) -> str:
    """What stands in for a cloud service when this step runs here."""
    handler = handler_for(step.type)
    return handler.stand_in(step, config) if handler else ""
