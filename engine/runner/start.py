"""From a request to a planned execution in the store."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.clock import Clock
from engine.config import Config, load_config
from engine.definition.document import Definition
from engine.definition.graph import Graph
from engine.definition.loader import Examination, examine, examine_bytes
from engine.definition.names import listed
from engine.definition.parameters import bind
from engine.errors import DefinitionError, PipetuiError
from engine.home import Home
from engine.model.events import ExecutionCreated
from engine.model.fold import ExecutionState
from engine.model.pipelines import PipelineStatus, PipelineVersionView, existing
from engine.pipelines import limits
from engine.planning.edits import apply_edits
from engine.planning.plan import Plan, check_breakpoints, make_plan
from engine.runner.python_file import is_python, make_pipeline
from engine.sources.base import StartRequest
from engine.steps.handlers import refuse, stand_in

_UNNAMED = {"pipeline", "definition"}


@dataclass(frozen=True, slots=True)
class DefinitionText:
    """A definition as it was found.

    Args:
        file: where it came from, absolute; empty where no file is behind it.
        pipeline: the pipeline's name, where whoever made the definition says it.
        version: the version it is of a pipeline that is known.
    """

    text: str
    examination: Examination
    file: str
    pipeline: str = ""
    version: PipelineVersionView | None = None


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
    version: PipelineVersionView | None = None
    """The version that was asked for; None where the definition is a file's."""

    @property
    def sha(self) -> str:
        """SHA-256 of the definition's text."""
        return sha_of(self.text)


