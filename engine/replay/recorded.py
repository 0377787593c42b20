"""The step that is replayed, as it is on record, and a definition of it alone."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.definition.document import VERSION, Step
from engine.definition.expressions import resolve
from engine.definition.loader import load
from engine.errors import CommandRejected, NotFound
from engine.model.status import StepStatus
from engine.model.views import ExecutionView, StepView
from engine.runner.scope import ExecutionScope
from engine.steps.base import Run
from engine.storage.tree import LocalTree
from engine.store import queries

REPLAYABLE = (
    "ClarifyCheck",
    "EMR",
    "EMRServerless",
    "Job",
    "Lambda",
    "Processing",
    "QualityCheck",
    "Training",
    "Transform",
)
"""The step types whose work is one job, or one call, that leaves files or results."""

_BASELINE = ("Statistics", "Constraints")


def find(db: sqlite3.Connection, execution: str, name: str) -> tuple[ExecutionView, StepView]:
    """A step that has ended, and the execution that ran it: where its result was taken, that one.

    Args:
        execution: an id, a unique prefix, an ARN or ``@last``.

    Errors: ``NotFound``; ``CommandRejected`` where the step cannot be replayed.
    """
    view = queries.execution(db, queries.find_execution(db, execution))
    step = _step(db, view.id, name)
    _check(step)
    while step.source_execution and not step.attempts:
        view = queries.execution(db, step.source_execution)
        step = _step(db, view.id, step.name)
    if step.arguments is None:
        raise CommandRejected(
            f"{name} cannot be replayed: its arguments were never resolved",
            code="replay-without-arguments",
            hint=f"It failed before its job began: {step.failure_reason}",
        )
    return view, step


def _step(db: sqlite3.Connection, execution_id: str, name: str) -> StepView:
    found = next((one for one in queries.steps(db, execution_id) if one.name == name), None)
    if found is None:
        raise NotFound(
            f"execution {execution_id} has no step {name!r}",
            code="step-not-found",
            hint="`pipetui steps` lists them.",
        )
    return found


def _check(step: StepView) -> None:
    if step.type not in REPLAYABLE:
        raise CommandRejected(
            f"{step.name} cannot be replayed: a {step.type} step runs no job whose outputs could be"
            " compared, or does more than leave outputs",
            code="replay-type-refused",
            hint=f"Steps of these types can be: {', '.join(REPLAYABLE)}.",
        )
    if step.type == "Job" and "Callback" in step.metadata:
        raise CommandRejected(
            f"{step.name} cannot be replayed: no program ran it, a person answered for it",
            code="replay-type-refused",
            hint="Name a program for its category under [job_categories], and run it again.",
        )
    if step.status not in (StepStatus.SUCCEEDED, StepStatus.FAILED):
        raise CommandRejected(
            f"{step.name} cannot be replayed: it is {step.status}",
            code="replay-not-ended",
            hint="A step that succeeded or failed can be.",
        )


def definition_of(
    db: sqlite3.Connection, view: ExecutionView, recorded: StepView, tree: LocalTree
) -> str:
    """Text of a definition of the one step, with nothing in it that is still to be resolved.

    It has no retry policies and is not cached: it runs, and it runs once.

    Args:
        tree: the S3 in which expressions beside the Arguments find their files.
    """
    definition = load(queries.definition(db, view.definition), file=view.file)
    declared = definition.steps[recorded.declared_name]
    steps = queries.steps(db, view.id)
    began = recorded.started_at or view.created_at
    scope = ExecutionScope(
        definition,
        Run(view.id, view.arn, view.pipeline, view.created_at, str(Path(view.file).parent)),
        view.parameters,
        {one.name: one.properties for one in steps if one.properties},
        tree,
        lambda: began,
        iteration=recorded.iteration,
    )
    extra = {name: resolve(value, scope) for name, value in declared.extra.items()}
    step = {
        "Name": recorded.name,
        "Type": recorded.type,
        "Arguments": recorded.arguments,
        **extra,
        **_baseline(recorded, extra),
        **_output_parameters(declared),
    }
    document = {"Version": VERSION, "Metadata": {}, "Parameters": [], "Steps": [step]}
    return json.dumps(document, ensure_ascii=False)


def _baseline(recorded: StepView, extra: Mapping[str, Any]) -> dict[str, Any]:
    """The baseline a check was compared with; its group may have a newer one by now."""
    registers = str(extra.get("RegisterNewBaseline")).lower() == "true"
    if not recorded.type.endswith("Check") or registers:
        return {}
    used = {name: recorded.properties.get(f"BaselineUsedForDriftCheck{name}") for name in _BASELINE}
    return {f"SuppliedBaseline{name}": uri for name, uri in used.items() if uri}


def _output_parameters(declared: Step) -> dict[str, Any]:
    if not declared.output_parameters:
        return {}
    found = [{"OutputName": one.name, "OutputType": one.type} for one in declared.output_parameters]
    return {"OutputParameters": found}
