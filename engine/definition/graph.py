"""Which step waits for which: dependencies by reference, DependsOn, branch and ForEach body."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from engine.definition.document import Definition, Step, Trigger
from engine.definition.expressions import Reference, ReferenceKind, references
from engine.definition.names import listed, quote
from engine.errors import DefinitionError

References = Mapping[str, tuple[Reference, ...]]

_OF_STEPS = frozenset({ReferenceKind.STEP_PROPERTY, ReferenceKind.PROPERTY_FILE})


class EdgeKind(StrEnum):
    """Why the target of an edge waits for its source."""

    REFERENCE = "reference"
    DEPENDS_ON = "depends_on"
    BRANCH = "branch"
    FOREACH = "foreach"


@dataclass(frozen=True, slots=True)
class Edge:
    """``target`` waits until ``source`` has ended as ``trigger`` says.

    A ``foreach`` edge leads from a ForEach to a step of its body and differs: the body starts
    when the ForEach starts, and the ForEach ends after its last body step.
    """

    source: str
    target: str
    kind: EdgeKind
    trigger: Trigger = Trigger.SUCCEEDED


@dataclass(frozen=True, slots=True)
class Graph:
    """The dependency graph over all steps of a definition, nested ones included.

    ``order`` is topological: each step stands as early as its dependencies and the document order
    allow. What a body step needs from outside its ForEach, the ForEach itself waits for too.
    """

    edges: tuple[Edge, ...]
    order: tuple[str, ...]
    incoming: Mapping[str, tuple[Edge, ...]]
    outgoing: Mapping[str, tuple[Edge, ...]]

    @classmethod
    def of(cls, definition: Definition, found: References | None = None) -> Graph:
        """The graph of a definition; linear in its steps and references.

        Args:
            found: the references of each step, if they are known already.

        Raises:
            DefinitionError: ``reference-cycle`` or ``dependency-cycle``, naming the cycle.
        """
        if found is None:
            found = {name: step_references(step) for name, step in definition.steps.items()}
        edges = tuple(dict.fromkeys(_edges(definition.steps, found)))
        incoming: dict[str, list[Edge]] = {name: [] for name in definition.steps}
        outgoing: dict[str, list[Edge]] = {name: [] for name in definition.steps}
        for edge in edges:
            incoming[edge.target].append(edge)
            outgoing[edge.source].append(edge)
        frozen = {name: tuple(into) for name, into in incoming.items()}
        return cls(
            edges=edges,
            order=_order(definition.steps, frozen),
            incoming=frozen,
            outgoing={name: tuple(out) for name, out in outgoing.items()},
        )

    def dependencies(self, name: str) -> tuple[Edge, ...]:
        """The edges into a step: what it waits for."""
        return self.incoming[name]

    def dependents(self, name: str) -> tuple[Edge, ...]:
        """The edges out of a step: what waits for it."""
        return self.outgoing[name]

    def upstream(self, names: Iterable[str]) -> frozenset[str]:
        """Every step that one of these waits for, directly or not."""
        return self._reach(names, self.incoming, towards_source=True)

    def downstream(self, names: Iterable[str]) -> frozenset[str]:
        """Every step that waits for one of these, directly or not."""
        return self._reach(names, self.outgoing, towards_source=False)

    def _reach(
        self, names: Iterable[str], edges: Mapping[str, tuple[Edge, ...]], *, towards_source: bool
    ) -> frozenset[str]:
        reached: set[str] = set()
        waiting = list(names)
        while waiting:
            for edge in edges[waiting.pop()]:
                name = edge.source if towards_source else edge.target
                if name not in reached:
                    reached.add(name)
                    waiting.append(name)
        return frozenset(reached)


def step_references(step: Step) -> tuple[Reference, ...]:
    """Every reference in the arguments, the conditions and the other top-level keys of a step."""
    return references(step.arguments, f"{step.path}.Arguments") + references(step.extra, step.path)


def _edges(steps: Mapping[str, Step], found: References) -> Iterator[Edge]:
    for name, step in steps.items():
        triggers = {dependency.step: dependency.trigger for dependency in step.depends_on}
        around = steps.get(step.parent) if step.parent else None
        loop = around if around is not None and around.for_each is not None else None
        if around is not None:
            kind = EdgeKind.FOREACH if loop else EdgeKind.BRANCH
            yield Edge(around.name, name, kind)
        for source, trigger in triggers.items():
            if source in steps:
                yield Edge(source, name, EdgeKind.DEPENDS_ON, trigger)
                if loop and steps[source].parent != loop.name:
                    yield Edge(source, loop.name, EdgeKind.DEPENDS_ON, trigger)
        for reference in found[name]:
            if reference.kind not in _OF_STEPS or reference.name not in steps:
                continue
            source = reference.name
            # a DependsOn with another trigger says when the step runs; the reference follows it
            trigger = triggers.get(source, Trigger.SUCCEEDED)
            yield Edge(source, name, EdgeKind.REFERENCE, trigger)
            if loop and steps[source].parent != loop.name:
                yield Edge(source, loop.name, EdgeKind.REFERENCE, trigger)


def _order(steps: Mapping[str, Step], incoming: Mapping[str, tuple[Edge, ...]]) -> tuple[str, ...]:
    """Depth-first post-order, with the path from the root on an explicit stack."""
    done: dict[str, None] = {}
    for root in steps:
        if root in done:
            continue
        taken: dict[str, Edge | None] = {root: None}
        stack = [(root, iter(incoming[root]))]
        while stack:
            name, waiting = stack[-1]
            for edge in waiting:
                if edge.source in taken:
                    raise _cycle(edge, [step for step, _ in stack], taken, steps)
                if edge.source not in done:
                    taken[edge.source] = edge
                    stack.append((edge.source, iter(incoming[edge.source])))
                    break
            else:
                stack.pop()
                del taken[name]
                done[name] = None
    return tuple(done)


def _cycle(
    closing: Edge, stack: list[str], taken: Mapping[str, Edge | None], steps: Mapping[str, Step]
) -> DefinitionError:
    """The error for a cycle, named in the direction in which the steps would run."""
    names = stack[stack.index(closing.source) :]
    edges = [closing, *(edge for name in names[1:] if (edge := taken[name]) is not None)]
    data = all(edge.kind is EdgeKind.REFERENCE for edge in edges)
    around = [closing.source, *reversed(names)]
    text = " -> ".join(quote(name)[1:-1] for name in around)
    if len(around) > 12:
        text = f"{listed(around, 10)} -> {quote(around[-1])[1:-1]}"
    return DefinitionError(
        f"The steps wait for each other in a cycle: {text}.",
        code="reference-cycle" if data else "dependency-cycle",
        path=steps[closing.source].path,
        hint="Remove one of these references or DependsOn entries.",
    )
