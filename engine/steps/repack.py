"""Repacking a model with its inference code (section 4.4): what ``X-RepackModel-0`` steps do.

The SDK runs a script of its own on a scikit-learn image for it. Nothing in it needs that image, so
it runs on this host's Python, and no environment is built.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from engine.config import Config
from engine.definition.document import Step
from engine.environments.grade import Grade
from engine.environments.image import Family, parse_image
from engine.environments.programs import FOLDER
from engine.errors import PlanError
from engine.steps.base import StepContext
from engine.steps.container import DEFAULT_PATH, Prepared, base_interpreter
from engine.steps.hosts import Host
from engine.steps.inputs import mappings, section
from engine.steps.training import TrainingStep, image_of
from engine.steps.training_input import PROGRAM, decoded

_SCRIPTS = ("_repack_script_launcher.sh", "_repack_model.py")
_NEEDED = frozenset({"inference_script", "model_archive"})
_DRIVERS = "sm_drivers"


def is_repack(arguments: Mapping[str, Any]) -> bool:
    """Whether the SDK's script for repacking a model is what a training job would run.

    SDK 2 names the script in a hyperparameter. SDK 3 names it in a file of its drivers' channel,
    so there the image and the names of all hyperparameters have to do.
    """
    given = section(arguments, "HyperParameters")
    if not given.keys() >= _NEEDED:
        return False
    program = given.get(PROGRAM)
    if isinstance(program, str):
        return decoded(program) in _SCRIPTS
    channels = {one.get("ChannelName") for one in mappings(arguments.get("InputDataConfig"))}
    image = parse_image(image_of(arguments))
    return (
        image.family is Family.SCIKIT_LEARN
        and {_DRIVERS, "training"} <= channels
        and given.keys() <= _NEEDED | {"source_dir", "dependencies"}
    )


class RepackStep(TrainingStep):
    """Adds ``code/`` to the archive of a model."""

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """What its channels ask for and is not here; the image does not matter."""
        return self.refuse_input(step)

    def reads_files(self, arguments: Mapping[str, Any], config: Config) -> bool:
        """Our own program, whatever the image."""
        return True

    async def prepare(self, context: StepContext, host: Host) -> Prepared:
        """The interpreter of this host."""
        return Prepared(
            python=base_interpreter(context.services.config),
            path=os.environ.get("PATH") or DEFAULT_PATH,
            resolution=None,
            description={
                "Image": image_of(context.arguments),
                "Grade": Grade.EXACT.value,
                "Kind": "host",
                "Python": base_interpreter(context.services.config),
                "Notes": ["the SDK's repacking script is done by PipeTUI itself"],
            },
        )

    def command(self, context: StepContext, prepared: Prepared) -> tuple[tuple[str, ...], bool]:
        """Our own program."""
        return (prepared.python, str(FOLDER), "repack"), False
