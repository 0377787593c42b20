"""Runners that leave while their jobs run: the endpoint that these call goes on."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from collections import Counter

import pytest

from engine.clock import SystemClock
from engine.endpoint.lifetime import start_time
from engine.model.commands import ChangeParallelism
from engine.model.status import ExecutionStatus
from engine.runner.main import run_leased
from engine.runner.process import alive, this_process
from engine.store.ledger import Ledger
from engine.store.sqlite import SqliteStore
from tests.engine.crash import Host, gone, host, until
from tests.engine.embedded import definition

__all__ = ["host"]

PUT = """
import http.client, os, sys, urllib.parse
where = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"])
scope = os.environ["AWS_ACCESS_KEY_ID"] + "/20260101/us-east-1/s3/aws4_request"
signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
client = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
client.request("PUT", "/bucket/" + sys.argv[1], b"x", {"Authorization": signed})
sys.exit(client.getresponse().status != 200)
"""


def caller(host: Host, *names: str) -> dict[str, object]:
    """A step whose job puts an object, says its name, and waits for a word, once for each name."""
    program = host.folder / "put.py"
    program.write_text(PUT)
    up, gate = host.fifo("up").path, host.fifo("go").path
    script = "; ".join(
        f"{sys.executable} {program} {name} && echo {name} > {up} || echo refused > {up}"
        f"; read word < {gate}"
        for name in names
    )
    return host.step("A", script)


async def test_job_of_a_cancelled_runner_goes_on_calling_its_endpoint(host: Host) -> None:
    document = definition(caller(host, "first", "alone", "adopted"))
    execution_id = await asyncio.to_thread(host.start, document, host.launch("created:1"))
    store = await SqliteStore.open(host.home.database, alive)
    lease = await store.acquire(execution_id, this_process(), at=SystemClock().now())
    assert lease is not None
    running = asyncio.create_task(run_leased(host.home, store, lease, SystemClock()))
    assert await asyncio.to_thread(host.fifo("up").hear) == "first\n"
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    host.fifo("go").say()
    assert await asyncio.to_thread(host.fifo("up").hear) == "alone\n"
    await store.release(lease)
    await store.close()
    await asyncio.to_thread(finish, host, execution_id)


def test_job_of_an_overtaken_runner_goes_on_calling_its_endpoint(host: Host) -> None:
    document = definition(caller(host, "first", "alone", "adopted"))
    execution_id = host.start(document)
    assert host.fifo("up").hear() == "first\n"
    while not any(event.kind == "StepExecuting" for event in host.events()):
        pass
    frozen = host.runner(execution_id)
    assert frozen is not None and frozen.signal(signal.SIGSTOP)
    with host.db(read_only=False) as db:
        ledger = Ledger(db, lambda holder: False)
        lease = ledger.acquire(execution_id, this_process(), 0.0)
        assert lease is not None
        host.send(execution_id, ChangeParallelism(2))
        frozen.signal(signal.SIGCONT)
        gone(frozen)
        ledger.release(lease)
    host.fifo("go").say()
    assert host.fifo("up").hear() == "alone\n"
    finish(host, execution_id)


def finish(host: Host, execution_id: str) -> None:
    """Give the execution another runner, and let the job call its endpoint and end."""
    folder = host.home.execution(execution_id)
    left = json.loads((folder / "endpoint.log.process").read_bytes())
    host.take_over(execution_id)
    # The port is nobody's for a moment between two owners: each look is one of the host's state.
    until(lambda: start_time(left["pid"]) != left["started"])
    until(lambda: listens(left["port"]))
    host.fifo("go").say()
    assert host.fifo("up").hear() == "adopted\n"
    host.fifo("go").say()
    assert host.settle(execution_id).execution.status is ExecutionStatus.SUCCEEDED
    assert host.starts() == Counter("A")
    assert (folder / "endpoint.port").read_text() == str(left["port"])


def listens(port: int) -> bool:
    """Whether connections to a port on loopback are taken."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
