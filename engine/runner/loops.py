"""The ForEach steps of an execution: their iterations, and what they give in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.config import Config
from engine.definition.document import Definition, Step
from engine.definition.expressions import resolve
from engine.definition.graph import Graph
from engine.definition.names import listed
from engine.errors import PipetuiError
from engine.model import events as e
from engine.model.status import StepStatus
from engine.model.views import StepView
from engine.planning import foreach
from engine.planning.schedule import LoopEnd
from engine.runner.scope import ExecutionScope
from engine.steps.base import Outcome, failed, failed_by, succeeded
from engine.steps.handlers import stand_in

ScopeOf = Callable[[e.IterationContext], ExecutionScope]
_ENDED_BADLY = (StepStatus.FAILED, StepStatus.STOPPED)


@dataclass(frozen=True, slots=True)
class Expansion:
    """A ForEach with its iterations.

    Args:
        facts: what to record; none where the iterations are known already.
        concurrency: how many iterations may be under way at once.
    """

    facts: tuple[e.Fact, ...]
    iterations: tuple[foreach.Iteration, ...]
    concurrency: int


class Loops:
    """The ForEach steps of one execution.

    Args:
        views: the steps of the execution; those of iterations tell which items there were.
        config: decides what stands in for a cloud service.
    """

    def __init__(
        self, definition: Definition, graph: Graph, views: Mapping[str, StepView], config: Config
    ) -> None:
        self._definition = definition
        self._graph = graph
        self._config = config
        self._iterations: dict[str, tuple[foreach.Iteration, ...]] = {}
        self._children: dict[str, Step] = {}
        items: dict[str, dict[int, Any]] = {}
        for view in views.values():
            if one := view.iteration:
                items.setdefault(one.parent, {})[one.index] = one.item
        for step, found in items.items():
            self._learn(step, [found[index] for index in sorted(found)])

    def _learn(self, step: str, items: list[Any]) -> None:
        found = foreach.iterations_of(self._definition, self._graph, step, items)
        self._iterations[step] = tuple(found)
        for one in found:
            self._children |= one.steps

    def step(self, name: str) -> Step:
        """A step of the definition, or of an iteration."""
        return self._children.get(name) or self._definition.steps[name]

    def known(self, name: str) -> bool:
        """Whether a step is a ForEach whose iterations are on record."""
        return name in self._iterations

    def expand(self, step: str, arguments: Mapping[str, Any]) -> Expansion:
        """The iterations of a ForEach that runs; those it began with where a retry goes on.

        Args:
            arguments: of the step, resolved.

        Errors: ``ExpressionError`` for items that are no list of the right size.
        """
        concurrency = foreach.concurrency_of(step, arguments)
        facts: tuple[e.Fact, ...] = ()
        if step not in self._iterations:
            self._learn(step, foreach.items_of(step, arguments))
            children = foreach.declarations(
                self._iterations[step], lambda one: stand_in(one, self._config)
            )
            facts = (e.StepsExpanded(step, children),)
        return Expansion(facts, self._iterations[step], concurrency)

    def outcome(
        self, end: LoopEnd, results: Mapping[str, Mapping[str, Any]], scope_of: ScopeOf
    ) -> Outcome:
        """How a ForEach ended, from the ends of its steps.

        Args:
            results: properties of the steps that have ended.
            scope_of: what the Selector's Field sees in an iteration.
        """
        contexts = [one.context for one in self._iterations[end.step]]
        loop = self._definition.steps[end.step].for_each
        assert loop is not None, "only a ForEach has iterations"
        about = foreach.counts(end.statuses, len(contexts))
        good = {
            name: results[name]
            for name, status in end.statuses.items()
            if status is StepStatus.SUCCEEDED
        }
        properties = about | {"IterationOutputs": foreach.outputs(loop, contexts, good)}
        metadata = {"ForEach": dict(about)}
        match foreach.ended_as(end.statuses.values()):
            case StepStatus.FAILED:
                return failed(_reason(end.statuses), "foreach-failed", properties, metadata)
            case StepStatus.STOPPED:
                return Outcome(StepStatus.STOPPED, properties, metadata)
        if loop.selector is not None:
            field = loop.selector.field
            try:
                body, chosen = foreach.selected(
                    end.step, loop.selector, contexts, lambda one: resolve(field, scope_of(one))
                )
            except PipetuiError as error:
                return failed_loop(replace(failed_by(error), properties=properties), about)
            properties["Selected"] = good[chosen.child(body)]
            metadata["ForEach"]["Selector"] = {"StepName": body, "Index": chosen.index}
        return succeeded(properties, metadata)


def readable(status: StepStatus, properties: Mapping[str, Any]) -> bool:
    """Whether the properties of a step can be read: a job that failed or was stopped has some."""
    return status is StepStatus.SUCCEEDED or (status in _ENDED_BADLY and bool(properties))


def failed_loop(outcome: Outcome, about: Mapping[str, Any] | None = None) -> Outcome:
    """The outcome of a ForEach that fails by itself, with the Status and the counts it shows.

    Args:
        about: the counts of its iterations; None where none began.
    """
    told = {**(about or foreach.counts({}, 0)), "Status": str(StepStatus.FAILED)}
    return replace(outcome, properties=outcome.properties | told, metadata={"ForEach": told})


def _reason(statuses: Mapping[str, StepStatus]) -> str:
    """In the words that the service has for an execution whose steps failed."""
    names: Iterable[str] = (n for n, status in statuses.items() if status is StepStatus.FAILED)
    return f"Step failure: {listed(list(names), 3)} failed"
