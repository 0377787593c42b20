"""What every job that stands for a container needs: environment, variables, command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from engine.config import Config
from engine.environments.catalog import Override, Resolution, resolve
from engine.errors import EnvironmentError_, JobError
from engine.steps.base import StepContext

SHOW_EVERY_S = 0.5
"""An installer prints hundreds of lines; each one shown is an event in the store."""
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_HOST_VARIABLES = ("LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Prepared:
    """The environment that stands in for an image, ready to run a job."""

    python: str
    path: str
    """Value of ``PATH``."""
    resolution: Resolution | None
    """What the image was resolved to; None where no image is behind the job."""
    description: dict[str, Any]
    """For people: image, grade, interpreter, notes."""


def base_interpreter(config: Config) -> str:
    """The Python that environments are built on, and that unmatched images run with."""
    if config.python:
        return config.python
    return getattr(sys, "_base_executable", "") or sys.executable


@cache
def interpreter_version(python: str) -> tuple[int, int]:
    """Major and minor version of an interpreter (10 ms where it is not our own)."""
    if os.path.realpath(python) == os.path.realpath(sys.executable):
        return sys.version_info[0], sys.version_info[1]
    code = "import sys; print(*sys.version_info[:2])"
    try:
        done = subprocess.run(
            [python, "-ISc", code], capture_output=True, text=True, timeout=20, check=True
        )
        major, minor = done.stdout.split()
    except (OSError, subprocess.SubprocessError, ValueError) as problem:
        raise EnvironmentError_(
            f"{python} is not a Python that runs here",
            code="interpreter-unusable",
            hint="Set python.interpreter in the configuration to a Python >= 3.8.",
        ) from problem
    return int(major), int(minor)


def resolve_image(image: str, config: Config) -> Resolution:
    """Which environment stands in for an image under this configuration."""
    unknown: Literal["host", "refused"] = "refused" if config.unmatched == "refuse" else "host"
    overrides = {
        pattern: Override(choice.python, choice.requirements)
        for pattern, choice in config.images.items()
    }
    python = interpreter_version(base_interpreter(config))
    return resolve(image, python=python, overrides=overrides, unknown=unknown)


async def prepare(context: StepContext, image: str, requirements: Path | None = None) -> Prepared:
    """The environment for an image, built first where it is not there.

    Errors: ``EnvironmentError_`` where it cannot run here, or does not build.
    """
    config = context.services.config
    resolution = resolve_image(image, config)

    shown = 0.0

    def show(line: str) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown >= SHOW_EVERY_S:
            shown = now
            context.doing(f"building environment: {line.strip()[:80]}")

    environment = await context.services.environments.ensure(
        resolution, extra_requirements=requirements, on_line=show
    )
    host_path = os.environ.get("PATH") or DEFAULT_PATH
    return Prepared(
        python=str(environment.python),
        path=f"{environment.bin}:{host_path}",
        resolution=resolution,
        description={
            "Image": image,
            "Grade": str(environment.grade),
            "Kind": resolution.kind,
            "Python": str(environment.python),
            "Notes": list(resolution.notes),
        },
    )


def job_environment(
    context: StepContext, prepared: Prepared, declared: Mapping[str, str]
) -> dict[str, str]:
    """The whole environment of a job: PATH, AWS variables, what the definition declares."""
    config = context.services.config
    inherited = {
        name: os.environ[name]
        for name in (*_HOST_VARIABLES, *config.pass_environment)
        if name in os.environ
    }
    return {
        "HOME": str(context.services.job_home),
        "PYTHONUNBUFFERED": "1",
        **inherited,
        "PATH": prepared.path,
        **context.services.aws_environment(),
        **declared,
    }


def check_command(command: Sequence[Any], what: str) -> tuple[str, ...]:
    """A command line out of a definition. Errors: ``JobError`` for anything but text in it."""
    for part in command:
        if not isinstance(part, str | int | float):
            raise JobError(
                f"{what} holds {part!r}, which is no text",
                code="command-invalid",
                hint="Entrypoint and arguments are lists of strings.",
            )
    return tuple(str(part) for part in command)


def clear(folder: Path) -> None:
    """Remove what an unfinished preparation of an attempt left behind."""
    shutil.rmtree(folder, ignore_errors=True)
