"""Runs on what a dead runner left: looks for executions without a living one, starts new ones."""

from __future__ import annotations

import sqlite3

import msgspec

from engine.actor import actor
from engine.home import Home
from engine.runner.process import RunnerRequest, alive
from engine.runner.spawn import spawn
from engine.store import queries
from engine.store.connection import connect


def orphans(db: sqlite3.Connection) -> list[str]:
    """Executions that have not ended and whose runner is gone, oldest first."""
    found = []
    for execution in queries.unfinished(db):
        holder = queries.holder(db, execution.id)
        if holder is None or not alive(holder):
            found.append(execution.id)
    return found


def resume_orphans(home: Home) -> list[str]:
    """Give each orphan a new runner; returns their ids.

    Errors: ``StoreError`` where the store cannot be read or a runner does not start.
    """
    if not home.database.exists():
        return []
    db = connect(home.database, read_only=True)
    try:
        found = orphans(db)
    finally:
        db.close()
    for execution_id in found:
        take_over(home, execution_id)
    return found


def take_over(home: Home, execution_id: str) -> None:
    """Start a runner that goes on with an execution; one that still lives is left alone."""
    spawn(msgspec.json.encode(RunnerRequest(str(home.root), actor(), None, execution_id)))
