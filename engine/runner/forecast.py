"""What the cache would say of the steps of a plan, as far as it is known before they run."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from engine.clock import Clock
from engine.definition.expressions import resolve
from engine.errors import PipetuiError
from engine.home import Home
from engine.model.status import StepAction
from engine.model.views import execution_arn
from engine.planning.edits import apply_edits
from engine.runner.recall import Memory, Recalled
from engine.runner.scope import ExecutionScope
from engine.runner.start import Prepared
from engine.sources.base import StartRequest
from engine.steps.base import Run
from engine.storage.overlay import open_tree
from engine.store.base import EventStore

_UNKNOWN = "(its own)"
"""Stands for the id of an execution, and the name of a job, that are not there yet."""


async def forecast(
    home: Home, store: EventStore, clock: Clock, request: StartRequest, prepared: Prepared
) -> dict[str, Recalled]:
    """What would be recalled, by the name of the step; only steps that may be cached stand in it.

    What depends on the results of steps that run is known when it starts, and said to be so.
    """
    if request.selection:
        return {}
    file = prepared.version.file if prepared.version else request.file
    tree = open_tree(home.s3, Path(file).parent if file else None)
    memory = Memory(store, prepared.pipeline, tree, clock)
    arn = execution_arn(prepared.pipeline, _UNKNOWN)
    run = Run(_UNKNOWN, arn, prepared.pipeline, clock.now(), "")
    planned = {one.name for one in prepared.plan.steps if one.action is StepAction.RUN}
    results: dict[str, dict[str, Any]] = {}
    scope = ExecutionScope(
        prepared.definition, run, prepared.parameters, results, tree, clock.now, _UNKNOWN
    )
    found: dict[str, Recalled] = {}
    for name in prepared.graph.order:
        step = prepared.definition.steps[name]
        if name not in planned or step.cache is None or not step.cache.enabled:
            continue
        try:
            edited = apply_edits(step.arguments, request.edits.get(name, {}), name)
            recalled = await memory.recall(step, resolve(edited, scope), partial(_resolve, scope))
        except PipetuiError:
            recalled = Recalled(why="cache: known when it starts")
        if recalled.found is not None:
            results[name] = recalled.found.properties
        if recalled.found is not None or recalled.why:
            found[name] = recalled
    return found


def _resolve(scope: ExecutionScope, value: Any) -> Any:
    return resolve(value, scope)
