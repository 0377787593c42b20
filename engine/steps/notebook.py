"""Notebook jobs (section 4.6): a notebook, its parameters, and the notebook as it was executed.

Stands in for ``amazon_sagemaker_scheduler``, which is inside SageMaker's own images: a program of
ours runs the notebook with nbclient, in the image's environment with a Jupyter kernel added.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.config import Config
from engine.definition.document import Step
from engine.environments.grade import Grade
from engine.environments.programs import FOLDER
from engine.errors import PlanError
from engine.steps.base import StepContext
from engine.steps.container import Prepared, prepare, resolve_image
from engine.steps.hosts import Host
from engine.steps.inputs import section
from engine.steps.training import TrainingStep, image_of
from engine.steps.training_input import CONFIG

_ENTRYPOINT = "amazon_sagemaker_scheduler"
_JUPYTER = ("nbclient==0.10.2", "nbformat==5.10.4", "ipykernel==6.29.5")
_KERNELS = {"bash": "bash_kernel==0.10.0"}
"""Kernels of other languages that are one package; others come with the user's requirements."""
_NO_PYTHON = re.compile(r"ir|r|.*(spark|scala|julia|bash).*", re.IGNORECASE)


def is_notebook(arguments: Mapping[str, Any]) -> bool:
    """Whether a training job runs a notebook."""
    entry = section(arguments, "AlgorithmSpecification").get("ContainerEntrypoint")
    return isinstance(entry, list | tuple) and list(entry)[:1] == [_ENTRYPOINT]


class NotebookStep(TrainingStep):
    """Runs notebook jobs."""

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """What holds for every training job, a kernel that nothing here brings, no notebook."""
        if refusal := super().refuse(step, config):
            return refusal
        variables = section(step.arguments, "Environment")
        kernel = variables.get("SM_KERNEL_NAME")
        image = image_of(step.arguments)
        named = bool(image) and resolve_image(image, config).grade is Grade.CONFIGURED
        if is_foreign(kernel) and kernel not in _KERNELS and not named:
            return PlanError(
                f"{step.name}: kernel {kernel} is not a Python kernel, and no environment with it"
                " is named",
                code="notebook-kernel-unsupported",
                hint=f'Name the package that brings it under [images]: "{image or "*"}" ='
                " { requirements = [...] }, use a Python kernel, or run it in its image"
                " (jobs.runner = container).",
                path=step.path,
            )
        if not variables.get("SM_INPUT_NOTEBOOK_NAME"):
            return PlanError(
                f"{step.name} names no notebook",
                code="notebook-missing",
                hint="Set SM_INPUT_NOTEBOOK_NAME in Environment, as the SDK does.",
                path=step.path,
            )
        return None

    async def prepare(self, context: StepContext, host: Host) -> Prepared:
        """The image's environment with a kernel.

        Hyperparameters reach a job as texts; the notebook gets them with their types, from a file.
        """
        given = section(context.arguments, "HyperParameters")
        if not context.resuming:
            host.ml.write_json(f"{CONFIG}/notebookparameters.json", dict(given))
        wanted = context.directory / "requirements.txt"
        kernel = section(context.arguments, "Environment").get("SM_KERNEL_NAME")
        more = [_KERNELS[kernel]] if kernel in _KERNELS else []
        wanted.write_text("\n".join([*_JUPYTER, *more, ""]), encoding="utf-8")
        return await prepare(context, image_of(context.arguments), wanted)

    def command(self, context: StepContext, prepared: Prepared) -> tuple[tuple[str, ...], bool]:
        """Our own program."""
        return (prepared.python, str(FOLDER), "notebook"), False

    def variables(self, context: StepContext) -> dict[str, str]:
        """The job's variables, and the kernel where it is not Python's."""
        found = super().variables(context)
        kernel = found.get("SM_KERNEL_NAME", "")
        return {**found, "PIPETUI_KERNEL": kernel} if is_foreign(kernel) else found


def is_foreign(kernel: Any) -> bool:
    """Whether a kernel's name is that of another language; all others are Python's."""
    return isinstance(kernel, str) and _NO_PYTHON.fullmatch(kernel) is not None
