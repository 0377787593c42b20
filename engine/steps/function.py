"""Functions (``@step``): the SDK's own programs run them, in an environment with that SDK (4.5).

What the definition names is run as it stands: the driver and the bootstrap in the step's channels,
then ``invoke_function`` of the SDK, which loads the payload, checks it, calls the function and
stores what it returns. Its AWS clients talk to the loopback endpoint. Two things differ from a
container: dependencies are installed before the job into an environment that is kept, and the job
is told that it is root, because the bootstrap calls ``sudo`` for anybody else.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from engine.config import Config
from engine.definition.document import Step
from engine.errors import EnvironmentError_, PlanError
from engine.steps.base import Outcome, StepContext
from engine.steps.container import Prepared, interpreter_version, prepare, resolve_image
from engine.steps.hosts import Host
from engine.steps.inputs import section
from engine.steps.interpreters import find_interpreter, read_minor
from engine.steps.spark import refuse_spark
from engine.steps.spark_function import STAND_IN, is_spark_function, prepare_function
from engine.steps.training import TrainingStep, image_of

_DRIVER = "sagemaker_remote_function_bootstrap/job_driver.sh"
_CHANNEL = "/opt/ml/input/data/pre_exec_script_and_dependencies"
_SETTINGS = "--dependency_settings"
_CONDA_FILES = (".yml", ".yaml")
_PINS_SDK = re.compile(r"^\s*sagemaker\s*(\[[^\]]*\])?\s*===?", re.IGNORECASE | re.MULTILINE)
_CODES = (
    ("DeserializationError('Integrity check", "payload-integrity"),
    ("DeserializationError(", "payload-unreadable"),
    ("SerializationError(", "result-unserializable"),
    ("ServiceError(", "payload-unreachable"),
    ("RuntimeEnvironmentError:", "function-environment-failed"),
)
"""How the SDK's own errors begin in the failure file, and the code of such a failure."""


def is_function(arguments: Mapping[str, Any]) -> bool:
    """Whether a training job runs a function of the SDK's ``@step``."""
    entry = section(arguments, "AlgorithmSpecification").get("ContainerEntrypoint")
    words = entry if isinstance(entry, list | tuple) else ()
    return any(isinstance(word, str) and word.endswith(_DRIVER) for word in words)


@dataclass(frozen=True, slots=True)
class Request:
    """What the arguments of the driver say of the environment that a function needs.

    Args:
        python: minor version that pickled the function; empty where nothing says so.
        sdk: version of the ``sagemaker`` package; empty where nothing says so.
        dependency_file: in its channel; None where there is none, empty where nothing says so.
        conda: the conda environment of the image that it is to run in.
        distribution: ``mpirun`` or ``torchrun``, for several processes.
    """

    python: str = ""
    sdk: str = ""
    dependency_file: str | None = ""
    conda: str = ""
    distribution: str = ""

    @property
    def needs_conda(self) -> bool:
        """Whether the bootstrap will call conda or mamba."""
        return bool(self.conda) or (self.dependency_file or "").endswith(_CONDA_FILES)


def read_request(arguments: Mapping[str, Any]) -> Request:
    """The request in a training job's arguments; an expression counts as nothing said."""
    specification = section(arguments, "AlgorithmSpecification")
    given = specification.get("ContainerArguments") or ()
    words = [word if isinstance(word, str) else "" for word in given]
    options = dict(pairwise(words))
    variables = section(arguments, "Environment")
    conda = options.get("--job_conda_env") or variables.get("SAGEMAKER_JOB_CONDA_ENV") or ""
    return Request(
        python=options.get("--client_python_version", ""),
        sdk=options.get("--client_sagemaker_pysdk_version", ""),
        dependency_file=_dependency_file(options.get(_SETTINGS, "")),
        conda=conda if isinstance(conda, str) else "",
        distribution=options.get("--distribution", ""),
    )


def _dependency_file(settings: str) -> str | None:
    try:
        name = json.loads(settings)["dependency_file"]
    except (ValueError, KeyError, TypeError):
        return ""
    return None if name is None else str(name)


