"""Entry point of a runner process: ``python -m engine.runner``.

Reads one request from standard input, wires the engine, says on standard output which execution
it runs or why it does not, and then runs it, detached from whoever asked.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

import msgspec

from engine import ids
from engine.clock import Clock, SystemClock
from engine.config import Config, load_config
from engine.definition.graph import Graph
from engine.definition.loader import load
from engine.endpoint.activation import EndpointSocket
from engine.environments.build import Environments
from engine.errors import PipetuiError
from engine.home import Home
from engine.jobs.base import JobRunner
from engine.model.commands import RetryExecution
from engine.model.status import EXECUTION_ENDED, ExecutionStatus
from engine.runner.process import Report, RunnerRequest, alive, this_process
from engine.runner.runner import Runner
from engine.runner.start import Started, create
from engine.runner.takeover import planned_facts, retry_facts
from engine.steps.base import Services
from engine.steps.container import base_interpreter
from engine.storage.tree import LocalTree
from engine.store.base import EventStore, Lease
from engine.store.sqlite import SqliteStore


async def lead(
    home: Home, store: EventStore, request: RunnerRequest, clock: Clock, report: Any
) -> ExecutionStatus:
    """Create or take over the execution of a request, report it, and run it to its end.

    Args:
        report: called once with a ``Report`` when it is clear what runs.
    """
    if request.start is not None:
        started = await create(home, store, request.start, clock, request.actor, ids.execution_id)
        execution_id = started.execution_id
    else:
        started, execution_id = None, request.execution_id
    lease = await store.acquire(execution_id, this_process(), at=clock.now())
    if lease is None:
        report(Report(execution_id))
        return (await store.state(execution_id)).execution.status
    report(Report(execution_id))
    return await run_leased(home, store, lease, clock, started)


async def run_leased(
    home: Home, store: EventStore, lease: Lease, clock: Clock, started: Started | None = None
) -> ExecutionStatus:
    """Run a leased execution to its end."""
    state = await store.state(lease.execution_id)
    view = state.execution
    if started is not None:
        definition, graph, config = (
            started.prepared.definition,
            started.prepared.graph,
            started.prepared.config,
        )
    else:
        definition = load(await store.definition(view.definition), file=view.file)
        graph, config = Graph.of(definition), load_config(home.config, view.file)
    if view.status in EXECUTION_ENDED and not await _retry(store, lease, clock, graph):
        await store.release(lease)
        return view.status
    source = await store.state(view.source_execution) if view.source_execution else None
    facts = planned_facts(state, source)
    if facts:
        await store.append(lease, facts, at=clock.now(), actor="runner")
    services, endpoint = open_services(home, config, view.id, view.file)
    endpoint.watch(asyncio.get_running_loop())
    try:
        job_runner = await choose_job_runner(home, config)
        return await Runner(
            home, store, lease, state, definition, graph, services, job_runner, clock
        ).run()
    finally:
        endpoint.close()


async def _retry(store: EventStore, lease: Lease, clock: Clock, graph: Graph) -> bool:
    """Carry out a waiting retry; whether the execution goes on."""
    goes_on = False
    state = await store.state(lease.execution_id)
    for row in await store.commands(lease.execution_id):
        if isinstance(row.command, RetryExecution) and not goes_on:
            facts, settlement = retry_facts(state, graph, row)
            await store.append(lease, facts, at=clock.now(), actor=row.actor, settled=[settlement])
            goes_on = bool(facts)
    return goes_on


def open_services(
    home: Home, config: Config, execution_id: str, file: str
) -> tuple[Services, EndpointSocket]:
    """What handlers use of this host, and the port behind which the S3 endpoint starts."""
    folder = home.execution(execution_id)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    job_home = home.root / "job-home"
    job_home.mkdir(mode=0o700, exist_ok=True)
    endpoint = EndpointSocket.bind(
        home.s3, folder / "endpoint.log", home.token(), owner_pid=os.getpid(),
        port=_former_port(folder),
    )  # fmt: skip
    (folder / "endpoint.port").write_text(str(endpoint.port))
    variables = endpoint.environment()
    tree = LocalTree(home.s3, Path(file).parent if file else None)
    environments = Environments(home.environments, base_interpreter(config))
    return Services(config, tree, environments, job_home, lambda: variables), endpoint


def _former_port(folder: Path) -> int:
    """The port an earlier runner gave to jobs that may still run; 0 for any."""
    try:
        return int((folder / "endpoint.port").read_text())
    except (OSError, ValueError):
        return 0


async def choose_job_runner(home: Home, config: Config) -> JobRunner:
    """The way to run jobs that the configuration asks for, or the best that works here."""
    from engine.jobs.ladder import choose, probe

    return choose(await probe(str(home.root / "host" / "probe.json")), config.job_runner)


def main() -> int:
    """Run the request on standard input, if there is one; only the spawner reads the exit code."""
    text = sys.stdin.buffer.read()
    if not text:
        return 0
    request = msgspec.json.decode(text, type=RunnerRequest)
    if os.fork():
        # Whoever spawned this reaps it at once; the runner itself belongs to init.
        os._exit(0)
    home = Home.locate(request.home)
    answered = False

    def report(answer: Report) -> None:
        nonlocal answered
        answered = True
        _answer(answer)
        _detach(home, answer.execution_id)

    try:
        home.prepare()
        asyncio.run(_main(home, request, report))
    except ExceptionGroup as group:
        problems = [e for e in group.exceptions if isinstance(e, PipetuiError)]
        if not problems or answered:
            raise
        codes = max(problem.exit_code for problem in problems)
        _answer(Report("", tuple(problem.as_dict() for problem in problems), codes))
    except PipetuiError as problem:
        if answered:
            logging.getLogger("pipetui.runner").exception("the runner ends")
            return problem.exit_code
        _answer(Report("", (problem.as_dict(),), problem.exit_code))
    return 0


async def _main(home: Home, request: RunnerRequest, report: Any) -> None:
    store = await SqliteStore.open(home.database, alive)
    try:
        await lead(home, store, request, SystemClock(), report)
    finally:
        await store.close()


def _answer(answer: Report) -> None:
    os.write(1, msgspec.json.encode(answer) + b"\n")


def _detach(home: Home, execution_id: str) -> None:
    """Let go of the spawner: its pipe, its terminal's hang-up; what is said goes to a file."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    folder = home.execution(execution_id)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = os.open(folder / "runner.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for number, descriptor in ((0, null), (1, log), (2, log)):
        os.dup2(descriptor, number)
    os.close(log)
    os.close(null)
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
