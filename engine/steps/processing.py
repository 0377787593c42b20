"""Processing: inputs into ``/opt/ml/processing``, the command, outputs back (section 4.1).

Outputs are uploaded when the job has ended, those of ``S3UploadMode`` Continuous too, and also
when it failed: they help to see why. Links are not followed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from engine.config import Config
from engine.definition.document import Step
from engine.errors import JobError, PlanError
from engine.model.views import local_arn
from engine.steps.base import JobsEnd, Outcome, StepContext
from engine.steps.container import (
    check_command,
    job_environment,
    own_environment,
    prepare,
    refuse_image,
    runs_images,
)
from engine.steps.hosts import (
    Host,
    collect,
    hosts_of,
    job_outcome,
    job_status,
    job_times,
    jobs_on,
    max_runtime,
)
from engine.steps.inputs import bring, mappings, section
from engine.steps.opt_ml import resource_config, text_map
from engine.steps.pipes import Pipe, fed, refuse_pipe, remove, stage
from engine.steps.spark import spark_variables
from engine.steps.spark_processing import is_submit, refuse_submit, submit_command, submits_spark
from engine.storage.transfer import upload_local

Json = Mapping[str, Any]
FOLDER = "/opt/ml/processing"
_JOB_CONFIG: Json = {
    "AppSpecification": {},
    "Environment": {},
    "ProcessingInputs": [],
    "ProcessingOutputConfig": {"Outputs": []},
    "ProcessingResources": {},
    "RoleArn": None,
    "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
    "NetworkConfig": None,
}
"""Keys of ``processingjobconfig.json`` that the request fills, and what stands there if not."""


class ProcessingStep:
    """Runs CreateProcessingJob requests."""

    runs_jobs = True
    interruptible = True

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """Inputs and outputs that need AWS, and an image that cannot run here."""
        for entry in mappings(step.arguments.get("ProcessingInputs")):
            name = entry.get("InputName")
            if entry.get("DatasetDefinition"):
                return PlanError(
                    f"{step.name}: input {name} is a DatasetDefinition (Athena or Redshift),"
                    " which needs AWS",
                    code="dataset-definition-unsupported",
                    hint="Give the data as an S3Input instead.",
                    path=step.path,
                )
            if _is_pipe(section(entry, "S3Input")) and (
                refusal := refuse_pipe(step, f"input {name}", config)
            ):
                return refusal
        for entry in mappings(section(step.arguments, "ProcessingOutputConfig").get("Outputs")):
            if entry.get("FeatureStoreOutput"):
                return PlanError(
                    f"{step.name}: output {entry.get('OutputName')} goes to a feature store,"
                    " which needs AWS",
                    code="feature-store-unsupported",
                    hint="Give it an S3Output instead.",
                    path=step.path,
                )
        specification = section(step.arguments, "AppSpecification")
        return refuse_image(step, specification.get("ImageUri"), config) or refuse_submit(
            step, specification, config
        )

    def stand_in(self, step: Step) -> str:
        """None, the job is run for real; the Spark images' program excepted."""
        submits = is_submit(section(step.arguments, "AppSpecification"))
        return "local Spark in place of the image's" if submits else ""

    async def run(self, context: StepContext) -> Outcome:
        """Run the job on as many local hosts as it asks for."""
        arguments: Json = context.arguments
        specification: Json = arguments.get("AppSpecification") or {}
        image = str(specification.get("ImageUri", ""))
        command, image_entrypoint = _command(context, specification)
        limit = max_runtime(arguments)
        hosts = hosts_of(context.directory, _cluster(arguments))
        variables = text_map(arguments.get("Environment"))
        if submits_spark(specification, context.services.config):
            command, prepared = await submit_command(context, image, command)
            variables = spark_variables(prepared, context.services.config) | variables
        else:
            prepared = await prepare(context, image)
        prepared = await own_environment(context, prepared)
        environment = job_environment(context, prepared, variables)
        if not context.resuming and _wants_tree(context):
            if arguments.get("ProcessingInputs"):
                context.doing("copying inputs")
                await context.in_thread(_lay_out, context, hosts)
            else:
                _lay_out(context, hosts)
        jobs = jobs_on(
            hosts, context, image, command, environment, image_entrypoint=image_entrypoint
        )
        pipes = _pipes(arguments)
        jobs = [fed(job, host, pipes) for job, host in zip(jobs, hosts, strict=True)]
        end = await context.run_jobs(jobs, prepared.description, limit)
        remove(hosts, pipes)
        return await _finish(context, hosts, end, limit)


def _command(context: StepContext, specification: Json) -> tuple[tuple[str, ...], bool]:
    """What to run, and whether it is only arguments for the image's own entry point."""
    entry = specification.get("ContainerEntrypoint") or ()
    given = specification.get("ContainerArguments") or ()
    if not entry and not runs_images(context.services.config):
        raise JobError(
            f"ClientError: {context.step.name} names no ContainerEntrypoint, so the program inside"
            f" image {specification.get('ImageUri')!r} would run, which is not on this host",
            code="entrypoint-missing",
            hint="Name the command in AppSpecification.ContainerEntrypoint, or use a container"
            " runtime (jobs.runner).",
        )
    return check_command([*entry, *given], context.step.name), not entry


