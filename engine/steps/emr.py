"""EMR: a step of a cluster, run on this host (section 1.4 of the pipelines reference).

``command-runner.jar`` runs ``spark-submit``, a program of the host or what stands in for Hive and
``s3-dist-cp``; ``script-runner.jar`` a script from S3; any other jar is an application for
``spark-submit``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from engine.config import Config
from engine.definition.document import Step
from engine.errors import JobError, PlanError
from engine.jobs.attempt import LOG
from engine.steps import hive, s3_copy
from engine.steps.base import JobsEnd, Outcome, StepContext
from engine.steps.container import Prepared, check_command
from engine.steps.hdfs import STAND_IN as HDFS_STAND_IN
from engine.steps.hdfs import hdfs_root
from engine.steps.inputs import section
from engine.steps.opt_ml import as_text
from engine.steps.spark import (
    PROGRAM,
    application_path,
    local_id,
    on_host,
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
    HIVE = "Spark SQL"
    COPY = "a copy in S3"
    PROGRAM = "a program of the host"
    SCRIPT = "a script from S3"


_UNKNOWN = ""
"""What stands for an argument that is an expression, before anything runs."""
_HOST = "this host, without Hadoop,"
_STAND_INS = {Kind.SPARK: "local Spark", Kind.HIVE: f"{hive.STAND_IN}, and this host"}


@dataclass(frozen=True, slots=True)
class Command:
    """What a HadoopJarStep asks for.

    Args:
        words: the arguments of ``spark-submit``, Hive or ``s3-dist-cp``, the program with its own,
            or the script with its.
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
        return _of_runner(runner, words)
    settings = [f"spark.hadoop.{key}={value}" for key, value in _properties(step).items()]
    options = [part for line in settings for part in ("--conf", line)]
    if step.get("MainClass"):
        options += ["--class", str(step["MainClass"])]
    return Command(Kind.SPARK, (*options, jar, *words))


def _of_runner(runner: str, words: tuple[str, ...]) -> Command:
    """The command of one of EMR's own jars."""
    check: Callable[[Sequence[str]], object]
    program, given = words[0].rpartition("/")[2], words[1:]
    if program in hive.PROGRAMS:
        kind, check = Kind.HIVE, hive.hive_query
    elif runner == _SCRIPT_RUNNER:
        return Command(Kind.SCRIPT, words)
    elif program == PROGRAM:
        return Command(Kind.SPARK, given)
    elif program == s3_copy.PROGRAM:
        kind, check = Kind.COPY, s3_copy.copy_of
    else:
        return Command(Kind.PROGRAM, words)
    if _UNKNOWN not in given:
        check(given)
    return Command(kind, given)


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
        if command.kind in (Kind.SPARK, Kind.HIVE):
            return refuse_spark(step, config)
        return _refuse_program(step, command)

    def stand_in(self, step: Step, config: Config) -> str:
        """What stands for the cluster."""
        try:
            command = command_of(_as_known(_jar_step(step.arguments)))
        except JobError:
            return "this host in place of the EMR cluster"
        stand_in = _STAND_INS.get(command.kind, _HOST)
        if command.kind is Kind.COPY:
            stand_in = f"{_copy_stand_in(command.words)}, and this host"
        elif command.kind in _STAND_INS and any("hdfs://" in word for word in command.words):
            stand_in = f"{HDFS_STAND_IN}, {stand_in}"
        return f"{stand_in} in place of the EMR cluster"

    async def run(self, context: StepContext) -> Outcome:
        """The properties are a Step of EMR's, and ClusterId."""
        command = command_of(_jar_step(context.arguments))
        metadata = _metadata(context)
        cluster = metadata["EMR"]["ClusterId"]
        if command.kind is Kind.HIVE:
            await context.in_thread(hive.bring_metastore, context, cluster)
        words, prepared = await _prepare(context, command)
        context.progress("starting the step's command", metadata)
        end = await run_command(context, words, prepared)
        if command.kind is Kind.HIVE:
            await context.in_thread(hive.keep_metastore, context, cluster)
        return run_outcome(end, _described(context, metadata, end), metadata)


def _jar_step(arguments: Json) -> Json:
    return section(section(arguments, "StepConfig"), "HadoopJarStep")


def _copy_stand_in(words: Sequence[str]) -> str:
    """What stands for ``s3-dist-cp``; words that are not known yet may name HDFS."""
    return s3_copy.STAND_IN if _UNKNOWN in words else s3_copy.copy_of(words).stand_in()


def _as_known(step: Json) -> Json:
    """A HadoopJarStep as far as it is known before anything runs: expressions stand for a text."""
    args = step.get("Args")
    known = dict(step)
    if isinstance(step.get("Jar"), Mapping):
        known["Jar"] = "s3://to.be/resolved.jar"
    if isinstance(args, list):
        known["Args"] = [_UNKNOWN if isinstance(word, Mapping) else word for word in args]
    return known


def _refuse_program(step: Step, command: Command) -> PlanError | None:
    program = command.words[0]
    needless = command.kind is not Kind.PROGRAM
    if needless or not program or shutil.which(program):
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
    hdfs = hdfs_root(context, _metadata(context)["EMR"]["ClusterId"])
    if command.kind is Kind.PROGRAM:
        return list(command.words), on_host(config)
    if command.kind is Kind.SCRIPT:
        return [*_script(context, command.words[0]), *command.words[1:]], on_host(config)
    if command.kind is Kind.COPY:
        return s3_copy.copy_command(context, s3_copy.copy_of(command.words), hdfs), on_host(config)
    cluster = section(context.arguments, "ClusterConfig")
    settings = spark_defaults(cluster.get("Configurations"))
    release = str(cluster.get("ReleaseLabel") or "emr")
    if command.kind is Kind.HIVE:
        query, listed = hive.hive_query(command.words), [cluster.get("Configurations")]
        return await hive.hive_command(context, query, listed, release, hdfs)
    return await spark_command(context, command.words, settings, release, hdfs)


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
