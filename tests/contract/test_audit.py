"""What people did is on record: every source hands it on, and the command line prints it."""

from __future__ import annotations

import io
import json
from contextlib import closing, redirect_stdout
from pathlib import Path

import pytest

import engine.api as api
from engine.home import Home
from engine.model import events as e
from engine.model.status import ExecutionStatus
from engine.runner.process import this_process
from engine.sources.local import LocalSource
from engine.store.connection import connect
from engine.store.ledger import Ledger
from pipetui.cli import main

FIRST, SECOND = "aaaa00000000", "bbbb00000000"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home in which one execution was stopped and a second one made of it."""
    home = Home(tmp_path / "home").prepare()
    with closing(connect(home.database)) as db:
        ledger = Ledger(db, lambda holder: False)
        steps = (e.StepDeclared("A", "Processing"),)
        created = e.ExecutionCreated("churn", "0" * 64, {}, steps)
        ledger.create(FIRST, created, "{}", 1.0, "ana@build")
        lease = ledger.acquire(FIRST, this_process(), 2.0)
        assert lease is not None
        ledger.append(lease, [e.StepStarted("A", 1), e.StepExecuting("A", 1)], 3.0, "runner")
        ledger.append(lease, [e.StopRequested("wrong data")], 4.0, "ben@build")
        ledger.append(lease, [e.ExecutionEnded(ExecutionStatus.STOPPED)], 5.0, "runner")
        ledger.release(lease)
        again = e.ExecutionCreated("churn", "0" * 64, {}, steps, source_execution=FIRST)
        ledger.create(SECOND, again, "{}", 6.0, "ana@build")
    return home


async def test_actions_are_those_of_people_newest_first_and_paged(home: Home) -> None:
    source = await LocalSource.open(home)
    try:
        found = await source.actions()
        kinds = [(one.kind, one.actor) for one in found if not one.kind.startswith("Pipeline")]
        assert kinds == [
            ("ExecutionCreated", "ana@build"),
            ("StopRequested", "ben@build"),
            ("ExecutionCreated", "ana@build"),
        ]
        one = await source.actions(limit=1)
        rest = await source.actions(before=one[0].seq)
        assert [*one, *rest] == found
    finally:
        await source.close()
    with closing(api.open_reader(home)) as reader:
        assert reader.actions() == found


def test_the_command_says_who_did_what_to_which_execution(home: Home) -> None:
    said = io.StringIO()
    with redirect_stdout(said):
        assert main(["--home", str(home.root), "audit", "-o", "json"]) == 0
    actions = [one for one in json.loads(said.getvalue())["Actions"] if one["execution"]]
    assert [(one["who"], one["did"], one["target"]) for one in actions] == [
        ("ana@build", "rerun", "churn/bbbb"),
        ("ben@build", "stopped", "churn/aaaa"),
        ("ana@build", "started", "churn/aaaa"),
    ]
    assert actions[1]["comment"] == "wrong data"
    assert actions[1]["at"] == "1970-01-01T00:00:04.000Z"


def test_as_lines_the_command_gives_the_newest(home: Home) -> None:
    said = io.StringIO()
    with redirect_stdout(said):
        assert main(["--home", str(home.root), "audit", "-n", "1", "-o", "jsonl"]) == 0
    [line] = said.getvalue().splitlines()
    assert json.loads(line)["target"] == "churn/bbbb"
