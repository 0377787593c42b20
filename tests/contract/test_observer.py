"""What every observer keeps to, whatever takes the events in the end; then each one's own."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from junitparser import Error, Failure, JUnitXml, Skipped

from engine.config import Config
from engine.delivery import DeliveryError
from engine.errors import ConfigError
from engine.model import events as e
from engine.model.status import ExecutionStatus
from engine.observers.base import Json, News, Observer, Position, Subject, position_of
from engine.observers.discovery import asked_for, make
from engine.observers.jsonl import JsonlObserver
from engine.observers.told import FOLDER
from engine.observers.webhook import webhook_observer
from engine.sources.aws_shapes import StatusChanges, describe_execution, list_steps
from tests.unit.model.facts import CREATED, numbered

FACTS: tuple[e.Fact, ...] = (
    CREATED,
    e.RunnerAttached(1, 1, "host"),
    e.StepStarted("Prepare", 1, {}),
    e.StepExecuting("Prepare", 1),
    e.StepSucceeded("Prepare", {}, {"ProcessingJob": {"Arn": "arn:p"}}),
    e.StepStarted("Train", 1, {}, "/home/Train.1"),
    e.StepFailed("Train", "AlgorithmError: no \x1b[31mrows\nat all", "algorithm-error"),
    e.StepBlocked("Evaluate", "Train failed"),
    e.ExecutionEnded(ExecutionStatus.FAILED, "Step failure"),
)


def changes(facts: Sequence[e.Fact] = FACTS) -> tuple[list[Json], StatusChanges]:
    """The events that facts make, and the state after them."""
    told = StatusChanges()
    return [change for event in numbered(facts) for change in told.take(event)], told


EVENTS, ENDED = changes()


def describe(told: StatusChanges = ENDED) -> Json:
    """An execution as its subject describes it."""
    assert told.state is not None
    view = told.state.execution
    return {**describe_execution(view), **list_steps(view, told.state.steps.values())}


class Hooks:
    """A loopback web server: keeps what was POSTed, and answers as it is told, 200 by default."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.types: list[str] = []
        self.answers: list[int] = []
        self.hold = threading.Event()
        self.hold.set()
        hooks = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hooks.hold.wait()
                status = hooks.answers.pop(0) if hooks.answers else 200
                if status < 300:
                    hooks.bodies.append(json.loads(body))
                    hooks.types.append(self.headers["Content-Type"])
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                hooks.bodies.append("GET")
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing on the test's own output."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self.hold.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    hooks = Hooks()
    yield hooks
    hooks.close()


class Stage:
    """An observer of one kind, as one runner after the other opens it."""

    def __init__(self, name: str, folder: Path, hooks: Hooks) -> None:
        self.name = name
        self._file = folder / "events.jsonl"
        self._hooks = hooks
        config = Config(observers_timeout_s=5.0)
        if name == "command":
            script = f"cat >> {self._file}; echo $PIPETUI_HOME > {folder}/home"
            config = replace(config, observers_command=("sh", "-c", script))
        elif name == "webhook":
            config = replace(config, observers_webhook=hooks.url)
        self.subject = Subject(folder / "home", folder, config, describe)

    def open(self) -> Observer:
        return make(self.name, self.subject)

    def taken(self) -> list[Json]:
        """What has arrived."""
        if self.name == "webhook":
            return self._hooks.bodies
        return [json.loads(line) for line in self._file.read_text().splitlines()]


@pytest.fixture(params=["jsonl", "command", "webhook"])
def stage(request: pytest.FixtureRequest, tmp_path: Path, hooks: Hooks) -> Stage:
    return Stage(request.param, tmp_path, hooks)


async def tell(observer: Observer, events: Sequence[Json]) -> None:
    """What a runner does that begins: tells everything that is news."""
    news = News(observer.position())
    await observer.observe([event for event in events if news(event)])


# Every observer that hands events on


async def test_events_arrive_whole_and_in_order(stage: Stage) -> None:
    await tell(stage.open(), EVENTS)
    assert stage.taken() == EVENTS


async def test_a_new_observer_begins_at_the_beginning(stage: Stage) -> None:
    assert stage.open().position() == Position()


@pytest.mark.parametrize("told", range(len(EVENTS) + 1))
async def test_the_next_runner_tells_what_its_predecessor_did_not(stage: Stage, told: int) -> None:
    await tell(stage.open(), EVENTS[:told])
    assert stage.open().position() == (position_of(EVENTS[told - 1]) if told else Position())
    await tell(stage.open(), EVENTS)
    assert stage.taken() == EVENTS


async def test_events_in_several_goes_arrive_like_events_in_one(stage: Stage) -> None:
    observer = stage.open()
    observer.position()
    for event in EVENTS:
        await observer.observe([event])
    assert stage.taken() == EVENTS


# What is news


@given(st.integers(0, len(EVENTS)))
def test_news_is_what_comes_after_the_position(told: int) -> None:
    news = News(position_of(EVENTS[told - 1]) if told else Position())
    assert [event for event in EVENTS if news(event)] == EVENTS[told:]


