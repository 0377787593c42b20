"""Functions with a ``spark_config``: what their driver finds in place of ``smspark-submit``.

The driver of such a function prepares the job as every function's does, and hands the SDK's
``spark_app.py`` to the program of the Spark images. That program is a script of the attempt here,
first on the job's PATH: it starts ``spark-submit`` with what the definition asks for. The function
itself is loaded, checked and called by the SDK, in Spark's driver.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from engine.config import Config
from engine.errors import StorageError
from engine.steps.base import StepContext
from engine.steps.container import Prepared, check_command
from engine.steps.hosts import Host, hosts_of
from engine.steps.inputs import section
from engine.steps.spark import (
    configured_program,
    environment_program,
    spark_environment,
    spark_variables,
    submit_arguments,
)
from engine.steps.spark_processing import (
    PROGRAM,
    Configuration,
    configuration_in,
    event_settings,
    with_notes,
)
from engine.steps.spark_s3 import can_mount, mounted
from engine.storage.tree import LocalTree

Json = Mapping[str, Any]
STAND_IN = "local Spark in place of the image's"
_APPLICATION = "/spark_app.py"
_CONFIGURATION = "/opt/ml/input/data/conf/configuration.json"
_PREPARATION = "/opt/ml/input/data/pre_exec_script_and_dependencies/pre_exec.sh"
_IMAGE_JARS = "/usr/lib/spark/jars/"
"""Where the SDK 3 copies a jar of the feature store to, before the function runs."""
_FOLDER = "spark"
_PLACE = ("s3_base_uri", "pipeline_step_name", "func_step_s3_dir")
"""The driver's options that say where a function lies."""
_LARGEST_PAYLOAD = 1 << 24
_SUBMIT = """#!/bin/sh
case $(cat /opt/ml/input/config/resourceconfig.json) in
*'"current_host": "algo-1"'*) ;;
*) echo "The Spark application runs on algo-1."; exit 0 ;;
esac
{exports}
PYSPARK_PYTHON=$(command -v python3)
export PYSPARK_PYTHON
exec {command}
"""
"""Whatever it is given: the definition says it too, and the driver is told to install nothing."""


def is_spark_function(arguments: Json) -> bool:
    """Whether a function's driver hands it to the program of the Spark images."""
    return any(isinstance(word, str) and word.endswith(_APPLICATION) for word in _entry(arguments))


async def prepare_function(
    context: StepContext, host: Host, image: str, requirements: Path, python: str
) -> Prepared:
    """The environment of the function, with Spark and the script that starts it.

    Args:
        host: the first one; its ``/opt/ml`` is laid out.
        requirements: the SDK and what the function's author asks for.
        python: see ``resolve_image``.

    Errors: see ``spark_environment``; ``JobError`` (``spark-configuration-invalid``,
    ``spark-application-missing``).
    """
    prepared = await spark_environment(context, image, requirements, python)
    folder = context.directory / _FOLDER
    found = configuration_in(host.ml.host_path(_CONFIGURATION))
    if not context.resuming:
        await context.in_thread(_write_program, context, prepared, found, folder)
    path = f"{folder}:{prepared.path}"
    return replace(with_notes(prepared, found), path=path)


def _write_program(
    context: StepContext, prepared: Prepared, found: Configuration, folder: Path
) -> None:
    config = context.services.config
    jars = folder / "jars"
    jars.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = dict(found.defaults)
    if _moves_jars(context, jars):
        for key in ("spark.driver.extraClassPath", "spark.executor.extraClassPath"):
            settings[key] = ":".join(filter(None, (settings.get(key), f"{jars}/*")))
    program = configured_program(config) or environment_program(prepared)
    name, tree = context.step.name, context.services.tree
    command = submit_line(name, context.arguments, config, tree, program, settings)
    declared = section(context.arguments, "Environment")
    variables = {**spark_variables(prepared, config), **found.variables}
    exports = [
        f"export {name}={shlex.quote(value)}"
        for name, value in variables.items()
        if name not in declared and name != "PYSPARK_PYTHON"
    ]
    text = _SUBMIT.format(exports="\n".join(exports), command=shlex.join(command))
    (folder / PROGRAM).write_text(text, encoding="utf-8")
    (folder / PROGRAM).chmod(0o700)


def submit_line(
    name: str,
    arguments: Json,
    config: Config,
    tree: LocalTree,
    program: str,
    settings: Mapping[str, str],
) -> tuple[str, ...]:
    """The command line of ``spark-submit``: the function's own arguments stay as they are.

    Args:
        name: of the step, for messages.
        program: the ``spark-submit`` to run.
        settings: Spark's defaults for this job.
    """
    words = check_command(_entry(arguments), name)
    own = check_command(_given(arguments), name)
    submitted, more = event_settings(words, tree)
    settings = {**settings, **more}
    mounts = None
    if can_mount(program):
        mounts = mounted(tree, [*words, *own, *settings.values(), *_payloads(tree, own)])
    return (program, *submit_arguments(submitted, config, tree, settings, mounts), *own)


def _entry(arguments: Json) -> Sequence[Any]:
    """The words after the driver's name in a function's entry point."""
    entry = section(arguments, "AlgorithmSpecification").get("ContainerEntrypoint")
    return entry[2:] if isinstance(entry, list | tuple) else ()


def _given(arguments: Json) -> Sequence[Any]:
    given = section(arguments, "AlgorithmSpecification").get("ContainerArguments")
    return given if isinstance(given, list | tuple) else ()


def _moves_jars(context: StepContext, jars: Path) -> bool:
    """Let the function's preparation copy jars to ``jars`` on every host, where it has some."""
    moved = False
    for host in hosts_of(context.directory, section(context.arguments, "ResourceConfig")):
        file = host.ml.host_path(_PREPARATION)
        if not file.is_file():
            continue
        text = file.read_text(encoding="utf-8", errors="surrogateescape")
        if _IMAGE_JARS in text:
            mended = text.replace(_IMAGE_JARS, f"{jars}/")
            file.write_text(mended, encoding="utf-8", errors="surrogateescape")
            moved = True
    return moved


def _payloads(tree: LocalTree, own: Sequence[str]) -> list[str]:
    """What can be read in the stored function and its arguments: buckets may be named there."""
    options = dict(pairwise(own))
    parts = [options.get(f"--{name}", "") for name in _PLACE]
    if not all(parts):
        return []
    base, found = "/".join(parts), list[str]()
    for name in ("function", "arguments"):
        with suppress(StorageError):
            content = tree.read(f"{base}/{name}/payload.pkl", 0, _LARGEST_PAYLOAD)
            found.append(content.decode("ascii", "replace"))
    return found
