"""Training: channels into ``/opt/ml/input``, algorithm or script, the model back (section 4.2)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from engine.config import Config
from engine.definition.document import Step
from engine.environments.programs import training_command
from engine.errors import JobError, PlanError
from engine.model.views import local_arn
from engine.steps.base import JobsEnd, Outcome, StepContext
from engine.steps.container import (
    Prepared,
    check_command,
    job_environment,
    own_environment,
    prepare,
    refuse_image,
    resolve_image,
    runs_images,
)
from engine.steps.distributed import join_hosts, variables_of
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
from engine.steps.inputs import mappings, section
from engine.steps.metrics import final_metrics, metric_definitions
from engine.steps.opt_ml import text_map
from engine.steps.pipes import fed, refuse_pipe, remove
from engine.steps.training_input import CODE, hyperparameters, lay_out, pipes_of
from engine.steps.training_output import Kept, expected_model, store_results

Json = Mapping[str, Any]

_WATCHERS = (
    "DebugHookConfig",
    "DebugRuleConfigurations",
    "ProfilerConfig",
    "ProfilerRuleConfigurations",
    "TensorBoardOutputConfig",
)
"""What a request says to SageMaker Debugger and Profiler; kept among the properties."""


class TrainingStep:
    """Runs CreateTrainingJob requests.

    A kind of training job that runs a program of its own overrides ``prepare``, ``command`` and
    ``variables``.
    """

    runs_jobs = True
    interruptible = True

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """File systems, and images or algorithms that cannot run here."""
        image = section(step.arguments, "AlgorithmSpecification").get("TrainingImage")
        return (
            self.refuse_input(step)
            or self._refuse_pipes(step, config)
            or refuse_image(step, image, config)
            or _refuse_program(step, config)
        )

    def refuse_input(self, step: Step) -> PlanError | None:
        """What a training job asks for that only AWS has, whatever its image."""
        for channel in mappings(step.arguments.get("InputDataConfig")):
            name = channel.get("ChannelName")
            if section(channel, "DataSource").get("FileSystemDataSource"):
                return PlanError(
                    f"{step.name}: channel {name} reads a file system (EFS or FSx), which needs"
                    " AWS",
                    code="file-system-unsupported",
                    hint="Give the data as an S3DataSource instead.",
                    path=step.path,
                )
        specification = section(step.arguments, "AlgorithmSpecification")
        if specification.get("AlgorithmName"):
            return PlanError(
                f"{step.name}: algorithm {specification['AlgorithmName']} is a Marketplace"
                " algorithm, which needs AWS",
                code="algorithm-unsupported",
                hint="Name an image in AlgorithmSpecification.TrainingImage.",
                path=step.path,
            )
        return None

    def _refuse_pipes(self, step: Step, config: Config) -> PlanError | None:
        """Channels that are to be streamed, where the job runner cannot."""
        if self.reads_files(step.arguments, config):
            return None
        pipes = pipes_of(step.arguments)
        return refuse_pipe(step, pipes[0].what, config) if pipes else None

    def reads_files(self, arguments: Json, config: Config) -> bool:
        """Whether the job's program is one of ours, to which Pipe mode too gives files."""
        specification = section(arguments, "AlgorithmSpecification")
        image = image_of(arguments)
        return bool(
            image
            and not specification.get("ContainerEntrypoint")
            and not section(arguments, "HyperParameters").get("sagemaker_program")
            and not runs_images(config)
            and resolve_image(image, config).algorithm
        )

    def stand_in(self, step: Step) -> str:
        """None, the job is run for real; but Debugger and Profiler watch no job here."""
        asked = [name for name in _WATCHERS if _asks(step.arguments.get(name))]
        told = [f"Debugger and Profiler do not run here ({', '.join(asked)})"] if asked else []
        if pipes_of(step.arguments) and self.reads_files(step.arguments, Config()):
            told.append("PipeTUI's own program reads files in place of pipes (input mode Pipe)")
        return "; ".join(told)

    async def run(self, context: StepContext) -> Outcome:
        """Run the job on as many local hosts as it asks for."""
        arguments: Json = context.arguments
        specification = section(arguments, "AlgorithmSpecification")
        image = image_of(arguments)
        metrics = metric_definitions(specification.get("MetricDefinitions"))
        limit = max_runtime(arguments)
        hosts = hosts_of(context.directory, section(arguments, "ResourceConfig"))
        files = self.reads_files(arguments, context.services.config)
        pipes = () if files else pipes_of(arguments)
        if not context.resuming:
            context.doing("copying inputs")
            await context.in_thread(lay_out, context, hosts, pipes)
        prepared = await own_environment(context, await self.prepare(context, hosts[0]))
        variables = self.variables(context)
        if prepared.path:
            prepared = await context.in_thread(join_hosts, hosts, prepared, context.step.name)
            variables = variables_of(hosts, variables)
        command, image_entrypoint = self.command(context, prepared)
        environment = job_environment(context, prepared, variables)
        jobs = jobs_on(
            hosts, context, image, command, environment, image_entrypoint=image_entrypoint
        )
        jobs = [fed(job, host, pipes) for job, host in zip(jobs, hosts, strict=True)]
        end = await context.run_jobs(jobs, prepared.description, limit)
        remove(hosts, pipes)
        context.doing("packing the model")
        kept, note = await collect(context, end, partial(store_results, context, hosts), Kept())
        ended_at = end.exits[0].ended_at or time.time()
        found = await context.in_thread(final_metrics, metrics, hosts[0].log, ended_at)
        properties = {
            **_described(context, end, kept, found),
            **job_times("Training", hosts, end),
        }
        metadata = {"TrainingJob": {"Arn": properties["TrainingJobArn"]}}
        return job_outcome(end, hosts, "Training", limit, properties, metadata, note)

    async def prepare(self, context: StepContext, host: Host) -> Prepared:
        """The environment of the job; ``/opt/ml`` of ``host`` is laid out."""
        folders = (CODE, "/opt/ml/input/data/code")
        files = (host.ml.host_path(f"{folder}/requirements.txt") for folder in folders)
        found = next((file for file in files if file.is_file()), None)
        return await prepare(context, image_of(context.arguments), found)

    def command(self, context: StepContext, prepared: Prepared) -> tuple[tuple[str, ...], bool]:
        """What to run, and whether it is only arguments for the image's own entry point."""
        specification = section(context.arguments, "AlgorithmSpecification")
        entry = specification.get("ContainerEntrypoint") or ()
        given = specification.get("ContainerArguments") or ()
        name = context.step.name
        if entry:
            return check_command([*entry, *given], name), False
        if prepared.resolution is None:
            return check_command(given or ("train",), name), True
        python = Path(prepared.python)
        command = training_command(prepared.resolution, python, hyperparameters(context.arguments))
        if command is None:
            raise _no_program(name, specification.get("TrainingImage"))
        return command, False

    def variables(self, context: StepContext) -> dict[str, str]:
        """What the job's environment says of the job."""
        return {
            "TRAINING_JOB_NAME": context.job_name,
            "TRAINING_JOB_ARN": local_arn("training-job", context.job_name),
            "PIPETUI_PREFLIGHT": context.services.config.preflight,
            **text_map(context.arguments.get("Environment")),
        }


