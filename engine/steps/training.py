"""Training: channels into ``/opt/ml/input``, algorithm or script, the model back (section 4.2)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.config import Config
from engine.definition.document import Step
from engine.environments.programs import training_command
from engine.errors import JobError, PlanError
from engine.jobs.base import Job
from engine.model.views import local_arn
from engine.steps.base import JobsEnd, Outcome, StepContext
from engine.steps.container import Prepared, check_command, job_environment, prepare
from engine.steps.metrics import final_metrics, metric_definitions
from engine.steps.opt_ml import OptMl, resource_config, text_map
from engine.steps.processing import host_folder, job_outcome, refuse_image
from engine.storage.archive import pack, unpack
from engine.storage.transfer import download_local, upload_local

Json = Mapping[str, Any]
SUBMIT_DIRECTORY = "sagemaker_submit_directory"
PROGRAM = "sagemaker_program"
CODE = "/opt/ml/code"


class TrainingStep:
    """Runs CreateTrainingJob requests."""

    runs_jobs = True
    interruptible = True

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """Pipe mode, file systems and images that cannot run here."""
        specification = step.arguments.get("AlgorithmSpecification") or {}
        for channel in step.arguments.get("InputDataConfig") or ():
            source = channel.get("DataSource") or {} if isinstance(channel, Mapping) else {}
            if isinstance(source, Mapping) and source.get("FileSystemDataSource"):
                return PlanError(
                    f"{step.name}: channel {channel.get('ChannelName')} reads a file system"
                    " (EFS or FSx), which needs AWS",
                    code="file-system-unsupported",
                    hint="Give the data as an S3DataSource instead.",
                    path=step.path,
                )
        if specification.get("AlgorithmName"):
            return PlanError(
                f"{step.name}: algorithm {specification['AlgorithmName']} is a Marketplace"
                " algorithm, which needs AWS",
                code="algorithm-unsupported",
                hint="Name an image in AlgorithmSpecification.TrainingImage.",
                path=step.path,
            )
        return refuse_image(step, specification.get("TrainingImage"), config)

    def stand_in(self, step: Step) -> str:
        """None: the job is run for real."""
        return ""

    async def run(self, context: StepContext) -> Outcome:
        """Run the job on as many local hosts as it asks for."""
        arguments: Json = context.arguments
        specification: Json = arguments.get("AlgorithmSpecification") or {}
        image = str(specification.get("TrainingImage", ""))
        metrics = metric_definitions(specification.get("MetricDefinitions"))
        resources: Json = arguments.get("ResourceConfig") or {}
        count = max(1, int(resources.get("InstanceCount") or 1))
        hosts = [host_folder(context.directory, host) for host in range(count)]
        if not context.resuming:
            context.doing("copying inputs")
            await context.in_thread(_prepare, context, hosts)
        ml = OptMl(hosts[0] / "ml")
        requirements = ml.host_path(f"{CODE}/requirements.txt")
        prepared = await prepare(context, image, requirements if requirements.is_file() else None)
        environment = job_environment(context, prepared, _variables(context, prepared))
        command, image_entrypoint = _command(context, prepared)
        jobs = [
            Job(
                id=f"{context.run.id}/{context.step.name}/{context.attempt}"
                + (f"/algo-{host + 1}" if count > 1 else ""),
                directory=str(folder),
                command=command,
                environment=environment,
                ml=str(folder / "ml"),
                image=image,
                image_entrypoint=image_entrypoint,
                grace_s=context.services.config.grace_s,
            )
            for host, folder in enumerate(hosts)
        ]
        limit = (arguments.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds")
        end = await context.run_jobs(jobs, prepared.description, float(limit) if limit else None)
        context.doing("packing the model")
        kept = await context.in_thread(_collect, context, hosts)
        found = await context.in_thread(
            final_metrics, metrics, hosts[0] / "job.log", end.worst.ended_at or 0.0
        )
        properties, metadata = _described(context, end, kept, found)
        limit_s = float(limit) if limit else None
        return job_outcome(end, "Training", ml, limit_s, properties, metadata)


@dataclass(frozen=True, slots=True)
class _Kept:
    """Where the results of a job went; empty where it left none."""

    model: str = ""
    output: str = ""


def _hyperparameters(context: StepContext) -> dict[str, str]:
    """HyperParameters as text, with the code's S3 URI replaced by where it was unpacked."""
    return text_map(context.arguments.get("HyperParameters"))


