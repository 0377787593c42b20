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
    prepare,
    refuse_image,
    resolve_image,
    runs_images,
)
from engine.steps.hosts import (
    collect,
    hosts_of,
    job_outcome,
    job_status,
    jobs_on,
    max_runtime,
)
from engine.steps.inputs import mappings, pipe_refusal, section
from engine.steps.metrics import final_metrics, metric_definitions
from engine.steps.opt_ml import text_map
from engine.steps.training_input import CODE, hyperparameters, input_mode, lay_out
from engine.steps.training_output import Kept, expected_model, store_results

Json = Mapping[str, Any]


class TrainingStep:
    """Runs CreateTrainingJob requests."""

    runs_jobs = True
    interruptible = True

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """Pipe mode, file systems, and images or algorithms that cannot run here."""
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
            mode = input_mode(step.arguments, channel)
            if refusal := pipe_refusal(step, f"channel {name}", mode):
                return refusal
        specification = section(step.arguments, "AlgorithmSpecification")
        if specification.get("AlgorithmName"):
            return PlanError(
                f"{step.name}: algorithm {specification['AlgorithmName']} is a Marketplace"
                " algorithm, which needs AWS",
                code="algorithm-unsupported",
                hint="Name an image in AlgorithmSpecification.TrainingImage.",
                path=step.path,
            )
        image = specification.get("TrainingImage")
        return refuse_image(step, image, config) or _refuse_program(step, config)

    def stand_in(self, step: Step) -> str:
        """None: the job is run for real."""
        return ""

    async def run(self, context: StepContext) -> Outcome:
        """Run the job on as many local hosts as it asks for."""
        arguments: Json = context.arguments
        specification = section(arguments, "AlgorithmSpecification")
        image = str(specification.get("TrainingImage", ""))
        metrics = metric_definitions(specification.get("MetricDefinitions"))
        limit = max_runtime(arguments)
        hosts = hosts_of(context.directory, section(arguments, "ResourceConfig"))
        if not context.resuming:
            context.doing("copying inputs")
            await context.in_thread(lay_out, context, hosts)
        requirements = hosts[0].ml.host_path(f"{CODE}/requirements.txt")
        prepared = await prepare(context, image, requirements if requirements.is_file() else None)
        command, image_entrypoint = _command(context, prepared)
        environment = job_environment(context, prepared, _variables(context))
        jobs = jobs_on(
            hosts, context, image, command, environment, image_entrypoint=image_entrypoint
        )
        end = await context.run_jobs(jobs, prepared.description, limit)
        context.doing("packing the model")
        kept, note = await collect(context, end, partial(store_results, context, hosts), Kept())
        ended_at = end.exits[0].ended_at or time.time()
        found = await context.in_thread(final_metrics, metrics, hosts[0].log, ended_at)
        properties = _described(context, end, kept, found)
        metadata = {"TrainingJob": {"Arn": properties["TrainingJobArn"]}}
        return job_outcome(end, hosts, "Training", limit, properties, metadata, note)


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


def _command(context: StepContext, prepared: Prepared) -> tuple[tuple[str, ...], bool]:
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


def _variables(context: StepContext) -> dict[str, str]:
    return {
        "TRAINING_JOB_NAME": context.job_name,
        "TRAINING_JOB_ARN": local_arn("training-job", context.job_name),
        "PIPETUI_PREFLIGHT": context.services.config.preflight,
        **text_map(context.arguments.get("Environment")),
    }


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
