"""Processing in SageMaker's Spark images: their ``smspark-submit`` is ``spark-submit`` here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.config import Config
from engine.definition.document import Step
from engine.errors import PlanError
from engine.steps.base import StepContext
from engine.steps.container import Prepared, runs_images
from engine.steps.spark import refuse_spark, spark_command

PROGRAM = "smspark-submit"
_EVENT_LOGS = frozenset({"--local-spark-event-logs-dir", "--spark-event-logs-s3-uri"})
"""Options of the image's program that Spark does not know: where its history goes."""


def is_submit(specification: Mapping[str, Any]) -> bool:
    """Whether an AppSpecification names the program of the Spark images."""
    entry = specification.get("ContainerEntrypoint")
    return isinstance(entry, list) and entry[:1] == [PROGRAM]


def submits_spark(specification: Mapping[str, Any], config: Config) -> bool:
    """Whether an AppSpecification runs the Spark images' program, which stands in here."""
    return not runs_images(config) and is_submit(specification)


def refuse_submit(step: Step, specification: Mapping[str, Any], config: Config) -> PlanError | None:
    """Why Spark cannot run here; None where it can, or where none is asked for."""
    return refuse_spark(step, config) if submits_spark(specification, config) else None


async def submit_command(
    context: StepContext, image: str, command: Sequence[str]
) -> tuple[tuple[str, ...], Prepared]:
    """What runs in place of ``smspark-submit`` with its arguments; see ``spark_command``."""
    given: list[str] = []
    left = iter(command[1:])
    for part in left:
        if part in _EVENT_LOGS:
            next(left, None)
        elif part.partition("=")[0] not in _EVENT_LOGS:
            given.append(part)
    line, prepared = await spark_command(context, given, {}, image)
    return tuple(line), prepared
