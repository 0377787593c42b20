"""Runners killed at named places and at random times: the next one loses nothing, repeats nothing.

``PIPETUI_CRASH_SEEDS=500 pytest tests/engine/test_recovery.py -k random`` is the long run.
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
import signal
import socket
from collections import Counter
from typing import Any

import pytest

from engine.clock import Clock, SystemClock
from engine.model import events as e
from engine.model.commands import AnswerCallback
from engine.model.status import ExecutionStatus, StepStatus
from engine.runner.main import run_leased
from engine.runner.process import alive, this_process
from engine.runner.runner import LOST_ATTEMPTS
from engine.sources.control import LocalControl
from engine.store.sqlite import SqliteStore
from tests.engine.crash import (
    CHAIN,
    CONFIG,
    DIAMOND,
    FAN,
    GATE,
    LAYERED,
    PATIENCE_S,
    Edges,
    Host,
    gone,
    host,
    kill_within,
)
from tests.engine.embedded import definition

__all__ = ["host"]

S = StepStatus
SEEDS = int(os.environ.get("PIPETUI_CRASH_SEEDS", "20"))
RANDOM_KILL_WITHIN_S = 0.4


@pytest.mark.parametrize(
    ("fault", "edges"),
    [
        pytest.param(fault, edges, id=fault)
        for fault, edges in {
            "created:1": DIAMOND,
            "acquired:1": CHAIN,
            "recording:1": FAN,
            "recording:4": DIAMOND,
            "recording:7": CHAIN,
            "recorded:1": CHAIN,
            "recorded:4": FAN,
            "recorded:7": DIAMOND,
            "announced:1": FAN,
            "announced:3": CHAIN,
            "starting:1": CHAIN,
            "starting:3": FAN,
            "started:1": FAN,
            "started:3": DIAMOND,
            "jobs-ended:1": CHAIN,
            "jobs-ended:3": FAN,
            "handled:1": DIAMOND,
            "handled:4": FAN,
            "ending:1": CHAIN,
            "ended:1": DIAMOND,
            "released:1": CHAIN,
        }.items()
    ],
)
def test_run_goes_on_after_a_kill_at_a_named_point(host: Host, fault: str, edges: Edges) -> None:
    first, second = host.launch(fault), host.launch()
    execution_id = host.start(host.graph(edges), first)
    killed = host.wait(execution_id)
    assert (killed is None) == fault.startswith(("created", "released")), "the fault was missed"
    host.take_over(execution_id, second)
    host.settle(execution_id)
    host.check_graph(execution_id, edges)


@pytest.mark.parametrize(
    "fault",
    ["acquired:1", "resuming:1", "recording:1", "recorded:1", "announced:1", "started:1",
     "jobs-ended:1", "handled:1"],
)  # fmt: skip
def test_run_goes_on_after_a_second_kill_during_recovery(host: Host, fault: str) -> None:
    runners = [host.launch("started:3"), host.launch(fault), host.launch()]
    execution_id = host.start(host.graph(FAN), runners[0])
    assert host.wait(execution_id), "the first fault was missed"
    host.take_over(execution_id, runners[1])
    assert host.wait(execution_id), "the second fault was missed"
    host.take_over(execution_id, runners[2])
    host.settle(execution_id)
    host.check_graph(execution_id, FAN)


def test_kills_in_a_row_during_recovery_change_nothing(host: Host) -> None:
    execution_id = host.start(host.graph(DIAMOND), host.launch("started:2"))
    assert host.wait(execution_id)
    before = [event.kind for event in host.events()]
    waiting = [host.launch("resuming:1") for _ in range(4)]
    for process in waiting:
        host.take_over(execution_id, process)
        assert host.wait(execution_id)
    after = [event.kind for event in host.events()]
    assert after == before + ["RunnerAttached"] * len(waiting)
    host.settle(execution_id)
    host.check_graph(execution_id, DIAMOND)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_run_goes_on_after_kills_at_random_times(host: Host, seed: int) -> None:
    chance = random.Random(seed)
    edges = chance.choice([CHAIN, FAN, DIAMOND, LAYERED])
    first, *others = [host.launch() for _ in range(chance.randint(2, 3))]
    execution_id = host.start(host.graph(edges), first, max_parallel=chance.choice([1, 2, 6]))
    for other in others:
        runner = host.runner(execution_id)
        if runner is not None and kill_within(runner, chance.random() * RANDOM_KILL_WITHIN_S):
            host.take_over(execution_id, other)
    host.settle(execution_id)
    host.check_graph(execution_id, edges)


def test_running_job_is_adopted_not_started_again(host: Host) -> None:
    a = host.gated("A", "echo done > /opt/ml/processing/out/x", outputs={"out": "s3://bucket/A"})
    execution_id = host.start(definition(a, host.step("B", DependsOn=["A"])))
    assert host.fifo("up").hear() == "A\n"
    job = host.job(execution_id, "A")
    host.kill_runner(execution_id)
    assert job.alive()
    assert asyncio.run(LocalControl(host.home).resume()) == [execution_id]
    assert host.job(execution_id, "A") == job
    host.fifo("A").say()
    state = host.settle(execution_id)
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    assert state.execution.epoch == 2
    assert host.starts() == Counter("AB")
    assert len(state.steps["A"].attempts) == 1
    assert (host.home.s3 / "bucket/A/x").read_text() == "done\n"


def test_jobs_that_end_without_a_runner_keep_their_exit_code_and_outputs(host: Host) -> None:
    good = host.gated("Good", "echo 1 > /opt/ml/processing/out/x", outputs={"out": "s3://bucket/g"})
    bad = host.gated("Bad", "exit 3")
    execution_id = host.start(definition(good, bad))
    assert host.fifo("up").hear_all(2) == ["Bad", "Good"]
    jobs = [host.job(execution_id, name) for name in ("Good", "Bad")]
    host.kill_runner(execution_id)
    for name in ("Good", "Bad"):
        host.fifo(name).say()
    for job in jobs:
        gone(job)
    state = host.settle(execution_id)
    assert state.steps["Good"].status is S.SUCCEEDED
    assert state.steps["Bad"].failure_reason.endswith("exit code 3")
    assert state.execution.status is ExecutionStatus.FAILED
    assert (host.home.s3 / "bucket/g/x").read_text() == "1\n"
    assert host.starts() == Counter({"Good": 1, "Bad": 1})


@pytest.mark.parametrize("fault", ["retrying:1", "retried:1", "recording:1"])
def test_retry_is_carried_out_once_whatever_kills_its_runner(host: Host, fault: str) -> None:
    fixed = host.folder / "fixed"
    flaky = host.step("Flaky", f"test -e {fixed}", DependsOn=["Once"])
    execution_id = host.start(definition(host.step("Once"), flaky))
    assert host.settle(execution_id).execution.status is ExecutionStatus.FAILED
    fixed.touch()
    host.retry(execution_id, host.launch(fault))
    assert host.wait(execution_id), "the fault was missed"
    host.take_over(execution_id)
    state = host.settle(execution_id)
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    assert state.execution.retries == 1
    assert host.starts() == Counter({"Once": 1, "Flaky": 2})


@pytest.mark.parametrize("fault", ["announced:1", "recorded:2", "obeyed:1"])
def test_question_is_asked_once_and_its_answer_kept(host: Host, fault: str) -> None:
    execution_id = host.start(definition(GATE, host.step("After", DependsOn=["Gate"])),
                              host.launch(fault))  # fmt: skip
    if fault.startswith("obeyed"):
        host.send(execution_id, AnswerCallback(host.token(execution_id), True))
    assert host.wait(execution_id), "the fault was missed"
    host.take_over(execution_id)
    if not fault.startswith("obeyed"):
        host.send(execution_id, AnswerCallback(host.token(execution_id), True))
    state = host.settle(execution_id)
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    asked = [event for event in host.events() if isinstance(event.fact, e.CallbackRequested)]
    assert len(asked) == 1
    assert len(state.steps["Gate"].attempts) == 1


def test_arguments_that_cannot_be_resolved_fail_alike_after_a_kill(host: Host) -> None:
    wrong = {"Get": "Steps.A.ProcessingOutputConfig.Outputs[7].OutputName"}
    gate = {**GATE, "Arguments": {"Question": wrong}}
    execution_id = host.start(definition(host.step("A"), gate), host.launch("announced:2"))
    assert host.wait(execution_id), "the fault was missed"
    state = host.settle(execution_id)
    assert state.steps["Gate"].status is S.FAILED
    assert state.steps["Gate"].failure_reason.startswith("ClientError: ")


def test_job_whose_supervisor_was_killed_runs_again_and_leaves_nothing(host: Host) -> None:
    execution_id = host.start(definition(host.gated("A")))
    assert host.fifo("up").hear() == "A\n"
    host.kill_runner(execution_id)
    job = host.job(execution_id, "A")
    assert job.signal(signal.SIGKILL)
    gone(job)
    host.take_over(execution_id)
    assert host.fifo("up").hear() == "A\n"
    host.fifo("A").say()
    state = host.settle(execution_id)
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    assert [attempt.status for attempt in state.steps["A"].attempts] == [S.FAILED, S.SUCCEEDED]
    assert any(isinstance(event.fact, e.AttemptLost) for event in host.events())


def test_attempt_that_failed_by_itself_does_not_count_as_a_lost_one(host: Host) -> None:
    host.home.config.write_text(f"{CONFIG}retry_user_code = 1\n")
    flag, up, gate = host.folder / "failed", host.fifo("up").path, host.fifo("A").path
    script = f"test -e {flag} || {{ touch {flag}; exit 1; }}; echo A > {up}; read word < {gate}"
    execution_id = host.start(definition(host.step("A", script)))
    for _ in range(LOST_ATTEMPTS - 1):
        assert host.fifo("up").hear() == "A\n"
        job = host.job(execution_id, "A")
        assert job.signal(signal.SIGKILL)
        gone(job)
    assert host.fifo("up").hear() == "A\n"
    host.fifo("A").say()
    state = host.settle(execution_id)
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    told = [(attempt.status, attempt.lost) for attempt in state.steps["A"].attempts]
    assert told == [(S.FAILED, False), *[(S.FAILED, True)] * 2, (S.SUCCEEDED, False)]


def test_killed_job_says_which_signal_ended_it(host: Host) -> None:
    execution_id = host.start(definition(host.step("A", "kill -9 $$")))
    reason = host.settle(execution_id).steps["A"].failure_reason
    assert reason.startswith("AlgorithmError: ") and "SIGKILL" in reason


class Later(SystemClock):
    """The host's clock, an hour on."""

    def now(self) -> float:
        return super().now() + 3600