def sha_of(text: str) -> str:
    """What a text is stored under: its SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()


def content_of(definition: Definition) -> str:
    """Digest of what a definition says: layout, order of keys and comments change nothing."""
    return sha_of(json.dumps(definition.raw, sort_keys=True, separators=(",", ":")))


def read_definition(file: str, python: str = "") -> DefinitionText:
    """The definition in a file, or the one that a Python file makes.

    Args:
        python: the interpreter for a Python file; see ``make_pipeline``, also for errors.

    Errors: ``DefinitionError`` (``definition-unreadable``) where the file cannot be read.
    """
    if is_python(file) and Path(file).is_file():
        made = make_pipeline(file, python)
        examination = examine(made.text, format="json")
        for problem in (*examination.errors, *examination.warnings):
            # A line of what was made is none of the file's.
            problem.file, problem.line = file, None
        return DefinitionText(made.text, examination, file, made.name)
    try:
        data = Path(file).read_bytes()
    except OSError as problem:
        raise DefinitionError(
            f"{file} cannot be read: {problem.strerror}",
            code="definition-unreadable",
            hint="Check the path; a definition is a .json or .yaml file.",
            file=file,
        ) from problem
    text = data.decode("utf-8", "replace")
    return DefinitionText(text, examine_bytes(data, file=file), file)


async def pinned_definition(store: Any, request: StartRequest) -> DefinitionText | None:
    """The definition of the version that a request names; None where it names a file.

    Errors: ``NotFound`` where there is no such pipeline or version.
    """
    if request.file and not request.version:
        return None
    pipeline = existing(await store.pipeline(request.pipeline), request.pipeline)
    version = pipeline.version(request.version)
    text = await store.definition(version.definition)
    file = version.file
    examination = examine(text, file="" if is_python(file) else file)
    return DefinitionText(text, examination, file, pipeline.name, version)


def prepare(
    home: Home,
    request: StartRequest,
    source: ExecutionState | None,
    pinned: DefinitionText | None = None,
) -> Prepared:
    """Check a request and plan it.

    Args:
        source: the execution that ``request.source_execution`` names.
        pinned: what ``pinned_definition`` found.

    Errors: an ``ExceptionGroup`` of ``DefinitionError`` for what the definition breaks; what a
    parameter, the selection or the configuration breaks, alone.
    """
    limits.check_token(request.token)
    limits.check_execution_name(request.display_name)
    limits.check_description(request.description)
    config = load_config(home.config, pinned.file if pinned else request.file)
    python = request.python or config.definition_python
    found = pinned or read_definition(request.file, python)
    examination = found.examination
    if examination.errors or examination.definition is None:
        raise ExceptionGroup("the definition is not valid", list(examination.errors))
    definition = examination.definition
    graph = examination.graph or Graph.of(definition)
    parameters = _bind(definition, request.parameters)
    edited = {
        name: replace(step, arguments=apply_edits(step.arguments, request.edits[name], name))
        for name, step in definition.steps.items()
        if name in request.edits
    }
    if pinned:
        name = pinned.pipeline
    else:
        given = request.pipeline or (source.execution.pipeline if source else "")
        name = pipeline_name(given or found.pipeline, request.file)
    plan = make_plan(
        definition,
        graph,
        refuse=lambda step: refuse(edited.get(step.name, step), config),
        stand_in=lambda step: stand_in(edited.get(step.name, step), config),
        selection=request.selection,
        source=source,
        pipeline=name,
    )
    check_breakpoints(plan, request.breakpoints)
    return Prepared(
        name,
        found.text,
        definition,
        graph,
        parameters,
        plan,
        config,
        examination.warnings,
        found.version,
    )


def _bind(definition: Definition, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """See ``bind``; an error about a value that is missing names the steps that wait for it."""
    try:
        return bind(definition.parameters, given)
    except DefinitionError as problem:
        if problem.code == "parameter-missing":
            missing = [
                f'"Parameters.{one}"'
                for one, declared in definition.parameters.items()
                if one not in given and not declared.has_default
            ]
            steps = [
                str(step["Name"])
                for step in definition.raw.get("Steps", ())
                if any(one in json.dumps(step) for one in missing)
            ]
            if steps:
                problem.message += f" Used by {listed(steps, 3)}."
        raise


def pipeline_name(given: str, file: str) -> str:
    """The name of a pipeline: as given, else the file's stem, else its folder's name.

    Errors: ``DefinitionError`` for a given name that the service would refuse.
    """
    if given:
        limits.check_pipeline_name(given)
        return given
    path = Path(file)
    stem = path.parent.name if path.stem in _UNNAMED else path.stem
    words = re.findall(r"[A-Za-z0-9]+", stem)
    return "-".join(words)[: limits.NAME_LIMIT] or "pipeline"


def creation(request: StartRequest, prepared: Prepared, max_parallel: int = 0) -> ExecutionCreated:
    """The fact that creates the execution.

    Args:
        max_parallel: the pipeline's, for a request that does not say.

    Errors: an ``ExceptionGroup`` of ``PlanError`` for every step that cannot run here.
    """
    if prepared.plan.refused:
        raise ExceptionGroup("steps that cannot run here", list(prepared.plan.refused))
    version = prepared.version
    file = version.file if version else request.file
    return ExecutionCreated(
        pipeline=prepared.pipeline,
        definition=prepared.sha,
        parameters=dict(prepared.parameters),
        steps=prepared.plan.steps,
        file=str(Path(file).absolute()) if file else "",
        display_name=request.display_name,
        description=request.description,
        max_parallel=request.max_parallel or max_parallel,
        source_execution=request.source_execution,
        selection=request.selection,
        edits={name: dict(edits) for name, edits in request.edits.items()},
        token=request.token,
        content=version.content if version else content_of(prepared.definition),
        pipeline_version=version.number if version else 0,
        pinned=version is not None,
        breakpoints=request.breakpoints,
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
    prepared = prepare(home, request, source, await pinned_definition(store, request))
    pipeline = await store.pipeline(prepared.pipeline)
    known = pipeline is not None and pipeline.status is PipelineStatus.ACTIVE
    fact = creation(request, prepared, pipeline.max_parallel if known else 0)
    execution_id = await store.create(new_id(), fact, prepared.text, at=clock.now(), actor=actor)
    return Started(execution_id, prepared)
