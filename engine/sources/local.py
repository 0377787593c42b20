"""Executions of a home on this host: the store read-only, logs and artifacts from the disk."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from engine.errors import NotFound
from engine.home import Home
from engine.model.events import Event
from engine.model.status import ApprovalStatus
from engine.model.views import ExecutionView, ModelPackageView, StepView
from engine.sources.base import (
    Artifact,
    ArtifactEntry,
    Capabilities,
    Graph,
    GraphEdge,
    GraphNode,
    Inbox,
    ParameterView,
    WaitingCallback,
)
from engine.sources.measured import MeasuredFiles
from engine.store import queries
from engine.store.connection import connect
from engine.store.thread import StoreThread

if TYPE_CHECKING:
    from engine.comparison.executions import (
        Difference,
        ExecutionDifference,
        Side,
    )
    from engine.definition.document import Definition, Step
    from engine.lineage.graph import Branch
    from engine.logs.base import LogSource
    from engine.sources.series import MetricSeries
    from engine.sources.trials import Trial
    from engine.sources.usage import Usage
    from engine.storage.download import Downloaded, Told
    from engine.storage.preview import Preview
    from engine.storage.tree import LocalTree

T = TypeVar("T")
POLL_S = 1.0
"""The slowest a change is noticed; the kernel normally tells within 20 ms."""


class LocalSource:
    """``Source`` over one home; made by ``LocalSource.open``."""

    capabilities = Capabilities("local")

    def __init__(self, home: Home, connection: StoreThread) -> None:
        self._home = home
        self._connection = connection
        self._definitions: dict[str, Definition] = {}
        self._measured = MeasuredFiles()

    @classmethod
    async def open(cls, home: Home) -> LocalSource:
        """Open the store of a home that is prepared; an empty one is made where none is.

        Errors: ``StoreError``.
        """
        if not home.database.exists():
            connect(home.database).close()
        return cls(home, await StoreThread.open(home.database, read_only=True))

    async def _ask(self, question: Callable[..., T], *arguments: object) -> T:
        return await self._connection.ask(question, *arguments)

    async def executions(
        self, *, limit: int = 200, before: float = 0.0, pipeline: str = ""
    ) -> list[ExecutionView]:
        """See ``Source.executions``."""
        return await self._ask(queries.executions, limit, before, pipeline)

    async def execution(self, text: str) -> ExecutionView:
        """See ``Source.execution``."""
        return await self._ask(_named_execution, text)

    async def steps(self, execution_id: str, after: int = 0) -> list[StepView]:
        """See ``Source.steps``."""
        return await self._ask(queries.steps, execution_id, after)

    async def events(self, execution_id: str, after: int = 0, limit: int = 1000) -> list[Event]:
        """See ``Source.events``."""
        return await self._ask(queries.events, execution_id, after, limit)

    async def actions(self, *, before: int = 0, limit: int = 500) -> list[Event]:
        """See ``Source.actions``."""
        return await self._ask(queries.actions, before, limit)

    async def definition(self, execution_id: str) -> Definition:
        """The definition an execution runs, as it was when it started."""
        sha = (await self._ask(queries.execution, execution_id)).definition
        found = self._definitions.get(sha)
        if found is None:
            from engine.definition.loader import load

            text = await self._ask(queries.definition, sha)
            found = self._definitions[sha] = await asyncio.to_thread(load, text)
        return found

    async def graph(self, execution_id: str) -> Graph:
        """See ``Source.graph``."""
        definition = await self.definition(execution_id)
        repeats = any(step.for_each for step in definition.steps.values())
        steps = await self._ask(queries.steps, execution_id) if repeats else []
        return await asyncio.to_thread(graph_of, definition, steps)

    async def raw_arguments(self, execution_id: str, step: str) -> Any:
        """See ``Source.raw_arguments``."""
        steps = (await self.definition(execution_id)).steps
        if step not in steps:
            views = await self._ask(queries.steps, execution_id)
            step = next((one.declared_name for one in views if one.name == step), step)
        if step not in steps:
            raise NotFound(f"execution {execution_id} has no step {step}", code="step-not-found")
        return written(steps[step])

    async def parameters(self, execution_id: str) -> list[ParameterView]:
        """See ``Source.parameters``."""
        return parameter_views(await self.definition(execution_id))

    async def last_green(self, step: StepView) -> StepView | None:
        """See ``Source.last_green``."""
        execution = await self.execution(step.execution_id)
        earlier = await self._ask(
            queries.earlier_steps, execution.pipeline, step.name, execution.created_at
        )
        green = (one for one in earlier if one.status == "Succeeded" and one.directory)
        return next(green, None)

    async def compare(self, before: str, now: str) -> ExecutionDifference:
        """See ``Source.compare``."""
        from engine.sources.comparing import compare

        sides = [await self._side(one) for one in (before, now)]
        return await asyncio.to_thread(compare, *sides)

    async def _side(self, execution_id: str) -> Side:
        from engine.comparison.executions import Side
        from engine.definition.loader import document

        execution = await self.execution(execution_id)
        steps = {step.name: step for step in await self.steps(execution.id)}
        text = await self._ask(queries.definition, execution.definition)
        return Side(execution, steps, await asyncio.to_thread(document, text))

    async def compare_step(self, before: StepView, now: StepView) -> list[Difference]:
        """See ``Source.compare_step``."""
        from engine.sources.comparing import compare_runs

        return await asyncio.to_thread(compare_runs, before, now)

    def log(self, step: StepView, attempt: int = 0) -> LogSource:
        """See ``Source.log``."""
        from engine.sources.moments import log_of

        return log_of(step, attempt)

    async def line_at(self, step: StepView, at: float) -> int | None:
        """See ``Source.line_at``."""
        from engine.sources.moments import line_at

        usage = await self.usage(step)
        return await asyncio.to_thread(line_at, self.log(step), usage, step.directory, at)

    async def usage(self, step: StepView) -> Usage:
        """See ``Source.usage``."""
        return await asyncio.to_thread(self._measured.usage, step)

    async def series(self, step: StepView) -> Sequence[MetricSeries]:
        """See ``Source.series``."""
        return await asyncio.to_thread(self._measured.series, step)

    async def trials(self, step: StepView) -> list[Trial]:
        """See ``Source.trials``."""
        from engine.sources.trials import trials_of

        return await asyncio.to_thread(trials_of, step)

    async def artifacts(self, step: StepView) -> list[Artifact]:
        """See ``Source.artifacts``."""
        from engine.sources.artifacts import artifacts_of

        return await asyncio.to_thread(artifacts_of, await self._tree(step.execution_id), step)

    async def entries(self, uri: str) -> list[ArtifactEntry]:
        """See ``Source.entries``."""
        from engine.sources.artifacts import entries_of

        return await asyncio.to_thread(entries_of, self._base_tree(""), uri)

    async def preview(
        self, uri: str, member: str = "", room: tuple[int, int] = (80, 50)
    ) -> Preview:
        """See ``Source.preview``."""
        from engine.storage.preview import Limit, preview, preview_member

        path, limit = self._base_tree("").path_of(uri), Limit(picture=room)
        if member:
            return await asyncio.to_thread(preview_member, path, member, limit)
        return await asyncio.to_thread(preview, path, limit)

    async def place(self, uri: str) -> str:
        """See ``Source.place``."""
        path = self._base_tree("").path_of(uri)
        return str(path) if await asyncio.to_thread(path.exists) else ""

    async def download(
        self,
        uri: str,
        member: str,
        target: str,
        *,
        replace: bool = False,
        told: Told | None = None,
    ) -> Downloaded:
        """See ``Source.download``."""
        from engine.storage.download import download

        source = self._base_tree("").path_of(uri.rstrip("/"))
        return await asyncio.to_thread(
            download, source, member, Path(target), replace=replace, told=told
        )

    async def compare_artifact(
        self, before: StepView, now: StepView, role: str, name: str, inside: str = ""
    ) -> list[Difference]:
        """See ``Source.compare_artifact``."""
        from engine.sources.contrast import compare_artifact

        old, new = [(await self._tree(step.execution_id), step) for step in (before, now)]
        return await asyncio.to_thread(compare_artifact, old, new, role, name, inside)

    async def packages(self, group: str = "") -> list[ModelPackageView]:
        """See ``Source.packages``."""
        return await self._ask(queries.packages, group)

    async def lineage(self, package: ModelPackageView) -> Branch:
        """See ``Source.lineage``."""
        return await asyncio.to_thread(_lineage, self._home, package.arn)

    async def inbox(self) -> Inbox:
        """See ``Source.inbox``."""
        waiting = []
        for execution in await self._ask(queries.unfinished):
            if execution.steps_waiting_for_answer:
                definition = await self.definition(execution.id)
                waiting += [
                    WaitingCallback(execution, step, _wanted(definition.steps[step.declared_name]))
                    for step in await self._ask(queries.steps, execution.id)
                    if step.waits_for_answer
                ]
        pending = [
            package
            for package in await self._ask(queries.packages)
            if package.approval is ApprovalStatus.PENDING
        ]
        return Inbox(tuple(waiting), tuple(pending))

    async def changes(self) -> AsyncIterator[None]:
        """See ``Source.changes``: the store's counter, looked at when its files change."""
        from engine.watching import written

        seen = await self._ask(queries.data_version)
        database = self._home.database
        async with contextlib.aclosing(written(database.parent, POLL_S)) as found:
            async for names in found:
                if names and not any(name.startswith(database.name) for name in names):
                    continue
                now = await self._ask(queries.data_version)
                if now != seen:
                    seen = now
                    yield

    async def close(self) -> None:
        """See ``Source.close``."""
        await self._connection.close()

    async def _tree(self, execution_id: str) -> LocalTree:
        file = (await self._ask(queries.execution, execution_id)).file
        return self._base_tree(str(Path(file).parent) if file else "")

    def _base_tree(self, base: str) -> LocalTree:
        from engine.storage.tree import LocalTree

        return LocalTree(self._home.s3, Path(base) if base else None)


