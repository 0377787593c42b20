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


def orphaned(db: sqlite3.Connection, execution_id: str) -> bool:
    """Whether no living process holds the lease of an execution."""
    holder = queries.holder(db, execution_id)
    return holder is None or not alive(holder)


def resume_orphans(home: Home) -> list[str]:
    """Give each execution that has not ended and whose runner is gone a new one.

    So does one that has ended, but whose runner was killed before its observers knew. Returns
    their ids, oldest first.

    Errors: ``StoreError`` where the store cannot be read or a runner does not start.
    """
    if not home.database.exists():
        return []
    db = connect(home.database, read_only=True)
    try:
        candidates = [*(one.id for one in queries.unfinished(db)), *queries.held(db)]
        found = [one for one in dict.fromkeys(candidates) if orphaned(db, one)]
    finally:
        db.close()
    for execution_id in found:
        take_over(home, execution_id)
    return found


def take_over(home: Home, execution_id: str) -> None:
    """Start a runner that goes on with an execution; one that still lives is left alone."""
    spawn(msgspec.json.encode(RunnerRequest(str(home.root), actor(), None, execution_id)))