def _asks(watcher: Any) -> bool:
    """Whether one of ``_WATCHERS`` asks for anything."""
    return bool(watcher) and not (isinstance(watcher, Mapping) and watcher.get("DisableProfiler"))


def image_of(arguments: Json) -> str:
    """The image of a training job; empty where it names none, or an expression does."""
    image = section(arguments, "AlgorithmSpecification").get("TrainingImage")
    return image if isinstance(image, str) else ""


def _refuse_program(step: Step, config: Config) -> PlanError | None:
    """Why there is nothing to run; what an expression names is seen at the step's start."""
    specification = section(step.arguments, "AlgorithmSpecification")
    image = specification.get("TrainingImage")
    if not isinstance(image, str) or specification.get("ContainerEntrypoint"):
        return None
    given = section(step.arguments, "HyperParameters")
    resolution = resolve_image(image, config)
    if runs_images(config) or training_command(resolution, Path(), given):
        return None
    problem = _no_program(step.name, image)
    return PlanError(problem.message, code=problem.code, hint=problem.hint, path=step.path)


def _no_program(name: str, image: Any) -> JobError:
    return JobError(
        f"ClientError: {name} runs the program inside image {image!r}, which is not on this host",
        code="image-program-missing",
        hint="Give the job a script (sagemaker_program) or a ContainerEntrypoint, or set"
        " jobs.runner to container.",
    )


def _described(
    context: StepContext, end: JobsEnd, kept: Kept, metrics: Sequence[Json]
) -> dict[str, Any]:
    """The properties: DescribeTrainingJob's."""
    arguments: Json = context.arguments
    status = job_status(end)
    properties = {
        **arguments,
        "HyperParameters": hyperparameters(arguments),
        "Environment": text_map(arguments.get("Environment")),
        "TrainingJobName": context.job_name,
        "TrainingJobArn": local_arn("training-job", context.job_name),
        "TrainingJobStatus": status,
        "SecondaryStatus": "MaxRuntimeExceeded" if end.timed_out else status,
        "ModelArtifacts": {
            "S3ModelArtifacts": kept.model or expected_model(arguments, context.job_name)
        },
        "FinalMetricDataList": list(metrics),
    }
    if kept.output:
        properties["OutputDataLocation"] = kept.output
    return properties