async def test_time_without_a_runner_counts_towards_the_longest_runtime(host: Host) -> None:
    slow = host.gated("A", arguments={"StoppingCondition": {"MaxRuntimeInSeconds": 1800}})
    execution_id = await asyncio.to_thread(host.start, definition(slow))
    assert await asyncio.to_thread(host.fifo("up").hear) == "A\n"
    host.kill_runner(execution_id)
    await _run_here(host, execution_id, Later())
    state = host.settle(execution_id)
    assert state.steps["A"].status is S.STOPPED
    assert state.steps["A"].failure_reason.startswith("MaxRuntimeExceeded")


async def _run_here(host: Host, execution_id: str, clock: Clock) -> None:
    store = await SqliteStore.open(host.home.database, alive)
    try:
        lease = await store.acquire(execution_id, this_process(), at=clock.now())
        assert lease is not None
        async with asyncio.timeout(PATIENCE_S):
            await run_leased(host.home, store, lease, clock)
    finally:
        await store.close()


def both(host: Host) -> dict[str, Any]:
    """A job on two hosts, each of which waits for the gate."""
    step = host.gated("A")
    step["Arguments"]["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = 2
    return definition(step)


def test_job_on_two_hosts_is_adopted_as_a_whole(host: Host) -> None:
    execution_id = host.start(both(host))
    assert host.fifo("up").hear_all(2) == ["A", "A"]
    jobs = [host.job(execution_id, "A", name) for name in ("", "algo-2")]
    host.kill_runner(execution_id)
    host.take_over(execution_id)
    for _ in jobs:
        host.fifo("A").say()
    state = host.settle(execution_id)
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    assert [host.job(execution_id, "A", name).pid for name in ("", "algo-2")] == [
        job.pid for job in jobs
    ]
    assert host.starts() == Counter({"A": 2})


def test_job_of_which_one_host_never_started_runs_again_as_a_whole(host: Host) -> None:
    execution_id = host.start(both(host), host.launch("starting:2"))
    assert host.wait(execution_id), "the fault was missed"
    assert host.fifo("up").hear() == "A\n"
    alone = host.job(execution_id, "A")
    host.take_over(execution_id)
    gone(alone)
    assert host.fifo("up").hear_all(2) == ["A", "A"]
    for _ in range(2):
        host.fifo("A").say()
    state = host.settle(execution_id)
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    assert len(state.steps["A"].attempts) == 2


def test_run_goes_on_where_another_program_took_the_endpoints_port(host: Host) -> None:
    execution_id = host.start(definition(host.gated("A")))
    assert host.fifo("up").hear() == "A\n"
    host.kill_runner(execution_id)
    port = int((host.home.execution(execution_id) / "endpoint.port").read_text())
    with socket.create_server(("127.0.0.1", port)):
        host.take_over(execution_id)
        host.fifo("A").say()
        assert host.settle(execution_id).execution.status is ExecutionStatus.SUCCEEDED
    assert "lose their endpoint" in host.log(execution_id)


def test_runner_that_cannot_write_ends_with_a_reason_and_its_jobs_go_on(host: Host) -> None:
    execution_id = host.start(definition(host.gated("A"), host.gated("B")))
    assert host.fifo("up").hear_all(2) == ["A", "B"]
    runner, job = host.runner(execution_id), host.job(execution_id, "B")
    assert runner is not None
    resource.prlimit(runner.pid, resource.RLIMIT_FSIZE, (4096, 4096))
    host.fifo("A").say()
    assert host.wait(execution_id) == runner
    assert "the runner ends, its jobs go on: " in host.log(execution_id)
    assert job.alive()
    host.take_over(execution_id)
    host.fifo("B").say()
    assert host.settle(execution_id).execution.status is ExecutionStatus.SUCCEEDED
    assert host.starts() == Counter("AB")


async def test_cancelled_embedded_runner_leaves_its_jobs_to_the_next(host: Host) -> None:
    execution_id = await asyncio.to_thread(
        host.start, definition(host.gated("A"), GATE), host.launch("created:1")
    )
    running = asyncio.create_task(_run_here(host, execution_id, SystemClock()))
    assert await asyncio.to_thread(host.fifo("up").hear) == "A\n"
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert asyncio.all_tasks() == {asyncio.current_task()}
    job = host.job(execution_id, "A")
    assert job.alive()
    running = asyncio.create_task(_run_here(host, execution_id, SystemClock()))
    token = await asyncio.to_thread(host.token, execution_id)
    host.send(execution_id, AnswerCallback(token, True))
    host.fifo("A").say()
    await running
    assert host.settle(execution_id).execution.status is ExecutionStatus.SUCCEEDED
    assert host.starts() == Counter("A")
