"""Spark on this host: what ``spark-submit`` is given, and the environment it runs in.

S3 is a folder here. Options that are S3 URIs, or hold some after ``=`` or between commas, become
the paths of the objects in the local tree; for everything else buckets are mounted (``spark_s3``).
Where Hadoop is too old for that, the application's arguments become paths too, and URIs inside of
a script stay what they are.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from engine.config import Config
from engine.definition.document import Step
from engine.environments.catalog import Resolution, content_key
from engine.environments.grade import Grade
from engine.errors import JobError, PlanError
from engine.jobs.base import Job
from engine.model.status import StepStatus
from engine.steps.base import JobsEnd, Outcome, StepContext, failed, succeeded
from engine.steps.container import (
    DEFAULT_PATH,
    Prepared,
    base_interpreter,
    interpreter_version,
    job_environment,
    prepared_in,
    resolve_image,
)
from engine.steps.failure import algorithm_error
from engine.steps.inputs import mappings, section
from engine.steps.opt_ml import as_text
from engine.steps.spark_s3 import can_mount, mounted, program_text
from engine.storage.tree import LocalTree

PROGRAM = "spark-submit"
PINS = (
    "pyspark==3.5.3",
    "setuptools==70.3.0",
    "numpy==1.26.4; python_version < '3.13'",
    "numpy==2.1.0; python_version >= '3.13'",
)
"""Spark for every release of EMR whose environment the user does not name under ``[images]``."""

_URI = re.compile(r"(?:^|(?<=[=,]))s3[an]?://[^,#]*")
_FLAGS = frozenset({"--verbose", "-v", "--supervise"})
_OURS = frozenset({"--master", "--deploy-mode"})
_OUR_SETTINGS = frozenset({"spark.master", "spark.submit.deployMode"})
_SETTINGS = {
    # Without it Spark's page about the job would listen on every interface of the host.
    "spark.ui.enabled": "false"
}
_WITHOUT_MOUNTS = {
    # Without checksum files, which would be objects in S3.
    "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem"
}


def localised(text: str, tree: LocalTree) -> str:
    """``text`` with S3 URIs replaced by the paths where the local tree has them.

    Errors: ``StorageError`` where one of them is no URI.
    """
    return _URI.sub(lambda found: local_path(found[0], tree), text)


def local_path(uri: str, tree: LocalTree) -> str:
    """The path of an object or a folder; one that ends in a slash still does."""
    bare = "s3://" + uri.partition("://")[2]
    path = str(tree.path_of(bare.rstrip("/")))
    return f"{path}/" if bare.endswith("/") else path


def submit_arguments(
    arguments: Sequence[str],
    config: Config,
    tree: LocalTree,
    settings: Mapping[str, str],
    mounts: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """The arguments of ``spark-submit`` for a job that was written for a cluster.

    The master is the configuration's and the driver runs on this host, whatever the job says.

    Args:
        arguments: options, the application, and its own arguments.
        settings: Spark's defaults for this job; its own options win.
        mounts: what lets Spark see S3 itself (see ``mounted``); None where it cannot.

    Errors: ``JobError`` (``spark-application-missing``) where no application is named.
    """
    options, rest = _split(arguments)
    if not rest:
        raise JobError(
            "ClientError: spark-submit is given no application",
            code="spark-application-missing",
            hint="Name a Python file or a jar after the options.",
        )
    options = [
        option
        if mounts is not None and option[0] == "--conf"
        else tuple(localised(part, tree) for part in option)
        for option in options
    ]
    left = rest[1:] if mounts is not None else [localised(part, tree) for part in rest[1:]]
    base = base_options(config, tree, settings, mounts)
    return (*base, *chain.from_iterable(options), localised(rest[0], tree), *left)


def base_options(
    config: Config,
    tree: LocalTree,
    settings: Mapping[str, str],
    mounts: Mapping[str, str] | None,
) -> tuple[str, ...]:
    """The options that every job of Spark gets; see ``submit_arguments``."""
    if mounts is None:
        settings = {key: localised(value, tree) for key, value in settings.items()}
    defaults = {**_SETTINGS, **(_WITHOUT_MOUNTS if mounts is None else mounts), **settings}
    lines = (("--conf", f"{key}={value}") for key, value in defaults.items())
    return ("--master", config.emr_master, "--deploy-mode", "client", *chain.from_iterable(lines))


def _split(arguments: Sequence[str]) -> tuple[list[tuple[str, ...]], list[str]]:
    """The options that a job keeps, and its application with what follows."""
    options: list[tuple[str, ...]] = []
    left = list(arguments)
    while left and left[0].startswith("-"):
        name, equals, value = left.pop(0).partition("=")
        if name in _FLAGS:
            options.append((name,))
            continue
        if not equals:
            value = left.pop(0) if left else ""
        if name in _OURS or value.partition("=")[0] in _OUR_SETTINGS:
            continue
        options.append((name, value))
    return options, left


def spark_defaults(configurations: Any) -> dict[str, str]:
    """Spark's settings in a list of EMR's configurations, in both spellings of its keys."""
    found: dict[str, str] = {}
    for entry in mappings(configurations):
        if (entry.get("Classification") or entry.get("classification")) == "spark-defaults":
            given = section(entry, "Properties") or section(entry, "properties")
            found |= {
                key: as_text(value) for key, value in given.items() if key not in _OUR_SETTINGS
            }
    return found


def application_path(uri: str, tree: LocalTree) -> str:
    """The file of a program that is named by an S3 URI, or by a path.

    Errors: ``JobError`` (``application-not-found``).
    """
    path = localised(uri, tree)
    if not os.path.isfile(path):
        raise JobError(
            f"ClientError: the program {uri} is not there",
            code="application-not-found",
            hint=f"Put the file at {path}.",
        )
    return path


def configured_program(config: Config) -> str:
    """The ``spark-submit`` that the configuration names; empty where there is none."""
    found = shutil.which(config.emr_spark_submit) if config.emr_spark_submit else None
    return os.path.abspath(found) if found else ""


def refuse_spark(step: Step, config: Config) -> PlanError | None:
    """Why Spark cannot run here: no program of the name that is configured, or no Java."""
    if configured_program(config):
        return None
    if config.emr_spark_submit:
        return PlanError(
            f"{step.name}: {config.emr_spark_submit} is no program on this host",
            code="spark-submit-missing",
            hint="Mend emr.spark_submit in the configuration, or leave it out: then Spark is"
            " installed into an environment.",
            path=step.path,
        )
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java") or (home and shutil.which("java", path=f"{home}/bin")):
        return None
    return PlanError(
        f"{step.name}: Spark needs Java, and there is no java on this host",
        code="java-missing",
        hint="Install a Java runtime (17) and put java on PATH, or set JAVA_HOME.",
        path=step.path,
    )


def on_host(config: Config) -> Prepared:
    """The programs of this host, those beside the configured ``spark-submit`` before all others."""
    path = os.environ.get("PATH") or DEFAULT_PATH
    if program := configured_program(config):
        path = f"{os.path.dirname(program)}:{path}"
    return Prepared(base_interpreter(config), path, None, {"Kind": "host"})


async def spark_command(
    context: StepContext,
    arguments: Sequence[str],
    settings: Mapping[str, str],
    release: str,
    hdfs: Path | None = None,
) -> tuple[list[str], Prepared]:
    """The command line of a Spark job, and what it runs in.

    Args:
        arguments: see ``submit_arguments``, as is ``settings``.
        release: EMR's release label, such as ``emr-6.15.0``, or ``emr`` where none is known.
        hdfs: see ``mounted``.

    Errors: those of ``submit_arguments``; ``JobError`` (``application-not-found``);
    ``EnvironmentError_`` where the environment does not build.
    """
    config, tree = context.services.config, context.services.tree
    submit_arguments(arguments, config, tree, settings)
    application = _split(arguments)[1][0]
    if not context.resuming and _URI.match(application):
        application_path(application, tree)
    program, prepared = await spark_program(context, release)
    mounts = None
    if can_mount(program):
        text = program_text(localised(application, tree))
        mounts = mounted(tree, [*arguments, *settings.values(), text], hdfs)
    return [program, *submit_arguments(arguments, config, tree, settings, mounts)], prepared


async def spark_program(context: StepContext, release: str) -> tuple[str, Prepared]:
    """The ``spark-submit`` to run, the configured one or an environment's, and what it runs in."""
    config = context.services.config
    if config.emr_spark_submit:
        return configured_program(config) or config.emr_spark_submit, on_host(config)
    prepared = await spark_environment(context, release)
    return environment_program(prepared), prepared


