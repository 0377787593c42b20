"""EMRServerless: a job run of Spark or Hive, on this host (pipelines reference, section 1.4)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from engine.config import Config
from engine.definition.document import Step
from engine.errors import JobError, PlanError
from engine.jobs.attempt import LOG
from engine.steps import hive
from engine.steps.base import JobsEnd, Outcome, StepContext
from engine.steps.container import check_command
from engine.steps.hosts import positive
from engine.steps.inputs import section
from engine.steps.spark import (
    local_id,
    refuse_spark,
    run_command,
    run_outcome,
    spark_command,
    spark_defaults,
)

Json = Mapping[str, Any]
_DRIVERS = ("sparkSubmit", "hive")
_TIMEOUT_MIN = 720
"""Minutes of a job run that names no limit; 0 means none (API model)."""


def submission(driver: Json) -> tuple[str, ...]:
    """The arguments of ``spark-submit`` that a ``sparkSubmit`` driver stands for.

    Errors: ``JobError`` (``emr-command-missing``, ``emr-parameters-invalid``).
    """
    entry = driver.get("entryPoint")
    if not isinstance(entry, str) or not entry:
        raise JobError(
            "ClientError: jobDriver.sparkSubmit names no entryPoint",
            code="emr-command-missing",
            hint="Give the S3 URI of a Python file or a jar.",
        )
    options = hive.parameter_words(driver, "sparkSubmitParameters")
    words = driver.get("entryPointArguments") or ()
    return (*options, entry, *check_command(words, "ClientError: entryPointArguments"))


class EmrServerlessStep:
    """Runs Spark jobs for EMR Serverless applications."""

    runs_jobs = True
    interruptible = True

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """Two applications or none, a job that is not Spark's, or no Spark on this host."""
        given = [key for key in ("ApplicationId", "ApplicationConfig") if step.arguments.get(key)]
        if len(given) != 1:
            return PlanError(
                f"{step.name} names {'two applications' if given else 'no application'}",
                code="emr-application-invalid",
                hint="Give exactly one of ApplicationId and ApplicationConfig.",
                path=step.path,
            )
        driver = section(section(step.arguments, "JobConfig"), "jobDriver")
        kinds = [kind for kind in _DRIVERS if driver.get(kind)]
        if len(kinds) != 1:
            return PlanError(
                f"{step.name}: jobDriver holds {', '.join(driver) or 'nothing'}, not one of"
                f" {' and '.join(_DRIVERS)}",
                code="emr-driver-invalid",
                hint="Give the job as one of them.",
                path=step.path,
            )
        return refuse_spark(step, config)

    def stand_in(self, step: Step, config: Config) -> str:
        """What stands for the application."""
        driver = section(section(step.arguments, "JobConfig"), "jobDriver")
        runs = f"{hive.STAND_IN}, and this host" if driver.get("hive") else "local Spark"
        return f"{runs} in place of the EMR Serverless application"

    async def run(self, context: StepContext) -> Outcome:
        """The properties are GetJobRun's."""
        job: Json = section(context.arguments, "JobConfig")
        application: Json = section(context.arguments, "ApplicationConfig")
        limit = _limit(job)
        overrides = section(job, "configurationOverrides")
        listed = [
            application.get("runtimeConfiguration"), overrides.get("applicationConfiguration")
        ]  # fmt: skip
        driver = section(job, "jobDriver")
        release = str(application.get("releaseLabel") or "emr")
        metadata = _metadata(context, job)
        cluster = metadata["EMRServerless"]["ApplicationId"]
        if asked := section(driver, "hive"):
            await context.in_thread(hive.bring_metastore, context, cluster)
            query = hive.hive_driver(asked)
            command, prepared = await hive.hive_command(context, query, listed, release)
        else:
            settings = spark_defaults(listed[0]) | spark_defaults(listed[1])
            given = submission(section(driver, "sparkSubmit"))
            command, prepared = await spark_command(context, given, settings, release)
        context.progress("starting Spark", metadata)
        end = await run_command(context, command, prepared, limit=limit)
        if asked:
            await context.in_thread(hive.keep_metastore, context, cluster)
        late = f"ClientError: the job run took longer than {limit or 0:g} s"
        properties = {"jobRun": _described(context, job, metadata, end)}
        return run_outcome(end, properties, metadata, late)


def _limit(job: Json) -> float | None:
    """Seconds that a job run may take; None for no limit. Errors: ``JobError``."""
    minutes = job.get("executionTimeoutMinutes")
    if minutes in (0, "0"):
        return None
    return 60 * (positive("executionTimeoutMinutes", minutes) or _TIMEOUT_MIN)


def _metadata(context: StepContext, job: Json) -> dict[str, Any]:
    application = context.arguments.get("ApplicationId") or local_id(context)
    return {
        "EMRServerless": {
            "ApplicationId": application,
            "JobRunId": local_id(context),
            "JobRunName": job.get("name") or context.job_name,
            "LogFilePath": os.fspath(context.directory / LOG),
        }
    }


def _described(context: StepContext, job: Json, metadata: Json, end: JobsEnd) -> dict[str, Any]:
    about = metadata["EMRServerless"]
    state = "CANCELLED" if end.stopped else "SUCCESS" if end.ok else "FAILED"
    return {
        "applicationId": about["ApplicationId"],
        "jobRunId": about["JobRunId"],
        "name": about["JobRunName"],
        "executionRole": job.get("executionRoleArn") or context.arguments.get("ExecutionRoleArn"),
        "state": state,
        "jobDriver": job.get("jobDriver"),
        "configurationOverrides": job.get("configurationOverrides") or {},
        "tags": job.get("tags") or {},
        "executionTimeoutMinutes": job.get("executionTimeoutMinutes", _TIMEOUT_MIN),
    }
