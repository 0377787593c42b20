"""The local hosts that a job runs on: each has a folder, an ``/opt/ml`` and a log of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from engine.environments.overlay import FOLDER, lay_beside
from engine.errors import JobError, PipetuiError
from engine.jobs.attempt import LOG, started_at
from engine.jobs.base import Job
from engine.model.status import StepStatus
from engine.steps.base import JobsEnd, Outcome, StepContext, failed, succeeded
from engine.steps.failure import algorithm_error, time_exceeded
from engine.steps.opt_ml import OptMl

FAILURE = "/opt/ml/output/failure"
Collected = TypeVar("Collected")


@dataclass(frozen=True, slots=True)
class Host:
    """One host of a job.

    Args:
        number: from 0; the job knows it as ``algo-<number + 1>``.
        count: how many hosts the job has.
        folder: its own; for the first host it is the attempt's.
    """

    number: int
    count: int
    folder: Path

    @property
    def ml(self) -> OptMl:
        """The tree that its job sees at ``/opt/ml``."""
        return OptMl(self.folder / "ml")

    @property
    def log(self) -> Path:
        """What its job writes."""
        return self.folder / LOG


def host_folder(directory: Path, host: int) -> Path:
    """Folder of one host of an attempt: the attempt's own for the first, ``algo-N`` for others."""
    return directory if host == 0 else directory / f"algo-{host + 1}"


def hosts_of(directory: Path, resources: Mapping[str, Any]) -> list[Host]:
    """The hosts that a ClusterConfig or ResourceConfig asks for.

    Errors: ``JobError`` (``job-setting-invalid``) where InstanceCount is no number above 0.
    """
    count = int(positive("InstanceCount", resources.get("InstanceCount")) or 1)
    return [Host(number, count, host_folder(directory, number)) for number in range(count)]


def max_runtime(arguments: Mapping[str, Any]) -> float | None:
    """MaxRuntimeInSeconds of a job's StoppingCondition; None where there is no limit.

    Errors: ``JobError`` (``job-setting-invalid``).
    """
    condition = arguments.get("StoppingCondition") or {}
    return positive("MaxRuntimeInSeconds", condition.get("MaxRuntimeInSeconds"))


def positive(name: str, value: Any) -> float | None:
    """A number above 0 that may come as text, as a parameter's value does; None where unset."""
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = 0.0
    if not 1 <= number < float("inf"):
        raise JobError(
            f"ClientError: {name} cannot be {value!r}",
            code="job-setting-invalid",
            hint=f"{name} is a number, 1 or more.",
        )
    return number


def jobs_on(
    hosts: Sequence[Host],
    context: StepContext,
    image: str,
    command: tuple[str, ...],
    environment: Mapping[str, str],
    *,
    image_entrypoint: bool = False,
    engine: str = "",
) -> list[Job]:
    """The same job for each host; what one installs stays with it, as in containers.

    Args:
        image_entrypoint: ``command`` is only arguments for the image's own program.
        engine: see ``Prepared``.
    """
    jobs = [
        Job(
            id=context.job_id + (f"/algo-{host.number + 1}" if host.count > 1 else ""),
            directory=str(host.folder),
            command=command,
            environment=environment,
            ml=str(host.ml.folder),
            image=image,
            engine=engine,
            image_entrypoint=image_entrypoint,
            grace_s=context.services.config.grace_s,
            hosts=host.count,
        )
        for host in hosts
    ]
    overlay = hosts[0].folder / FOLDER
    if not overlay.is_dir():
        return jobs
    return [_beside(job, host, overlay) for job, host in zip(jobs, hosts, strict=True)]


def _beside(job: Job, host: Host, overlay: Path) -> Job:
    """A job with an overlay of its host's own in place of the first host's."""
    if host.number == 0:
        return job
    lay_beside(overlay, host.folder / FOLDER)
    old, new = f"{overlay}/", f"{host.folder / FOLDER}/"
    return replace(
        job,
        command=tuple(word.replace(old, new) for word in job.command),
        environment={name: value.replace(old, new) for name, value in job.environment.items()},
    )


async def collect(
    context: StepContext, end: JobsEnd, work: Callable[[], Collected], nothing: Collected
) -> tuple[Collected, str]:
    """Do ``work``, which stores what a job left, off the loop.

    Returns:
        Its result, and an empty text. Where the job failed, its own end is what counts: then a
        problem with its results is no error but the second value, and ``nothing`` the first.
    """
    try:
        found: Collected = await context.in_thread(work)
    except PipetuiError as problem:
        if end.ok:
            raise
        return nothing, f"Its results could not be stored: {problem}"
    return found, ""


def job_status(end: JobsEnd) -> str:
    """ProcessingJobStatus and TrainingJobStatus."""
    if end.stopped or end.timed_out:
        return "Stopped"
    return "Completed" if end.ok else "Failed"


def job_times(kind: str, hosts: Sequence[Host], end: JobsEnd) -> dict[str, float]:
    """The points in time that the description of a job has, in seconds since the epoch.

    Args:
        kind: ``Processing``, ``Training`` or ``Transform``; the members are named after it.
    """
    ended = max((one.ended_at for one in end.exits if one.ended_at is not None), default=None)
    started = started_at(str(hosts[0].folder))
    found = {
        "CreationTime": started,
        f"{kind}StartTime": started,
        f"{kind}EndTime": ended,
        "LastModifiedTime": ended,
    }
    return {name: at for name, at in found.items() if at is not None}


def job_outcome(
    end: JobsEnd,
    hosts: Sequence[Host],
    kind: str,
    limit: float | None,
    properties: dict[str, Any],
    metadata: dict[str, Any],
    note: str = "",
) -> Outcome:
    """What the end of a step's jobs means for the step.

    When one host fails, the others are stopped; the reason is that of the one that failed.

    Args:
        kind: ``Processing``, ``Training`` or ``Transform``.
        limit: seconds that the job had, where its time was limited.
    """
    if end.timed_out:
        return Outcome(StepStatus.STOPPED, properties, metadata, time_exceeded(limit or 0.0))
    if end.stopped:
        return Outcome(StepStatus.STOPPED, properties, metadata)
    if end.ok:
        return succeeded(properties, metadata, note)
    reason = algorithm_error(end.worst, hosts[end.culprit].ml.read_text(FAILURE), kind)
    properties = {**properties, "FailureReason": reason}
    return replace(failed(reason, "algorithm-error", properties, metadata, note), lost=end.lost)