def environment_program(prepared: Prepared) -> str:
    """The ``spark-submit`` of an environment that was built with Spark."""
    return str(Path(prepared.python).parent / PROGRAM)


async def spark_environment(
    context: StepContext, release: str, requirements: Path | None = None, python: str = ""
) -> Prepared:
    """An environment with Spark, built first where it is not there.

    Args:
        requirements: a file of what the step wants on top.
        python: the interpreter to build it on; see ``resolve_image``.
    """
    resolution = spark_resolution(release, context.services.config, python)
    context.doing("preparing Spark's environment")
    environment = await context.services.environments.ensure(
        resolution, extra_requirements=requirements
    )
    host_path = os.environ.get("PATH") or DEFAULT_PATH
    return prepared_in(environment, resolution, release, host_path)


def spark_resolution(release: str, config: Config, python: str = "") -> Resolution:
    """The environment that ``[images]`` names for a release, else one with our own pins.

    Args:
        python: see ``resolve_image``.
    """
    found = resolve_image(release, config, python)
    if found.grade is Grade.CONFIGURED:
        return found
    return replace(
        found,
        grade=Grade.CLOSEST,
        kind="venv",
        requirements=PINS,
        notes=(f"{PINS[0].replace('==', ' ')}, whatever the release of EMR has",),
        key=content_key(PINS, interpreter_version(python or base_interpreter(config))),
    )


