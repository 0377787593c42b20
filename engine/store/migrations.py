"""The schema as data: one script per version, applied in order, never edited once released."""

from __future__ import annotations

APPLICATION_ID = 0x50495045
"""``PIPE``: tells a PipeTUI store from any other SQLite file."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE event (
        seq INTEGER PRIMARY KEY,
        execution_id TEXT NOT NULL,
        step TEXT NOT NULL,
        at REAL NOT NULL,
        actor TEXT NOT NULL,
        kind TEXT NOT NULL,
        data BLOB NOT NULL
    );
    CREATE INDEX event_by_execution ON event (execution_id, seq);

    CREATE TABLE definition (sha TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;

    CREATE TABLE execution (
        id TEXT PRIMARY KEY,
        pipeline TEXT NOT NULL,
        status TEXT NOT NULL,
        created_at REAL NOT NULL,
        token TEXT NOT NULL,
        seq INTEGER NOT NULL,
        view BLOB NOT NULL
    );
    CREATE INDEX execution_by_time ON execution (created_at);
    CREATE UNIQUE INDEX execution_by_token ON execution (token) WHERE token <> '';

    CREATE TABLE step (
        execution_id TEXT NOT NULL,
        position INTEGER NOT NULL,
        name TEXT NOT NULL,
        cache TEXT NOT NULL,
        seq INTEGER NOT NULL,
        view BLOB NOT NULL,
        PRIMARY KEY (execution_id, position)
    );
    CREATE INDEX step_by_cache ON step (name, seq) WHERE cache <> '';

    CREATE TABLE lease (
        execution_id TEXT PRIMARY KEY,
        epoch INTEGER NOT NULL,
        held INTEGER NOT NULL,
        pid INTEGER NOT NULL,
        start_ticks INTEGER NOT NULL,
        boot_id TEXT NOT NULL,
        host TEXT NOT NULL
    );

    CREATE TABLE command (
        id INTEGER PRIMARY KEY,
        execution_id TEXT NOT NULL,
        at REAL NOT NULL,
        actor TEXT NOT NULL,
        kind TEXT NOT NULL,
        data BLOB NOT NULL,
        state TEXT NOT NULL,
        result TEXT NOT NULL
    );
    CREATE INDEX command_waiting ON command (execution_id, id) WHERE state = 'pending';

    CREATE TABLE model_package (
        arn TEXT PRIMARY KEY,
        package_group TEXT NOT NULL,
        version INTEGER NOT NULL,
        key TEXT NOT NULL UNIQUE,
        seq INTEGER NOT NULL,
        view BLOB NOT NULL,
        UNIQUE (package_group, version)
    );
    """,
    """
    CREATE TABLE pipeline (key TEXT PRIMARY KEY, seq INTEGER NOT NULL, view BLOB NOT NULL)
        WITHOUT ROWID;

    CREATE TABLE request (
        token TEXT PRIMARY KEY,
        digest TEXT NOT NULL,
        answer BLOB NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    UPDATE execution SET view = CAST(json_set(
        CAST(view AS TEXT),
        '$.steps_skipped', (
            SELECT count(*) FROM step WHERE step.execution_id = execution.id
            AND json_extract(CAST(step.view AS TEXT), '$.status') = 'Skipped'
        ),
        '$.steps_stopped', (
            SELECT count(*) FROM step WHERE step.execution_id = execution.id
            AND json_extract(CAST(step.view AS TEXT), '$.status') = 'Stopped'
        ),
        '$.steps_cached', (
            SELECT count(*) FROM step WHERE step.execution_id = execution.id
            AND json_extract(CAST(step.view AS TEXT), '$.status') = 'Succeeded'
            AND json_extract(CAST(step.view AS TEXT), '$.action') = 'cached'
        )
    ) AS BLOB);
    """,
)
