"""Opens the store's SQLite file: pragmas, version check, migrations."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from engine.errors import StoreError
from engine.store.ledger import store_error
from engine.store.migrations import APPLICATION_ID, MIGRATIONS

BUSY_TIMEOUT_S = 30.0


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open a store's file with its pragmas; a writer creates and migrates it.

    Errors: ``StoreError`` for a file that is damaged, foreign, newer, locked or not accessible.
    """
    try:
        return _open_for_reading(path) if read_only else _open(path)
    except OSError as problem:
        raise StoreError(
            f"the store {path} cannot be opened: {problem.strerror}",
            code="store-unopened",
            hint="Check the home folder's owner and mode, or choose another with --home.",
        ) from problem
    except sqlite3.Error as problem:
        raise store_error(problem, str(path)) from problem


def _open(path: Path) -> sqlite3.Connection:
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    db = _sqlite(path)
    try:
        _check_version(db, path)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        _migrate(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _open_for_reading(path: Path) -> sqlite3.Connection:
    db = _sqlite(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        db.execute("PRAGMA query_only = 1")
        if _check_version(db, path) < len(MIGRATIONS):
            # Made or migrated by nobody yet: only a writer can.
            _open(path).close()
    except BaseException:
        db.close()
        raise
    return db


def _sqlite(name: str | Path, uri: bool = False) -> sqlite3.Connection:
    return sqlite3.connect(
        name, uri=uri, isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT_S
    )


def _check_version(db: sqlite3.Connection, path: Path) -> int:
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    owner = int(db.execute("PRAGMA application_id").fetchone()[0])
    empty = db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None
    if owner != APPLICATION_ID and not (empty and owner == 0):
        raise StoreError(
            f"{path} is the SQLite file of another program",
            code="store-foreign",
            hint="Move the file aside, or choose another home with --home.",
        )
    if version > len(MIGRATIONS):
        raise StoreError(
            f"the store {path} was written by a newer PipeTUI (schema {version})",
            code="store-too-new",
            hint="Upgrade PipeTUI, or choose another home with --home.",
        )
    return version


def _migrate(db: sqlite3.Connection, path: Path) -> None:
    if _check_version(db, path) == len(MIGRATIONS):
        return
    db.execute("BEGIN IMMEDIATE")
    # Another process may have migrated while this one waited for the lock.
    for number in range(_check_version(db, path), len(MIGRATIONS)):
        for statement in filter(str.strip, MIGRATIONS[number].split(";")):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {number + 1}")
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute("COMMIT")
