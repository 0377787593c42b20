"""The conditions behind a step, read from the feed: what the why page and the linear app tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipetui.viewmodel.decided import Decision, deciders, property_files

if TYPE_CHECKING:
    from engine.api import StepView
    from pipetui.feed import Feed


@dataclass(frozen=True, slots=True)
class Decided:
    """Why a step was reached, or was not.

    Args:
        decisions: of Condition steps, the nearest first.
        branches: step -> ``if`` or ``else``, for steps that stand in a branch.
    """

    decisions: tuple[Decision, ...] = ()
    branches: Mapping[str, str] | None = None


def asks(step: StepView) -> bool:
    """Whether conditions are what a person asks about, who asks why of the step."""
    if step.type == "Condition":
        return step.outcome is not None
    return step.status == "Skipped" or (step.type == "Fail" and step.status == "Failed")


async def decided(feed: Feed, step: StepView) -> Decided:
    """The conditions that led to a step or away from it.

    Errors: those of ``Source``.
    """
    if not asks(step):
        return Decided()
    steps = {one.name: one for one in await feed.steps_of(step.execution_id)}
    graph = await feed.graph(step.execution_id)
    found = []
    for name in deciders(step, steps, graph):
        conditions = (await feed.raw_arguments(steps[name]) or {}).get("Conditions", ())
        files = {}
        for writer, file in property_files(conditions):
            if writer in steps:
                declared = (await feed.raw_arguments(steps[writer]) or {}).get("PropertyFiles", ())
                names = {one["PropertyFileName"]: one["FilePath"] for one in declared}
                files[writer, file] = names.get(file, file)
        found.append(Decision(steps[name], conditions, files))
    branches = {edge.target: edge.kind for edge in graph.edges if edge.kind in ("if", "else")}
    return Decided(tuple(found), branches)