def _wants_tree(context: StepContext) -> bool:
    """Whether to lay out ``/opt/ml``; a plain process cannot see it, so only for what is copied."""
    arguments: Json = context.arguments
    outputs = section(arguments, "ProcessingOutputConfig").get("Outputs")
    plain = context.services.config.job_runner == "process"
    return not plain or bool(arguments.get("ProcessingInputs") or outputs)


def _cluster(arguments: Json) -> Json:
    return section(section(arguments, "ProcessingResources"), "ClusterConfig")


def _lay_out(context: StepContext, hosts: Sequence[Host]) -> None:
    """Make ``/opt/ml`` on each host, with inputs, configuration and folders for outputs."""
    arguments: Json = context.arguments
    config = _job_config(context)
    instance_type = str(_cluster(arguments).get("InstanceType", "local"))
    for host in hosts:
        host.folder.mkdir(mode=0o700, exist_ok=True)
        host.ml.write_json("/opt/ml/config/processingjobconfig.json", config)
        host.ml.write_json(
            "/opt/ml/config/resourceconfig.json",
            resource_config(instance_type, host.number, host.count),
        )
        host.ml.make("/opt/ml/output")
        for entry in arguments.get("ProcessingInputs") or ():
            source: Json = entry.get("S3Input") or {}
            if entry.get("AppManaged") or _is_pipe(source):
                continue
            bring(
                context.services.tree,
                host,
                source,
                host.ml.make(_local_path(source), below=FOLDER),
                what=f"input {entry.get('InputName')}",
                compression=source.get("S3CompressionType"),
            )
        stage(context.services.tree, host, _pipes(arguments))
        for _, local in _outputs(arguments):
            host.ml.make(local)


def _is_pipe(source: Json) -> bool:
    return source.get("S3InputMode") == "Pipe"


def _local_path(source: Json) -> str:
    return str(source.get("LocalPath") or f"{FOLDER}/input")


def _pipes(arguments: Json) -> list[Pipe]:
    """The inputs that are streamed; that of LocalPath ``x`` as ``x_0``, ``x_1`` and so on."""
    return [
        Pipe(
            f"input {entry.get('InputName')}",
            _local_path(source).rstrip("/"),
            source,
            source.get("S3CompressionType"),
            below=FOLDER,
        )
        for entry in mappings(arguments.get("ProcessingInputs"))
        if _is_pipe(source := section(entry, "S3Input")) and not entry.get("AppManaged")
    ]


def _job_config(context: StepContext) -> dict[str, Any]:
    given = _described(context)
    names = {key: given[key] for key in ("ProcessingJobName", "ProcessingJobArn")}
    return names | {
        key: default if given.get(key) is None else given[key]
        for key, default in _JOB_CONFIG.items()
    }


def _described(context: StepContext) -> dict[str, Any]:
    """What DescribeProcessingJob says of a job before it has ended."""
    arguments: Json = context.arguments
    return {
        **arguments,
        "Environment": text_map(arguments.get("Environment")),
        "ProcessingJobName": context.job_name,
        "ProcessingJobArn": local_arn("processing-job", context.job_name),
    }


def _outputs(arguments: Json) -> list[tuple[str, str]]:
    """S3 URI and local path of each output that goes to S3 by itself."""
    found = []
    for output in (arguments.get("ProcessingOutputConfig") or {}).get("Outputs") or ():
        target: Json = output.get("S3Output") or {}
        if target.get("S3Uri") and target.get("LocalPath") and not output.get("AppManaged"):
            found.append((str(target["S3Uri"]), str(target["LocalPath"])))
    return found


async def _finish(
    context: StepContext, hosts: Sequence[Host], end: JobsEnd, limit: float | None
) -> Outcome:
    note = ""
    outputs = _outputs(context.arguments)
    if outputs:
        context.doing("uploading outputs")
        _, note = await collect(context, end, partial(_upload, context, hosts, outputs), None)
    message = hosts[0].ml.read_text("/opt/ml/output/message").strip()
    properties = {
        **_described(context),
        **job_times("Processing", hosts, end),
        "ProcessingJobStatus": job_status(end),
    }
    if message:
        properties["ExitMessage"] = message
    metadata = {"ProcessingJob": {"Arn": properties["ProcessingJobArn"]}}
    return job_outcome(end, hosts, "Processing", limit, properties, metadata, note)


def _upload(
    context: StepContext, hosts: Sequence[Host], outputs: Sequence[tuple[str, str]]
) -> None:
    """Bring the outputs of all hosts back; an output that the job removed is left out."""
    for host in hosts:
        for uri, local in outputs:
            folder = host.ml.left(local)
            if folder is not None:
                upload_local(context.services.tree, folder, uri)
