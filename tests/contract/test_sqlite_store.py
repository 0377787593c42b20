"""What the event store on SQLite keeps to beyond what every event store does."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.errors import CommandRejected, NotFound, StoreError
from engine.model.commands import CommandState, StopExecution
from engine.model.events import ModelApprovalChanged, StepProgressed, StepStarted, StepSucceeded
from engine.model.fold import fold
from engine.model.status import ApprovalStatus, StepStatus
from engine.store import queries
from engine.store.base import Lease, Settlement
from engine.store.connection import connect
from engine.store.migrations import MIGRATIONS
from engine.store.sqlite import SqliteStore
from tests.contract.event_stores import (
    OTHER,
    Processes,
    append,
    create,
    leased,
    opened,
    package,
    same,
)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def processes() -> Processes:
    return Processes()


@pytest.fixture
async def on_disk(tmp_path: Path, processes: Processes) -> AsyncIterator[SqliteStore]:
    async with opened("sqlite", tmp_path, processes) as made:
        assert isinstance(made, SqliteStore)
        yield made


def rows(path: Path) -> dict[str, list[Any]]:
    with closing(connect(path, read_only=True)) as db:
        return {
            table: db.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            for table in ("execution", "step", "model_package")
        }


async def test_rebuilding_gives_the_same_rows_in_every_projection(
    on_disk: SqliteStore, tmp_path: Path
) -> None:
    lease = await leased(on_disk, "one")
    await create(on_disk, "two", token="t" * 40)
    await append(on_disk, lease, StepStarted("Train", 1, {"a": 1.5}), StepSucceeded("Train"))
    for key, group in (("a", "g"), ("b", "G"), ("c", "")):
        made = await on_disk.register(lease, package(key, group), at=3.0, actor="ann")
        approved = ModelApprovalChanged(made.arn, made.approval, ApprovalStatus.APPROVED)
        await on_disk.decide(approved, at=4.0, actor="ann")
    before = rows(tmp_path / "pipetui.db")
    assert all(before.values())
    await on_disk.rebuild()
    assert rows(tmp_path / "pipetui.db") == before


async def test_a_state_read_before_another_process_wrote_is_read_again(
    on_disk: SqliteStore, tmp_path: Path, processes: Processes
) -> None:
    await create(on_disk)
    await on_disk.state("run")
    async with opened("sqlite", tmp_path, processes) as other:
        await append(other, await leased(other), StepStarted("Train", 1))
    assert (await on_disk.state("run")).steps["Train"].status is StepStatus.STARTING


async def test_settled_commands_keep_what_became_of_them(
    on_disk: SqliteStore, tmp_path: Path
) -> None:
    lease = await leased(on_disk)
    number = await on_disk.send("run", StopExecution(), at=3.0, actor="ann")
    with closing(connect(tmp_path / "pipetui.db", read_only=True)) as db:
        assert queries.command_outcome(db, number) == (CommandState.PENDING, "")
        settled = [Settlement(number, CommandState.REJECTED, "too late")]
        await on_disk.append(lease, [], at=4.0, actor="runner", settled=settled)
        assert queries.command_outcome(db, number) == (CommandState.REJECTED, "too late")


@pytest.mark.parametrize(
    ("kind", "data"), [("FlyExecution", b"{}"), ("StopExecution", b'{"reason": 5}')]
)
async def test_a_command_of_a_newer_version_is_left_alone(
    on_disk: SqliteStore, tmp_path: Path, kind: str, data: bytes
) -> None:
    await create(on_disk)
    with closing(connect(tmp_path / "pipetui.db")) as db:
        db.execute(
            "INSERT INTO command VALUES (1, 'run', 1.0, 'ann', ?, ?, 'pending', '')", (kind, data)
        )
    assert await on_disk.commands("run") == []


async def test_an_execution_is_found_by_id_prefix_arn_and_newest(
    on_disk: SqliteStore, tmp_path: Path
) -> None:
    for name in ("abc", "abcd", "abce", "abcf", "xyz"):
        await create(on_disk, name)
    arn = (await on_disk.state("abcd")).execution.arn
    with closing(connect(tmp_path / "pipetui.db", read_only=True)) as db:
        found = {text: queries.find_execution(db, text) for text in ("abc", "x", arn, "@last")}
        assert found == {"abc": "abc", "x": "xyz", arn: "abcd", "@last": "xyz"}
        with pytest.raises(CommandRejected):
            queries.find_execution(db, "ab")
        for nothing in ("q", "", "%"):
            with pytest.raises(NotFound):
                queries.find_execution(db, nothing)


async def test_a_package_is_found_by_arn_group_and_version(
    on_disk: SqliteStore, tmp_path: Path
) -> None:
    made = await on_disk.register(await leased(on_disk), package("a", "Aba"), at=3.0, actor="ann")
    with closing(connect(tmp_path / "pipetui.db", read_only=True)) as db:
        for text in (made.arn, "Aba/1", "aba/1", "Aba:1"):
            assert queries.find_package(db, text) == made
        for nothing in ("Aba/2", "Aba", ""):
            with pytest.raises(NotFound):
                queries.find_package(db, nothing)


def test_an_empty_file_becomes_a_store_with_the_newest_schema(tmp_path: Path) -> None:
    path = tmp_path / "pipetui.db"
    path.touch()
    with closing(connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        full = 2
        assert db.execute("PRAGMA synchronous").fetchone() == (full,)
        assert queries.executions(db) == []


def test_executions_from_before_steps_were_counted_by_how_they_ended_are_counted(
    tmp_path: Path,
) -> None:
    path = tmp_path / "pipetui.db"
    steps = [("Skipped", "run"), ("Stopped", "run"), ("Succeeded", "cached"), ("Failed", "run")]
    view = {"id": "a", "pipeline": "p", "status": "Failed", "created_at": 1.5, "steps_done": 4}
    with closing(connect(path)) as db:
        db.execute(
            "INSERT INTO execution VALUES ('a', 'p', 'Failed', 1.5, '', 1, ?)",
            (json.dumps({**view, "steps_failed": 1}).encode(),),
        )
        for position, (status, action) in enumerate(steps):
            one = {"status": status, "action": action}
            db.execute(
                "INSERT INTO step VALUES ('a', ?, ?, '', 1, ?)",
                (position, f"s{position}", json.dumps(one).encode()),
            )
        db.execute("PRAGMA user_version = 2")
    with closing(connect(path)) as db:
        found = queries.execution(db, "a")
    assert (found.steps_skipped, found.steps_stopped, found.steps_cached) == (1, 1, 1)
    assert (found.steps_succeeded, found.created_at) == (1, 1.5)


def test_a_reader_that_is_first_finds_an_empty_store(tmp_path: Path) -> None:
    path = tmp_path / "pipetui.db"
    path.touch()
    with closing(connect(path, read_only=True)) as db:
        assert queries.executions(db) == []
        with pytest.raises(sqlite3.OperationalError):
            db.execute("DELETE FROM event")


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def test_the_files_of_a_store_are_for_their_owner_alone(tmp_path: Path) -> None:
    with umask(0), closing(connect(tmp_path / "pipetui.db")) as db:
        db.execute("CREATE TABLE more (x)")
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("pipetui.db", "pipetui.db-wal", "pipetui.db-shm"), 0o600)


def make_newer(path: Path) -> None:
    with closing(connect(path)) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")


def make_foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (x)")


def make_text(path: Path) -> None:
    path.write_text("no database\n" * 100)


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize(
    ("make", "code"),
    [
        (make_newer, "store-too-new"),
        (make_foreign, "store-foreign"),
        (make_text, "store-corrupt"),
    ],
)
def test_a_file_that_is_no_store_of_ours_is_refused_and_left_alone(
    tmp_path: Path, make: Any, code: str, read_only: bool
) -> None:
    path = tmp_path / "pipetui.db"
    make(path)
    before = path.read_bytes()
    with pytest.raises(StoreError) as refusal:
        connect(path, read_only=read_only)
    assert refusal.value.code == code
    assert refusal.value.hint
    assert path.read_bytes() == before


async def test_the_store_tells_of_a_file_it_cannot_open(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as refusal:
        await SqliteStore.open(tmp_path / "missing" / "pipetui.db", Processes())
    assert refusal.value.code == "store-unopened"


async def test_a_damaged_page_is_an_error_with_a_way_out(
    tmp_path: Path, processes: Processes
) -> None:
    path = tmp_path / "pipetui.db"
    async with opened("sqlite", tmp_path, processes) as store:
        await append(store, await leased(store), StepStarted("Train", 1, "x" * 50_000))
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    damaged = path.read_bytes()
    with pytest.raises(StoreError) as problem:
        async with opened("sqlite", tmp_path, processes) as store:
            await store.events("")
    assert problem.value.code == "store-corrupt"
    assert ".recover" in problem.value.hint
    assert path.read_bytes() == damaged


async def test_a_full_disk_stops_writes_but_loses_nothing_and_goes_on(
    on_disk: SqliteStore, tmp_path: Path
) -> None:
    lease = await leased(on_disk)
    await limit_pages(on_disk, 60)
    written = 0
    with pytest.raises(StoreError) as problem:
        for number in range(1, 1000):
            await append(on_disk, lease, StepStarted("Train", number, "x" * 4000))
            written = number
    assert problem.value.code == "store-full"
    assert written > 0
    assert (await on_disk.state("run")).steps["Train"].attempt == written
    await limit_pages(on_disk, 1 << 30)
    await append(on_disk, lease, StepStarted("Train", written + 1))
    state = await on_disk.state("run")
    assert state.steps["Train"].attempt == written + 1
    assert same(state, fold(await on_disk.events("run")))
    assert sound(tmp_path / "pipetui.db")


async def test_a_locked_store_is_an_error_and_works_on_when_it_is_free(
    on_disk: SqliteStore, tmp_path: Path
) -> None:
    lease = await leased(on_disk)
    raw = on_disk._connection.raw
    await on_disk._connection.run(raw.execute, "PRAGMA busy_timeout = 20")
    with closing(connect(tmp_path / "pipetui.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError) as problem:
            await append(on_disk, lease, StepStarted("Train", 1))
        assert problem.value.code == "store-locked"
        assert (await on_disk.state("run")).steps["Train"].status is StepStatus.WAITING
        other.execute("ROLLBACK")
    await append(on_disk, lease, StepStarted("Train", 1))
    assert same(await on_disk.state("run"), fold(await on_disk.events("run")))


async def limit_pages(store: SqliteStore, pages: int) -> None:
    """Make SQLite find the disk full beyond so many pages."""
    raw = store._connection.raw
    await store._connection.run(raw.execute, f"PRAGMA max_page_count = {pages}")


def sound(path: Path) -> bool:
    with closing(connect(path)) as db:
        return bool(db.execute("PRAGMA integrity_check").fetchall() == [("ok",)])


# Processes

WRITER = """
import asyncio, sys
from pathlib import Path
from engine.model.events import StepProgressed
from engine.store.base import Holder
from engine.store.sqlite import SqliteStore
from tests.unit.model.facts import CREATED

