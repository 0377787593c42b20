"""The log streams of a home: a file for each host of each job, named as CloudWatch names them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.definition.document import Step
from engine.jobs.attempt import LOG, read_exit, started_at
from engine.model.log_streams import log_group, log_stream
from engine.model.views import ExecutionView, StepView

if TYPE_CHECKING:
    from engine.sources.reader import LocalReader

_LISTED = 10_000
"""How many of the newest executions are looked through where a name tells of none."""
_TUNING = "Tuning"


@dataclass(frozen=True, slots=True)
class Stream:
    """One log stream.

    Args:
        created_at: seconds since the epoch.
        ended: whether nothing will be added to the file.
    """

    group: str
    name: str
    file: Path
    created_at: float
    ended: bool


def streams_of(reader: LocalReader, endpoints: Path, named: str = "") -> Iterator[Stream]:
    """The streams there are, those of the newest executions first.

    Args:
        endpoints: the home, whose endpoints have logs too.
        named: a stream's name, or the start of one; an execution's id in it saves the rest.
    """
    for execution in _executions(reader, named):
        for step in reader.steps(execution.id):
            yield from _of_step(step)
    yield from _of_endpoints(endpoints)


def _executions(reader: LocalReader, named: str) -> list[ExecutionView]:
    listed = reader.executions(_LISTED)
    words = set(re.split("[-/]", named))
    return [one for one in listed if one.id in words] or listed


def _of_step(step: StepView) -> Iterator[Stream]:
    group = log_group(step.type, _category(step))
    if not group:
        return
    for attempt in step.attempts:
        if not attempt.directory:
            continue
        folder = Path(attempt.directory)
        if step.type == _TUNING:
            yield from _of_trials(group, folder)
        else:
            yield from _of_hosts(group, step.type, _job_name(step, attempt.number), folder)


def _of_hosts(group: str, step_type: str, job: str, folder: Path) -> Iterator[Stream]:
    """A job's stream for each of its hosts that has started."""
    others = sorted(folder.glob("algo-*"), key=lambda path: (len(path.name), path.name))
    for number, place in enumerate((folder, *others)):
        begun = started_at(str(place))
        if begun is not None and (place / LOG).is_file():
            name = log_stream(step_type, job, number, begun)
            yield Stream(group, name, place / LOG, begun, read_exit(str(place)) is not None)


def _of_trials(group: str, folder: Path) -> Iterator[Stream]:
    """The streams of a tuning job's training jobs."""
    from engine.steps.tuning_files import TuningFiles

    try:
        jobs = TuningFiles(folder).jobs()
    except (OSError, ValueError):
        return
    for job in jobs:
        for place in sorted((folder / "children").glob(f"{job.number:03d}*")):
            yield from _of_hosts(group, "Training", job.name, place)


def _of_endpoints(home: Path) -> Iterator[Stream]:
    from engine.serving.endpoints import list_endpoints

    for endpoint in list_endpoints(home):
        begun = started_at(str(endpoint.folder))
        if begun is not None and endpoint.log.is_file():
            group = log_group("Endpoint", endpoint.name)
            variants = endpoint.description.get("ProductionVariants") or [{}]
            variant = str(variants[0].get("VariantName", "AllTraffic"))
            name = log_stream("Endpoint", variant, 0, begun)
            ended = read_exit(str(endpoint.folder)) is not None
            yield Stream(group, name, endpoint.log, begun, ended)


def _job_name(step: StepView, attempt: int) -> str:
    """The name of an attempt's job: what its ARN says, else what it was made with."""
    if attempt == step.attempt:
        for about in step.metadata.values():
            arn = about.get("Arn") if isinstance(about, dict) else None
            if isinstance(arn, str) and "/" in arn:
                return arn.rpartition("/")[2]
    from engine.runner.attempt import job_name

    return job_name(step.execution_id, Step(step.name, step.type, _arguments(step)), attempt)


def _arguments(step: StepView) -> dict[str, Any]:
    return step.arguments if isinstance(step.arguments, dict) else {}


def _category(step: StepView) -> str:
    return str(_arguments(step).get("JobCategory", ""))
