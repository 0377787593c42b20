"""Processing: inputs into ``/opt/ml/processing``, the command, outputs back (section 4.1)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.config import Config
from engine.definition.document import Step
from engine.errors import JobError, PlanError
from engine.jobs.base import Job
from engine.model.status import StepStatus
from engine.model.views import local_arn
from engine.steps.base import JobsEnd, Outcome, StepContext, failed, succeeded
from engine.steps.container import check_command, job_environment, prepare, resolve_image
from engine.steps.failure import algorithm_error, time_exceeded
from engine.steps.opt_ml import OptMl, resource_config, text_map
from engine.storage.transfer import download_local, upload_local

Json = Mapping[str, Any]


class ProcessingStep:
    """Runs CreateProcessingJob requests."""

    runs_jobs = True
    interruptible = True

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """A dataset definition or an image that cannot run here."""
        for entry in step.arguments.get("ProcessingInputs") or ():
            if isinstance(entry, Mapping) and entry.get("DatasetDefinition"):
                return PlanError(
                    f"{step.name}: input {entry.get('InputName')} is a DatasetDefinition"
                    " (Athena or Redshift), which needs AWS",
                    code="dataset-definition-unsupported",
                    hint="Give the data as an S3Input instead.",
                    path=step.path,
                )
        specification = step.arguments.get("AppSpecification") or {}
        return refuse_image(step, specification.get("ImageUri"), config)

    def stand_in(self, step: Step) -> str:
        """None: the job is run for real."""
        return ""

    async def run(self, context: StepContext) -> Outcome:
        """Run the job on as many local hosts as it asks for."""
        arguments: Json = context.arguments
        specification: Json = arguments.get("AppSpecification") or {}
        prepared = await prepare(context, str(specification.get("ImageUri", "")))
        count = _instance_count(arguments)
        command = _command(context.step, specification)
        declared = text_map(arguments.get("Environment"))
        environment = job_environment(context, prepared, declared)
        hosts = [host_folder(context.directory, host) for host in range(count)]
        if not context.resuming:
            await _prepare_hosts(context, hosts)
        jobs = [
            Job(
                id=f"{context.run.id}/{context.step.name}/{context.attempt}"
                + (f"/algo-{host + 1}" if count > 1 else ""),
                directory=str(folder),
                command=command,
                environment=environment,
                ml=str(folder / "ml"),
                image=str(specification.get("ImageUri", "")),
                image_entrypoint=not specification.get("ContainerEntrypoint"),
                grace_s=context.services.config.grace_s,
            )
            for host, folder in enumerate(hosts)
        ]
        limit = _max_runtime(arguments)
        end = await context.run_jobs(jobs, prepared.description, limit)
        return await self._finish(context, hosts, end, limit)

    async def _finish(
        self, context: StepContext, hosts: Sequence[Path], end: JobsEnd, limit: float | None
    ) -> Outcome:
        arguments: Json = context.arguments
        uploads = _outputs(arguments)
        if uploads:
            context.doing("uploading outputs")
            await context.in_thread(_upload, context, hosts, uploads)
        ml = OptMl(hosts[0] / "ml")
        message = ml.read_text("/opt/ml/output/message")
        arn = local_arn("processing-job", context.job_name)
        properties = {
            **arguments,
            "ProcessingJobName": context.job_name,
            "ProcessingJobArn": arn,
            "ProcessingJobStatus": _job_status(end),
            **({"ExitMessage": message} if message else {}),
        }
        metadata = {"ProcessingJob": {"Arn": arn}}
        return job_outcome(end, "Processing", ml, limit, properties, metadata)


def job_outcome(
    end: JobsEnd,
    kind: str,
    ml: OptMl,
    limit: float | None,
    properties: dict[str, Any],
    metadata: dict[str, Any],
) -> Outcome:
    """What the end of a step's jobs means for the step."""
    if end.timed_out:
        return Outcome(StepStatus.STOPPED, properties, metadata, time_exceeded(limit or 0.0))
    if end.stopped:
        return Outcome(StepStatus.STOPPED, properties, metadata, "")
    if end.ok:
        return succeeded(properties, metadata)
    reason = algorithm_error(end.worst, ml.read_text("/opt/ml/output/failure"), kind)
    outcome = failed(reason, "algorithm-error", {**properties, "FailureReason": reason}, metadata)
    return replace(outcome, lost=end.lost)