def test_events_of_one_sequence_are_told_apart_by_their_ids() -> None:
    events = [{"id": id, "Local": {"Sequence": number}} for number, id in
              [(1, "a"), (2, "b"), (2, "c"), (2, "d"), (3, "e")]]  # fmt: skip
    news = News(Position(2, "c"))
    assert [event["id"] for event in events if news(event)] == ["d", "e"]


def test_an_id_that_does_not_come_again_hides_no_later_event() -> None:
    news = News(Position(2, "from an earlier version"))
    events = [{"id": "x", "Local": {"Sequence": number}} for number in (1, 2, 3, 4)]
    assert [news(event) for event in events] == [False, False, True, True]


# The file


async def whole(folder: Path) -> bytes:
    """The file after all events."""
    await tell(JsonlObserver(Subject(folder, folder, Config(), describe)), EVENTS)
    return (folder / "events.jsonl").read_bytes()


async def test_lines_cut_anywhere_are_written_again_once(tmp_path: Path) -> None:
    data = await whole(tmp_path)
    file = tmp_path / "events.jsonl"
    line = data.index(b"\n", data.index(b"\n") + 1) + 1
    for cut in (*range(1, 40), *range(line - 3, line + 3), len(data) - 1, len(data)):
        file.write_bytes(data[:cut])
        assert await whole(tmp_path) == data


@pytest.mark.parametrize("left", [b"\0" * 4096, b"\0" * 70_000 + b"\n", b"{}\n", b"[1]\n", b"\n"])
async def test_what_a_lost_host_left_behind_is_cut_off(tmp_path: Path, left: bytes) -> None:
    data = await whole(tmp_path)
    (tmp_path / "events.jsonl").write_bytes(data + left)
    assert await whole(tmp_path) == data


async def test_a_runner_that_was_replaced_writes_no_more(tmp_path: Path) -> None:
    subject = Subject(tmp_path, tmp_path, Config(), describe)
    frozen = JsonlObserver(subject)
    frozen.position()
    data = await whole(tmp_path)
    with pytest.raises(DeliveryError, match="somebody else"):
        await frozen.observe(EVENTS[:1])
    assert (tmp_path / "events.jsonl").read_bytes() == data


async def test_the_file_is_private_and_never_a_link(tmp_path: Path) -> None:
    await whole(tmp_path)
    file = tmp_path / "events.jsonl"
    assert file.stat().st_mode & 0o777 == 0o600
    file.rename(tmp_path / "target")
    file.symlink_to(tmp_path / "target")
    with pytest.raises(DeliveryError):
        await whole(tmp_path)


# Programs


def kept(folder: Path, name: str) -> Json:
    """What an observer remembers."""
    found: Json = json.loads((folder / FOLDER / f"{name}.json").read_text())
    return found


async def test_a_program_finds_the_home_in_its_environment(tmp_path: Path, hooks: Hooks) -> None:
    stage = Stage("command", tmp_path, hooks)
    await tell(stage.open(), EVENTS[:1])
    assert (tmp_path / "home").read_text() == f"{tmp_path / 'home'}\n"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo once >> {seen}; echo it is broken >&2; exit 7", "exited with 7: it is broken"),
        ("echo once >> {seen}; sleep 600", "took longer than 0.3 s"),
        ("echo once >> {seen}; kill -9 $$", "exited with -9"),
    ],
)
async def test_a_program_that_fails_is_on_record_and_told_the_next_event(
    tmp_path: Path, script: str, words: str
) -> None:
    seen = tmp_path / "seen"
    command = ("sh", "-c", script.format(seen=seen))
    config = Config(observers_command=command, observers_timeout_s=0.3)
    observer = make("command", Subject(tmp_path, tmp_path, config, describe))
    await tell(observer, EVENTS[:2])
    assert seen.read_text() == "once\n" * 2
    about = kept(tmp_path, "command")
    assert about["Failed"] == 2 and words in about["LastError"]
    assert observer.position() == position_of(EVENTS[1])


async def test_a_program_that_is_not_there_is_on_record(tmp_path: Path) -> None:
    config = Config(observers_command=(str(tmp_path / "missing"),))
    await tell(make("command", Subject(tmp_path, tmp_path, config, describe)), EVENTS[:1])
    assert "cannot be started" in kept(tmp_path, "command")["LastError"]


