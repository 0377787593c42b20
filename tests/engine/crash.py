"""Runners as processes of their own, which a test kills; jobs that tell when they run."""

from __future__ import annotations

import json
import os
import select
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from engine.errors import StoreError
from engine.home import Home
from engine.jobs import identity
from engine.jobs.attempt import read_claim
from engine.jobs.identity import ProcessIdentity
from engine.model import events as e
from engine.model.commands import Command, CommandState, RetryExecution
from engine.model.fold import ExecutionState, fold
from engine.model.status import ExecutionStatus
from engine.runner.faults import VARIABLE
from engine.runner.process import RunnerRequest
from engine.runner.spawn import ask, dismiss, launch
from engine.runner.wakeup import nudge
from engine.sources.aws_shapes import StatusChanges
from engine.sources.base import StartRequest
from engine.store import queries
from engine.store.connection import connect
from engine.store.ledger import Ledger
from tests.engine.embedded import definition, processing

PATIENCE_S = 60.0
"""After this a test gives up; nothing here takes a second on an idle host."""
ACTOR = "tester@here"
CONFIG = "[run]\nmax_parallel = 4\n[jobs]\ngrace_s = 5\n"
T = TypeVar("T")
Edges = Mapping[str, tuple[str, ...]]

CHAIN: Edges = {"A": (), "B": ("A",), "C": ("B",), "D": ("C",)}
FAN: Edges = {"A": (), "B": ("A",), "C": ("A",), "D": ("A",), "E": ("A",)}
DIAMOND: Edges = {"A": (), "B": ("A",), "C": ("A",), "D": ("B", "C")}
LAYERED: Edges = {
    f"L{layer}N{number}": tuple(f"L{layer - 1}N{n}" for n in range(3)) if layer else ()
    for layer in range(4)
    for number in range(3)
}

GATE = {
    "Name": "Gate",
    "Type": "Callback",
    "SqsQueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/q",
    "Arguments": {"Question": "Deploy?"},
    "OutputParameters": [],
}


class Fifo:
    """A named pipe between a job and the test; neither end blocks when it opens it.

    A job says something with ``echo word > PATH`` and waits with ``read word < PATH``.
    """

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def hear(self) -> str:
        """Wait until somebody says something; returns it."""
        assert select.select([self._descriptor], [], [], PATIENCE_S)[0], f"silence in {self.path}"
        return os.read(self._descriptor, 4096).decode()

    def say(self, word: str = "go") -> None:
        """Let one waiting job go on."""
        os.write(self._descriptor, f"{word}\n".encode())

    def hear_all(self, count: int) -> list[str]:
        """Wait until so many words were said; returns them sorted."""
        heard = self.hear()
        while heard.count("\n") < count:
            heard += self.hear()
        return sorted(heard.split())

    def close(self) -> None:
        """Give the pipe back."""
        os.close(self._descriptor)