async def main(path, execution, count):
    store = await SqliteStore.open(Path(path), lambda holder: False)
    await store.create(execution, CREATED, "{}", at=1.0, actor="ann")
    lease = await store.acquire(execution, Holder(1, 1, "boot", "host"), at=1.0)
    for number in range(int(count)):
        await store.append(
            lease, [StepProgressed("Train", str(number))], at=2.0, actor="runner"
        )
        print(number, flush=True)
    await store.close()

asyncio.run(main(*sys.argv[1:]))
"""
REFUSED = """
import sys
from pathlib import Path
from engine.errors import StoreError
from engine.store.connection import connect
try:
    connect(Path(sys.argv[1]))
except StoreError as problem:
    print(problem.code)
"""


def python(program: str, *arguments: str, before: Sequence[str] = ()) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*before, sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


async def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "pipetui.db"
    names, count = ("one", "two", "three"), 40
    writers = [python(WRITER, str(path), name, str(count)) for name in names]
    for writer in writers:
        said, _ = writer.communicate(timeout=60)
        assert writer.returncode == 0
        assert len(said.split()) == count
    async with opened("sqlite", tmp_path, Processes()) as store:
        everything = await store.events("")
        assert [event.seq for event in everything] == list(range(1, len(everything) + 1))
        for name in names:
            events = await store.events(name)
            told = [e.fact.doing for e in events if isinstance(e.fact, StepProgressed)]
            assert told == [str(number) for number in range(count)]
            assert same(await store.state(name), fold(events))


async def test_a_writer_that_is_killed_loses_no_acknowledged_event(tmp_path: Path) -> None:
    path = tmp_path / "pipetui.db"
    writer = python(WRITER, str(path), "run", "1000000")
    assert writer.stdout is not None
    for _ in range(100):
        assert writer.stdout.readline()
    writer.send_signal(signal.SIGKILL)
    rest, _ = writer.communicate(timeout=60)
    acknowledged = 100 + rest.count("\n")
    assert sound(path)
    async with opened("sqlite", tmp_path, Processes()) as store:
        events = await store.events("run", limit=1_000_000)
        told = [e.fact.doing for e in events if isinstance(e.fact, StepProgressed)]
        assert told == [str(number) for number in range(len(told))]
        assert len(told) >= acknowledged
        assert same(await store.state("run"), fold(events))
        takeover = await store.acquire("run", OTHER, at=9.0)
        assert takeover == Lease("run", 2)


def test_a_home_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    bound: list[str] = []
    if os.geteuid() == 0:
        bound = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
        if subprocess.run([*bound, "true"], capture_output=True, check=False).returncode:
            pytest.skip("root cannot give up its rights here")
    tmp_path.chmod(0o500)
    try:
        child = python(REFUSED, str(tmp_path / "pipetui.db"), before=bound)
        said, _ = child.communicate(timeout=60)
    finally:
        tmp_path.chmod(0o700)
    assert said.strip() == "store-unopened"
    assert list(tmp_path.iterdir()) == []
