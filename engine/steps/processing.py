"""Processing: inputs into ``/opt/ml/processing``, the command, outputs back (section 4.1).

Outputs are uploaded when the job has ended, also when it failed: they help to see why. Those of
``S3UploadMode`` Continuous are uploaded while it runs too. Links are not followed.
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
    engine_for,
    job_environment,
    own_environment,
    prepare,
    refuse_image,
    runs_image,
    standing_image,
)
from engine.steps.dataset import check_dataset, source_of, stand_in_of
from engine.steps.feature_store import check_feature_groups, stand_ins_of
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
from engine.steps.kept_outputs import KeptOutput, store_all, stored_meanwhile
from engine.steps.opt_ml import resource_config, text_map
from engine.steps.pipes import Pipe, fed, remove, stage
from engine.steps.spark import spark_variables
from engine.steps.spark_processing import (
    event_folder,
    is_submit,
    refuse_submit,
    submit_command,
    submits_spark,
)
from engine.storage.mirror import Mirror

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
        """An image that cannot run here, and a program inside of one."""
        specification = section(step.arguments, "AppSpecification")
        return (
            refuse_image(step, specification.get("ImageUri"), config)
            or refuse_submit(step, specification, config)
            or _refuse_program(step, specification, config)
        )

    def stand_in(self, step: Step, config: Config) -> str:
        """None, the job is run for real; but queries, feature groups and Spark's image are not."""
        submits = is_submit(section(step.arguments, "AppSpecification"))
        told = ["local Spark in place of the image's"] if submits else []
        told += filter(None, map(stand_in_of, mappings(step.arguments.get("ProcessingInputs"))))
        return "; ".join([*told, *stand_ins_of(step.arguments)])

    async def run(self, context: StepContext) -> Outcome:
        """Run the job on as many local hosts as it asks for."""
        arguments: Json = context.arguments
        specification: Json = arguments.get("AppSpecification") or {}
        image = standing_image(str(specification.get("ImageUri", "")), context.services.config)
        command, image_entrypoint = _command(context, specification)
        limit = max_runtime(arguments)
        hosts = hosts_of(context.directory, _cluster(arguments))
        variables = text_map(arguments.get("Environment"))
        if submits_spark(specification, context.services.config):
            command, prepared, exported = await submit_command(context, image, command)
            known = spark_variables(prepared, context.services.config)
            variables = {**known, **exported, **variables}
        else:
            prepared = await prepare(context, image, program=image_entrypoint)
        prepared = await own_environment(context, prepared)
        environment = job_environment(context, prepared, variables)
        check_feature_groups(context.step.name, arguments)
        if not context.resuming and _wants_tree(context):
            if arguments.get("ProcessingInputs"):
                context.doing("copying inputs")
                await context.in_thread(_lay_out, context, hosts)
            else:
                _lay_out(context, hosts)
        jobs = jobs_on(
            hosts,
            context,
            image,
            command,
            environment,
            image_entrypoint=image_entrypoint,
            engine=prepared.engine,
        )
        pipes = _pipes(arguments)
        config = context.services.config
        jobs = [fed(job, host, pipes, config) for job, host in zip(jobs, hosts, strict=True)]
        outputs = _kept(context, hosts)
        async with stored_meanwhile(context, outputs):
            end = await context.run_jobs(jobs, prepared.description, limit)
        remove(hosts, pipes)
        return await _finish(context, hosts, end, limit, outputs)


def _command(context: StepContext, specification: Json) -> tuple[tuple[str, ...], bool]:
    """What to run, and whether it is only arguments for the image's own entry point."""
    entry = specification.get("ContainerEntrypoint") or ()
    given = specification.get("ContainerArguments") or ()
    image, config = specification.get("ImageUri"), context.services.config
    if not entry and not runs_image(image, config, program=True):
        raise _no_program(context.step.name, image, config)
    return check_command([*entry, *given], context.step.name), not entry


def _refuse_program(step: Step, specification: Json, config: Config) -> PlanError | None:
    """Why there is nothing to run; what an expression names is seen at the step's start."""
    image = specification.get("ImageUri")
    named = specification.get("ContainerEntrypoint") or not isinstance(image, str)
    if named or runs_image(image, config, program=True):
        return None
    problem = _no_program(step.name, image, config)
    message = problem.message.removeprefix("ClientError: ")
    return PlanError(message, code=problem.code, hint=problem.hint, path=step.path)


def _no_program(name: str, image: Any, config: Config) -> JobError:
    return JobError(
        f"ClientError: {name} names no ContainerEntrypoint, so the program inside image {image!r}"
        f" would run, which is not on this host: {engine_for(image, config, program=True).why}",
        code="entrypoint-missing",
        hint="Name the command in AppSpecification.ContainerEntrypoint, or let podman or docker on"
        " this host have the image.",
    )


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
    for entry in mappings(arguments.get("ProcessingInputs")):
        check_dataset(context.services.tree, context.step.name, entry)
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
            source = source_of(entry)
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
        for target in _outputs(arguments):
            host.ml.make(target["LocalPath"])
        if events := event_folder(section(arguments, "AppSpecification")):
            host.ml.make(events)


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
        if _is_pipe(source := source_of(entry)) and not entry.get("AppManaged")
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


def _outputs(arguments: Json) -> list[Json]:
    """The S3Output of each output that goes to S3 by itself."""
    found = []
    for output in (arguments.get("ProcessingOutputConfig") or {}).get("Outputs") or ():
        target: Json = output.get("S3Output") or {}
        if target.get("S3Uri") and target.get("LocalPath") and not output.get("AppManaged"):
            found.append(target)
    return found


def _kept(context: StepContext, hosts: Sequence[Host]) -> list[KeptOutput]:
    """What each host leaves to be stored; an output that the job removed is left out then."""
    return [
        KeptOutput(
            host,
            str(target["LocalPath"]),
            Mirror(context.services.tree, str(target["S3Uri"])),
            target.get("S3UploadMode") == "Continuous",
        )
        for host in hosts
        for target in _outputs(context.arguments)
    ]


async def _finish(
    context: StepContext,
    hosts: Sequence[Host],
    end: JobsEnd,
    limit: float | None,
    outputs: Sequence[KeptOutput],
) -> Outcome:
    note = ""
    if outputs:
        context.doing("uploading outputs")
        _, note = await collect(context, end, partial(store_all, outputs), None)
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