def spark_variables(prepared: Prepared, config: Config) -> dict[str, str]:
    """What Spark wants to know of its host: Java, its Python, and the address of a local driver."""
    found = {name: os.environ[name] for name in ("JAVA_HOME",) if name in os.environ}
    if prepared.resolution is not None:
        found["PYSPARK_PYTHON"] = prepared.python
    if config.emr_master.startswith("local"):
        found["SPARK_LOCAL_IP"] = "127.0.0.1"
    return found


async def run_command(
    context: StepContext,
    command: Sequence[str],
    prepared: Prepared,
    *,
    limit: float | None = None,
) -> JobsEnd:
    """Run a command of a cluster in the attempt's folder.

    Args:
        limit: seconds that it may take.
    """
    config = context.services.config
    job = Job(
        id=context.job_id,
        directory=str(context.directory),
        command=tuple(command),
        environment=job_environment(context, prepared, spark_variables(prepared, config)),
        working_directory=str(context.directory),
        grace_s=config.grace_s,
    )
    return await context.run_jobs([job], prepared.description, limit)


def run_outcome(
    end: JobsEnd,
    properties: dict[str, Any],
    metadata: dict[str, Any],
    timed_out: str = "",
) -> Outcome:
    """What the end of a command means for its step.

    Args:
        timed_out: the reason where its time was limited and is over; the service calls that failed.
    """
    if end.timed_out:
        return failed(timed_out, "job-timeout", properties, metadata)
    if end.stopped:
        return Outcome(StepStatus.STOPPED, properties, metadata)
    if end.ok:
        return succeeded(properties, metadata)
    reason = algorithm_error(end.worst, "", "Processing")
    return replace(failed(reason, "algorithm-error", properties, metadata), lost=end.lost)


def local_id(context: StepContext, prefix: str = "") -> str:
    """An identifier in the form of EMR's that says that it is none; the same for a new runner."""
    return f"{prefix}LOCAL{context.job_name.rpartition('-')[2].upper()}"
