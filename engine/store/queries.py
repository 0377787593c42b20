"""Read-only questions to the SQLite store, for runners and readers alike."""

from __future__ import annotations

import sqlite3

from engine.errors import CommandRejected, NotFound
from engine.model import codec
from engine.model.commands import CommandRow, CommandState
from engine.model.events import PEOPLES_ACTIONS, Event
from engine.model.pipelines import PipelineStatus, PipelineView, existing, pipeline_key
from engine.model.status import EXECUTION_ENDED
from engine.model.views import ExecutionView, ModelPackageView, StepView
from engine.store import rules
from engine.store.base import Holder
from engine.store.ledger import read_events


def executions(
    db: sqlite3.Connection, limit: int = 200, before: float = 0.0, pipeline: str = ""
) -> list[ExecutionView]:
    """Executions, newest first; ``before`` (a creation time) pages on."""
    rows = db.execute(
        "SELECT view FROM execution WHERE (? = 0 OR created_at < ?) AND (? = '' OR pipeline = ?)"
        " ORDER BY created_at DESC, rowid DESC LIMIT ?",
        (before, before, pipeline, pipeline, limit),
    )
    return [codec.decode(row[0], ExecutionView) for row in rows]


def unfinished(db: sqlite3.Connection) -> list[ExecutionView]:
    """Executions that have not ended, oldest first."""
    marks = ",".join("?" * len(EXECUTION_ENDED))
    rows = db.execute(
        f"SELECT view FROM execution WHERE status NOT IN ({marks}) ORDER BY created_at",
        sorted(EXECUTION_ENDED),
    )
    return [codec.decode(row[0], ExecutionView) for row in rows]


def execution(db: sqlite3.Connection, execution_id: str) -> ExecutionView:
    """One execution. Errors: ``NotFound``."""
    row = db.execute("SELECT view FROM execution WHERE id = ?", (execution_id,)).fetchone()
    if row is None:
        raise rules.no_execution(execution_id)
    return codec.decode(row[0], ExecutionView)


def find_execution(db: sqlite3.Connection, text: str) -> str:
    """The id that ``text`` names.

    That is an id, a unique prefix of one, an ARN, ``@last`` or ``PIPELINE@last``.

    Errors: ``NotFound`` where none matches, ``CommandRejected`` where several do.
    """
    wanted = text.rsplit("/", 1)[-1]
    if wanted.endswith("@last"):
        pipeline = wanted.removesuffix("@last")
        row = db.execute(
            "SELECT id FROM execution WHERE ?1 IN ('', pipeline)"
            " ORDER BY created_at DESC, rowid DESC LIMIT 1",
            (pipeline,),
        ).fetchone()
        if row is None:
            of = f" of pipeline {pipeline}" if pipeline else ""
            raise NotFound(f"no execution{of} has been started yet", code="execution-not-found",
                           hint="Start one with `pipetui run FILE`.")  # fmt: skip
        return str(row[0])
    rows = db.execute(
        "SELECT id FROM execution WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT 3",
        (wanted,),
    ).fetchall()
    if not rows or not wanted:
        raise NotFound(f"no execution starts with {text!r}", code="execution-not-found",
                       hint="`pipetui ls` lists them; @last is the newest.")  # fmt: skip
    if len(rows) > 1 and (wanted,) not in rows:
        several = ", ".join(row[0] for row in rows)
        raise CommandRejected(
            f"{text!r} names several executions: {several}",
            code="execution-ambiguous",
            hint="Give more letters.",
        )
    return wanted if (wanted,) in rows else str(rows[0][0])


def steps(db: sqlite3.Connection, execution_id: str, after: int = 0) -> list[StepView]:
    """Steps of an execution that changed after event ``after``, in the definition's order."""
    rows = db.execute(
        "SELECT view FROM step WHERE execution_id = ? AND seq > ? ORDER BY position",
        (execution_id, after),
    )
    return [codec.decode(row[0], StepView) for row in rows]


def earlier_steps(
    db: sqlite3.Connection, pipeline: str, step: str, before: float, limit: int = 50
) -> list[StepView]:
    """A step as it went in earlier executions of its pipeline, the newest first."""
    rows = db.execute(
        "SELECT step.view FROM (SELECT id, created_at FROM execution"
        " WHERE pipeline = ? AND created_at < ? ORDER BY created_at DESC LIMIT ?) AS earlier"
        " JOIN step ON step.execution_id = earlier.id"
        " WHERE step.name = ? ORDER BY earlier.created_at DESC",
        (pipeline, before, limit, step),
    )
    return [codec.decode(row[0], StepView) for row in rows]


def cached(
    db: sqlite3.Connection, pipeline: str, step: str, digest: str, since: float
) -> StepView | None:
    """See ``EventStore.cached``."""
    rows = db.execute(
        "SELECT step.view FROM step JOIN execution ON execution.id = step.execution_id"
        " WHERE step.name = ? AND step.cache <> '' AND (? = '' OR step.cache = ?)"
        " AND execution.pipeline = ? ORDER BY step.seq DESC LIMIT 1",
        (step, digest, digest, pipeline),
    )
    found = next((codec.decode(row[0], StepView) for row in rows), None)
    return found if found is not None and (found.ended_at or 0.0) >= since else None


