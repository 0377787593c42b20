"""Reads and writes of the SQLite store, synchronous, on one connection.

Every write runs in one ``BEGIN IMMEDIATE`` transaction: fence, events, projections, commands.
Projections hold the folded views as JSON; the fold itself lives in ``engine.model.fold``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from engine.errors import StoreError
from engine.model import codec
from engine.model.commands import Command
from engine.model.events import (
    Event,
    ExecutionCreated,
    Fact,
    ModelApprovalChanged,
    ModelPackageCreated,
    RunnerAttached,
    StepsExpanded,
)
from engine.model.fold import ExecutionState, apply, apply_package
from engine.model.pipelines import PipelineView, apply_pipeline, existing, pipeline_key, pipeline_of
from engine.model.views import ExecutionView, ModelPackageView, StepView
from engine.store import rules
from engine.store.base import Alive, Holder, Lease, PipelineChange, Settlement


class Ledger:
    """The writer's side of a store.

    Args:
        connection: open, in autocommit mode (``isolation_level=None``).
        alive: tells whether the process behind a lease still runs.
    """

    def __init__(self, connection: sqlite3.Connection, alive: Alive) -> None:
        self._db = connection
        self._alive = alive
        self._states: dict[str, ExecutionState] = {}

    @contextmanager
    def _transaction(self, execution_id: str = "") -> Iterator[None]:
        """All or nothing; what was folded in memory is forgotten if it does not commit."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self._states.pop(execution_id, None)
            raise

    def create(
        self, execution_id: str, fact: ExecutionCreated, definition: str, at: float, actor: str
    ) -> str:
        """See ``EventStore.create``."""
        with self._transaction(execution_id):
            if fact.token:
                found = self._db.execute(
                    "SELECT view FROM execution WHERE token = ?", (fact.token,)
                ).fetchone()
                if found is not None:
                    return rules.same_request(codec.decode(found[0], ExecutionView), fact)
            self._db.execute(
                "INSERT OR IGNORE INTO definition VALUES (?, ?)", (fact.definition, definition)
            )
            pipeline = self._pipeline(fact.pipeline)
            fact = rules.versioned(fact, pipeline)
            event = self._insert(execution_id, fact, at, actor)
            self._keep_pipeline(pipeline, event, fact.pipeline)
            state, _ = apply(None, event)
            assert state is not None
            self._states[execution_id] = state
            self._db.execute(
                "INSERT INTO execution VALUES (?, ?, ?, ?, ?, ?, ?)",
                (execution_id, fact.pipeline, state.execution.status, at, fact.token, event.seq,
                 codec.encode(state.execution)),
            )  # fmt: skip
            self._db.executemany(
                "INSERT INTO step VALUES (?, ?, ?, ?, ?, ?)", map(_step_row, state.steps.values())
            )
        return execution_id

    def acquire(self, execution_id: str, holder: Holder, at: float) -> Lease | None:
        """See ``EventStore.acquire``."""
        with self._transaction(execution_id):
            row = self._db.execute(
                "SELECT epoch, held, pid, start_ticks, boot_id, host FROM lease"
                " WHERE execution_id = ?",
                (execution_id,),
            ).fetchone()
            if row is not None and row[1]:
                present = Holder(*row[2:])
                if present != holder and self._alive(present):
                    return None
            epoch = (row[0] if row else 0) + 1
            self._db.execute(
                "INSERT OR REPLACE INTO lease VALUES (?, ?, 1, ?, ?, ?, ?)",
                (execution_id, epoch, holder.pid, holder.start_ticks, holder.boot_id, holder.host),
            )
            self._states.pop(execution_id, None)
            attached = RunnerAttached(holder.pid, epoch, holder.host)
            self._record(execution_id, [attached], at, "runner")
        return Lease(execution_id, epoch)

    def release(self, lease: Lease) -> None:
        """See ``EventStore.release``."""
        with self._transaction():
            self._db.execute(
                "UPDATE lease SET held = 0 WHERE execution_id = ? AND epoch = ?",
                (lease.execution_id, lease.epoch),
            )

    def append(
        self,
        lease: Lease,
        facts: Sequence[Fact],
        at: float,
        actor: str,
        settled: Sequence[Settlement] = (),
    ) -> list[Event]:
        """See ``EventStore.append``."""
        with self._transaction(lease.execution_id):
            self._fence(lease)
            events = self._record(lease.execution_id, facts, at, actor)
            self._db.executemany(
                "UPDATE command SET state = ?, result = ? WHERE id = ?",
                ((one.state, one.result, one.command_id) for one in settled),
            )
        return events

    def send(self, execution_id: str, command: Command, at: float, actor: str) -> int:
        """See ``EventStore.send``."""
        kind, data = codec.encode_command(command)
        with self._transaction():
            cursor = self._db.execute(
                "INSERT INTO command (execution_id, at, actor, kind, data, state, result)"
                " VALUES (?, ?, ?, ?, ?, 'pending', '')",
                (execution_id, at, actor, kind, data),
            )
        return cursor.lastrowid or 0

    def register(
        self, lease: Lease, fact: ModelPackageCreated, at: float, actor: str
    ) -> ModelPackageView:
        """See ``EventStore.register``."""
        with self._transaction():
            self._fence(lease)
            row = self._db.execute(
                "SELECT view FROM model_package WHERE key = ?", (fact.key,)
            ).fetchone()
            if row is not None:
                return codec.decode(row[0], ModelPackageView)
            event = self._insert("", rules.numbered(fact, self._newest(fact)), at, actor)
            package = apply_package(None, event)
            assert package is not None
            self._db.execute(
                "INSERT INTO model_package VALUES (?, ?, ?, ?, ?, ?)", _package_row(package)
            )
        return package

    def _newest(self, fact: ModelPackageCreated) -> ModelPackageView | None:
        row = self._db.execute(
            "SELECT view FROM model_package WHERE package_group = ? ORDER BY version DESC LIMIT 1",
            (rules.group_key(fact),),
        ).fetchone()
        return codec.decode(row[0], ModelPackageView) if row else None

    def decide(self, fact: ModelApprovalChanged, at: float, actor: str) -> ModelPackageView:
        """See ``EventStore.decide``."""
        with self._transaction():
            row = self._db.execute(
                "SELECT view FROM model_package WHERE arn = ?", (fact.arn,)
            ).fetchone()
            if row is None:
                raise rules.no_package(fact.arn)
            before = codec.decode(row[0], ModelPackageView)
            event = self._insert("", replace(fact, previous=before.approval), at, actor)
            package = apply_package(before, event)
            assert package is not None
            self._db.execute(
                "UPDATE model_package SET seq = ?, view = ? WHERE arn = ?",
                (package.seq, codec.encode(package), package.arn),
            )
        return package

    def change_pipeline(
        self, name: str, change: PipelineChange, definition: str, at: float, actor: str
    ) -> PipelineView:
        """See ``EventStore.change_pipeline``."""
        with self._transaction():
            before = self._pipeline(name)
            fact = change(before)
            if fact is None:
                after = before
            else:
                sha = getattr(fact, "definition", "")
                if sha:
                    self._db.execute(
                        "INSERT OR IGNORE INTO definition VALUES (?, ?)", (sha, definition)
                    )
                after = self._keep_pipeline(before, self._insert("", fact, at, actor), name)
            if after is None:
                return existing(None, name)
        return after

    def _pipeline(self, name: str) -> PipelineView | None:
        row = self._db.execute(
            "SELECT view FROM pipeline WHERE key = ?", (pipeline_key(name),)
        ).fetchone()
        return codec.decode(row[0], PipelineView) if row else None

    def _keep_pipeline(
        self, before: PipelineView | None, event: Event, name: str
    ) -> PipelineView | None:
        """Fold an event into a pipeline's row, where it changes anything."""
        after = apply_pipeline(before, event)
        if after is not None and after is not before:
            self._write_pipeline(name, after)
        return after

    def _write_pipeline(self, name: str, view: PipelineView) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO pipeline VALUES (?, ?, ?)",
            (pipeline_key(name), view.seq, codec.encode(view)),
        )

    def keep_answer(self, token: str, digest: str, answer: bytes) -> None:
        """See ``SqliteStore.keep_answer``."""
        with self._transaction():
            self._db.execute(
                "INSERT OR IGNORE INTO request VALUES (?, ?, ?)", (token, digest, answer)
            )

    def state(self, execution_id: str) -> ExecutionState:
        """See ``EventStore.state``; the same object until somebody else writes."""
        row = self._db.execute("SELECT seq FROM execution WHERE id = ?", (execution_id,)).fetchone()
        if row is None:
            raise rules.no_execution(execution_id)
        known = self._states.get(execution_id)
        if known is None or known.execution.seq != row[0]:
            known = self._states[execution_id] = self._load(execution_id)
        return known

    def _load(self, execution_id: str) -> ExecutionState:
        row = self._db.execute(
            "SELECT view FROM execution WHERE id = ?", (execution_id,)
        ).fetchone()
        rows = self._db.execute(
            "SELECT view FROM step WHERE execution_id = ? ORDER BY position", (execution_id,)
        )
        steps = (codec.decode(one[0], StepView) for one in rows)
        return ExecutionState(
            codec.decode(row[0], ExecutionView), {step.name: step for step in steps}
        )

    def _fence(self, lease: Lease) -> None:
        row = self._db.execute(
            "SELECT epoch, held FROM lease WHERE execution_id = ?", (lease.execution_id,)
        ).fetchone()
        if row is None or row[0] != lease.epoch or not row[1]:
            raise rules.stale(lease.execution_id)

    def _insert(self, execution_id: str, fact: Fact, at: float, actor: str) -> Event:
        kind, data = codec.fact_kind(fact), codec.encode_fact(fact)
        cursor = self._db.execute(
            "INSERT INTO event (execution_id, step, at, actor, kind, data)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (execution_id, getattr(fact, "step", ""), at, actor, kind, data),
        )
        return Event(cursor.lastrowid or 0, execution_id, at, actor, fact)

    def _record(
        self, execution_id: str, facts: Sequence[Fact], at: float, actor: str
    ) -> list[Event]:
        state = self.state(execution_id)
        events = [self._insert(execution_id, fact, at, actor) for fact in facts]
        _, touched = apply(state, *events)
        born = [
            state.steps[child.name]
            for fact in facts
            if isinstance(fact, StepsExpanded) and fact.step in state.steps
            for child in fact.children
        ]
        self._db.executemany(
            "INSERT OR IGNORE INTO step VALUES (?, ?, ?, ?, ?, ?)", map(_step_row, born)
        )
        self._db.executemany(
            "UPDATE step SET cache = ?4, seq = ?5, view = ?6"
            " WHERE execution_id = ?1 AND position = ?2 AND name = ?3",
            (_step_row(state.steps[name]) for name in touched),
        )
        view = state.execution
        self._db.execute(
            "UPDATE execution SET status = ?, seq = ?, view = ? WHERE id = ?",
            (view.status, view.seq, codec.encode(view), execution_id),
        )
        return events

    def rebuild(self) -> int:
        """See ``EventStore.rebuild``."""
        states: dict[str, ExecutionState] = {}
        tokens: dict[str, str] = {}
        packages: dict[str, ModelPackageView] = {}
        pipelines: dict[str, PipelineView] = {}
        count = 0
        with self._transaction():
            for event in read_events(self._db, "SELECT * FROM event ORDER BY seq", ()):
                count += 1
                if name := pipeline_of(event):
                    view = apply_pipeline(pipelines.get(name), event)
                    if view is not None:
                        pipelines[name] = view
                if isinstance(event.fact, ModelPackageCreated | ModelApprovalChanged):
                    package = apply_package(packages.get(event.fact.arn), event)
                    if package is not None:
                        packages[package.arn] = package
                    continue
                if isinstance(event.fact, ExecutionCreated):
                    tokens[event.execution_id] = event.fact.token
                state, _ = apply(states.get(event.execution_id), event)
                if state is not None:
                    states[event.execution_id] = state
            for table in ("execution", "step", "model_package", "pipeline"):
                self._db.execute(f"DELETE FROM {table}")
            for state in states.values():
                self._restore(state, tokens[state.execution.id])
            for name, view in pipelines.items():
                self._write_pipeline(name, view)
            self._db.executemany(
                "INSERT INTO model_package VALUES (?, ?, ?, ?, ?, ?)",
                map(_package_row, packages.values()),
            )
            self._states.clear()
        return count

    def _restore(self, state: ExecutionState, token: str) -> None:
        view = state.execution
        self._db.execute(
            "INSERT INTO execution VALUES (?, ?, ?, ?, ?, ?, ?)",
            (view.id, view.pipeline, view.status, view.created_at, token, view.seq,
             codec.encode(view)),
        )  # fmt: skip
        self._db.executemany(
            "INSERT INTO step VALUES (?, ?, ?, ?, ?, ?)", map(_step_row, state.steps.values())
        )


