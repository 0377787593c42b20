"""EMR: a step of a cluster, run on this host (section 1.4 of the pipelines reference).

``command-runner.jar`` runs ``spark-submit`` or a program of the host, ``script-runner.jar`` a
script from S3, and any other jar is an application for ``spark-submit``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from engine.config import Config
from engine.definition.document import Step
from engine.errors import JobError, PlanError
from engine.jobs.attempt import LOG
from engine.steps.base import JobsEnd, Outcome, StepContext
from engine.steps.container import Prepared, check_command
from engine.steps.inputs import section
from engine.steps.opt_ml import as_text
from engine.steps.spark import (
    PROGRAM,
    application_path,
    local_id,
    on_host,
    refuse_containers,
    refuse_spark,
    run_command,
    run_outcome,
    spark_command,
    spark_defaults,
)

Json = Mapping[str, Any]
_COMMAND_RUNNER = "command-runner.jar"
_SCRIPT_RUNNER = "script-runner.jar"
_FORMS = (
    "Name command-runner.jar with a command in Args, script-runner.jar with a script's S3 URI, or"
    " a jar in S3."
)


class Kind(Enum):
    """What runs a step's command."""

    SPARK = "spark-submit"
    PROGRAM = "a program of the host"
    SCRIPT = "a script from S3"


@dataclass(frozen=True, slots=True)
class Command:
    """What a HadoopJarStep asks for.

    Args:
        words: the arguments of ``spark-submit``, the program with its own, or the script with its.
    """

    kind: Kind
    words: tuple[str, ...]


def command_of(step: Json) -> Command:
    """The command of a HadoopJarStep whose expressions are resolved.

    Errors: ``JobError`` (``emr-command-missing``, ``command-invalid``).
    """
    jar = step.get("Jar")
    if not isinstance(jar, str) or not jar:
        raise JobError(
            "ClientError: HadoopJarStep names no Jar", code="emr-command-missing", hint=_FORMS
        )
    words = check_command(step.get("Args") or (), "ClientError: HadoopJarStep.Args")
    runner = jar.rpartition("/")[2]
    if runner in (_COMMAND_RUNNER, _SCRIPT_RUNNER):
        if not words:
            raise JobError(
                f"ClientError: {runner} is given no Args", code="emr-command-missing", hint=_FORMS
            )
        if runner == _SCRIPT_RUNNER:
            return Command(Kind.SCRIPT, words)
        if words[0].rpartition("/")[2] == PROGRAM:
            return Command(Kind.SPARK, words[1:])
        return Command(Kind.PROGRAM, words)
    settings = [f"spark.hadoop.{key}={value}" for key, value in _properties(step).items()]
    options = [part for line in settings for part in ("--conf", line)]
    if step.get("MainClass"):
        options += ["--class", str(step["MainClass"])]
    return Command(Kind.SPARK, (*options, jar, *words))


def _properties(step: Json) -> dict[str, str]:
    """Properties of a HadoopJarStep: a list of Key and Value in requests."""
    given = step.get("Properties") or ()
    if isinstance(given, Mapping):
        return {str(key): as_text(value) for key, value in given.items()}
    return {str(one.get("Key")): as_text(one.get("Value", "")) for one in given}