def events(
    db: sqlite3.Connection, execution_id: str, after: int = 0, limit: int = 1000
) -> list[Event]:
    """Events of one execution (all where it is empty) with ``seq > after``, oldest first."""
    if execution_id:
        query = "SELECT * FROM event WHERE execution_id = ? AND seq > ? ORDER BY seq LIMIT ?"
        return list(read_events(db, query, (execution_id, after, limit)))
    query = "SELECT * FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
    return list(read_events(db, query, (after, limit)))


def actions(db: sqlite3.Connection, before: int = 0, limit: int = 500) -> list[Event]:
    """What people did, newest first; ``before`` (a ``seq``) pages on."""
    kinds = [kind.__name__ for kind in PEOPLES_ACTIONS]
    query = (
        f"SELECT * FROM event WHERE kind IN ({','.join('?' * len(kinds))})"
        " AND (? = 0 OR seq < ?) ORDER BY seq DESC LIMIT ?"
    )
    return list(read_events(db, query, (*kinds, before, before, limit)))


def definition(db: sqlite3.Connection, sha: str) -> str:
    """The text of a stored definition. Errors: ``NotFound``."""
    row = db.execute("SELECT text FROM definition WHERE sha = ?", (sha,)).fetchone()
    if row is None:
        raise rules.no_definition(sha)
    return str(row[0])


def holder(db: sqlite3.Connection, execution_id: str) -> Holder | None:
    """Who holds the lease of an execution; None where nobody does."""
    row = db.execute(
        "SELECT pid, start_ticks, boot_id, host FROM lease WHERE execution_id = ? AND held = 1",
        (execution_id,),
    ).fetchone()
    return Holder(*row) if row else None


def held(db: sqlite3.Connection) -> list[str]:
    """Executions whose lease was not given back, of runners dead or alive; oldest first."""
    rows = db.execute("SELECT execution_id FROM lease WHERE held = 1 ORDER BY rowid")
    return [str(row[0]) for row in rows]


def commands(db: sqlite3.Connection, execution_id: str) -> list[CommandRow]:
    """Commands that wait for a runner, oldest first; kinds of newer versions are left out."""
    rows = db.execute(
        "SELECT id, execution_id, at, actor, kind, data FROM command"
        " WHERE state = 'pending' AND execution_id = ? ORDER BY id",
        (execution_id,),
    )
    found = []
    for number, owner, at, actor, kind, data in rows:
        command = codec.decode_command(kind, data)
        if command is not None:
            found.append(CommandRow(number, owner, at, actor, command))
    return found


def command_outcome(db: sqlite3.Connection, command_id: int) -> tuple[CommandState, str]:
    """What became of a command: its state and the runner's words."""
    row = db.execute("SELECT state, result FROM command WHERE id = ?", (command_id,)).fetchone()
    if row is None:
        raise NotFound(f"no command {command_id}", code="command-not-found")
    return CommandState(row[0]), str(row[1])


def packages(db: sqlite3.Connection, group: str = "") -> list[ModelPackageView]:
    """Model package versions, newest first, of one group or of all."""
    rows = db.execute(
        "SELECT view FROM model_package WHERE ? = '' OR package_group = ? ORDER BY rowid DESC",
        (group, group.lower()),
    )
    return [codec.decode(row[0], ModelPackageView) for row in rows]


def find_package(db: sqlite3.Connection, text: str) -> ModelPackageView:
    """The version that ``text`` names: an ARN, or ``group/version``. Errors: ``NotFound``."""
    wanted = text.rsplit("model-package/", 1)[-1].replace(":", "/").lower()
    for package in packages(db):
        if package.arn.rsplit("model-package/", 1)[-1].lower() == wanted:
            return package
    raise NotFound(f"no model package {text!r}", code="package-not-found",
                   hint="`pipetui models` lists groups and versions.")  # fmt: skip


def pipeline(db: sqlite3.Connection, name: str) -> PipelineView | None:
    """See ``EventStore.pipeline``."""
    row = db.execute("SELECT view FROM pipeline WHERE key = ?", (pipeline_key(name),)).fetchone()
    return codec.decode(row[0], PipelineView) if row else None


def pipelines(db: sqlite3.Connection) -> list[PipelineView]:
    """Pipelines that are not deleted, by name."""
    rows = db.execute("SELECT view FROM pipeline ORDER BY key")
    views = [codec.decode(row[0], PipelineView) for row in rows]
    return [view for view in views if view.status is PipelineStatus.ACTIVE]


def find_pipeline(db: sqlite3.Connection, text: str) -> PipelineView:
    """The pipeline that a name or an ARN names. Errors: ``NotFound``."""
    name = text.rsplit(":pipeline/", 1)[-1]
    return existing(pipeline(db, name), name)


def executions_of(db: sqlite3.Connection, view: PipelineView) -> list[ExecutionView]:
    """The executions of a pipeline, newest first."""
    rows = db.execute(
        "SELECT view FROM execution WHERE lower(pipeline) = ? AND created_at >= ?"
        " ORDER BY created_at DESC, rowid DESC",
        (pipeline_key(view.name), view.since),
    )
    return [codec.decode(row[0], ExecutionView) for row in rows]


def answered(db: sqlite3.Connection, token: str) -> tuple[str, bytes] | None:
    """See ``SqliteStore.answered``."""
    row = db.execute("SELECT digest, answer FROM request WHERE token = ?", (token,)).fetchone()
    return (row[0], row[1]) if row else None


def data_version(db: sqlite3.Connection) -> int:
    """A number that changes when another connection commits (1.7 us a call)."""
    return int(db.execute("PRAGMA data_version").fetchone()[0])