def read_events(
    connection: sqlite3.Connection, query: str, arguments: Sequence[object]
) -> Iterator[Event]:
    """Events that ``query`` (all columns of ``event``) finds; foreign rows decode as unknown."""
    for seq, execution_id, _step, at, actor, kind, data in connection.execute(query, arguments):
        yield Event(seq, execution_id, at, actor, codec.decode_fact(kind, data))


def _step_row(step: StepView) -> tuple[str, int, str, str, int, bytes]:
    """A row of ``step``; only a result that the step computed itself can be found by its cache."""
    cache = step.cache_digest if rules.computed(step) else ""
    return step.execution_id, step.index, step.name, cache, step.seq, codec.encode(step)


def _package_row(package: ModelPackageView) -> tuple[str, str, int, str, int, bytes]:
    """A row of ``model_package``."""
    return (package.arn, rules.group_key(package), package.version, package.key, package.seq,
            codec.encode(package))  # fmt: skip


def store_error(problem: sqlite3.Error, path: str) -> StoreError:
    """What went wrong with the database file, in words, with the way out."""
    text = str(problem)
    for sign, (code, sentence, hint) in _SQLITE_PROBLEMS.items():
        if sign in text:
            return StoreError(f"{sentence}: {path} ({text})", code=code, hint=hint)
    return StoreError(f"the store {path} cannot be used: {text}")


_SQLITE_PROBLEMS = {
    "not a database": (
        "store-corrupt",
        "the store is not a PipeTUI database",
        "Move the file aside; a new store is made. Execution folders are left alone.",
    ),
    "malformed": (
        "store-corrupt",
        "the store is damaged",
        "Copy the file, then salvage it with the sqlite3 command's .recover.",
    ),
    "full": ("store-full", "the disk is full", "Free some space and resume the execution."),
    "locked": (
        "store-locked",
        "another process keeps the store locked",
        "Find it with `pipetui doctor`, or try again when it is done.",
    ),
    "readonly": (
        "store-readonly",
        "the store cannot be written",
        "Check the owner and mode of the home folder, or choose another with --home.",
    ),
    "unable to open": (
        "store-unopened",
        "the store cannot be opened",
        "Check that the home folder exists and is yours, or choose another with --home.",
    ),
}
