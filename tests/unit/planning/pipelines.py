"""Small pipelines to plan and schedule, and any pipeline at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hypothesis import strategies as st

from engine.definition.document import Definition, Dependency, Step, Trigger
from engine.model.status import StepStatus
from engine.model.views import StepView


def step(
    name: str,
    *after: str | Dependency,
    type: str = "Lambda",
    parent: str | None = None,
    branch: bool | None = None,
    **keys: Any,
) -> Step:
    """A step that waits for others, each a name or a dependency with its trigger."""
    waits = tuple(Dependency(one) if isinstance(one, str) else one for one in after)
    return Step(name, type, depends_on=waits, parent=parent, branch=branch, **keys)


def pipeline(*steps: Step) -> Definition:
    """A definition of these steps."""
    return Definition(steps={one.name: one for one in steps})


def waiting(definition: Definition) -> dict[str, StepView]:
    """The views of an execution that has not begun."""
    return {
        one.name: StepView("run", index, one.name, one.type)
        for index, one in enumerate(definition.steps.values())
    }


def ended(definition: Definition, statuses: Mapping[str, StepStatus]) -> dict[str, StepView]:
    """The views with these statuses; a step that is not named succeeded."""
    return {
        one.name: StepView(
            "old",
            index,
            one.name,
            one.type,
            statuses.get(one.name, StepStatus.SUCCEEDED),
            properties={"from": one.name},
            metadata={"Condition": {"Outcome": "True"}} if one.type == "Condition" else {},
        )
        for index, one in enumerate(definition.steps.values())
    }


@st.composite
def any_pipeline(draw: st.DrawFn, most: int = 9) -> Definition:
    """Any graph of steps: triggers, Conditions, branches in branches."""
    steps: list[Step] = []
    for number in range(draw(st.integers(1, most))):
        name = f"S{number}"
        conditions = [one.name for one in steps if one.type == "Condition"]
        parent = draw(st.sampled_from([None, *conditions]))
        earlier = [one.name for one in steps]
        sources: Iterable[str] = ()
        if earlier:
            sources = draw(st.lists(st.sampled_from(earlier), max_size=3, unique=True))
        after = [Dependency(one, draw(_TRIGGERS)) for one in sources]
        steps.append(
            step(
                name,
                *after,
                type=draw(st.sampled_from(("Lambda", "Lambda", "Condition"))),
                parent=parent,
                branch=draw(st.booleans()) if parent else None,
            )
        )
    return pipeline(*draw(st.permutations(steps)))


_TRIGGERS = st.sampled_from((Trigger.SUCCEEDED, Trigger.SUCCEEDED, *Trigger))
