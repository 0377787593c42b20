"""Processing in SageMaker's Spark images: their ``smspark-submit`` is ``spark-submit`` here.

The SDK's ``configuration`` is an input in the form of EMR's configurations, and event logs are an
output: the image's program reads and fills them, and so do we.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.config import Config
from engine.definition.document import Step
from engine.errors import JobError, PlanError
from engine.steps.base import StepContext
from engine.steps.container import Prepared, runs_image
from engine.steps.inputs import mappings, section
from engine.steps.opt_ml import as_text
from engine.steps.spark import local_path, refuse_spark, spark_command, spark_defaults
from engine.storage.tree import LocalTree

Json = Mapping[str, Any]
PROGRAM = "smspark-submit"
_CONFIGURATION = "/opt/ml/processing/input/conf"
_FILE = "configuration.json"
_LOCAL_EVENTS = "--local-spark-event-logs-dir"
_S3_EVENTS = "--spark-event-logs-s3-uri"
_LEVELS = frozenset({"rootLogger.level", "log4j.rootLogger", "log4j.rootCategory", "rootLogger"})
"""What sets the level of all of Spark's log, in either version of log4j."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What of EMR's configurations holds here.

    Args:
        defaults: settings of Spark.
        variables: of the job's environment.
        idle: classifications and properties without effect.
    """

    defaults: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    idle: tuple[str, ...] = ()


def configuration_of(listed: Any) -> Configuration:
    """What holds of a list of configurations, or of one alone."""
    entries = [listed] if isinstance(listed, Mapping) else list(mappings(listed))
    defaults, variables, idle = spark_defaults(entries), dict[str, str](), list[str]()
    for entry in entries:
        name = str(entry.get("Classification"))
        given = section(entry, "Properties")
        if name == "spark-env":
            for inner in mappings(entry.get("Configurations")):
                exported = section(inner, "Properties")
                variables |= {key: as_text(value) for key, value in exported.items()}
        elif name == "spark-log4j":
            for key, value in given.items():
                if key in _LEVELS:
                    level = as_text(value).partition(",")[0].strip().upper()
                    defaults.setdefault("spark.log.level", level)
                else:
                    idle.append(f"{name} {key}")
        elif name != "spark-defaults":
            idle.append(name)
    return Configuration(defaults, variables, tuple(idle))


def is_submit(specification: Mapping[str, Any]) -> bool:
    """Whether an AppSpecification names the program of the Spark images."""
    entry = specification.get("ContainerEntrypoint")
    return isinstance(entry, list) and entry[:1] == [PROGRAM]


def submits_spark(specification: Mapping[str, Any], config: Config) -> bool:
    """Whether an AppSpecification runs the Spark images' program, which stands in here."""
    return is_submit(specification) and not runs_image(specification.get("ImageUri"), config)


def refuse_submit(step: Step, specification: Mapping[str, Any], config: Config) -> PlanError | None:
    """Why Spark cannot run here; None where it can, or where none is asked for."""
    return refuse_spark(step, config) if submits_spark(specification, config) else None


async def submit_command(
    context: StepContext, image: str, command: Sequence[str]
) -> tuple[tuple[str, ...], Prepared, dict[str, str]]:
    """What runs in place of ``smspark-submit``, what it runs in, and variables for it.

    Errors: see ``spark_command``; ``JobError`` (``spark-configuration-invalid``).
    """
    given, more = event_settings(command[1:], context.services.tree)
    found = _configuration(context)
    line, prepared = await spark_command(context, given, {**found.defaults, **more}, image)
    return tuple(line), with_notes(prepared, found), found.variables


def event_settings(words: Sequence[str], tree: LocalTree) -> tuple[list[str], dict[str, str]]:
    """The arguments that ``spark-submit`` knows too, and the settings for its event logs.

    Args:
        words: arguments of ``smspark-submit``.
    """
    given, events = _events_of(words)
    if events.startswith("s3"):
        # Spark wants the folder of its event logs to be there.
        os.makedirs(local_path(events, tree), exist_ok=True)
    enabled = {"spark.eventLog.enabled": "true", "spark.eventLog.dir": events}
    return given, enabled if events else {}


def with_notes(prepared: Prepared, found: Configuration) -> Prepared:
    """An environment that says what of a configuration has no effect."""
    if not found.idle:
        return prepared
    note = f"without effect here: {', '.join(found.idle)}"
    notes = [*prepared.description.get("Notes", ()), note]
    return replace(prepared, description={**prepared.description, "Notes": notes})


def event_folder(specification: Json) -> str:
    """The folder of the job that Spark's event logs go to; empty for none."""
    command = specification.get("ContainerEntrypoint")
    if not is_submit(specification) or not isinstance(command, list):
        return ""
    events = _events_of([str(word) for word in command])[1]
    return events if events.startswith("/") else ""


def _events_of(command: Sequence[str]) -> tuple[list[str], str]:
    """The arguments that ``spark-submit`` knows too, and where its event logs go."""
    given: list[str] = []
    events: dict[str, str] = {}
    left: Iterator[str] = iter(command)
    for part in left:
        name, equals, value = part.partition("=")
        if name in (_LOCAL_EVENTS, _S3_EVENTS):
            events[name] = value if equals else next(left, "")
        else:
            given.append(part)
    return given, events.get(_LOCAL_EVENTS) or events.get(_S3_EVENTS, "")


def _configuration(context: StepContext) -> Configuration:
    """The configuration among the job's inputs."""
    for entry in mappings(context.arguments.get("ProcessingInputs")):
        source = section(entry, "S3Input")
        if str(source.get("LocalPath")).rstrip("/") != _CONFIGURATION:
            continue
        uri = str(source.get("S3Uri"))
        file = uri if uri.endswith(".json") else f"{uri.rstrip('/')}/{_FILE}"
        return _configuration_of_text(file, context.services.tree.read(file))
    return Configuration()


def configuration_in(file: Path) -> Configuration:
    """The configuration in a file of this host; an empty one where there is no file.

    Errors: ``JobError`` (``spark-configuration-invalid``).
    """
    return (
        _configuration_of_text(file.name, file.read_bytes()) if file.is_file() else Configuration()
    )


def _configuration_of_text(name: str, text: bytes) -> Configuration:
    try:
        return configuration_of(json.loads(text))
    except ValueError as problem:
        raise JobError(
            f"ClientError: {name} is no JSON: {problem}",
            code="spark-configuration-invalid",
            hint="It is a list of EMR's configurations.",
        ) from None
