"""Several runners, commands that come at the wrong moment, signals: one owner, nothing lost."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from engine.errors import CommandRejected, StoreError
from engine.model import events as e
from engine.model.commands import CommandState, RetryExecution, StopExecution
from engine.model.status import ExecutionStatus, StepStatus
from engine.runner.process import this_process
from engine.runner.spawn import ask
from engine.sources.control import LocalControl
from engine.store.ledger import Ledger
from tests.engine.crash import GATE, Host, gone, host, until
from tests.engine.embedded import definition

__all__ = ["host"]

S = StepStatus
CONTENDERS = 20


def facts(host: Host, kind: type) -> list[e.Event]:
    return [event for event in host.events() if isinstance(event.fact, kind)]


def test_of_many_runners_at_once_exactly_one_owns_the_execution(host: Host) -> None:
    execution_id = host.start(definition(host.gated("A")), host.launch("created:1"))
    contenders = [host.launch() for _ in range(CONTENDERS)]
    with ThreadPoolExecutor(CONTENDERS) as threads:
        list(threads.map(partial(host.take_over, execution_id), contenders))
    owner = host.runner(execution_id)
    assert owner is not None and owner.alive()
    # Until the job runs its own program it looks like the runner that forked it.
    assert host.fifo("up").hear() == "A\n"
    for runner in host.runners():
        if runner != owner:
            gone(runner)
    assert len(facts(host, e.RunnerAttached)) == 1
    assert host.log(execution_id).count("this one leaves") == CONTENDERS - 1
    host.fifo("A").say()
    assert host.settle(execution_id).execution.status is ExecutionStatus.SUCCEEDED
    assert host.starts() == Counter("A")


def test_two_starts_with_one_token_make_one_execution(host: Host) -> None:
    document = definition(host.step("A"), host.step("B"))
    runners = [host.launch(), host.launch()]
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(lambda one: host.start(document, one, token="t" * 32), runners)
    assert first == second
    assert host.settle(first).execution.status is ExecutionStatus.SUCCEEDED
    assert len(facts(host, e.ExecutionCreated)) == 1
    assert host.starts() == Counter("AB")


def test_frozen_runner_keeps_its_lease_and_once_fenced_touches_nothing(host: Host) -> None:
    execution_id = host.start(definition(host.gated("A"), host.gated("B")))
    assert host.fifo("up").hear_all(2) == ["A", "B"]
    frozen, job = host.runner(execution_id), host.job(execution_id, "B")
    # Frozen in the middle of a transaction it would hold the store's lock as well.
    while sum(event.kind == "StepExecuting" for event in host.events()) < 2:
        pass
    assert frozen is not None and frozen.signal(signal.SIGSTOP)
    host.take_over(execution_id)
    assert host.runner(execution_id) == frozen
    with host.db(read_only=False) as db:
        lease = Ledger(db, lambda holder: False).acquire(execution_id, this_process(), 0.0)
        assert lease is not None
        before = host.events()
        host.fifo("A").say()
        frozen.signal(signal.SIGCONT)
        gone(frozen)
        assert host.events() == before
        assert "another runner took over" in host.log(execution_id)
        assert job.alive()
        Ledger(db, lambda holder: False).release(lease)
    host.take_over(execution_id)
    host.fifo("B").say()
    assert host.settle(execution_id).execution.status is ExecutionStatus.SUCCEEDED
    assert host.starts() == Counter("AB")


def test_overtaken_runner_leaves_at_its_next_note_though_nothing_ends(host: Host) -> None:
    execution_id = host.start(definition(host.gated("A")), host.launch("started:1:STOP"))
    frozen, job = host.held(execution_id), host.job(execution_id, "A")
    with host.db(read_only=False) as db:
        ledger = Ledger(db, lambda holder: False)
        lease = ledger.acquire(execution_id, this_process(), 0.0)
        assert lease is not None
        frozen.signal(signal.SIGCONT)
        gone(frozen)
        assert job.alive()
        ledger.release(lease)
    host.take_over(execution_id)
    host.fifo("A").say()
    assert host.settle(execution_id).execution.status is ExecutionStatus.SUCCEEDED
    assert host.starts() == Counter("A")


def test_stop_while_no_runner_lives_starts_one_that_stops_the_jobs(host: Host) -> None:
    document = definition(host.gated("A"), host.step("B", DependsOn=["A"]))
    execution_id = host.start(document)
    assert host.fifo("up").hear() == "A\n"
    host.kill_runner(execution_id)
    job = host.job(execution_id, "A")
    asyncio.run(LocalControl(host.home).stop(execution_id))
    state = host.settle(execution_id)
    assert not job.alive()
    assert state.execution.status is ExecutionStatus.STOPPED
    assert [step.status for step in state.steps.values()] == [S.STOPPED, S.BLOCKED]


@pytest.mark.parametrize("fault", ["recording:3", "obeyed:1", "stopping:1"])
def test_stop_is_finished_by_the_next_runner(host: Host, fault: str) -> None:
    document = definition(host.gated("A"), host.step("B", DependsOn=["A"]))
    execution_id = host.start(document, host.launch(fault))
    assert host.fifo("up").hear() == "A\n"
    job = host.job(execution_id, "A")
    until(lambda: facts(host, e.StepExecuting))
    host.send(execution_id, StopExecution())
    assert host.wait(execution_id), "the fault was missed"
    assert job.alive() or fault == "stopping:1"
    host.take_over(execution_id)
    state = host.settle(execution_id)
    assert not job.alive()
    assert state.execution.status is ExecutionStatus.STOPPED
    assert [step.status for step in state.steps.values()] == [S.STOPPED, S.BLOCKED]
    kinds = [event.kind for event in host.events()]
    assert kinds.count("StopRequested") == 1
    assert "StepExecuting" not in kinds[kinds.index("StopRequested") :]


def test_stop_during_recovery_stops_what_was_adopted(host: Host) -> None:
    execution_id = host.start(definition(host.gated("A")))
    assert host.fifo("up").hear() == "A\n"
    host.kill_runner(execution_id)
    host.take_over(execution_id, host.launch("resuming:1:STOP"))
    recovering = host.held(execution_id)
    number = host.send(execution_id, StopExecution())
    recovering.signal(signal.SIGCONT)
    assert host.outcome(number)[0] is CommandState.ACCEPTED
    state = host.settle(execution_id)
    assert state.execution.status is ExecutionStatus.STOPPED
    assert state.steps["A"].status is S.STOPPED


def test_second_stop_is_accepted_and_changes_nothing(host: Host) -> None:
    up, last = host.fifo("up").path, host.fifo("last").path
    stubborn = host.step(
        "A",
        f"trap 'echo term > {up}; read word < {last}; exit 5' TERM;"
        f" echo A > {up}; read word < {host.fifo('A').path}",
    )
    execution_id = host.start(definition(stubborn))
    assert host.fifo("up").hear() == "A\n"
    control = LocalControl(host.home)
    asyncio.run(control.stop(execution_id))
    assert host.fifo("up").hear() == "term\n"
    asyncio.run(control.stop(execution_id))
    host.fifo("last").say()
    state = host.settle(execution_id)
    assert state.execution.status is ExecutionStatus.STOPPED
    assert len(facts(host, e.StopRequested)) == 1


def test_answer_while_no_runner_lives_starts_one(host: Host) -> None:
    execution_id = host.start(definition(GATE, host.step("B", DependsOn=["Gate"])))
    token = host.token(execution_id)
    host.kill_runner(execution_id)
    asyncio.run(LocalControl(host.home).answer(token, success=True))
    state = host.settle(execution_id)
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    assert state.execution.epoch == 2


def test_retry_of_a_running_execution_is_refused(host: Host) -> None:
    execution_id = host.start(definition(host.gated("A")))
    assert host.fifo("up").hear() == "A\n"
    with pytest.raises(CommandRejected):
        asyncio.run(LocalControl(host.home).retry(execution_id))
    outcome = host.outcome(host.send(execution_id, RetryExecution()))
    assert outcome == (CommandState.REJECTED, "the execution has not ended")
    host.fifo("A").say()
    assert host.settle(execution_id).execution.retries == 0


@pytest.mark.parametrize("point", ["ended", "leaving"])
def test_retry_that_comes_while_the_runner_leaves_is_carried_out(host: Host, point: str) -> None:
    """It wakes a runner that listens no more, or starts one that finds the lease taken."""
    fixed = host.folder / "fixed"
    document = definition(host.step("A", f"test -e {fixed}"))
    execution_id = host.start(document, host.launch(f"{point}:1:STOP"))
    leaving = host.held(execution_id)
    fixed.touch()
    number = host.send(execution_id, RetryExecution())
    host.take_over(execution_id)
    leaving.signal(signal.SIGCONT)
    assert host.outcome(number)[0] is CommandState.ACCEPTED
    state = host.settle(execution_id)
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    assert state.execution.retries == 1
    assert host.starts() == Counter({"A": 2})


def test_retries_that_waited_together_are_one(host: Host) -> None:
    execution_id = host.start(definition(host.step("A", "exit 1")))
    host.settle(execution_id)
    numbers = [host.send(execution_id, RetryExecution()) for _ in range(2)]
    host.take_over(execution_id)
    assert [host.outcome(number)[0] for number in numbers] == [CommandState.ACCEPTED] * 2
    assert host.settle(execution_id).execution.retries == 1


def test_stop_that_comes_after_the_end_is_refused_not_forgotten(host: Host) -> None:
    execution_id = host.start(definition(host.step("A")), host.launch("ended:1:STOP"))
    leaving = host.held(execution_id)
    number = host.send(execution_id, StopExecution())
    leaving.signal(signal.SIGCONT)
    assert host.outcome(number) == (CommandState.REJECTED, "the execution is Succeeded")
    assert host.settle(execution_id).execution.status is ExecutionStatus.SUCCEEDED


def test_runner_goes_on_when_whoever_asked_for_it_is_gone(host: Host) -> None:
    execution_id = host.start(definition(host.gated("A")), host.launch("created:1"))
    process = host.launch()
    assert process.stdin and process.stdout and process.stderr
    process.stdout.close()
    process.stderr.close()
    process.stdin.write(host.request(execution_id))
    process.stdin.close()
    process.wait()
    assert host.fifo("up").hear() == "A\n"
    host.fifo("A").say()
    state = host.settle(execution_id)
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    assert state.execution.epoch == 1


def test_runner_that_died_before_it_was_asked_is_reported(host: Host) -> None:
    execution_id = host.start(definition(host.step("A")), host.launch("created:1"))
    process = host.launch()
    process.kill()
    process.wait()
    with pytest.raises(StoreError) as caught:
        ask(process, host.request(execution_id))
    assert caught.value.code == "runner-died"


def test_hang_up_does_nothing_to_a_runner(host: Host) -> None:
    execution_id = host.start(definition(host.gated("A")))
    assert host.fifo("up").hear() == "A\n"
    runner = host.runner(execution_id)
    assert runner is not None and runner.signal(signal.SIGHUP)
    host.fifo("A").say()
    state = host.settle(execution_id)
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    assert state.execution.epoch == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_terminated_runner_leaves_its_jobs_to_the_next(host: Host, number: int) -> None:
    execution_id = host.start(definition(host.gated("A")))
    assert host.fifo("up").hear() == "A\n"
    runner, job = host.runner(execution_id), host.job(execution_id, "A")
    assert runner is not None and runner.signal(number)
    gone(runner)
    assert job.alive()
    assert asyncio.run(LocalControl(host.home).resume()) == [execution_id]
    host.fifo("A").say()
    state = host.settle(execution_id)
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    assert host.starts() == Counter("A")
