"""From a request to a planned execution in the store."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.clock import Clock
from engine.config import Config, load_config
from engine.definition.document import Definition
from engine.definition.graph import Graph
from engine.definition.loader import Examination, examine_bytes
from engine.definition.parameters import bind
from engine.errors import DefinitionError, PipetuiError
from engine.home import Home
from engine.model.events import ExecutionCreated
from engine.model.fold import ExecutionState
from engine.planning.edits import apply_edits
from engine.planning.plan import Plan, make_plan
from engine.sources.base import StartRequest
from engine.steps.handlers import refuse, stand_in

_UNNAMED = {"pipeline", "definition"}
PIPELINE_NAME_LIMIT = 256


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that was checked: what would run, on what, and how."""

    pipeline: str
    text: str
    definition: Definition
    graph: Graph
    parameters: Mapping[str, Any]
    plan: Plan
    config: Config
    warnings: tuple[PipetuiError, ...]

    @property
    def sha(self) -> str:
        """SHA-256 of the definition's text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_definition(file: str) -> tuple[str, Examination]:
    """Text and examination of a definition file.

    Errors: ``DefinitionError`` (``definition-unreadable``) where the file cannot be read.
    """
    try:
        data = Path(file).read_bytes()
    except OSError as problem:
        raise DefinitionError(
            f"{file} cannot be read: {problem.strerror}",
            code="definition-unreadable",
            hint="Check the path; a definition is a .json or .yaml file.",
            file=file,
        ) from problem
    return data.decode("utf-8", "replace"), examine_bytes(data, file=file)


def prepare(home: Home, request: StartRequest, source: ExecutionState | None) -> Prepared:
    """Check a request and plan it.

    Args:
        source: the execution that ``request.source_execution`` names.

    Errors: an ``ExceptionGroup`` of ``DefinitionError`` for what the definition breaks; what a
    parameter, the selection or the configuration breaks, alone.
    """
    text, examination = read_definition(request.file)
    if examination.errors or examination.definition is None:
        raise ExceptionGroup("the definition is not valid", list(examination.errors))
    definition = examination.definition
    config = load_config(home.config, request.file)
    graph = examination.graph or Graph.of(definition)
    parameters = bind(definition.parameters, request.parameters)
    edited = {
        name: replace(step, arguments=apply_edits(step.arguments, request.edits[name], name))
        for name, step in definition.steps.items()
        if name in request.edits
    }
    given = request.pipeline or (source.execution.pipeline if source else "")
    name = pipeline_name(given, request.file)
    plan = make_plan(
        definition,
        graph,
        refuse=lambda step: refuse(edited.get(step.name, step), config),
        stand_in=stand_in,
        selection=request.selection,
        source=source,
        pipeline=name,
    )
    return Prepared(name, text, definition, graph, parameters, plan, config, examination.warnings)


def pipeline_name(given: str, file: str) -> str:
    """The name of a pipeline: as given, else the file's stem, else its folder's name.

    Errors: ``DefinitionError`` for a given name that the service would refuse.
    """
    if given:
        if not re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,255}", given):
            raise DefinitionError(
                f"{given!r} is not a pipeline name",
                code="pipeline-name-invalid",
                hint="Letters, digits and single hyphens, at most 256.",
            )
        return given
    path = Path(file)
    stem = path.parent.name if path.stem in _UNNAMED else path.stem
    words = re.findall(r"[A-Za-z0-9]+", stem)
    return "-".join(words)[:PIPELINE_NAME_LIMIT] or "pipeline"


def creation(request: StartRequest, prepared: Prepared) -> ExecutionCreated:
    """The fact that creates the execution.

    Errors: an ``ExceptionGroup`` of ``PlanError`` for every step that cannot run here.
    """
    if prepared.plan.refused:
        raise ExceptionGroup("steps that cannot run here", list(prepared.plan.refused))
    return ExecutionCreated(
        pipeline=prepared.pipeline,
        definition=prepared.sha,
        parameters=dict(prepared.parameters),
        steps=prepared.plan.steps,
        file=str(Path(request.file).absolute()),
        display_name=request.display_name,
        max_parallel=request.max_parallel,
        source_execution=request.source_execution,
        selection=request.selection,
        edits={name: dict(edits) for name, edits in request.edits.items()},
        token=request.token,
    )


NewId = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Started:
    """An execution that was created, and what a runner of it needs."""

    execution_id: str
    prepared: Prepared


async def create(
    home: Home, store: Any, request: StartRequest, clock: Clock, actor: str, new_id: NewId
) -> Started:
    """Check a request and create its execution; see ``prepare`` and ``creation`` for errors."""
    source = await store.state(request.source_execution) if request.source_execution else None
    prepared = prepare(home, request, source)
    fact = creation(request, prepared)
    execution_id = await store.create(new_id(), fact, prepared.text, at=clock.now(), actor=actor)
    return Started(execution_id, prepared)
