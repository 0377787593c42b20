"""Training: channels into ``/opt/ml/input``, algorithm or script, the model back (section 4.2)."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
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
    runs_image,
    standing_image,
)
from engine.steps.distributed import join_hosts, launcher_of, launcher_words, variables_of
from engine.steps.file_systems import mounts_of, stand_ins_of
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
from engine.steps.inputs import section
from engine.steps.kept_outputs import stored_meanwhile
from engine.steps.metrics import final_metrics, metric_definitions
from engine.steps.opt_ml import text_map
from engine.steps.pipes import fed, remove
from engine.steps.training_input import CODE, hyperparameters, lay_out, pipes_of
from engine.steps.training_output import Kept, checkpoints_of, expected_model, store_results

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
        """Images or algorithms that cannot run here."""
        image = image_of(step.arguments)
        return (
            self.refuse_input(step)
            or refuse_image(step, image, config)
            or _refuse_program(step, config)
        )

    def refuse_input(self, step: Step) -> PlanError | None:
        """What a training job asks for that only AWS has, whatever its image."""
        return None

    def reads_files(self, arguments: Json, config: Config) -> bool:
        """Whether the job's program is one of ours, to which Pipe mode too gives files."""
        image = image_of(arguments)
        return bool(
            image
            and not _has_command(arguments)
            and not runs_training_image(arguments, config)
            and resolve_image(image, config).algorithm
        )

    def stand_in(self, step: Step, config: Config) -> str:
        """None, the job is run for real; but Debugger, Profiler and file systems are not here."""
        asked = [name for name in _WATCHERS if _asks(step.arguments.get(name))]
        told = [f"Debugger and Profiler do not run here ({', '.join(asked)})"] if asked else []
        if program := _in_place(step.arguments, config):
            told.append(f"{program} stands for the program of {image_of(step.arguments)}")
        image = image_of(step.arguments)
        if (other := standing_image(image, config)) != image:
            told.append(f"{other} stands for {image}")
        words = launcher_words(step.arguments)
        if words and not runs_training_image(step.arguments, config):
            told.append(words)
        if pipes_of(step.arguments) and self.reads_files(step.arguments, config):
            told.append("PipeTUI's own program reads files in place of pipes (input mode Pipe)")
        told += stand_ins_of(step.arguments, config)
        return "; ".join(told)

    async def run(self, context: StepContext) -> Outcome:
        """Run the job on as many local hosts as it asks for."""
        arguments: Json = context.arguments
        specification = section(arguments, "AlgorithmSpecification")
        image = standing_image(image_of(arguments), context.services.config)
        metrics = metric_definitions(specification.get("MetricDefinitions"))
        limit = max_runtime(arguments)
        hosts = hosts_of(context.directory, section(arguments, "ResourceConfig"))
        files = self.reads_files(arguments, context.services.config)
        pipes = () if files else pipes_of(arguments)
        mounts = () if context.resuming else mounts_of(context)
        if not context.resuming:
            context.doing("copying inputs")
            await context.in_thread(lay_out, context, hosts, pipes)
        prepared = await own_environment(context, await self.prepare(context, hosts[0]))
        variables = self.variables(context)
        if prepared.path:
            launcher = await context.in_thread(launcher_of, hosts[0], arguments)
            variables = variables_of(hosts, launcher, variables, prepared)
            name = context.step.name
            prepared = await context.in_thread(join_hosts, hosts, launcher, prepared, name)
        command, image_entrypoint = self.command(context, prepared)
        environment = job_environment(context, prepared, variables)
        jobs = jobs_on(
            hosts,
            context,
            image,
            command,
            environment,
            image_entrypoint=image_entrypoint,
            engine=prepared.engine,
        )
        jobs = [
            fed(replace(job, mounts=mounts), host, pipes, context.services.config)
            for job, host in zip(jobs, hosts, strict=True)
        ]
        checkpoints = checkpoints_of(context, hosts)
        async with stored_meanwhile(context, checkpoints):
            end = await context.run_jobs(jobs, prepared.description, limit)
        remove(hosts, pipes)
        context.doing("packing the model")
        store = partial(store_results, context, hosts, checkpoints)
        kept, note = await collect(context, end, store, Kept())
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
        arguments, config = context.arguments, context.services.config
        program = wants_program(arguments, config)
        return await prepare(context, image_of(arguments), found, program=program)

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
            raise _no_program(name, context.arguments)
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
    """The image of a training job, or its Marketplace algorithm, which hides one.

    Empty where it names none, or an expression does.
    """
    specification = section(arguments, "AlgorithmSpecification")
    image = specification.get("TrainingImage") or specification.get("AlgorithmName")
    return image if isinstance(image, str) else ""


def _in_place(arguments: Json, config: Config) -> str:
    """The user's command that runs in place of an image's own program; empty where none does."""
    image = image_of(arguments)
    if not image or runs_training_image(arguments, config) or _has_command(arguments):
        return ""
    return shlex.join(resolve_image(image, config).command)


def runs_training_image(arguments: Json, config: Config) -> bool:
    """Whether a training job runs in its image."""
    return runs_image(image_of(arguments), config, wants_program(arguments, config))


def wants_program(arguments: Json, config: Config) -> bool:
    """Whether a job names no command, and nothing here stands for the one inside its image."""
    image = image_of(arguments)
    if not image or _has_command(arguments) or _is_hidden(arguments, config):
        return False
    return not training_command(resolve_image(image, config), Path(), {})


def _is_hidden(arguments: Json, config: Config) -> bool:
    """Whether only AWS knows the image: a Marketplace algorithm's that the user names none for."""
    image = image_of(arguments)
    named = section(arguments, "AlgorithmSpecification").get("TrainingImage")
    return not named and standing_image(image, config) == image


def _has_command(arguments: Json) -> bool:
    """Whether a job says itself what it runs."""
    entry = section(arguments, "AlgorithmSpecification").get("ContainerEntrypoint")
    return bool(entry or section(arguments, "HyperParameters").get("sagemaker_program"))


def _refuse_program(step: Step, config: Config) -> PlanError | None:
    """Why there is nothing to run; what an expression names is seen at the step's start."""
    image = image_of(step.arguments)
    if not image or _has_command(step.arguments):
        return None
    if runs_training_image(step.arguments, config):
        missing = _is_hidden(step.arguments, config)
    else:
        missing = not training_command(resolve_image(image, config), Path(), {})
    if not missing:
        return None
    problem = _no_program(step.name, step.arguments)
    return PlanError(problem.message, code=problem.code, hint=problem.hint, path=step.path)


def _no_program(name: str, arguments: Json) -> JobError:
    image = image_of(arguments)
    entry = f'"{image}" = {{ command = ["python", "train.py"] }}'
    if section(arguments, "AlgorithmSpecification").get("TrainingImage"):
        return JobError(
            f"ClientError: {name} runs the program inside image {image!r}, which is not on this"
            " host",
            code="image-program-missing",
            hint="Give the job a script (sagemaker_program) or a ContainerEntrypoint, let podman or"
            f" docker on this host have the image, or name a program under [images]: {entry}.",
        )
    return JobError(
        f"ClientError: {name} trains with Marketplace algorithm {image!r}, whose image only AWS"
        " has",
        code="algorithm-unsupported",
        hint=f"Name a program for it under [images] in the configuration: {entry}, and leave"
        f' jobs.runner at auto; or an image that stands for it: "{image}" = {{ image = "..." }}.',
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
