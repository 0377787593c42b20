"""Transform: one job that serves the model and sends it every record (section 4.3)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from engine.config import Config
from engine.definition.document import Step
from engine.environments.algorithms.serving.filters import FilterError, parse
from engine.environments.algorithms.serving.processing import kind_of
from engine.environments.algorithms.serving.records import BINARY, LINE
from engine.environments.programs import FOLDER
from engine.errors import JobError, PlanError
from engine.jobs.base import OPT_ML
from engine.model.views import local_arn
from engine.serving.descriptions import models
from engine.serving.revision import in_containers
from engine.steps.base import JobsEnd, Outcome, StepContext
from engine.steps.container import base_interpreter, job_environment
from engine.steps.hosts import (
    Host,
    collect,
    host_folder,
    job_outcome,
    job_status,
    job_times,
    jobs_on,
    positive,
)
from engine.steps.inputs import bring, section
from engine.steps.model_container import (
    Served,
    containers_of,
    home_of,
    lay_out_model,
    roots_for,
)
from engine.steps.opt_ml import text_map
from engine.steps.package_containers import with_packages
from engine.storage.transfer import upload_local

Json = Mapping[str, Any]
_MEGABYTE = 1024**2
_SPLITS = ", ".join(("None", LINE, *BINARY))
_LOOKS = ("InputFilter", "OutputFilter", "JoinSource")
_DEFAULT_PAYLOAD_MB = 6


class TransformStep:
    """Runs CreateTransformJob requests."""

    runs_jobs = True
    interruptible = True

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """Record formats and filters that cannot be used."""
        problem = _problem(step.arguments)
        if problem is None:
            return None
        code, words, hint = problem
        return PlanError(f"{step.name}: {words}", code=code, hint=hint, path=step.path)

    def stand_in(self, step: Step, config: Config) -> str:
        """None: the model is run for real."""
        return ""

    async def run(self, context: StepContext) -> Outcome:
        """Run the job on this host, whatever InstanceCount is."""
        arguments: Json = context.arguments
        if problem := _problem(arguments):
            code, words, hint = problem
            raise JobError(f"ClientError: {context.step.name}: {words}", code=code, hint=hint)
        name = str(arguments.get("ModelName") or "")
        model = await with_packages(context, models(home_of(context.services)).read(name))
        host = Host(0, 1, host_folder(context.directory, 0))
        served = await lay_out_model(
            context,
            model,
            host.ml,
            roots_for(len(containers_of(model))),
            fetch=not context.resuming,
            defaults=_defaults(arguments),
            forced={**text_map(arguments.get("Environment")), **_batch_variables(arguments)},
        )
        if not context.resuming:
            context.doing("copying inputs")
            await context.in_thread(_lay_out, context, host, name, served)
        python = base_interpreter(context.services.config)
        starts = in_containers(served.containers)
        # What starts containers sees the host as it is.
        mounted = context.services.config.job_runner != "process" and not starts
        root = {"SAGEMAKER_BASE_DIR": OPT_ML if mounted else str(host.ml.folder)}
        environment = job_environment(context, served.first, root)
        command = (python, str(FOLDER), "transform")
        jobs = jobs_on([host], context, "", command, environment)
        if starts:
            jobs = [replace(one, ml="", **starts) for one in jobs]
        end = await context.run_jobs(jobs, served.description, None)
        context.doing("uploading outputs")
        _, note = await collect(context, end, partial(_upload, context, host, end), None)
        properties = {**_described(context, end), **job_times("Transform", [host], end)}
        metadata = {"TransformJob": {"Arn": properties["TransformJobArn"]}}
        return job_outcome(end, [host], "Transform", None, properties, metadata, note)


def _problem(arguments: Any) -> tuple[str, str, str] | None:
    """Why records cannot be handled: code, words and hint; values may be unresolved."""
    given = section(arguments, "TransformInput")
    split = given.get("SplitType")
    processing = section(arguments, "DataProcessing")
    if isinstance(split, str) and split not in ("None", LINE):
        if split not in BINARY:
            return ("split-type-invalid", f"there is no SplitType {split}", f"It is {_SPLITS}.")
        if any(processing.get(key, "$") not in ("$", "None") for key in _LOOKS):
            return (
                "split-type-unsupported",
                f"DataProcessing cannot look into records of SplitType {split}",
                "Leave DataProcessing out, or give the records as lines.",
            )
    for key in ("InputFilter", "OutputFilter"):
        text = processing.get(key)
        try:
            parse(text if isinstance(text, str) and text else "$")
        except FilterError as error:
            hint = "It is JSONPath as the developer guide lists it: $[1:], $[0,-1], $.a['b']."
            return ("filter-invalid", f"{key} {error}", hint)
    content_type = given.get("ContentType")
    joins = processing.get("JoinSource") == "Input"
    looks_inside = joins or processing.get("InputFilter", "$") != "$"
    if looks_inside and not isinstance(content_type, Mapping) and not kind_of(content_type):
        return (
            "content-type-unsupported",
            f"DataProcessing cannot look into records of ContentType {content_type}",
            "Use text/csv, application/json or application/jsonlines.",
        )
    return None


def _defaults(arguments: Json) -> dict[str, str]:
    """Variables that the model may set otherwise: as many workers as requests come at once."""
    wanted = _concurrency(arguments) or 1
    limit = _payload_mb(arguments) * _MEGABYTE
    return {
        "SAGEMAKER_MODEL_SERVER_WORKERS": str(min(wanted, os.cpu_count() or 1)),
        "MAX_CONTENT_LENGTH": str(max(int(limit), _DEFAULT_PAYLOAD_MB * _MEGABYTE) if limit else 0),
    }


def _batch_variables(arguments: Json) -> dict[str, str]:
    strategy = str(arguments.get("BatchStrategy") or "MultiRecord")
    return {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": f"{_payload_mb(arguments):g}",
        "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD"
        if strategy == "SingleRecord"
        else "MULTI_RECORD",
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": str(_concurrency(arguments) or 1),
    }


def _concurrency(arguments: Json) -> int | None:
    """MaxConcurrentTransforms; None where it is 0 or unset, and the container decides."""
    given = arguments.get("MaxConcurrentTransforms")
    return (
        None if str(given) == "0" else int(positive("MaxConcurrentTransforms", given) or 0) or None
    )


def _payload_mb(arguments: Json) -> float:
    given = arguments.get("MaxPayloadInMB")
    if given is None:
        return float(_DEFAULT_PAYLOAD_MB)
    # 0 is a value of its own: any size
    return 0.0 if str(given) == "0" else positive("MaxPayloadInMB", given) or 0.0


def _lay_out(context: StepContext, host: Host, model: str, served: Served) -> None:
    """Copy the input and write the job's plan."""
    arguments: Json = context.arguments
    given, output = section(arguments, "TransformInput"), section(arguments, "TransformOutput")
    bring(
        context.services.tree,
        host,
        section(section(given, "DataSource"), "S3DataSource"),
        host.ml.make("/opt/ml/transform/input"),
        what="TransformInput",
        # unpacked by the job, so that an output is named after its input's own key
        compression=None,
    )
    host.ml.make("/opt/ml/transform/output")
    client = section(arguments, "ModelClientConfig")
    plan = {
        "model": model,
        "containers": served.containers,
        "ContentType": given.get("ContentType"),
        "CompressionType": given.get("CompressionType"),
        "SplitType": given.get("SplitType"),
        "Accept": output.get("Accept"),
        "AssembleWith": output.get("AssembleWith"),
        "BatchStrategy": arguments.get("BatchStrategy"),
        "MaxConcurrentTransforms": _concurrency(arguments),
        "MaxPayloadInMB": None
        if arguments.get("MaxPayloadInMB") is None
        else _payload_mb(arguments),
        "DataProcessing": arguments.get("DataProcessing"),
        "InvocationsMaxRetries": client.get("InvocationsMaxRetries"),
        "InvocationsTimeoutInSeconds": client.get("InvocationsTimeoutInSeconds"),
    }
    host.ml.write_json("/opt/ml/config/transform.json", plan)


def _upload(context: StepContext, host: Host, end: JobsEnd) -> None:
    """Store the output of a job that did all of its work, and nothing of another."""
    target = section(context.arguments, "TransformOutput").get("S3OutputPath")
    folder = host.ml.left("/opt/ml/transform/output")
    if end.ok and target and folder is not None:
        upload_local(context.services.tree, folder, str(target))


def _described(context: StepContext, end: JobsEnd) -> dict[str, Any]:
    """The properties: DescribeTransformJob's."""
    return {
        **context.arguments,
        "TransformJobName": context.job_name,
        "TransformJobArn": local_arn("transform-job", context.job_name),
        "TransformJobStatus": job_status(end),
    }