class FunctionStep(TrainingStep):
    """Runs functions that the SDK stored."""

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """Functions for conda, Spark and Pythons that this host does not have."""
        if refusal := super().refuse(step, config):
            return refusal
        request = read_request(step.arguments)
        image = image_of(step.arguments)
        if is_spark_function(step.arguments) and (problem := refuse_spark(step, config)):
            return problem
        if request.needs_conda and not _conda():
            return PlanError(
                f"{step.name} needs conda, which is not on this host",
                code="function-conda-missing",
                hint="Run it in its image (jobs.runner = container), put conda or mamba on PATH,"
                " or give the dependencies as a requirements.txt.",
                path=step.path,
            )
        return _refuse_python(step, image, request, config)

    def stand_in(self, step: Step, config: Config) -> str:
        """What other training jobs say, and what stands for the Spark of an image."""
        spark = STAND_IN if is_spark_function(step.arguments) else ""
        return "; ".join(filter(None, (spark, super().stand_in(step, config))))

    async def run(self, context: StepContext) -> Outcome:
        """Run the function; what the SDK says of a failure decides its code."""
        outcome = await super().run(context)
        said = outcome.reason.removeprefix("AlgorithmError: ")
        code = next((code for start, code in _CODES if said.startswith(start)), "")
        return replace(outcome, code=code) if code else outcome

    async def prepare(self, context: StepContext, host: Host) -> Prepared:
        """The image's environment with the SDK and the dependencies.

        Errors: ``EnvironmentError_``, where there is no Python to build it on among others.
        """
        request = read_request(context.arguments)
        image = image_of(context.arguments)
        python = _interpreter(image, request, context.services.config)
        wanted = _write_requirements(context.directory, _dependencies(host, request), request.sdk)
        if is_spark_function(context.arguments):
            return await prepare_function(context, host, image, wanted, python)
        return await prepare(context, image, wanted, python)

    def command(self, context: StepContext, prepared: Prepared) -> tuple[tuple[str, ...], bool]:
        """The definition's own command, without the dependencies: they are installed."""
        command, image_entrypoint = super().command(context, prepared)
        if read_request(context.arguments).needs_conda:
            return command, image_entrypoint
        return without_dependencies(command), image_entrypoint

    def variables(self, context: StepContext) -> dict[str, str]:
        """The job's variables; ``LOGNAME`` says root, as it is in the image."""
        return {"LOGNAME": "root", **super().variables(context)}


def without_dependencies(command: Sequence[str]) -> tuple[str, ...]:
    """A driver's command that tells the bootstrap to install nothing.

    Said even where the definition names no file: an older bootstrap looks for one by itself. Said
    first, because the last option of a driver takes all the words that follow it.
    """
    words = list(command)
    if _SETTINGS in words:
        at = words.index(_SETTINGS)
        del words[at : at + 2]
    entry = next(n for n, word in enumerate(words) if word.endswith(_DRIVER)) + 1
    nothing = [_SETTINGS, json.dumps({"dependency_file": None})]
    return (*words[:entry], *nothing, *words[entry:])


def requirements(dependencies: str, sdk: str) -> str:
    """The requirements of a function: the SDK that stored it, and what its author asks for.

    Args:
        dependencies: text of a requirements file; a version of the SDK that it pins wins.
        sdk: the version that stored the function.
    """
    if _PINS_SDK.search(dependencies):
        return dependencies
    pin = f"sagemaker=={sdk}" if sdk else "sagemaker<3"
    return f"{pin}\n{dependencies}"


def _refuse_python(step: Step, image: str, request: Request, config: Config) -> PlanError | None:
    try:
        _interpreter(image, request, config)
    except EnvironmentError_ as problem:
        return PlanError(
            f"{step.name} was stored by Python {request.python}: {problem.message}",
            code=problem.code,
            hint=problem.hint,
            path=step.path,
        )
    return None


def _interpreter(image: str, request: Request, config: Config) -> str:
    """The Python for a function: of the version that pickled it, where that is known."""
    if not request.python:
        return ""
    python = find_interpreter(request.python, config)
    chosen = resolve_image(image, config, python).python
    if interpreter_version(chosen) != read_minor(request.python):
        raise EnvironmentError_(
            f"the configuration names {chosen} for its image, which is another version",
            code="python-version-differs",
            hint=f"Name a Python {request.python} under [images], or leave the image out there.",
        )
    return python


def _conda() -> str | None:
    return shutil.which("mamba") or shutil.which("conda")


def _dependencies(host: Host, request: Request) -> str:
    """The text of a function's requirements file; empty where it has none."""
    if request.dependency_file is None or request.needs_conda:
        return ""
    folder = host.ml.host_path(_CHANNEL)
    if request.dependency_file:
        file = host.ml.host_path(f"{_CHANNEL}/{request.dependency_file}")
    else:
        file = next(iter(sorted(folder.glob("*.txt"))), folder)
    try:
        return file.read_text(encoding="utf-8") if file != folder else ""
    except (OSError, UnicodeDecodeError) as problem:
        raise EnvironmentError_(
            f"the dependencies of the function cannot be read: {problem}",
            code="function-dependencies-missing",
            hint="Create the pipeline again, so that the SDK stores them anew.",
        ) from problem


def _write_requirements(folder: Path, dependencies: str, sdk: str) -> Path:
    file = folder / "requirements.txt"
    file.write_text(requirements(dependencies, sdk), encoding="utf-8")
    return file
