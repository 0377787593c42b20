"""Which kind of training job a Training step is: its arguments tell, its type does not.

The SDK turns functions (``@step``), notebook jobs and the repacking of models into Training steps
whose program is inside an image. Jobs that run in their images have that program; for all others
something here stands in for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.config import Config
from engine.definition.document import Step
from engine.errors import PlanError
from engine.steps.base import Outcome, StepContext
from engine.steps.function import FunctionStep, is_function
from engine.steps.notebook import NotebookStep, is_notebook
from engine.steps.repack import RepackStep, is_repack
from engine.steps.training import TrainingStep, runs_training_image

_PLAIN = TrainingStep()
_KINDS = ((is_function, FunctionStep()), (is_notebook, NotebookStep()), (is_repack, RepackStep()))


class AnyTrainingStep:
    """Hands a Training step to the handler of its kind."""

    runs_jobs = True
    interruptible = True

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """Why a step of this kind cannot run here."""
        return kind_of(step.arguments, config).refuse(step, config)

    def stand_in(self, step: Step, config: Config) -> str:
        """What does not run of a training job, whatever its kind."""
        return kind_of(step.arguments, config).stand_in(step, config)

    async def run(self, context: StepContext) -> Outcome:
        """Run one attempt of a step of this kind."""
        return await kind_of(context.arguments, context.services.config).run(context)


def kind_of(arguments: Mapping[str, Any], config: Config) -> TrainingStep:
    """The handler for these arguments, whose expressions may not be resolved yet."""
    if not runs_training_image(arguments, config):
        for belongs, handler in _KINDS:
            if belongs(arguments):
                return handler
    return _PLAIN