class Host:
    """A home whose runners can be killed, with what they ran put on record outside of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = Home(folder / "home").prepare()
        self.home.config.write_text(CONFIG)
        self.started = folder / "started"
        self._fifos: dict[str, Fifo] = {}
        self._launched: list[subprocess.Popen[bytes]] = []

    def fifo(self, name: str) -> Fifo:
        """The named pipe of this name; made when first asked for."""
        if name not in self._fifos:
            self._fifos[name] = Fifo(self.folder / name)
        return self._fifos[name]

    def step(self, name: str, script: str = "true", **more: Any) -> dict[str, Any]:
        """A Processing step whose job first puts its name on record."""
        return processing(name, f"echo {name} >> {self.started}; {script}", **more)

    def gated(self, name: str, then: str = "true", **more: Any) -> dict[str, Any]:
        """A step whose job says its name to the pipe ``up`` and waits for its own pipe."""
        up, gate = self.fifo("up").path, self.fifo(name).path
        return self.step(name, f"echo {name} > {up}; read word < {gate}; {then}", **more)

    def graph(self, edges: Edges) -> dict[str, Any]:
        """A definition of quick steps, each of which adds its name to what it is given."""
        steps = []
        for name, sources in edges.items():
            texts = " ".join(f"/opt/ml/processing/{source}/text" for source in sources)
            steps.append(
                self.step(
                    name,
                    f"cat /dev/null {texts} > /opt/ml/processing/out/text;"
                    f" echo {name} >> /opt/ml/processing/out/text",
                    inputs={source: f"s3://bucket/{source}" for source in sources},
                    outputs={"out": f"s3://bucket/{name}"},
                    DependsOn=list(sources),
                )
            )
        return definition(*steps)

    def launch(self, fault: str = "") -> subprocess.Popen[bytes]:
        """A runner that waits for its request, and dies at ``fault`` (``point:count``)."""
        marks = {VARIABLE: fault, "PIPETUI_TEST": str(self.folder)}
        os.environ.update(marks)
        try:
            process = launch()
        finally:
            for name in marks:
                del os.environ[name]
        self._launched.append(process)
        return process

    def start(
        self, document: Mapping[str, Any], process: subprocess.Popen[bytes] | None = None,
        **request: Any,
    ) -> str:  # fmt: skip
        """Start an execution; returns its id, even where the runner dies before it says it."""
        file = self.folder / "pipeline.json"
        file.write_text(json.dumps(document), encoding="utf-8")
        started = RunnerRequest(str(self.home.root), ACTOR, StartRequest(str(file), **request))
        try:
            return ask(process or self.launch(), msgspec.json.encode(started))
        except StoreError as problem:
            assert problem.code == "runner-died"
            with self.db() as db:
                return queries.executions(db)[0].id

    def take_over(self, execution_id: str, process: subprocess.Popen[bytes] | None = None) -> None:
        """Give an execution a runner; it may die before it says so."""
        try:
            ask(process or self.launch(), self.request(execution_id))
        except StoreError as problem:
            assert problem.code == "runner-died"

    def request(self, execution_id: str) -> bytes:
        """What a runner is told that goes on with an execution."""
        request = RunnerRequest(str(self.home.root), ACTOR, None, execution_id)
        return msgspec.json.encode(request)

    @contextmanager
    def db(self, *, read_only: bool = True) -> Iterator[sqlite3.Connection]:
        """The store's file."""
        db = connect(self.home.database, read_only=read_only)
        try:
            yield db
        finally:
            db.close()

    def send(self, execution_id: str, command: Command) -> int:
        """Queue a command, and wake the runner if there is one; returns the command's id."""
        with self.db(read_only=False) as db:
            number = Ledger(db, lambda holder: True).send(execution_id, command, 0.0, ACTOR)
        nudge(self.home.execution(execution_id))
        return number

    def outcome(self, number: int) -> tuple[CommandState, str]:
        """What became of a command; each look waits for the file."""
        with self.db() as db:
            until(lambda: queries.command_outcome(db, number)[0] is not CommandState.PENDING)
            return queries.command_outcome(db, number)

    def token(self, execution_id: str) -> str:
        """The token of the step ``Gate`` as soon as it asks; each look waits for the file."""
        return until(lambda: self.state(execution_id).steps["Gate"].callback_token)

    def retry(self, execution_id: str, process: subprocess.Popen[bytes] | None = None) -> None:
        """Queue a retry and start a runner for it."""
        self.send(execution_id, RetryExecution())
        self.take_over(execution_id, process)

    def runner(self, execution_id: str) -> ProcessIdentity | None:
        """The process that holds the lease, dead or alive; None where it was given back."""
        with self.db() as db:
            holder = queries.holder(db, execution_id)
        if holder is None:
            return None
        return ProcessIdentity(holder.pid, holder.start_ticks, holder.boot_id)

    def kill_runner(self, execution_id: str) -> None:
        """``kill -9`` the runner, and wait until it is gone."""
        runner = self.runner(execution_id)
        assert runner is not None and runner.signal(signal.SIGKILL), "the runner had left"
        gone(runner)

    def held(self, execution_id: str) -> ProcessIdentity:
        """The runner, as soon as a fault with the signal STOP holds it; each look is a read."""
        runner = self.runner(execution_id)
        assert runner is not None
        until(lambda: (stat := identity.stat_of(runner.pid)) is not None and stat.state == "T")
        return runner

    def wait(self, execution_id: str) -> ProcessIdentity | None:
        """Wait until no runner lives; returns the one that died with the lease in its hand."""
        runner = self.runner(execution_id)
        if runner is not None:
            gone(runner)
        return self.runner(execution_id)

    def state(self, execution_id: str) -> ExecutionState:
        """The execution as the store has it."""
        with self.db() as db:
            return ExecutionState(
                queries.execution(db, execution_id),
                {step.name: step for step in queries.steps(db, execution_id)},
            )

    def events(self, execution_id: str = "") -> list[e.Event]:
        """Events of an execution, or all of the store."""
        with self.db() as db:
            return queries.events(db, execution_id, limit=1_000_000)

    def log(self, execution_id: str) -> str:
        """What its runners had to say."""
        return (self.home.execution(execution_id) / "runner.log").read_text()

    def starts(self) -> Counter[str]:
        """How often the job of each step was started."""
        return Counter(self.started.read_text().split() if self.started.exists() else ())

    def job(self, execution_id: str, step: str, host: str = "") -> ProcessIdentity:
        """The process that watches over the job of a step's last attempt."""
        directory = Path(self.state(execution_id).steps[step].directory, host)
        claim = until(lambda: read_claim(str(directory)))
        assert claim is not None
        return identity.of(claim.pid) or ProcessIdentity(claim.pid, 0, claim.boot_id)

    def settle(self, execution_id: str) -> ExecutionState:
        """Take over until the execution has ended, and check that its events are sound."""
        if self.wait(execution_id) is not None or not self.state(execution_id).execution.ended_at:
            self.take_over(execution_id)
            assert self.wait(execution_id) is None, self.log(execution_id)
        self.check_events(execution_id)
        self.check_told(execution_id)
        return self.state(execution_id)

    def check_events(self, execution_id: str) -> None:
        """No gap, nothing begun or ended twice, and the views are what the events say."""
        everything = self.events()
        assert [event.seq for event in everything] == list(range(1, len(everything) + 1))
        events = [event for event in everything if event.execution_id == execution_id]
        assert fold(events) == self.state(execution_id)
        began = Counter(
            (event.fact.step, event.fact.attempt)
            for event in events
            if isinstance(event.fact, e.StepStarted)
        )
        assert set(began.values()) <= {1}
        retries = sum(isinstance(event.fact, e.ExecutionRetried) for event in events)
        ends = sum(isinstance(event.fact, e.ExecutionEnded) for event in events)
        assert ends == retries + 1
        succeeded = Counter(
            event.step for event in events if isinstance(event.fact, e.StepSucceeded)
        )
        assert set(succeeded.values()) <= {1}

    def check_told(self, execution_id: str) -> None:
        """Each status change stands in the file of events once, in order."""
        changes = StatusChanges()
        told = (self.home.execution(execution_id) / "events.jsonl").read_text()
        assert [json.loads(line) for line in told.splitlines()] == [
            change for event in self.events(execution_id) for change in changes.take(event)
        ]

    def check_graph(self, execution_id: str, edges: Edges) -> None:
        """Every step of ``graph`` succeeded, its job ran once, its output came through."""
        state = self.state(execution_id)
        assert state.execution.status is ExecutionStatus.SUCCEEDED, self.log(execution_id)
        assert self.starts() == Counter(edges.keys()), self.starts()
        for name in edges:
            text = (self.home.s3 / "bucket" / name / "text").read_text().split()
            assert text == _expected(name, edges)
        lost = [event.fact for event in self.events() if isinstance(event.fact, e.AttemptLost)]
        assert {fact.reason for fact in lost} <= {"its job had not started"}

    def close(self) -> None:
        """End what a failed test left; a test that passed leaves no process."""
        for launched in self._launched:
            if launched.returncode is None:
                dismiss(launched)
        for fifo in self._fifos.values():
            fifo.close()
        left = [process for process in self._processes() if not _over(process, 5.0)]
        words = [_command(process) for process in left]
        for process in left:
            process.signal(signal.SIGKILL)
        assert not left, f"left behind: {words}"

    def runners(self) -> list[ProcessIdentity]:
        """Every live runner process of this home."""
        return [one for one in self._processes() if "engine.runner" in _command(one)]

    def _processes(self) -> list[ProcessIdentity]:
        """Every process that has this folder in its environment."""
        mark = os.fsencode(self.folder)
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) != os.getpid():
                try:
                    ours = mark in Path("/proc", entry, "environ").read_bytes()
                except OSError:
                    continue
                process = identity.of(int(entry)) if ours else None
                if process is not None:
                    found.append(process)
        return found


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A host with an empty home; afterwards nothing of it runs."""
    host = Host(tmp_path)
    yield host
    host.close()


def until(look: Callable[[], T]) -> T:
    """Look until there is something to see, each look being a read; returns it."""
    deadline = time.monotonic() + PATIENCE_S
    while not (seen := look()):
        assert time.monotonic() < deadline, "it does not happen"
    return seen


def gone(process: ProcessIdentity) -> None:
    """Wait until a process is over."""
    assert _over(process, PATIENCE_S), f"process {process.pid} does not end"


def kill_within(process: ProcessIdentity, seconds: float) -> bool:
    """``kill -9`` a process after so long, unless it ends before; whether it was killed."""
    if _over(process, seconds):
        return False
    killed = process.signal(signal.SIGKILL)
    gone(process)
    return killed


def _over(process: ProcessIdentity, patience_s: float) -> bool:
    descriptor = process.open()
    if descriptor is None:
        return True
    try:
        return bool(select.select([descriptor], [], [], patience_s)[0])
    finally:
        os.close(descriptor)


def _command(process: ProcessIdentity) -> str:
    try:
        words = Path("/proc", str(process.pid), "cmdline").read_bytes()
    except OSError:
        return str(process.pid)
    return words.replace(b"\0", b" ").decode(errors="replace")


def _expected(name: str, edges: Edges) -> list[str]:
    return [word for source in edges[name] for word in _expected(source, edges)] + [name]