class EmrStep:
    """Runs steps for EMR clusters."""

    runs_jobs = True
    interruptible = True

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """Two clusters or none, no command, or a program that is not on this host."""
        clusters = [key for key in ("ClusterId", "ClusterConfig") if step.arguments.get(key)]
        if len(clusters) != 1:
            return PlanError(
                f"{step.name} names {'two clusters' if clusters else 'no cluster'}",
                code="emr-cluster-invalid",
                hint="Give exactly one of ClusterId and ClusterConfig.",
                path=step.path,
            )
        try:
            command = command_of(_as_known(_jar_step(step.arguments)))
        except JobError as problem:
            message = problem.message.removeprefix("ClientError: ")
            return PlanError(
                f"{step.name}: {message}", code=problem.code, hint=problem.hint, path=step.path
            )
        if refusal := refuse_containers(step, config):
            return refusal
        if command.kind is Kind.SPARK:
            return refuse_spark(step, config)
        return _refuse_program(step, command)

    def stand_in(self, step: Step) -> str:
        """What stands for the cluster."""
        try:
            command = command_of(_as_known(_jar_step(step.arguments)))
        except JobError:
            return "this host in place of the EMR cluster"
        runs = "local Spark" if command.kind is Kind.SPARK else "this host, without Hadoop,"
        return f"{runs} in place of the EMR cluster"

    async def run(self, context: StepContext) -> Outcome:
        """The properties are a Step of EMR's, and ClusterId."""
        command = command_of(_jar_step(context.arguments))
        words, prepared = await _prepare(context, command)
        metadata = _metadata(context)
        context.progress("starting the step's command", metadata)
        end = await run_command(context, words, prepared)
        return run_outcome(end, _described(context, metadata, end), metadata)


def _jar_step(arguments: Json) -> Json:
    return section(section(arguments, "StepConfig"), "HadoopJarStep")


def _as_known(step: Json) -> Json:
    """A HadoopJarStep as far as it is known before anything runs: expressions stand for a text."""
    args = step.get("Args")
    known = dict(step)
    if isinstance(step.get("Jar"), Mapping):
        known["Jar"] = "s3://to.be/resolved.jar"
    if isinstance(args, list):
        known["Args"] = ["" if isinstance(word, Mapping) else word for word in args]
    return known


def _refuse_program(step: Step, command: Command) -> PlanError | None:
    program = command.words[0]
    if command.kind is Kind.SCRIPT or not program or shutil.which(program):
        return None
    return PlanError(
        f"{step.name}: this host has no {program}, which a cluster of EMR has",
        code="emr-program-missing",
        hint="Put a program of that name on PATH, or use spark-submit.",
        path=step.path,
    )


async def _prepare(context: StepContext, command: Command) -> tuple[list[str], Prepared]:
    """The command line, and what it runs in."""
    config = context.services.config
    if command.kind is Kind.PROGRAM:
        return list(command.words), on_host(config)
    if command.kind is Kind.SCRIPT:
        return [*_script(context, command.words[0]), *command.words[1:]], on_host(config)
    cluster = section(context.arguments, "ClusterConfig")
    settings = spark_defaults(cluster.get("Configurations"))
    release = str(cluster.get("ReleaseLabel") or "emr")
    return await spark_command(context, command.words, settings, release)


def _script(context: StepContext, uri: str) -> list[str]:
    """The command that runs a script from S3: a copy, because objects cannot be executed."""
    script = context.directory / "script"
    if not context.resuming:
        shutil.copyfile(application_path(uri, context.services.tree), script)
        script.chmod(0o700)
    with script.open("rb") as opened:
        own = opened.read(2) == b"#!"
    return [str(script)] if own else ["/bin/sh", str(script)]


def _metadata(context: StepContext) -> dict[str, Any]:
    return {
        "EMR": {
            "ClusterId": context.arguments.get("ClusterId") or local_id(context, "j-"),
            "StepId": local_id(context, "s-"),
            "StepName": context.job_name,
            "LogFilePath": os.fspath(context.directory / LOG),
        }
    }


def _described(context: StepContext, metadata: Json, end: JobsEnd) -> dict[str, Any]:
    about = metadata["EMR"]
    jar = _jar_step(context.arguments)
    state = "CANCELLED" if end.stopped else "COMPLETED" if end.ok else "FAILED"
    return {
        "ClusterId": about["ClusterId"],
        "Id": about["StepId"],
        "Name": about["StepName"],
        "Config": {
            "Jar": jar.get("Jar"),
            "Properties": _properties(jar),
            "MainClass": jar.get("MainClass") or "",
            "Args": list(jar.get("Args") or ()),
        },
        "ActionOnFailure": "CONTINUE",
        "Status": {"State": state},
        "ExecutionRoleArn": context.arguments.get("ExecutionRoleArn") or "",
    }
