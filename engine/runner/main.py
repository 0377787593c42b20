"""Entry point of a runner process: ``python -m engine.runner``.

Reads one request from standard input, wires the engine, says on standard output which execution
it runs or why it does not, and then runs it, detached from whoever asked.
"""

from __future__ import annotations

import asyncio
import contextlib
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
from engine.errors import PipetuiError, StorageError
from engine.home import Home
from engine.jobs.base import JobRunner
from engine.model.commands import RetryExecution
from engine.model.fold import ExecutionState
from engine.model.status import EXECUTION_ENDED, ExecutionStatus
from engine.runner.faults import reach
from engine.runner.observing import Observing
from engine.runner.process import Report, RunnerRequest, alive, this_process
from engine.runner.runner import Runner
from engine.runner.start import Started, create
from engine.runner.takeover import planned_facts, settle_waiting
from engine.steps.base import Services
from engine.steps.container import base_interpreter
from engine.storage.overlay import open_tree
from engine.store.base import EventStore, Lease
from engine.store.sqlite import SqliteStore

log = logging.getLogger("pipetui.runner")


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
    reach("created")
    lease = await store.acquire(execution_id, this_process(), at=clock.now())
    report(Report(execution_id))
    if lease is None:
        log.warning("a living runner has execution %s; this one leaves", execution_id)
    while lease is not None:
        reach("acquired")
        await run_leased(home, store, lease, clock, started)
        # Who sent a command just before the lease was given back found this runner alive.
        waiting = await store.commands(execution_id)
        lease = (
            await store.acquire(execution_id, this_process(), at=clock.now()) if waiting else None
        )
    return (await store.state(execution_id)).execution.status


async def run_leased(
    home: Home, store: EventStore, lease: Lease, clock: Clock, started: Started | None = None
) -> ExecutionStatus:
    """Run a leased execution to its end, and give the lease back."""
    state = await store.state(lease.execution_id)
    view = state.execution
    if started is not None:
        prepared = started.prepared
        definition, graph, config = prepared.definition, prepared.graph, prepared.config
    else:
        definition = load(await store.definition(view.definition), file=view.file)
        graph, config = Graph.of(definition), load_config(home.config, view.file)
    if view.status in EXECUTION_ENDED:
        await _settle_waiting(store, lease, clock, state)
    status = state.execution.status
    if status not in EXECUTION_ENDED:
        source = await store.state(view.source_execution) if view.source_execution else None
        if facts := planned_facts(state, source):
            await store.append(lease, facts, at=clock.now(), actor="runner")
        services, endpoint = open_services(home, config, view.id, view.file)
        endpoint.watch(asyncio.get_running_loop())
        observing = Observing(store, view.id, home, config)
        try:
            job_runner = await choose_job_runner(home, config)
            status = await Runner(
                home,
                store,
                lease,
                state,
                definition,
                graph,
                services,
                job_runner,
                clock,
                observing.wake,
            ).run()
        except BaseException:
            # Overtaken, cancelled or unable to write: the jobs go on, and so does what they call.
            endpoint.leave()
            await observing.close(drain=False)
            raise
        endpoint.close()
    else:
        # Whatever a runner that was killed at the very end had not told.
        observing = Observing(store, view.id, home, config)
    await observing.close(drain=True)
    reach("leaving")
    # Last of all: whoever takes the lease next wants the endpoint's port.
    await store.release(lease)
    reach("released")
    return status


async def _settle_waiting(
    store: EventStore, lease: Lease, clock: Clock, state: ExecutionState
) -> None:
    """Carry out what waits and can be done to an ended execution, and refuse the rest."""
    rows = await store.commands(lease.execution_id)
    facts, settled = settle_waiting(state, rows)
    retries = [row for row in rows if isinstance(row.command, RetryExecution)]
    if settled:
        reach("retrying")
        actor = (retries or rows)[-1].actor
        await store.append(lease, facts, at=clock.now(), actor=actor, settled=settled)
        reach("retried")


def open_services(
    home: Home, config: Config, execution_id: str, file: str
) -> tuple[Services, EndpointSocket]:
    """What handlers use of this host, and the port behind which the S3 endpoint starts."""
    folder = home.execution(execution_id)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    job_home = home.root / "job-home"
    job_home.mkdir(mode=0o700, exist_ok=True)
    endpoint = _bind(home, folder)
    variables = endpoint.environment()
    tree = open_tree(home.s3, Path(file).parent if file else None)
    # What is built has its own path written into it: that of the folder, not of a link to it.
    environments = Environments(Path(os.path.realpath(home.environments)), base_interpreter(config))
    return Services(config, tree, environments, job_home, lambda: variables), endpoint


def _bind(home: Home, folder: Path) -> EndpointSocket:
    """The endpoint's port: the former one, for the jobs that still run, else any."""
    file, log_file = folder / "endpoint.port", folder / "endpoint.log"
    try:
        return EndpointSocket.bind(home.s3, log_file, home.token(), int(file.read_text()))
    except (OSError, ValueError):
        pass
    except StorageError as problem:
        log.warning("jobs that still run lose their endpoint: %s", problem.message)
    endpoint = EndpointSocket.bind(home.s3, log_file, home.token())
    file.write_text(str(endpoint.port))
    return endpoint


async def choose_job_runner(home: Home, config: Config) -> JobRunner:
    """The way to run jobs that the configuration asks for, or the best that works here."""
    from engine.jobs.ladder import choose, probe

    cache = str(home.root / "host" / "probe.json")
    found = await probe(cache, containers=config.job_runner == "container")
    return choose(found, config.job_runner)


def main() -> int:
    """Run the request on standard input, if there is one; only the spawner reads the exit code."""
    text = sys.stdin.buffer.read()
    if not text:
        return 0
    request = msgspec.json.decode(text, type=RunnerRequest)
    if os.fork():
        # Whoever spawned this reaps it at once; the runner itself belongs to init.
        os._exit(0)
    os.umask(0o077)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
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
            log.error("the runner ends, its jobs go on: %s (%s)", problem.message, problem.code)
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
    # Whoever asked may be gone; the execution goes on all the same.
    with contextlib.suppress(BrokenPipeError):
        os.write(1, msgspec.json.encode(answer) + b"\n")


def _detach(home: Home, execution_id: str) -> None:
    """Let go of the spawner's pipes; what is said goes to a file."""
    folder = home.execution(execution_id)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = os.open(folder / "runner.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for number, descriptor in ((0, null), (1, log), (2, log)):
        os.dup2(descriptor, number)
    os.close(log)
    os.close(null)
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