def refuse_image(step: Step, image: Any, config: Config) -> PlanError | None:
    """Why a step's image cannot run here; an image named by an expression is seen at its start."""
    if not isinstance(image, str) or not image:
        return None
    resolution = resolve_image(image, config)
    if resolution.kind != "refused":
        return None
    return PlanError(
        f"{step.name}: {image} cannot run here: {'; '.join(resolution.notes)}",
        code="image-not-runnable",
        hint="Name an environment for it under [images] in the configuration.",
        path=step.path,
    )


def host_folder(directory: Path, host: int) -> Path:
    """Folder of one host of an attempt: the attempt's own for the first, ``algo-N`` for others."""
    return directory if host == 0 else directory / f"algo-{host + 1}"


def _instance_count(arguments: Json) -> int:
    cluster = (arguments.get("ProcessingResources") or {}).get("ClusterConfig") or {}
    return max(1, int(cluster.get("InstanceCount") or 1))


def _max_runtime(arguments: Json) -> float | None:
    limit = (arguments.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds")
    return float(limit) if limit else None


def _command(step: Step, specification: Json) -> tuple[str, ...]:
    entry = specification.get("ContainerEntrypoint") or ()
    if not entry:
        raise JobError(
            f"{step.name} names no ContainerEntrypoint, so the image's own program would run",
            code="entrypoint-missing",
            hint="Name the command in AppSpecification.ContainerEntrypoint, or use a container"
            " runtime (jobs.runner).",
        )
    return check_command([*entry, *(specification.get("ContainerArguments") or ())], step.name)


async def _prepare_hosts(context: StepContext, hosts: Sequence[Path]) -> None:
    arguments: Json = context.arguments
    inputs = arguments.get("ProcessingInputs") or ()
    if inputs:
        context.doing("copying inputs")
        await context.in_thread(_prepare, context, hosts)
    else:
        _prepare(context, hosts)


def _prepare(context: StepContext, hosts: Sequence[Path]) -> None:
    """Lay out ``/opt/ml`` on each host."""
    arguments: Json = context.arguments
    cluster = (arguments.get("ProcessingResources") or {}).get("ClusterConfig") or {}
    for host, folder in enumerate(hosts):
        if host:
            os.makedirs(folder, mode=0o700, exist_ok=True)
        ml = OptMl(folder / "ml")
        ml.write_json("/opt/ml/config/processingjobconfig.json", _job_config(context))
        ml.write_json(
            "/opt/ml/config/resourceconfig.json",
            resource_config(str(cluster.get("InstanceType", "local")), host, len(hosts)),
        )
        ml.make("/opt/ml/output")
        for entry in arguments.get("ProcessingInputs") or ():
            source: Json = entry.get("S3Input") or {}
            local = str(source.get("LocalPath") or "/opt/ml/processing/input")
            download_local(
                context.services.tree,
                str(source.get("S3Uri", "")),
                ml.make(local),
                data_type=source.get("S3DataType") or "S3Prefix",
                distribution=source.get("S3DataDistributionType") or "FullyReplicated",
                compression=source.get("S3CompressionType") or "None",
                host_index=host,
                host_count=len(hosts),
            )
        for _, local in _outputs(arguments):
            ml.make(local)


def _job_config(context: StepContext) -> dict[str, Any]:
    arguments: Json = context.arguments
    kept = (
        "AppSpecification",
        "Environment",
        "ProcessingInputs",
        "ProcessingOutputConfig",
        "ProcessingResources",
        "RoleArn",
        "StoppingCondition",
        "NetworkConfig",
    )
    return {
        "ProcessingJobName": context.job_name,
        "ProcessingJobArn": local_arn("processing-job", context.job_name),
        **{key: arguments[key] for key in kept if arguments.get(key) is not None},
    }


def _outputs(arguments: Json) -> list[tuple[str, str]]:
    """S3 URI and local path of each output that goes to S3."""
    outputs = (arguments.get("ProcessingOutputConfig") or {}).get("Outputs") or ()
    found = []
    for output in outputs:
        target: Json = output.get("S3Output") or {}
        if target.get("S3Uri") and target.get("LocalPath"):
            found.append((str(target["S3Uri"]), str(target["LocalPath"])))
    return found


def _upload(
    context: StepContext, hosts: Sequence[Path], outputs: Sequence[tuple[str, str]]
) -> None:
    """Bring the outputs of all hosts back; those of a failed job too, they help to see why."""
    for folder in hosts:
        ml = OptMl(folder / "ml")
        for uri, local in outputs:
            path = ml.host_path(local)
            if path.is_dir():
                upload_local(context.services.tree, path, uri)


def _job_status(end: JobsEnd) -> str:
    if end.stopped or end.timed_out:
        return "Stopped"
    return "Completed" if end.ok else "Failed"