async def test_a_program_that_reads_nothing_or_leaves_children_holds_nobody(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    config = Config(observers_command=("sh", "-c", f"sleep 600 & echo $! > {pid}"))
    await tell(make("command", Subject(tmp_path, tmp_path, config, describe)), EVENTS[:1])
    assert kept(tmp_path, "command")["Failed"] == 0
    os.kill(int(pid.read_text()), signal.SIGKILL)


async def test_only_the_statuses_that_were_asked_for_are_told(tmp_path: Path, hooks: Hooks) -> None:
    config = Config(observers_webhook=hooks.url, observers_only=("Failed",))
    observer = make("webhook", Subject(tmp_path, tmp_path, config, describe))
    await tell(observer, EVENTS)
    assert [event["detail"].get("stepName", "") for event in hooks.bodies] == ["Train", ""]
    assert observer.position() == position_of(EVENTS[-1])


# Web


def web(folder: Path, url: str, timeout_s: float = 5.0) -> Observer:
    """A webhook that tries three times, without pauses."""
    config = Config(observers_webhook=url, observers_timeout_s=timeout_s)
    return webhook_observer(Subject(folder, folder, config, describe), (0.0, 0.0))


async def test_an_event_is_posted_again_until_it_is_taken(tmp_path: Path, hooks: Hooks) -> None:
    hooks.answers = [500, 503]
    await tell(web(tmp_path, hooks.url), EVENTS[:2])
    assert hooks.bodies == EVENTS[:2]
    assert hooks.types == ["application/json"] * 2
    assert kept(tmp_path, "webhook")["Failed"] == 0


@pytest.mark.parametrize("answer", [500, 404, 302])
async def test_an_event_that_is_never_taken_is_on_record_and_the_next_one_sent(
    tmp_path: Path, hooks: Hooks, answer: int
) -> None:
    hooks.answers = [answer] * 3
    await tell(web(tmp_path, hooks.url), EVENTS[:2])
    assert hooks.bodies == EVENTS[1:2]
    about = kept(tmp_path, "webhook")
    assert about["Failed"] == 1 and str(answer) in about["LastError"]


async def test_a_server_that_does_not_answer_is_given_up(tmp_path: Path, hooks: Hooks) -> None:
    hooks.hold.clear()
    await tell(web(tmp_path, hooks.url, timeout_s=0.1), EVENTS[:1])
    assert "did not answer within 0.1 s" in kept(tmp_path, "webhook")["LastError"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "nonsense", "ftp://", "http://[", ""])
async def test_a_url_that_leads_nowhere_is_on_record(tmp_path: Path, url: str) -> None:
    await tell(web(tmp_path, url), EVENTS[:1])
    assert kept(tmp_path, "webhook")["Failed"] == 1


# The report


def subject(folder: Path, told: StatusChanges = ENDED) -> Subject:
    return Subject(folder, folder, Config(), lambda: describe(told))


async def test_the_report_has_a_case_for_every_step(tmp_path: Path) -> None:
    await tell(make("junit", subject(tmp_path)), EVENTS)
    (suite,) = JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    assert (suite.name, suite.tests, suite.failures, suite.skipped) == ("abalone", 3, 1, 1)
    cases = {case.name: case for case in suite}
    assert list(cases) == ["Prepare", "Train", "Evaluate"]
    assert cases["Prepare"].result == [] and cases["Prepare"].time == 2.0
    (failure,) = cases["Train"].result
    assert isinstance(failure, Failure) and failure.type == "algorithm-error"
    assert failure.message == "AlgorithmError: no \N{REPLACEMENT CHARACTER}[31mrows"
    assert failure.text.endswith("at all\n/home/Train.1")
    (skipped,) = cases["Evaluate"].result
    assert isinstance(skipped, Skipped) and skipped.message == "Train failed"


async def test_a_step_that_was_stopped_is_an_error_of_the_report(tmp_path: Path) -> None:
    facts = (
        *FACTS[:3],
        e.StepStopped("Prepare", "stopped"),
        e.ExecutionEnded(ExecutionStatus.STOPPED),
    )
    events, told = changes(facts)
    await tell(make("junit", subject(tmp_path, told)), events)
    (suite,) = JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    assert {case.name: list(map(type, case.result)) for case in suite}["Prepare"] == [Error]


async def test_an_execution_that_goes_on_has_no_report(tmp_path: Path) -> None:
    await tell(make("junit", subject(tmp_path)), EVENTS[:-1])
    assert not (tmp_path / "junit.xml").exists()


# Which observers there are


def test_the_file_is_always_written_and_the_rest_as_configured() -> None:
    assert asked_for(Config()) == ["jsonl"]
    config = Config(
        observers_command=("x",), observers_webhook="http://x", observers_junit=True,
        observers_plugins=("mine",),
    )  # fmt: skip
    assert asked_for(config) == ["jsonl", "command", "webhook", "junit", "mine"]


def test_an_observer_that_nobody_offers_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        make("nowhere", subject(tmp_path))
    assert caught.value.code == "observer-unknown"


async def test_an_installed_package_brings_an_observer_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "loud_observer.py").write_text(
        "from engine.observers.base import Position\n"
        "class Loud:\n"
        "    name = 'loud'\n"
        "    def __init__(self, subject):\n"
        "        self.file = subject.folder / 'loud'\n"
        "    def position(self):\n"
        "        return Position()\n"
        "    async def observe(self, events):\n"
        "        self.file.write_text(str(len(events)))\n"
    )
    info = tmp_path / "loud-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: loud\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[pipetui.observers]\nloud = loud_observer:Loud\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    await tell(make("loud", subject(tmp_path)), EVENTS)
    assert (tmp_path / "loud").read_text() == str(len(EVENTS))
    sys.modules.pop("loud_observer")
