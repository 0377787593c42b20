"""ForEach: its items, the steps of its iterations, and what it gives when they have ended (pure).

Section 1.5 of the pipelines reference; ADR 0009 has what that leaves open. Iteration ``i`` of body
step ``B`` is the step ``B-i``. Its Arguments are the body step's own: what ``ForEach.CurrentItem``
and the siblings mean is told by its ``IterationContext`` when they are resolved.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.definition.document import Definition, ForEach, Selector, Step
from engine.definition.expressions import describe, references
from engine.definition.graph import Edge, Graph
from engine.definition.paths import kind_of
from engine.errors import ExpressionError
from engine.model.events import IterationContext, StepDeclared
from engine.model.status import StepStatus

MAX_ITEMS = 100
MAX_CONCURRENCY = 50

Properties = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Iteration:
    """One iteration: its steps, by their names in the execution, and what waits for what."""

    context: IterationContext
    steps: Mapping[str, Step]
    graph: Graph


def outer_graph(definition: Definition, graph: Graph) -> Graph:
    """The graph of a definition without the bodies of its ForEach steps."""
    if not any(step.for_each for step in definition.steps.values()):
        return graph
    return _part(graph, [name for name in graph.order if loop_of(definition, name) is None])


def loop_of(definition: Definition, name: str) -> Step | None:
    """The ForEach that a step repeats in; None for every other step."""
    parent = definition.steps[name].parent
    around = definition.steps.get(parent) if parent else None
    return around if around is not None and around.for_each is not None else None


def items_of(step: str, arguments: Mapping[str, Any]) -> list[Any]:
    """The items of a ForEach, from its resolved Arguments.

    Errors: ``ExpressionError`` for what is no list, or not of 1 to 100 items.
    """
    items = arguments.get("IterableItems")
    if isinstance(items, str):
        try:
            items = json.loads(items)
        except (ValueError, RecursionError) as problem:
            raise _wrong(step, f"IterableItems is text that is not JSON: {problem}") from None
    if not isinstance(items, list):
        raise _wrong(step, f"IterableItems is {kind_of(items)}, not a list")
    if not 1 <= len(items) <= MAX_ITEMS:
        raise _wrong(step, f"IterableItems has {len(items)} items, outside of 1 to {MAX_ITEMS}")
    return items


def concurrency_of(step: str, arguments: Mapping[str, Any]) -> int:
    """How many iterations may be under way at once, from the resolved Arguments.

    Errors: ``ExpressionError``.
    """
    limit = arguments.get("MaxConcurrency")
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_CONCURRENCY:
        raise _wrong(step, f"MaxConcurrency is {limit!r}, not a number from 1 to {MAX_CONCURRENCY}")
    return limit


def _wrong(step: str, what: str) -> ExpressionError:
    return ExpressionError(
        f"ClientError: {step}: {what}",
        code="foreach-items",
        hint=f"A ForEach needs a list of 1 to {MAX_ITEMS} items, or one as JSON text.",
    )


def iterations_of(
    definition: Definition, graph: Graph, step: str, items: Sequence[Any]
) -> list[Iteration]:
    """The iterations of a ForEach over these items, in their order."""
    body = [name for name in graph.order if definition.steps[name].parent == step]
    inner = _part(graph, body)
    return [
        _iteration(definition, inner, IterationContext(step, index, item))
        for index, item in enumerate(items)
    ]


def _iteration(definition: Definition, inner: Graph, context: IterationContext) -> Iteration:
    name = {body: context.child(body) for body in inner.order}
    steps = {}
    for body in inner.order:
        waits = definition.steps[body].depends_on
        steps[name[body]] = replace(
            definition.steps[body],
            name=name[body],
            depends_on=tuple(replace(one, step=name.get(one.step, one.step)) for one in waits),
        )

    def renamed(edges: Iterable[Edge]) -> tuple[Edge, ...]:
        return tuple(replace(e, source=name[e.source], target=name[e.target]) for e in edges)

    graph = Graph(
        renamed(inner.edges),
        tuple(steps),
        {name[body]: renamed(edges) for body, edges in inner.incoming.items()},
        {name[body]: renamed(edges) for body, edges in inner.outgoing.items()},
    )
    return Iteration(context, steps, graph)


def _part(graph: Graph, names: Sequence[str]) -> Graph:
    """The part of a graph that these steps make."""
    kept = frozenset(names)

    def inside(edges: Iterable[Edge]) -> tuple[Edge, ...]:
        return tuple(edge for edge in edges if edge.source in kept and edge.target in kept)

    return Graph(
        inside(graph.edges),
        tuple(names),
        {name: inside(graph.incoming[name]) for name in names},
        {name: inside(graph.outgoing[name]) for name in names},
    )


def declarations(
    iterations: Iterable[Iteration], stand_in: Callable[[Step], str]
) -> tuple[StepDeclared, ...]:
    """The steps of iterations as the execution comes to know them."""
    return tuple(
        StepDeclared(
            step.name,
            step.type,
            reason=f"iteration {one.context.index} of {one.context.parent}",
            display_name=step.display_name,
            stand_in=stand_in(step),
            iteration=one.context,
        )
        for one in iterations
        for step in one.steps.values()
    )


def ended_as(statuses: Iterable[StepStatus]) -> StepStatus:
    """How a ForEach ends whose steps ended this way: Failed outweighs Stopped."""
    found = frozenset(statuses)
    if StepStatus.FAILED in found:
        return StepStatus.FAILED
    if found & {StepStatus.STOPPED, StepStatus.BLOCKED}:
        return StepStatus.STOPPED
    return StepStatus.SUCCEEDED


def counts(statuses: Mapping[str, StepStatus], items: int) -> dict[str, Any]:
    """Status and counts: both properties of a ForEach and its metadata (ForEachStepMetadata)."""
    by_status = Counter(statuses.values())
    return {
        "Status": str(ended_as(statuses.values())),
        "InputItemCount": items,
        "TotalStepCount": len(statuses),
        "SucceededStepCount": by_status[StepStatus.SUCCEEDED],
        "FailedStepCount": by_status[StepStatus.FAILED],
        "StoppedStepCount": by_status[StepStatus.STOPPED],
    }


def outputs(
    loop: ForEach, contexts: Iterable[IterationContext], results: Mapping[str, Properties]
) -> list[dict[str, Properties]]:
    """``IterationOutputs``: for each iteration, the properties of its steps that succeeded."""
    return [
        {body: results[child] for body in loop.body if (child := context.child(body)) in results}
        for context in contexts
    ]


def selected(
    step: str,
    selector: Selector,
    contexts: Sequence[IterationContext],
    read: Callable[[IterationContext], Any],
) -> tuple[str, IterationContext]:
    """The body step and the iteration that a Selector picks; the first of equals.

    Args:
        read: what the Selector's Field stands for in an iteration.

    Errors: ``ExpressionError`` where an iteration has no such number.
    """
    values = [_number(step, selector, context, read) for context in contexts]
    best = max(values) if selector.pick == "MaxBy" else min(values)
    body = references(selector.field)[0].name
    return body, contexts[values.index(best)]


def _number(
    step: str,
    selector: Selector,
    context: IterationContext,
    read: Callable[[IterationContext], Any],
) -> float:
    try:
        value = read(context)
        if not isinstance(value, int | float) or isinstance(value, bool) or value != value:
            raise ExpressionError(f"{value if value != value else kind_of(value)} is not a number")
    except ExpressionError as problem:
        why = problem.message.removeprefix("ClientError: ")
        raise ExpressionError(
            f"ClientError: {step}: the Selector's Field {describe(selector.field)}"
            f" has no number in iteration {context.index}: {why}",
            code="foreach-selector",
            hint="Field must name a number that the body step gives in every iteration.",
        ) from problem
    return value