def _decoded(value: str) -> str:
    """Script mode JSON-encodes its values: ``"train.py"`` arrives with quotes around it."""
    try:
        decoded = json.loads(value)
    except ValueError:
        return value
    return decoded if isinstance(decoded, str) else value


def _prepare(context: StepContext, hosts: Sequence[Path]) -> None:
    """Lay out ``/opt/ml`` on each host."""
    arguments: Json = context.arguments
    hyperparameters = _hyperparameters(context)
    resources: Json = arguments.get("ResourceConfig") or {}
    channels = arguments.get("InputDataConfig") or ()
    for host, folder in enumerate(hosts):
        if host:
            folder.mkdir(mode=0o700, exist_ok=True)
        ml = OptMl(folder / "ml")
        ml.write_json("/opt/ml/input/config/hyperparameters.json", hyperparameters)
        ml.write_json("/opt/ml/input/config/inputdataconfig.json", _data_config(context))
        ml.write_json(
            "/opt/ml/input/config/resourceconfig.json",
            resource_config(str(resources.get("InstanceType", "local")), host, len(hosts)),
        )
        for made in ("/opt/ml/model", "/opt/ml/output/data", "/opt/ml/checkpoints"):
            ml.make(made)
        for channel in channels:
            _download_channel(context, ml, channel, host, len(hosts))
        _download_checkpoints(context, ml)
        if PROGRAM in hyperparameters and hyperparameters.get(SUBMIT_DIRECTORY):
            _download_code(context, ml, _decoded(hyperparameters[SUBMIT_DIRECTORY]))


def _download_channel(
    context: StepContext, ml: OptMl, channel: Json, host: int, hosts: int
) -> None:
    source: Json = (channel.get("DataSource") or {}).get("S3DataSource") or {}
    download_local(
        context.services.tree,
        str(source.get("S3Uri", "")),
        ml.make(f"/opt/ml/input/data/{channel.get('ChannelName', 'training')}"),
        data_type=source.get("S3DataType") or "S3Prefix",
        distribution=source.get("S3DataDistributionType") or "FullyReplicated",
        compression=channel.get("CompressionType") or "None",
        host_index=host,
        host_count=hosts,
    )


def _download_code(context: StepContext, ml: OptMl, uri: str) -> None:
    """Script mode's source: a tar.gz, or (a convenience here) a folder."""
    target = ml.make(CODE)
    if uri.startswith(CODE):
        return
    if not uri.endswith((".tar.gz", ".tgz")):
        download_local(context.services.tree, uri, target)
        return
    archive = ml.make("/opt/ml/input") / "source.tar.gz"
    context.services.tree.fetch(uri, archive)
    unpack(archive, target)
    archive.unlink()


def _download_checkpoints(context: StepContext, ml: OptMl) -> None:
    config: Json = context.arguments.get("CheckpointConfig") or {}
    uri = config.get("S3Uri")
    if uri and context.services.tree.list(str(uri), limit=1):
        local = ml.make(str(config.get("LocalPath") or "/opt/ml/checkpoints"))
        download_local(context.services.tree, str(uri), local)


def _data_config(context: StepContext) -> dict[str, Any]:
    """``inputdataconfig.json``: what each channel holds."""
    found = {}
    for channel in context.arguments.get("InputDataConfig") or ():
        source: Json = (channel.get("DataSource") or {}).get("S3DataSource") or {}
        entry = {
            "TrainingInputMode": channel.get("InputMode")
            or (context.arguments.get("AlgorithmSpecification") or {}).get("TrainingInputMode")
            or "File",
            "S3DistributionType": source.get("S3DataDistributionType") or "FullyReplicated",
            "RecordWrapperType": channel.get("RecordWrapperType") or "None",
        }
        if channel.get("ContentType"):
            entry["ContentType"] = channel["ContentType"]
        found[str(channel.get("ChannelName"))] = entry
    return found


