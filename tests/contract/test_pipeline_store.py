"""Pipelines in every event store: made by starts and by requests, rebuilt from events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.errors import CommandRejected, NotFound
from engine.model.events import PipelineCreated, PipelineUpdated
from engine.model.pipelines import PipelineView
from engine.pipelines import changes
from engine.store import queries
from engine.store.base import EventStore
from engine.store.connection import connect
from engine.store.migrations import MIGRATIONS
from engine.store.sqlite import SqliteStore
from tests.contract.event_stores import Processes, create, opened


@pytest.fixture(params=["sqlite", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EventStore]:
    async with opened(request.param, tmp_path, Processes()) as made:
        yield made


async def make(store: EventStore, name: str = "Abalone", content: str = "c1") -> PipelineView:
    fact = PipelineCreated(name, f"text {content}", content, max_parallel=3)
    return await store.change_pipeline(
        name, lambda view: changes.create(view, fact), "{}", at=5.0, actor="ann"
    )


async def version_of(store: EventStore, execution_id: str) -> int:
    return (await store.state(execution_id)).execution.pipeline_version


async def numbers(store: EventStore, name: str = "abalone") -> list[int]:
    view = await store.pipeline(name)
    return [one.number for one in view.versions] if view else []


async def test_starts_share_a_version_until_the_content_differs(store: EventStore) -> None:
    for execution_id, content, version in (
        ("a", "c1", 1), ("b", "c1", 1), ("c", "c2", 2), ("d", "c1", 3),
    ):  # fmt: skip
        await create(store, execution_id, definition=execution_id, content=content)
        assert await version_of(store, execution_id) == version
    assert await numbers(store) == [1, 2, 3]


async def test_a_version_that_is_asked_for_makes_none(store: EventStore) -> None:
    await create(store, "a", content="c1")
    await create(store, "b", content="c2")
    await create(store, "c", content="c1", pipeline_version=1)
    assert await version_of(store, "c") == 1
    assert await numbers(store) == [1, 2]


async def test_the_same_token_makes_no_version(store: EventStore) -> None:
    await create(store, "a", content="c1", token="t" * 32)
    await create(store, "b", content="c1", token="t" * 32)
    assert await numbers(store) == [1]


async def test_created_pipelines_and_starts_share_one_count(store: EventStore) -> None:
    made = await make(store)
    assert (made.max_parallel, made.created_by, made.created_at) == (3, "ann", 5.0)
    await create(store, "a", content="c1")
    await create(store, "b", content="c2")
    fact = PipelineUpdated("ABALONE", "text c3", "c3")
    changed = await store.change_pipeline(
        "ABALONE", lambda view: changes.update(view, fact), "{3}", at=6.0, actor="bob"
    )
    assert [one.number for one in changed.versions] == [1, 2, 3]
    assert await store.definition("text c3") == "{3}"
    assert [await version_of(store, one) for one in "ab"] == [1, 2]


async def test_a_refused_change_leaves_nothing_behind(store: EventStore) -> None:
    await make(store)
    events = await store.events("")
    with pytest.raises(CommandRejected):
        await make(store)
    with pytest.raises(NotFound):
        await store.change_pipeline(
            "nope", lambda view: changes.delete(view, "nope"), at=6.0, actor="ann"
        )
    assert await store.events("") == events


async def test_of_two_that_create_a_name_one_wins(store: EventStore) -> None:
    done = await asyncio.gather(*(make(store) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(one, PipelineView) for one in done) == 1


async def test_pipelines_are_the_fold_of_the_events(store: EventStore) -> None:
    await make(store)
    await create(store, "a", content="c2")
    await make(store, "other", "c9")
    before = [await store.pipeline(name) for name in ("abalone", "other")]
    await store.rebuild()
    assert [await store.pipeline(name) for name in ("abalone", "other")] == before


async def test_a_store_from_before_pipelines_opens_and_its_runs_have_no_version(
    tmp_path: Path,
) -> None:
    path = tmp_path / "pipetui.db"
    with closing(connect(path)) as db:
        for table in ("pipeline", "request"):
            db.execute(f"DROP TABLE {table}")
        db.execute("PRAGMA user_version = 1")
        db.execute(
            "INSERT INTO event (execution_id, step, at, actor, kind, data) VALUES ('old', '', 1.0,"
            """ 'ann', 'ExecutionCreated', '{"pipeline": "Abalone", "definition": "d","""
            """ "parameters": {}, "steps": []}')"""
        )
    store = await SqliteStore.open(path, Processes())
    try:
        await store.rebuild()
        assert await version_of(store, "old") == 0
        assert await store.pipeline("abalone") is None
        await create(store, "new", content="c1", pipeline="Abalone")
        assert await version_of(store, "new") == 1
    finally:
        await store.close()
    with closing(connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert [one.name for one in queries.pipelines(db)] == ["Abalone"]
        assert [one.id for one in queries.executions_of(db, queries.pipelines(db)[0])] == [
            "new",
            "old",
        ]


async def test_pipelines_from_before_they_had_tags_open_and_take_some(tmp_path: Path) -> None:
    path = tmp_path / "pipetui.db"
    store = await SqliteStore.open(path, Processes())
    await make(store)
    await store.close()
    with closing(connect(path)) as db:
        for table, column, kept in (("pipeline", "view", 1), ("event", "data", 1)):
            changed = db.execute(
                f"UPDATE {table} SET {column} ="
                f" CAST(json_remove(CAST({column} AS TEXT), '$.tags') AS BLOB)"
                f" WHERE json_extract(CAST({column} AS TEXT), '$.tags') IS NOT NULL"
            )
            assert changed.rowcount == kept
        db.execute("PRAGMA user_version = 2")
    store = await SqliteStore.open(path, Processes())
    try:
        for _ in range(2):
            view = await store.pipeline("abalone")
            assert view is not None and view.tags == {}
            await store.rebuild()
        tagged = PipelineUpdated("abalone", tags={"team": "fraud"})
        await store.change_pipeline(
            "abalone", lambda view: changes.update(view, tagged), "", at=6.0, actor="ann"
        )
        view = await store.pipeline("abalone")
        assert view is not None and view.tags == {"team": "fraud"}
    finally:
        await store.close()


async def test_an_answer_is_kept_once(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "pipetui.db", Processes())
    try:
        assert await store.answered("t") is None
        await store.keep_answer("t", "first", b"1")
        await store.keep_answer("t", "second", b"2")
        assert await store.answered("t") == ("first", b"1")
    finally:
        await store.close()
