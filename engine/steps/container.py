"""What every job that stands for a container needs: environment, variables, command."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Literal

from engine.config import Config
from engine.definition.document import Step
from engine.environments.build import Environment
from engine.environments.catalog import Override, Resolution, resolve
from engine.environments.grade import Grade
from engine.environments.overlay import FOLDER, lay_over
from engine.errors import EnvironmentError_, JobError, PlanError
from engine.jobs.images import Offer, held, obtainable
from engine.steps.base import StepContext
from engine.steps.opt_ml import as_text

SHOW_EVERY_S = 0.5
"""An installer prints hundreds of lines; each one shown is an event in the store."""
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_HOST_VARIABLES = ("LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Prepared:
    """The environment that stands in for an image, ready to run a job."""

    python: str
    path: str
    """Value of ``PATH``; empty where the job runs in its image and has the image's."""
    resolution: Resolution | None
    """What the image was resolved to; None where no image is behind the job."""
    description: dict[str, Any]
    """For people: image, grade, interpreter, notes."""
    shared: bool = False
    """Whether it was built for every job that wants it; see ``own_environment``."""
    engine: str = ""
    """The path of the tool that runs the image, where no environment stands in for it."""


def runs_images(config: Config) -> bool:
    """Whether all jobs run in their images, not in environments that stand in for them."""
    return config.job_runner == "container"


def runs_image(image: Any, config: Config, program: bool = False) -> bool:
    """Whether jobs of an image run in it: all do, or nothing here stands for this one.

    Args:
        program: whether only the program inside the image can do the job.
    """
    return runs_images(config) or bool(engine_for(image, config, program).tool)


def engine_for(image: Any, config: Config, program: bool = False) -> Offer:
    """The container engine for an image that nothing here stands for, or why there is none.

    One that would run with the host's programs runs in its container where an engine has it. What
    cannot run otherwise is pulled too. An image in the user's own table is not looked for.
    """
    if config.job_runner != "auto":
        return Offer("", why=f"jobs.runner is {config.job_runner}")
    if not isinstance(image, str) or not image:
        return Offer("", why="no image is named")
    image = standing_image(image, config)
    resolution = resolve_image(image, config)
    if resolution.grade is Grade.CONFIGURED:
        return Offer("", why="[images] names an environment for it")
    if resolution.kind == "refused" or program:
        return obtainable(image)
    if resolution.grade is Grade.UNMATCHED:
        return held(image)
    return Offer("", why="an environment stands for it")


def base_interpreter(config: Config) -> str:
    """The Python that environments are built on, and that unmatched images run with."""
    if config.python:
        return config.python
    return getattr(sys, "_base_executable", "") or sys.executable


def beside_containers(config: Config) -> str:
    """Words for a program that an image has no part in, where other jobs run in theirs."""
    return "; it runs on this host, not in a container" if runs_images(config) else ""


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


def standing_image(image: str, config: Config) -> str:
    """The image that the user's table names in place of one, or of an algorithm; else itself."""
    found = (choice for key, choice in config.images.items() if fnmatchcase(image, key))
    return next((choice.image for choice in found), "") or image


def resolve_image(image: str, config: Config, python: str = "") -> Resolution:
    """Which environment stands in for an image under this configuration.

    Args:
        python: the interpreter to build it on; the configured one where empty. One that the
            user's own table names for the image wins.
    """
    unknown: Literal["host", "refused"] = "refused" if config.unmatched == "refuse" else "host"
    overrides = {
        pattern: Override(choice.python, choice.requirements, choice.command)
        for pattern, choice in config.images.items()
        if not choice.image
    }
    image = standing_image(image, config)
    version = interpreter_version(python or base_interpreter(config))
    resolution = resolve(image, python=version, overrides=overrides, unknown=unknown)
    return replace(resolution, python=resolution.python or python)


def refuse_image(step: Step, image: Any, config: Config) -> PlanError | None:
    """Why a step's image cannot run here; an image named by an expression is seen at its start."""
    if not isinstance(image, str) or not image or runs_images(config):
        return None
    resolution = resolve_image(image, config)
    if resolution.kind != "refused" or (offer := engine_for(image, config)).tool:
        return None
    return PlanError(
        f"{step.name}: {image} cannot run here: {'; '.join(resolution.notes)}, and {offer.why}",
        code="image-not-runnable",
        hint="Name an environment for it under [images] in the configuration, or let podman or"
        " docker on this host have the image.",
        path=step.path,
    )


async def prepare(
    context: StepContext,
    image: str,
    requirements: Path | None = None,
    python: str = "",
    *,
    program: bool = False,
) -> Prepared:
    """The environment for an image, built first where it is not there, or its container.

    Args:
        requirements: a file of what the step wants on top.
        python: the interpreter to build it on; see ``resolve_image``.
        program: see ``runs_image``.

    Errors: ``EnvironmentError_`` where it cannot run here, or does not build.
    """
    config = context.services.config
    offer = await context.in_thread(engine_for, image, config, program)
    if runs_images(config) or offer.tool:
        image = standing_image(image, config)
        notes = [f"nothing on this host stands for it; run by {offer.words}"] * bool(offer.tool)
        about = {"Image": image, "Grade": Grade.EXACT.value, "Kind": "container", "Notes": notes}
        return Prepared("", "", None, about, engine=offer.tool)
    return await prepare_environment(context, image, requirements, python)


async def prepare_environment(
    context: StepContext, image: str, requirements: Path | None = None, python: str = ""
) -> Prepared:
    """As ``prepare``, for a program of PipeTUI's own, which never runs in the image."""
    config = context.services.config
    resolution = resolve_image(image, config, python)
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
    return prepared_in(environment, resolution, image, os.environ.get("PATH") or DEFAULT_PATH)


def prepared_in(
    environment: Environment, resolution: Resolution, image: str, host_path: str
) -> Prepared:
    """A built environment, ready to run what stands for ``image``.

    Args:
        host_path: what comes after the environment's own programs in ``PATH``.
    """
    return Prepared(
        python=str(environment.python),
        path=f"{environment.bin}:{host_path}",
        resolution=resolution,
        description={
            "Image": image,
            "Grade": environment.grade.value,
            "Kind": resolution.kind,
            "Python": str(environment.python),
            "Notes": list(resolution.notes),
        },
        shared=bool(environment.key),
    )


async def own_environment(context: StepContext, prepared: Prepared) -> Prepared:
    """An overlay of the attempt's own over a built environment, for what its job installs.

    What is no built environment (the host's own Python, a container) is given back as it is.
    """
    if not prepared.shared:
        return prepared
    below, folder = Path(prepared.python).parent.parent, context.directory / FOLDER
    programs: Path = await context.in_thread(lay_over, below, folder)
    python, path = str(programs / "python"), f"{programs}:{prepared.path}"
    return replace(prepared, python=python, path=path, shared=False)


def job_environment(
    context: StepContext, prepared: Prepared, declared: Mapping[str, str]
) -> dict[str, str]:
    """The whole environment of a job: PATH, AWS variables, what the definition declares.

    A job in its image has the image's own PATH and HOME.
    """
    names = context.services.config.pass_environment
    of_host = {}
    if prepared.path:
        names = (*_HOST_VARIABLES, *names)
        of_host = {"PATH": prepared.path, "HOME": str(context.services.job_home)}
    return {
        "PYTHONUNBUFFERED": "1",
        **{name: os.environ[name] for name in names if name in os.environ},
        **of_host,
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
    return tuple(as_text(part) for part in command)