def _variables(context: StepContext, prepared: Prepared) -> dict[str, str]:
    config = context.services.config
    return {
        "TRAINING_JOB_NAME": context.job_name,
        "TRAINING_JOB_ARN": local_arn("training-job", context.job_name),
        "PIPETUI_PREFLIGHT": config.preflight,
        **text_map(context.arguments.get("Environment")),
    }


def _command(context: StepContext, prepared: Prepared) -> tuple[tuple[str, ...], bool]:
    """What to run, and whether it is only arguments for the image's own entry point."""
    specification: Json = context.arguments.get("AlgorithmSpecification") or {}
    entry = specification.get("ContainerEntrypoint") or ()
    given = specification.get("ContainerArguments") or ()
    if entry:
        return check_command([*entry, *given], context.step.name), False
    hyperparameters = _hyperparameters(context)
    stand_in = prepared.resolution and training_command(
        prepared.resolution, Path(prepared.python), hyperparameters
    )
    if stand_in:
        return stand_in, False
    if context.services.config.job_runner in ("podman", "docker"):
        return check_command(given or ("train",), context.step.name), True
    raise JobError(
        f"ClientError: {context.step.name} runs the program inside image"
        f" {specification.get('TrainingImage')!r}, which is not on this host",
        code="image-program-missing",
        hint="Give the job a script (sagemaker_program) or a ContainerEntrypoint, or set"
        " jobs.runner to podman or docker.",
    )


def _collect(context: StepContext, hosts: Sequence[Path]) -> _Kept:
    """Pack and store what the job left; a failed job's results too, as the service does."""
    arguments: Json = context.arguments
    tree = context.services.tree
    ml = OptMl(hosts[0] / "ml")
    config: Json = arguments.get("CheckpointConfig") or {}
    if config.get("S3Uri"):
        local = str(config.get("LocalPath") or "/opt/ml/checkpoints")
        if ml.host_path(local).is_dir():
            upload_local(tree, ml.host_path(local), str(config["S3Uri"]))
    output: Json = arguments.get("OutputDataConfig") or {}
    base = str(output.get("S3OutputPath") or "").rstrip("/")
    if not base:
        return _Kept()
    base = f"{base}/{context.job_name}/output"
    model, data = "", ""
    if _has_files(ml.host_path("/opt/ml/model")):
        if output.get("CompressionType") == "NONE":
            model = f"{base}/model/"
            upload_local(tree, ml.host_path("/opt/ml/model"), model)
        else:
            model = _store_packed(context, ml.host_path("/opt/ml/model"), f"{base}/model.tar.gz")
    if _has_files(ml.host_path("/opt/ml/output/data")):
        data = _store_packed(context, ml.host_path("/opt/ml/output/data"), f"{base}/output.tar.gz")
    return _Kept(model, data)


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _store_packed(context: StepContext, folder: Path, uri: str) -> str:
    archive = context.directory / uri.rsplit("/", 1)[-1]
    pack(folder, archive)
    context.services.tree.put(uri, archive)
    archive.unlink()
    return uri


def _described(
    context: StepContext, end: JobsEnd, kept: _Kept, metrics: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Properties (DescribeTrainingJob) and step metadata."""
    arguments: Json = context.arguments
    arn = local_arn("training-job", context.job_name)
    secondary = "Completed" if end.ok else "Failed"
    if end.timed_out:
        secondary = "MaxRuntimeExceeded"
    elif end.stopped:
        secondary = "Stopped"
    base = str((arguments.get("OutputDataConfig") or {}).get("S3OutputPath") or "").rstrip("/")
    expected = f"{base}/{context.job_name}/output/model.tar.gz" if base else ""
    properties = {
        **arguments,
        "HyperParameters": _hyperparameters(context),
        "TrainingJobName": context.job_name,
        "TrainingJobArn": arn,
        "TrainingJobStatus": "Stopped" if secondary == "MaxRuntimeExceeded" else secondary,
        "SecondaryStatus": secondary,
        "ModelArtifacts": {"S3ModelArtifacts": kept.model or expected},
        "FinalMetricDataList": list(metrics),
        **({"OutputDataLocation": kept.output} if kept.output else {}),
    }
    return properties, {"TrainingJob": {"Arn": arn}}
