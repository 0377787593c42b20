"""Commands for what runs inside an environment in place of a container's own programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.environments.catalog import Resolution

FOLDER = Path(__file__).with_name("algorithms")
"""Must be readable from within the job; holds plain scripts that know nothing of the engine."""

_PYTHON = ("python", "python3")


def training_command(
    resolution: Resolution, python: Path, hyperparameters: Mapping[str, Any]
) -> tuple[str, ...] | None:
    """What a training job runs that names an image and no command of its own.

    Args:
        resolution: of the job's image.
        python: of the environment.
        hyperparameters: of the job; ``sagemaker_program`` among them means script mode.

    Returns:
        The command, or None where the image has neither an algorithm nor a script to run, and the
        user's table names no command for it.
    """
    if hyperparameters.get("sagemaker_program"):
        return (str(python), str(FOLDER), "script-mode")
    if resolution.command:
        program, *words = resolution.command
        return (str(python) if program in _PYTHON else program, *words)
    if resolution.algorithm is not None:
        return (str(python), str(FOLDER), resolution.algorithm)
    return None