def _named_execution(db: sqlite3.Connection, text: str) -> ExecutionView:
    return queries.execution(db, queries.find_execution(db, text))


def _lineage(home: Home, arn: str) -> Branch:
    """Looks at all executions of a home, so on a connection of its own."""
    from engine.lineage.query import lineage_of
    from engine.sources.reader import LocalReader

    with contextlib.closing(LocalReader(home)) as reader:
        return lineage_of(reader, arn)


_EDGE_KINDS = {"reference": "reference", "depends_on": "depends_on", "foreach": "body"}


def graph_of(definition: Definition, views: Sequence[StepView] = ()) -> Graph:
    """The definition's graph; a body that has iterations is drawn once for each of them."""
    from engine.definition import graph as graphs

    repeated: dict[str, list[str]] = {}
    for view in views:
        if view.iteration:
            repeated.setdefault(view.declared_name, []).append(view.name)
    names = {name: repeated.get(name, [name]) for name in definition.steps}
    nodes = tuple(
        GraphNode(name, step.type, step.display_name, step.parent or "")
        for step in definition.steps.values()
        for name in names[step.name]
    )
    edges: dict[tuple[str, str], GraphEdge] = {}
    for edge in graphs.Graph.of(definition).edges:
        branch = definition.steps[edge.target].branch
        kind = _EDGE_KINDS.get(edge.kind, "if" if branch else "else")
        sources, targets = names[edge.source], names[edge.target]
        siblings = edge.source in repeated and edge.target in repeated
        pairs = zip(sources, targets, strict=True) if siblings else product(sources, targets)
        for pair in pairs:
            # One line per pair; the branch says more than a reference beside it.
            if pair not in edges or edge.kind == "branch":
                edges[pair] = GraphEdge(*pair, kind)
    return Graph(nodes, tuple(edges.values()))


def written(step: Step) -> Any:
    """A step's Arguments as written, with the conditions and property files that it declares."""
    files = [
        {"PropertyFileName": one.name, "OutputName": one.output_name, "FilePath": one.file_path}
        for one in step.property_files
    ]
    more = {"Conditions": list(step.conditions), "PropertyFiles": files}
    return {**step.arguments, **{name: value for name, value in more.items() if value}}


def _wanted(step: Step) -> tuple[ParameterView, ...]:
    return tuple(ParameterView(one.name, one.type, required=True) for one in step.output_parameters)


def parameter_views(definition: Definition) -> list[ParameterView]:
    """The parameters of a definition, for a form."""
    return [
        ParameterView(
            one.name,
            one.type,
            one.default,
            not one.has_default,
            one.enum_values,
            one.description,
        )
        for one in definition.parameters.values()
    ]
